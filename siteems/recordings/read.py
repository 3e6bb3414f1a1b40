"""Reading a recording: file, table, columns, times, equal steps, and what a use makes of them.

`read_recording` is common to all. A replay fills gaps (`read_filled_profile`), a forecaster learns
around them (`read_profile_with_gaps`), and a bill needs only the meter (`read_metered`). A demo day
must be complete as recorded (`complete_profile.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas as pd

from siteems.errors import UserError
from siteems.recordings.column_map import ColumnMap, map_columns
from siteems.recordings.equal_steps import Recording, Rows, at_equal_steps
from siteems.recordings.gap_filling import fill_gaps
from siteems.recordings.metered import Metered
from siteems.recordings.profile import COLUMNS, OPTIONAL_COLUMNS, Profile
from siteems.recordings.table import read_table, require_columns
from siteems.recordings.timestamps import in_utc, parse_timestamps

Array = npt.NDArray[np.float64]

PROFILE_NEEDS = (
    f"a profile has time, {', '.join(COLUMNS)}, and may have {', '.join(OPTIONAL_COLUMNS)}"
)
METER_COLUMNS = ("grid_import_kw", "grid_export_kw")
BILL_NEEDS = "a bill needs time, grid_import_kw and perhaps grid_export_kw"


@dataclass(frozen=True, eq=False)
class FilledProfile:
    """A profile without gaps, and a sentence for each rule that was applied to the data."""

    profile: Profile
    notes: tuple[str, ...]


def rows_of(
    frame: pd.DataFrame,
    path: Path,
    zone: ZoneInfo,
    column_map: ColumnMap | None = None,
    *,
    needed: Sequence[str] = (),
    expected: str = "",
    refuse_standard_time: bool = False,
) -> Rows:
    """The rows of a table in siteems' columns and units, with times in UTC. Raises `UserError`.

    Cells that hold no number are NaN. `needed` columns must be there; `expected` ends the message
    with what such a file has. `refuse_standard_time` is explained at `in_utc`.
    """
    if column_map is None:
        require_columns(frame, ("time", *needed), path, expected)
        stamps = parse_timestamps(frame["time"], path, "time")
        columns = frame.drop(columns="time").apply(pd.to_numeric, errors="coerce")
    else:
        stamps, columns = map_columns(frame, column_map, path)
        require_columns(columns, needed, path, expected)
    times, notes = in_utc(stamps, zone, refuse_standard_time=refuse_standard_time)
    return Rows(path, times, columns, notes)


def read_recording(
    path: Path,
    zone: ZoneInfo,
    column_map: ColumnMap | None,
    needed: Sequence[str],
    expected: str,
    only: Sequence[str] | None = None,
) -> Recording:
    """Read a file to series at equal steps, with NaN where a value is missing.

    Where `only` is given, no other columns are kept. `needed`, `expected` and errors are as in
    `rows_of`.
    """
    rows = rows_of(read_table(path), path, zone, column_map, needed=needed, expected=expected)
    if only is not None:
        kept = rows.values[[name for name in only if name in rows.values]]
        rows = Rows(rows.path, rows.times, kept, rows.notes)
    return at_equal_steps(rows)


def read_profile_with_gaps(path: Path, zone: ZoneInfo) -> Profile:
    """The profile in a file, NaN where a value is missing. Raises `UserError`."""
    recording = read_recording(path, zone, None, COLUMNS, PROFILE_NEEDS)
    mains_ok, _ = _mains_ok(recording)
    series = recording.series
    return Profile(
        start=recording.start,
        step=recording.step,
        dc_load_kw=series["dc_load_kw"],
        pv_kw=series["pv_kw"],
        outdoor_c=series["outdoor_temp_c"],
        ac_load_kw=series.get("ac_load_kw"),
        mains_ok=mains_ok,
        source=path.name,
    )


def read_filled_profile(
    path: Path, zone: ZoneInfo, column_map: ColumnMap | None = None
) -> FilledProfile:
    """The profile in a file with its gaps filled. Raises `UserError`, also for an empty column."""
    recording = read_recording(path, zone, column_map, COLUMNS, PROFILE_NEEDS)
    mains_ok, mains_notes = _mains_ok(recording)
    filled, fill_notes = _filled(
        recording,
        {
            "dc_load_kw": "dc_load_kw",
            "pv_kw": "pv_kw",
            "outdoor_temp_c": "outdoor_c",
            "ac_load_kw": "ac_load_kw",
        },
    )
    sign_notes = []
    for name in ("dc_load_kw", "pv_kw", "ac_load_kw"):
        negative = int((filled[name] < 0.0).sum()) if name in filled else 0
        if negative:
            filled[name] = np.maximum(filled[name], 0.0)
            sign_notes.append(f"{name}: {negative} values below 0 taken as 0")
    profile = Profile(
        start=recording.start,
        step=recording.step,
        dc_load_kw=filled["dc_load_kw"],
        pv_kw=filled["pv_kw"],
        outdoor_c=filled["outdoor_c"],
        ac_load_kw=filled.get("ac_load_kw"),
        mains_ok=mains_ok,
        source=path.name,
    )
    return FilledProfile(profile, (*recording.notes, *mains_notes, *fill_notes, *sign_notes))


def read_metered(path: Path, zone: ZoneInfo, column_map: ColumnMap | None = None) -> Metered:
    """What was metered at the grid connection, gaps filled as for a replay. Raises `UserError`.

    Import below 0 is counted as export.
    """
    recording = read_recording(
        path, zone, column_map, METER_COLUMNS[:1], BILL_NEEDS, only=METER_COLUMNS
    )
    filled, fill_notes = _filled(recording, {name: name for name in METER_COLUMNS})
    notes = [*recording.notes, *fill_notes]
    imported, exported = filled["grid_import_kw"], filled.get("grid_export_kw")
    negative = int((imported < 0.0).sum())
    if negative:
        exported = np.maximum(-imported, 0.0) + (0.0 if exported is None else exported)
        imported = np.maximum(imported, 0.0)
        notes.append(f"grid_import_kw: {negative} values below 0 are exports")
    return Metered(recording.start, recording.step, imported, exported, tuple(notes))


def _filled(
    recording: Recording, names: dict[str, str]
) -> tuple[dict[str, Array], tuple[str, ...]]:
    """The series of some columns, without gaps, under the names that they have in the result."""
    filled, notes = {}, []
    for column, name in names.items():
        if column not in recording.series:
            continue
        whole, rules = fill_gaps(recording.series[column], recording.step)
        if whole is None:
            raise UserError(f"{recording.path}: column {name} has no value at all")
        filled[name] = whole
        notes += [f"{name}: {rule}" for rule in rules]
    return filled, tuple(notes)


def _mains_ok(recording: Recording) -> tuple[npt.NDArray[np.bool_], tuple[str, ...]]:
    """Whether the mains were present; unknown ones count as present, so that no failure is made
    up.
    """
    available = recording.series.get("mains_available")
    if available is None:
        return np.ones(len(recording.series["dc_load_kw"]), dtype=np.bool_), ()
    unknown = np.isnan(available)
    if not unknown.any():
        return available > 0.5, ()
    note = f"mains_available: {int(unknown.sum())} unknown values: the mains are taken as present"
    return (available > 0.5) | unknown, (note,)
