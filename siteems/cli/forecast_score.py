"""`siteems forecast-score`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from siteems.cli.options import DataArgument, JsonOption, load

app = typer.Typer()


@app.command("forecast-score", short_help="Score the forecasts on recorded data.")
def forecast_score(
    data: DataArgument,
    site_file: Annotated[
        Path | None,
        typer.Option(
            "--site", metavar="SITE.toml", help="Whose load and panels. [default: the example site]"
        ),
    ] = None,
    data_map: Annotated[
        Path | None,
        typer.Option(
            "--map", metavar="FILE", help="Which column is which, as `siteems inspect` proposes it."
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Walk through a recording as time went by, forecast a day ahead every three hours, and compare
    with what came.

    Prints for load and sun, by how far ahead it was: mean absolute percentage error, root mean
    square error and pinball loss as shares of the mean, and how often the load stayed below the 95
    % forecast that the reserve rests on; beside the better of two naive forecasts, the same time a
    day and a week before.
    """
    import json as json_module

    from rich.console import Console
    from rich.progress import Progress

    from siteems.config.seeds import seed_path
    from siteems.errors import UserError
    from siteems.forecast.score import as_data, as_table, score_forecasts
    from siteems.recordings.column_map import read_mapping
    from siteems.recordings.read import read_data

    site = load(seed_path("hangzhou-macro") if site_file is None else site_file)
    mapping = None if data_map is None else read_mapping(data_map)
    profile = read_data(data, site.site.zone, site.tariffs, mapping).profile
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bars:
        bar = bars.add_task("forecasts", total=None)
        try:
            scores = score_forecasts(
                site, profile, lambda done, all_: bars.update(bar, completed=done, total=all_)
            )
        except ValueError as error:
            raise UserError(str(error)) from error
    print(json_module.dumps(as_data(scores), indent=1) if json else as_table(scores))
