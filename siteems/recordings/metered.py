"""What a meter recorded at the grid connection, for a bill."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt

from siteems.errors import UserError

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Metered:
    """Mean powers over equal steps from `start`, shape (n,), without gaps."""

    start: datetime
    step: timedelta
    import_kw: Array
    export_kw: Array | None
    notes: tuple[str, ...]
    """What was done to the data, one sentence for each rule that was applied."""

    @property
    def end(self) -> datetime:
        """The end of the last step."""
        return self.start + self.step * len(self.import_kw)

    def between(self, first: datetime | None, end: datetime | None) -> Metered:
        """The part from `first` to `end`. Raises `UserError` when it is empty."""
        start_index = max(0, round(((first or self.start) - self.start) / self.step))
        end_index = max(0, round(((end or self.end) - self.start) / self.step))
        part = slice(start_index, end_index)
        if not len(self.import_kw[part]):
            raise UserError(
                f"nothing was metered then; the recording spans {self.start} to {self.end}"
            )
        return replace(
            self,
            start=self.start + start_index * self.step,
            import_kw=self.import_kw[part],
            export_kw=None if self.export_kw is None else self.export_kw[part],
        )
