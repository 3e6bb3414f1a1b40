"""`replay`: what control would have made of recorded data."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from siteems.cli.words import JsonOption, SiteArgument, load, parse_day
from siteems.errors import UserError

if TYPE_CHECKING:
    from siteems.replay.outcome import Policy

app = typer.Typer()
FromOption = Annotated[
    str | None, typer.Option("--from", metavar="YYYY-MM-DD", help="First day. [default: of the data]")
]
ToOption = Annotated[
    str | None, typer.Option("--to", metavar="YYYY-MM-DD", help="Day after the last. [default: of the data]")
]
PolicyOption = Annotated[str, typer.Option(metavar="NAMES", help="Policies to run, joined by commas.")]


@app.command(short_help="Replay recorded data with each policy and compare.")
def replay(
    site_file: SiteArgument,
    data: Annotated[
        Path, typer.Argument(metavar="DATA", help="Recorded load, sun and weather: CSV, CSV.gz or Parquet.")
    ],
    start: FromOption = None,
    end: ToOption = None,
    policy: PolicyOption = "optimal,rules,idle,foresight",
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

    from siteems.replay.command import replay_to_folder, span_of
    from siteems.replay.mapping import read_mapping
    from siteems.replay.progress import progress_on

    site = load(site_file)
    zone = site.site.zone
    policies = _policies(policy)
    mapping = None if data_map is None else read_mapping(data_map)
    with progress_on(policies) as progress:
        span = span_of(_day(start), _day(end), zone)
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


@app.command("replay-fleet", short_help="Replay many sites, in processes or on a cluster.")
def replay_fleet(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of site folders.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the results go, a folder per site.")] = Path(
        "fleet-output"
    ),
    start: FromOption = None,
    end: ToOption = None,
    policy: PolicyOption = "optimal,rules,idle,foresight",
    jobs: Annotated[int, typer.Option(metavar="N", min=1, max=512, help="Processes on this machine.")] = 1,
    dask: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="A Dask scheduler instead; needs siteems[cluster] on all its machines."),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Replay every site of a folder and sum up.

    Each site is a folder with a site.toml and its recording as data.csv, data.csv.gz or data.parquet, and a map.toml
    where the recording needs one (`siteems inspect` proposes it). Without a recording its demo day is replayed.

    Begun again after an interruption, it goes on: a site whose files, options and version are the same is not replayed
    twice. A site that fails is a line in the table. Writes fleet.csv and fleet.json. Exits with 1 when a site failed.
    """
    import json as json_module

    from siteems.replay.executors import executor_for
    from siteems.replay.fleet import as_table, find_tasks, run_fleet, sums, write_fleet
    from siteems.replay.progress import fleet_progress

    tasks = find_tasks(folder, out, _policies(policy), _day(start), _day(end))
    with executor_for(jobs, dask) as executor, fleet_progress(len(tasks)) as told:
        rows = run_fleet(tasks, executor, told)
    write_fleet(rows, out)
    print(json_module.dumps(sums(rows), indent=1) if json else as_table(rows))
    if any(row.error for row in rows):
        raise typer.Exit(1)


def _day(text: str | None) -> str | None:
    """The day as it was written, once it is known to be one."""
    parse_day(text)
    return text
