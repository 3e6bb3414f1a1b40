"""Recorded samples as tables, and the roll-ups of those that were deleted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, TypeVar

from siteems.errors import UserError
from siteems.history.records import EXTREMES, SAMPLE_COLUMNS, Rollup, Sample
from siteems.history.store import History

if TYPE_CHECKING:
    import pandas as pd

Row = TypeVar("Row", Sample, Rollup)

TEXT_COLUMNS: Final = ("source", "reason")
"""Which fallback level decided, and the code of the reason. Roll-ups have neither."""
EXPORTED: Final = (*SAMPLE_COLUMNS, *TEXT_COLUMNS)
LOWEST: Final = {f"{column}_min": column for column in EXTREMES}
HIGHEST: Final = {f"{column}_max": column for column in EXTREMES}
SAMPLES: Final = "samples"
"""On how many samples a row rests."""
ON_DEMAND: Final = (*LOWEST, *HIGHEST, SAMPLES)
"""Columns that are exported only where they are named. A sample is its own lowest and highest."""
ROLLED_UP: Final = "rolled_up"
"""Whether a row rests on a roll-up."""
COUNTS: Final = {f"{column}_n": column for column in SAMPLE_COLUMNS}
"""Columns that have in how many samples another column was known."""
AT_ONCE: Final = timedelta(days=1)
"""Read at once: a day of minutes. A whole year as objects would take a gigabyte."""
ROLLED_UP_AT_ONCE: Final = timedelta(days=15)
"""Read at once where there are roll-ups only: as many rows as a day of minutes."""


def checked_columns(names: str | None) -> tuple[str, ...]:
    """The columns named in a text, separated by commas; None = `EXPORTED`.

    Raises `UserError` for a name that is none.
    """
    if names is None:
        return EXPORTED
    wanted = tuple(name.strip() for name in names.split(",") if name.strip())
    allowed = (*EXPORTED, *ON_DEMAND)
    unknown = [name for name in wanted if name not in allowed]
    if unknown or not wanted:
        shown = repr(unknown[0]) if unknown else "nothing"
        raise UserError(f"--columns: {shown} is no column; allowed: {', '.join(allowed)}")
    return tuple(dict.fromkeys(wanted))


def frames(
    history: History,
    columns: Sequence[str],
    since: datetime,
    until: datetime,
    *,
    counts: bool = False,
) -> Iterator[pd.DataFrame]:
    """The samples of a span and the roll-ups of those that were deleted, some days at a time,
    indexed by time (UTC), which for a roll-up is its start; unknown numbers are NaN, texts None.

    `ROLLED_UP` follows after `columns`; with `counts` also `SAMPLES`, and the column of `COUNTS` of
    each sample column. Raises `RecordError`.
    """
    import pandas as pd  # slow to import, and no other command on a record needs it

    more = [name for name, column in COUNTS.items() if counts and column in columns]
    names = list(dict.fromkeys([*columns, *more, *[SAMPLES] * counts, ROLLED_UP]))
    sampled = history.oldest_sample_time() or until
    while since < until:
        only_rolled_up = since + ROLLED_UP_AT_ONCE < sampled
        end = min(until, since + (ROLLED_UP_AT_ONCE if only_rolled_up else AT_ONCE))
        parts = [
            _table(history.samples(since, end), _of_sample, names),
            _table(history.rollups(since, end), _of_rollup, names),
        ]
        since = end
        found = [part for part in parts if len(part)]
        if found:
            yield found[0] if len(found) == 1 else pd.concat(found).sort_index()


def _table(
    rows: Sequence[Row], cell: Callable[[str], Callable[[Row], object]], names: Sequence[str]
) -> pd.DataFrame:
    import numpy as np
    import pandas as pd

    data = {name: np.array(list(map(cell(name), rows)), dtype=_dtype(name)) for name in names}
    return pd.DataFrame(data, index=pd.DatetimeIndex([row.time for row in rows], name="time"))


def _dtype(name: str) -> str:
    if name in TEXT_COLUMNS:
        return "object"
    if name == SAMPLES or name in COUNTS:
        return "int64"
    return "bool" if name == ROLLED_UP else "float64"


def _of_sample(name: str) -> Callable[[Sample], object]:
    """What a sample has in a column."""
    if name == "source":
        return lambda sample: sample.source
    if name == "reason":
        return lambda sample: sample.reason.code
    if name in (SAMPLES, ROLLED_UP):
        return lambda sample: name == SAMPLES
    if name in COUNTS:
        return lambda sample: COUNTS[name] in sample.values
    column = LOWEST.get(name, HIGHEST.get(name, name))
    return lambda sample: sample.values.get(column)


def _of_rollup(name: str) -> Callable[[Rollup], object]:
    """What a roll-up has in a column."""
    if name in TEXT_COLUMNS:
        return lambda rollup: None
    if name == SAMPLES:
        return lambda rollup: rollup.samples
    if name == ROLLED_UP:
        return lambda rollup: True
    if name in COUNTS:
        return lambda rollup: rollup.known.get(COUNTS[name], 0)
    if name in LOWEST:
        return lambda rollup: rollup.lowest.get(LOWEST[name])
    if name in HIGHEST:
        return lambda rollup: rollup.highest.get(HIGHEST[name])
    return lambda rollup: rollup.values.get(name)
