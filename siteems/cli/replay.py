"""`replay`: what control would have made of recorded data."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from siteems.cli.options import (
    FromOption,
    JsonOption,
    PolicyOption,
    SiteArgument,
    ToOption,
    day_text,
    load,
    parse_policies,
)

if TYPE_CHECKING:
    pass

app = typer.Typer()


@app.command(short_help="Replay recorded data with each policy and compare.")
def replay(
    site_file: SiteArgument,
    data: Annotated[
        Path,
        typer.Argument(
            metavar="DATA", help="Recorded load, sun and weather: CSV, CSV.gz or Parquet."
        ),
    ],
    start: FromOption = None,
    end: ToOption = None,
    policy: PolicyOption = "optimal,rules,idle,foresight",
    data_map: Annotated[
        Path | None,
        typer.Option(
            "--map", metavar="FILE", help="Which column is which, as `siteems inspect` proposes it."
        ),
    ] = None,
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Where report, summary and series go.")
    ] = Path("replay-output"),
    json: JsonOption = False,
) -> None:
    """Replay recorded data of a site: the same controller, under a virtual clock, on a simulated
    site.

    Runs the data once with each policy: `idle` (no control), `rules` (the peak-valley timer that
    vendors ship), `optimal` (ours) and `foresight` (ours with perfect knowledge: the bound). Holes
    in the data are filled by stated rules, and data older than every tariff of the site is moved by
    whole years of 52 weeks; both are listed in the result.

    Writes report.html (open it in any browser, it needs no network), summary.json and one CSV.gz of
    series per policy.
    """
    import json as json_module

    from siteems.config.local_time import span_of
    from siteems.recordings.column_map import read_mapping
    from siteems.replay.command import replay_to_folder
    from siteems.replay.progress import progress_on

    site = load(site_file)
    zone = site.site.zone
    policies = parse_policies(policy)
    mapping = None if data_map is None else read_mapping(data_map)
    with progress_on(policies) as progress:
        span = span_of(day_text(start), day_text(end), zone)
        result = replay_to_folder(site, data, *span, policies, out, progress, mapping)
    if json:
        print(json_module.dumps(result.summary(), indent=1))
    else:
        from siteems.replay.table import as_table

        print(as_table(result))
        print(f"report: {out / 'report.html'}")
