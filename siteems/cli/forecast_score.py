"""`siteems forecast-score`: accuracy of the load and PV forecasts on recorded data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from siteems.cli.options import ColumnMapOption, DataArgument, JsonOption
from siteems.messages.json_text import json_text

app = typer.Typer()


@app.command("forecast-score", short_help="Score the load and PV forecasts on recorded data.")
def forecast_score(
    data: DataArgument,
    site_file: Annotated[
        Path | None,
        typer.Option(
            "--site",
            metavar="SITE.toml",
            help="Site of the recording. [default: the example site hangzhou-macro]",
        ),
    ] = None,
    column_map: ColumnMapOption = None,
    json_output: JsonOption = False,
) -> None:
    """Score the load and PV forecasts on recorded data.

    Steps through the recording, makes a day-ahead forecast every three hours from the data recorded
    until then, and compares it with the data that follow.

    Prints for load and PV, by lead time: mean absolute percentage error, root-mean-square error and
    pinball loss (both as shares of the mean), and how often the load stayed below the 95 % forecast
    that the backup reserve is based on. For comparison, the better of two naive forecasts is
    shown: same time yesterday, and same time a week ago.
    """

    from rich.console import Console
    from rich.progress import Progress

    from siteems.config.seeds import seed_path
    from siteems.errors import UserError
    from siteems.forecast.score import score_forecasts
    from siteems.forecast.score_table import as_data, as_table
    from siteems.recordings.column_map import read_column_map
    from siteems.replay.data import read_replay_data
    from siteems.site.possible_profile import refuse_impossible
    from siteems.site.read_file import load_site

    site = load_site(seed_path("hangzhou-macro") if site_file is None else site_file)
    columns = None if column_map is None else read_column_map(column_map)
    profile = read_replay_data(data, site.site.zone, site.tariffs, columns).profile
    refuse_impossible(profile, site)
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task("forecasts", total=None)
        try:
            scores = score_forecasts(
                site,
                profile,
                lambda done, total: progress.update(bar, completed=done, total=total),
            )
        except ValueError as error:
            raise UserError(str(error)) from error
    print(json_text(as_data(scores)) if json_output else as_table(scores))
