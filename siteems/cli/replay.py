"""`replay`: what control would have made of recorded data."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from siteems.cli.words import JsonOption, SiteArgument, load, parse_day
from siteems.errors import UserError

if TYPE_CHECKING:
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from siteems.replay.outcome import Policy

app = typer.Typer()


@app.command(short_help="Replay recorded data with each policy and compare.")
def replay(
    site_file: SiteArgument,
    data: Annotated[
        Path, typer.Argument(metavar="DATA", help="Recorded load, sun and weather: CSV, CSV.gz or Parquet.")
    ],
    start: Annotated[
        str | None, typer.Option("--from", metavar="YYYY-MM-DD", help="First day. [default: of the data]")
    ] = None,
    end: Annotated[
        str | None, typer.Option("--to", metavar="YYYY-MM-DD", help="Day after the last. [default: of the data]")
    ] = None,
    policy: Annotated[
        str, typer.Option(metavar="NAMES", help="Policies to run, joined by commas.")
    ] = "optimal,rules,idle,foresight",
    data_map: Annotated[
        Path | None,
        typer.Option("--map", metavar="FILE", help="Which column is which, as `siteems inspect` proposes it."),
    ] = None,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where report, summary and series go.")] = Path(
        "replay-output"
    ),
    json: JsonOption = False,
) -> None:
    """Replay recorded data of a site: the same controller, under a virtual clock, on a simulated site.

    Runs the data once with each policy: `idle` (no control), `rules` (the peak-valley timer that vendors ship),
    `optimal` (ours) and `foresight` (ours with perfect knowledge: the bound). Holes in the data are filled by stated
    rules, and data older than every tariff of the site is moved by whole years of 52 weeks; both are listed in the
    result.

    Writes report.html (open it in any browser, it needs no network), summary.json and one CSV.gz of series per policy.
    """
    import json as json_module

    from siteems.replay.command import replay_to_folder
    from siteems.replay.mapping import read_mapping
    from siteems.replay.progress import progress_on

    site = load(site_file)
    zone = site.site.zone
    policies = _policies(policy)
    mapping = None if data_map is None else read_mapping(data_map)
    with progress_on(policies) as progress:
        span = _midnight(start, zone), _midnight(end, zone)
        result = replay_to_folder(site, data, *span, policies, out, progress, mapping)
    if json:
        print(json_module.dumps(result.summary(), indent=1))
    else:
        from siteems.replay.table import as_table

        print(as_table(result))
        print(f"report: {out / 'report.html'}")


def _policies(text: str) -> tuple[Policy, ...]:
    from siteems.replay.outcome import POLICIES

    names = {name.strip() for name in text.split(",") if name.strip()}
    if not names or not names <= set(POLICIES):
        raise UserError(f"--policy {text}: allowed are {', '.join(POLICIES)}, joined by commas")
    return tuple(policy for policy in POLICIES if policy in names)


def _midnight(text: str | None, zone: ZoneInfo) -> datetime | None:
    from datetime import UTC, datetime, time

    day = parse_day(text)
    return None if day is None else datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)
