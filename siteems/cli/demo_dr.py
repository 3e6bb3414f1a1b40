"""`siteems demo-dr`: a grid operator's server, two events, and what they pay."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command("demo-dr", short_help="Answer a grid operator's events, and settle them.")
def demo_dr(
    speed: Annotated[
        float,
        typer.Option(metavar="X", min=10, max=1000, help="Times real speed, 10 to 1000."),
    ] = 500.0,
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder for the record, the logs and the page.")
    ] = Path("demo-output"),
) -> None:
    """Answer a grid operator's events, and settle them.

    A server of a grid operator (OpenADR 3.1, on loopback) asks the example site for a reduction in
    the afternoon and declares an emergency at noon. The daemon fetches both, holds them against the
    simulated devices over Modbus, and hands control back. At the end the reduction is settled
    against its baseline. Exits with 1 if the site did not give what was asked for.
    """
    from siteems.demo.dr_run import run_dr_demo

    if not run_dr_demo(speed, out).held:
        raise typer.Exit(1)
