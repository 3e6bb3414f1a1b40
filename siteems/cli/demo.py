"""`siteems demo`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from siteems.cli.options import DayOption, ProfileOption, parse_day

app = typer.Typer()


@app.command(short_help="Run one day of a simulated site, end to end.")
def demo(
    site_file: Annotated[
        Path | None,
        typer.Argument(
            metavar="SITE.toml",
            help="A site with a [demo] section. [default: the seed hangzhou-macro]",
            show_default=False,
        ),
    ] = None,
    profile: ProfileOption = None,
    day: DayOption = None,
    speed: Annotated[
        float,
        typer.Option(
            metavar="X", min=10, max=2000, help="Clock seconds per real second, 10 to 2000."
        ),
    ] = 1200.0,
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Where the record, the logs and the picture go.")
    ] = Path("demo-output"),
) -> None:
    """Run one day of a simulated site, with everything real but the electricity.

    Starts the simulated devices and the daemon as processes of their own on loopback, lets an
    accelerated clock run through one day with a demand-response call and a mains failure, and ends
    with what it saved against the same day without control, whether the reserve and the cap held,
    and a picture.
    """
    from siteems.config.seeds import seed_path
    from siteems.demo.run import run_demo

    verdict = run_demo(
        site_file or seed_path("hangzhou-macro") / "site.toml", profile, parse_day(day), speed, out
    )
    if not verdict.held:
        raise typer.Exit(1)
