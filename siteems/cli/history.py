"""`siteems history`: recorded samples as CSV, Parquet or JSON."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from siteems.cli.options import FromOption, JsonOption, SiteArgument, StateOption, ToOption

app = typer.Typer()


@app.command(short_help="Write recorded samples as CSV, Parquet or JSON.")
def history(
    site_file: SiteArgument,
    start: FromOption = None,
    end: ToOption = None,
    columns: Annotated[
        str | None,
        typer.Option(
            "--columns", metavar="NAMES", help="Columns, separated by commas. [default: all]"
        ),
    ] = None,
    every: Annotated[
        str | None,
        typer.Option(
            "--every",
            metavar="LENGTH",
            help="Means over intervals of local time: 5min, 10min, 15min, 30min, 1h or 1d. "
            "[default: each sample]",
        ),
    ] = None,
    csv: Annotated[
        Path | None, typer.Option("--csv", metavar="FILE", help="Write CSV to a file.")
    ] = None,
    parquet: Annotated[
        Path | None, typer.Option("--parquet", metavar="FILE", help="Write Parquet to a file.")
    ] = None,
    state: StateOption = None,
    json_output: JsonOption = False,
) -> None:
    """Write what was recorded of a site: one row for each sample, times in UTC.

    Without an option for the output, CSV is printed. Unknown values are empty, never 0. The daemon
    need not be running, and is not slowed down where it is.

    With --every a row is the mean over an interval, weighted by time, named by its start; of a
    counter it is the last value. `coverage` is the share of the interval that has samples.

    Where samples were deleted after recording.keep_days, a row is the mean over 15 min that is left
    of them; a note names the span, and in JSON such rows have `rolled_up`: true. --columns also
    takes grid_kw_min, grid_kw_max (of battery_kw, soc and bus_v too) and samples, their number.

    Example: siteems history site.toml --from 2026-07-01 --every 15min --csv july.csv
    """
    from siteems.config.local_time import utc_span
    from siteems.errors import UserError
    from siteems.history.averages import COVERAGE, averages, checked_interval, without_texts
    from siteems.history.export import write_csv, write_parquet
    from siteems.history.location import history_path, state_dir
    from siteems.history.ownership import check_site
    from siteems.history.store import History
    from siteems.history.tables import ROLLED_UP, checked_columns, frames
    from siteems.messages.json_text import json_text
    from siteems.site.read_file import load_site

    if sum((csv is not None, parquet is not None, json_output)) > 1:
        raise UserError("--csv, --parquet and --json: only one of them")
    chosen = checked_columns(columns)
    if every is not None:
        checked_interval(every)
        chosen = without_texts(chosen, asked=columns is not None)
    site = load_site(site_file, read_only=True)
    record = History(history_path(state_dir(site.site.id, state)), read_only=True)
    check_site(record, site.site.id)
    since, until = utc_span(start, end, site.site.zone)
    first, last = record.recorded_span()
    since, until = since or first, until or last
    parts = frames(record, chosen, since, until, counts=every is not None)
    shown = [*chosen]
    if every is not None:
        parts = averages(parts, every, site.site.zone, site.recording.sample_s)
        shown.append(COVERAGE)
    if json_output:
        shown.append(ROLLED_UP)
    parts = (part[shown] for part in parts)
    if span := record.rollup_span(since, until):
        begin, finish = (each.astimezone(site.site.zone) for each in span)
        print(
            f"note  {begin:%Y-%m-%d %H:%M} to {finish:%Y-%m-%d %H:%M}: samples were deleted after "
            "recording.keep_days; means over 15 min are left of them",
            file=sys.stderr,
        )
    if json_output:
        rows = [row for part in parts for row in part.reset_index().to_dict("records")]
        for row in rows:
            row["time"] = row["time"].isoformat()
        print(json_text(rows))
        return
    target = csv or parquet
    try:
        if parquet is not None:
            written = write_parquet(parts, parquet)
        elif csv is not None:
            with csv.open("w", encoding="utf-8") as file:
                written = write_csv(parts, file)
        else:
            written = write_csv(parts, sys.stdout)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise UserError(f"{target}: cannot be written ({error.strerror})") from error
    if not written:
        begin, finish = (each.astimezone(site.site.zone) for each in (since, until))
        raise UserError(f"{record.path}: no samples from {begin:%Y-%m-%d} to {finish:%Y-%m-%d}")
    if target is not None:
        what = f"intervals of {every}" if every else "samples and means" if span else "samples"
        print(f"{target}: {written} {what}")
