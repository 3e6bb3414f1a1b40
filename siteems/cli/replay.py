"""`siteems replay`: run recorded data through the controller and compare policies."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from siteems.cli.options import (
    ColumnMapOption,
    FromOption,
    JsonOption,
    PoliciesOption,
    SiteArgument,
    ToOption,
)
from siteems.messages.json_text import json_text

app = typer.Typer()


@app.command(short_help="Replay recorded data with several policies and compare them.")
def replay(
    site_file: SiteArgument,
    data: Annotated[
        Path,
        typer.Argument(
            metavar="DATA", help="Recorded load, PV and weather: CSV, CSV.gz or Parquet."
        ),
    ],
    start: FromOption = None,
    end: ToOption = None,
    policy: PoliciesOption = "optimal,rules,self-consumption,idle,foresight,bound",
    column_map: ColumnMapOption = None,
    events: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Table of DR events: start, end, kind, value."),
    ] = None,
    programme: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Programme that pays for them, or its .toml file."),
    ] = None,
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder for the report, the summary and the series.")
    ] = Path("replay-output"),
    json_output: JsonOption = False,
) -> None:
    """Replay recorded data of a site: the daemon's controller runs on a virtual clock and drives a
    simulated site.

    The data are run once with each policy: `idle` (no control), `rules` (a peak-valley timer, as
    sold with many batteries), `self-consumption` (store surplus PV, carry the load from the battery
    above the reserve), `optimal` (siteems), `foresight` (siteems with perfect forecasts) and
    `bound` (the cheapest course with everything known, which no controller can beat). Gaps are
    filled by the rules in docs/data.md, and data that are older than every tariff of the site are
    shifted by whole years of 52 weeks; the result lists both.

    With `--events` the demand-response events of a table are followed as well, and settled by
    `--programme`: the result compares arbitrage alone, the programme alone (a battery kept full for
    it), and both. docs/settlement.md describes the table.

    Writes report.html (opens in any browser, without a network), summary.json and one CSV.gz of
    series per policy; with pyarrow installed, timeseries.parquet as well.
    """

    from siteems.cli.arguments import parse_policies
    from siteems.config.local_time import utc_span
    from siteems.recordings.column_map import read_column_map
    from siteems.replay.event_file import events_of_replay
    from siteems.replay.event_run import comparison_text
    from siteems.replay.progress import progress_on
    from siteems.replay.replay_files import replay_to_folder, summary_of
    from siteems.replay.results_table import as_table
    from siteems.site.read_file import load_site

    site = load_site(site_file)
    policies = parse_policies(policy)
    columns = None if column_map is None else read_column_map(column_map)
    span = utc_span(start, end, site.site.zone)
    given = events_of_replay(site, events, programme)
    with progress_on(policies) as progress:
        result, compared = replay_to_folder(
            site, data, *span, policies, out, progress, columns, given
        )
    if json_output:
        print(json_text(summary_of(result, compared)))
    else:
        print(as_table(result, site.site.zone))
        if compared is not None:
            print(comparison_text(compared))
        print(f"report: {out / 'report.html'}")
