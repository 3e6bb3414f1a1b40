"""What a meter recorded of the grid connection, for a bill."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from siteems.errors import UserError
from siteems.recordings.column_map import DataMap, mapped
from siteems.recordings.gaps import fill
from siteems.recordings.regular import regular
from siteems.recordings.table import read_frame

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Metered:
    """Mean powers over equal steps from `start`, shape (n,), without holes; `said` is what was done
    to them.
    """

    start: datetime
    step: timedelta
    import_kw: Array
    export_kw: Array | None
    said: tuple[str, ...]

    def between(self, first: datetime | None, end: datetime | None) -> Metered:
        """A part of it. Raises `UserError` when nothing is left."""
        here = (first or self.start, end or self.start + self.step * len(self.import_kw))
        a, b = (round((each - self.start) / self.step) for each in here)
        part = slice(max(0, a), max(0, b))
        if not len(self.import_kw[part]):
            last = self.start + self.step * len(self.import_kw)
            raise UserError(f"nothing was metered then; the recording spans {self.start} to {last}")
        exported = None if self.export_kw is None else self.export_kw[part]
        return Metered(
            self.start + part.start * self.step,
            self.step,
            self.import_kw[part],
            exported,
            self.said,
        )


def read_metered(path: Path, zone: ZoneInfo, mapping: DataMap | None = None) -> Metered:
    """The columns `grid_import_kw` and, where there is one, `grid_export_kw`; holes are filled as
    for a replay.

    An import below 0 is an export. Raises `UserError`.
    """
    frame = read_frame(path)
    if mapping is not None:
        frame = mapped(frame, mapping, path)
    for name in ("time", "grid_import_kw"):
        if name not in frame:
            raise UserError(
                f"{path}: no column {name}; a bill needs time, grid_import_kw and perhaps grid_export_kw"
            )
    names = [name for name in ("grid_import_kw", "grid_export_kw") if name in frame]
    even, said = regular(frame[["time", *names]], path, zone)
    told, series = list(said), {}
    step = (even["time"].iloc[1] - even["time"].iloc[0]).to_pytimedelta()
    for name in names:
        whole, fills = fill(even[name].to_numpy(dtype=np.float64), step)
        if whole is None:
            raise UserError(f"{path}: column {name} has no value at all")
        series[name] = whole
        told += [f"{name}: {each}" for each in fills]
    imported, exported = series["grid_import_kw"], series.get("grid_export_kw")
    if (imported < 0.0).any():
        beside = 0.0 if exported is None else exported
        exported = beside + np.maximum(-imported, 0.0)
        told.append(f"grid_import_kw: {int((imported < 0.0).sum())} values below 0 are exports")
        imported = np.maximum(imported, 0.0)
    start = even["time"].iloc[0].to_pydatetime().astimezone(UTC)
    return Metered(start, step, imported, exported, tuple(told))
