"""Reading a recording: file, table, columns, times, equal steps, and what a use makes of them.

`read_recording` is common to all. A replay fills gaps (`read_filled_profile`), a forecaster learns
around them (`read_profile_with_gaps`), and a bill needs only the meter (`read_metered`). A demo day
must be complete as recorded (`complete_profile.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas as pd

from siteems.errors import UserError
from siteems.recordings.column_map import TARGETS, ColumnMap, map_columns, selected_rows
from siteems.recordings.equal_steps import Recording, Rows, at_equal_steps, on_usual_steps
from siteems.recordings.gap_filling import fill_gaps
from siteems.recordings.hole_limits import BILL, REPLAY, WHOLE, Span, check_holes
from siteems.recordings.metered import Metered
from siteems.recordings.number_cells import as_numbers, strange_note
from siteems.recordings.profile import COLUMNS, OPTIONAL_COLUMNS, Profile
from siteems.recordings.table import Table, read_table, require_columns
from siteems.recordings.timestamps import in_utc, read_timestamps, row_lengths
from siteems.recordings.unsound_spans import without_unsound_spans

Array = npt.NDArray[np.float64]
NOISE_KW = 0.05
"""A sensor at rest reads this much below 0 at most, on average."""

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
    table: Table,
    zone: ZoneInfo,
    column_map: ColumnMap | None = None,
    *,
    needed: Sequence[str] = (),
    expected: str = "",
    only: Sequence[str] | None = None,
    refuse_odd_times: bool = False,
) -> Rows:
    """The rows of a table in siteems' columns and units, with times in UTC. Raises `UserError`.

    Cells that hold no number are NaN. `needed` columns must be there; `expected` ends the message
    with what such a file has; where `only` is given, no other columns are kept. `refuse_odd_times`
    is explained at `in_utc`.
    """
    if column_map is not None:
        table = selected_rows(table, column_map)
    else:
        require_columns(table.frame, needed, table.path, expected)
    stamps = read_timestamps(table, None if column_map is None else column_map.time)
    instants = in_utc(stamps, zone, refuse_odd=refuse_odd_times)
    table = replace(table, frame=table.frame[instants.kept])
    if column_map is None:
        wanted = table.frame.columns if only is None else only
        require_columns(table.frame, [n for n in TARGETS if n in table.frame.columns], table.path)
        columns, notes = _plain_columns(table, [n for n in wanted if n in table.frame.columns])
    else:
        on_steps = on_usual_steps(instants.times)
        columns, notes = map_columns(
            table,
            column_map,
            _hours(table, on_steps),
            on_steps,
            end_of_step=stamps.end_of_step,
        )
        require_columns(columns, needed, table.path, expected)
        columns = columns[[name for name in columns if only is None or name in only]]
    rows = Rows(
        table.path,
        instants.times,
        columns,
        (*table.notes, *instants.notes, *notes),
    )
    if column_map is None:
        return rows
    return replace(_between_readings(rows, column_map), counted_before=stamps.end_of_step)


def _between_readings(rows: Rows, column_map: ColumnMap) -> Rows:
    """The rows without those at an end that have only one reading of each counter: no energy is
    known of their steps, and none is to be made up.
    """
    counted = [name for name in column_map.counters if name in rows.values]
    known = rows.values[counted].notna().any(axis=1).to_numpy()
    if not counted or not known.any():
        return rows
    first, last = rows.times[known].min(), rows.times[known].max()
    within = np.asarray((rows.times >= first) & (rows.times <= last))
    return replace(
        rows, times=rows.times[within], values=rows.values[within], counted=tuple(counted)
    )


def _hours(table: Table, times: pd.DatetimeIndex) -> pd.Series:
    """Length of each row's step in hours, like the rows of the table."""
    return pd.Series(row_lengths(times) / pd.Timedelta(hours=1), index=table.frame.index)


