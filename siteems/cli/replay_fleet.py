"""`siteems replay-fleet`: replay many sites."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from siteems.cli.options import FromOption, JsonOption, PoliciesOption, ToOption
from siteems.messages.json_text import json_text

app = typer.Typer()


@app.command("replay-fleet", short_help="Replay many sites, in local processes or on a cluster.")
def replay_fleet(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Folder that holds the site folders.")
    ],
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder for the results, with a folder per site.")
    ] = Path("fleet-output"),
    start: FromOption = None,
    end: ToOption = None,
    policy: PoliciesOption = "optimal,rules,self-consumption,idle,foresight,bound",
    jobs: Annotated[
        int, typer.Option(metavar="N", min=1, max=512, help="Number of processes on this machine.")
    ] = 1,
    dask: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Use this Dask scheduler instead; needs siteems[cluster] on all its machines.",
        ),
    ] = None,
    json_output: JsonOption = False,
) -> None:
    """Replay every site of a folder and add up the results.

    Each site is a folder with a site.toml and a recording: data.csv, data.csv.gz or data.parquet,
    and a map.toml if the recording needs one (`siteems inspect` proposes it). A site without a
    recording replays its demo day.

    An interrupted run can be started again: a site is skipped if its files, the options and the
    version are unchanged. A site that fails is reported in the table. Writes fleet.csv and
    fleet.json. Exits with 1 if a site failed.
    """

    from siteems.cli.arguments import parse_policies
    from siteems.replay.batch import run_fleet
    from siteems.replay.batch_result import as_table, sums, write_fleet
    from siteems.replay.batch_task import find_tasks
    from siteems.replay.executors import executor_for
    from siteems.replay.progress import fleet_progress

    tasks = find_tasks(folder, out, parse_policies(policy), start, end)
    with executor_for(jobs, dask) as executor, fleet_progress(len(tasks)) as report_row:
        rows = run_fleet(tasks, executor, report_row)
    write_fleet(rows, out)
    print(json_text(sums(rows)) if json_output else as_table(rows))
    if any(row.error for row in rows):
        raise typer.Exit(1)
