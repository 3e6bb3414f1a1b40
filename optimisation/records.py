"""Read-only float arrays inside frozen dataclasses, also after they have crossed a process border."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def read_only(values: npt.ArrayLike) -> Floats:
    """Return a read-only float64 copy of `values`, which nobody else can change behind the record's back."""
    array = np.array(values, dtype=np.float64)
    array.flags.writeable = False
    return array


class Record:
    """Base of dataclasses that hold arrays: a pickle is rebuilt by the constructor, so validated and frozen anew."""

    def __reduce__(self) -> tuple[Any, ...]:
        values = {field.name: getattr(self, field.name) for field in fields(self)}  # type: ignore[arg-type]  # subclasses are dataclasses
        return _rebuild, (type(self), values)


def _rebuild(kind: type[Record], values: dict[str, Any]) -> Record:
    return kind(**values)