def _plain_columns(table: Table, names: Sequence[str]) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Columns as numbers, without those that hold text, and a note for cells without number."""
    columns, notes = {}, []
    for name in names:
        values, strange = as_numbers(table.frame[name])
        known = name in TARGETS
        if len(strange) and known:
            notes.append(strange_note(name, strange))
        if known or not np.isnan(values).all():
            columns[name] = values
    return pd.DataFrame(columns, index=table.frame.index), tuple(notes)


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
    table = read_table(path)
    rows = rows_of(table, zone, column_map, needed=needed, expected=expected, only=only)
    counted = () if column_map is None else column_map.counters
    recording = without_unsound_spans(at_equal_steps(rows), zone, counted)
    if column_map is not None:  # a stated value holds where rows are missing, too
        for name, source in column_map.columns.items():
            if source.value is not None and name in recording.series:
                stated = float(rows.values[name].iloc[0])
                recording.series[name] = np.full(len(recording.series[name]), stated)
    return recording


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
    path: Path, zone: ZoneInfo, column_map: ColumnMap | None = None, used: Span = WHOLE
) -> FilledProfile:
    """The profile in a file with its gaps filled.

    Raises `UserError`, also for an empty column, and where too much is missing in the span that is
    `used`.
    """
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
        lambda column: check_holes(recording, column, REPLAY, used, zone),
    )
    sign_notes = []
    for name in ("dc_load_kw", "pv_kw", "ac_load_kw"):
        if name in filled and (negative := _negative(path, name, filled[name])):
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


def _negative(path: Path, name: str, values: Array) -> int:
    """How many values of a load or of PV are below 0: the noise of a sensor at rest.

    Raises `UserError` where more than noise flows backwards, and more than forwards: then the sign
    is wrong.
    """
    below = values < 0.0
    backwards_kw = -values[below]
    if backwards_kw.sum() > max(values[~below].sum(), NOISE_KW * len(backwards_kw)):
        raise UserError(
            f"{path}: column {name}: {int(below.sum())} of {len(values)} values are negative, more "
            "energy than the positive ones; a load and PV power are positive (in a map file, "
            "`scale = -1` turns the sign)"
        )
    return int(below.sum())


def read_metered(
    path: Path, zone: ZoneInfo, column_map: ColumnMap | None = None, used: Span = WHOLE
) -> Metered:
    """What was metered at the grid connection, gaps filled as for a replay.

    Import below 0 is counted as export. Raises `UserError`, also where too much is missing in the
    span that is `used`, or in one of its months.
    """
    recording = read_recording(
        path, zone, column_map, METER_COLUMNS[:1], BILL_NEEDS, only=METER_COLUMNS
    )
    meters = {name: name for name in METER_COLUMNS}
    filled, fill_notes = _filled(
        recording, meters, lambda column: check_holes(recording, column, BILL, used, zone)
    )
    notes = [*recording.notes, *fill_notes]
    imported, exported = filled["grid_import_kw"], filled.get("grid_export_kw")
    if exported is not None:
        exported, sign_notes = _without_sign(path, exported)
        notes += sign_notes
    negative = int((imported < 0.0).sum())
    if negative:
        net_export = np.maximum(-imported, 0.0)
        notes.append(f"grid_import_kw: {negative} values below 0 are exports")
        if exported is not None and (exported[imported < 0.0] > 0.0).any():
            notes[-1] += ", which grid_export_kw repeats: counted once"
        exported = net_export if exported is None else np.maximum(net_export, exported)
        imported = np.maximum(imported, 0.0)
    return Metered(recording.start, recording.step, imported, exported, tuple(notes))


def _without_sign(path: Path, exported: Array) -> tuple[Array, list[str]]:
    """Export without a sign. Some loggers write it below 0. Raises `UserError` for both signs."""
    below = exported < -NOISE_KW
    if not below.any():
        return np.maximum(exported, 0.0), []
    if (exported > NOISE_KW).any():
        raise UserError(
            f"{path}: column grid_export_kw has values above and below 0; export has one sign"
        )
    return np.maximum(-exported, 0.0), ["grid_export_kw: export is written below 0, sign changed"]


def _filled(
    recording: Recording, names: dict[str, str], check: Callable[[str], None]
) -> tuple[dict[str, Array], tuple[str, ...]]:
    """The series of some columns, without gaps, under the names that they have in the result.

    `check` raises `UserError` where too much of a column would be made up.
    """
    filled, notes = {}, []
    for column, name in names.items():
        if column not in recording.series:
            continue
        whole, rules = fill_gaps(recording.series[column], recording.step)
        if whole is None:
            raise UserError(f"{recording.path}: column {column} has no value at all")
        check(column)
        filled[name] = whole
        notes += [f"{column}: {rule}" for rule in rules]
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
