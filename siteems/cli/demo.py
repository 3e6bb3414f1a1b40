"""`siteems demo`: one day of a simulated site, end to end."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from siteems.cli.options import DayOption, ProfileOption

app = typer.Typer()


@app.command(short_help="Run one day of a simulated site, end to end.")
def demo(
    site_file: Annotated[
        Path | None,
        typer.Argument(
            metavar="SITE.toml",
            help="A site file with a [demo] section. [default: the example site hangzhou-macro]",
            show_default=False,
        ),
    ] = None,
    profile: ProfileOption = None,
    day: DayOption = None,
    speed: Annotated[
        float,
        typer.Option(
            metavar="X",
            min=10,
            max=2000,
            help="How many times faster than real time the day runs, 10 to 2000.",
        ),
    ] = 1200.0,
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder for the record, the logs and the picture.")
    ] = Path("demo-output"),
) -> None:
    """Run one day of a simulated site, end to end.

    The simulated devices and the daemon run as separate processes and talk Modbus over loopback, on
    an accelerated clock. The day has a demand-response event and a mains failure.

    At the end the demo prints what control saved compared with the same day without control, and
    whether the backup reserve and the import cap were kept, and draws a picture of the day. It
    exits with 1 if a promise was broken.
    """
    from siteems.config.seeds import seed_path
    from siteems.demo.run import run_demo

    site_file = site_file or seed_path("hangzhou-macro") / "site.toml"
    verdict = run_demo(site_file, profile, day, speed, out)
    if not verdict.held:
        raise typer.Exit(1)
