"""`siteems replay-fleet`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from siteems.cli.options import (
    FromOption,
    JsonOption,
    PolicyOption,
    ToOption,
    day_text,
    parse_policies,
)

app = typer.Typer()


@app.command("replay-fleet", short_help="Replay many sites, in processes or on a cluster.")
def replay_fleet(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of site folders.")],
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Where the results go, a folder per site.")
    ] = Path("fleet-output"),
    start: FromOption = None,
    end: ToOption = None,
    policy: PolicyOption = "optimal,rules,idle,foresight",
    jobs: Annotated[
        int, typer.Option(metavar="N", min=1, max=512, help="Processes on this machine.")
    ] = 1,
    dask: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="A Dask scheduler instead; needs siteems[cluster] on all its machines.",
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Replay every site of a folder and sum up.

    Each site is a folder with a site.toml and its recording as data.csv, data.csv.gz or
    data.parquet, and a map.toml where the recording needs one (`siteems inspect` proposes it).
    Without a recording its demo day is replayed.

    Begun again after an interruption, it goes on: a site whose files, options and version are the
    same is not replayed twice. A site that fails is a line in the table. Writes fleet.csv and
    fleet.json. Exits with 1 when a site failed.
    """
    import json as json_module

    from siteems.replay.batch import as_table, find_tasks, run_fleet, sums, write_fleet
    from siteems.replay.executors import executor_for
    from siteems.replay.progress import fleet_progress

    tasks = find_tasks(folder, out, parse_policies(policy), day_text(start), day_text(end))
    with executor_for(jobs, dask) as executor, fleet_progress(len(tasks)) as told:
        rows = run_fleet(tasks, executor, told)
    write_fleet(rows, out)
    print(json_module.dumps(sums(rows), indent=1) if json else as_table(rows))
    if any(row.error for row in rows):
        raise typer.Exit(1)
