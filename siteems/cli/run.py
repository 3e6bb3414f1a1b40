"""`simulate`, `run`, `status`: what runs on a site gateway."""

from __future__ import annotations

from typing import Annotated

import typer

from siteems.cli.options import (
    ClockOption,
    LinkOption,
    SiteArgument,
    StateOption,
    clock_of,
    load,
    with_links,
)

app = typer.Typer()


@app.command(short_help="Control a site: the daemon.")
def run(
    site_file: SiteArgument,
    state: StateOption = None,
    link: LinkOption = None,
    clock: ClockOption = None,
    read_only: Annotated[
        bool,
        typer.Option(
            "--read-only", help="Plan, watch and record, but write nothing to any device."
        ),
    ] = False,
) -> None:
    """Control a site: the daemon.

    Reads the devices, plans every 15 minutes, drives them inside hard limits, and records. Stops
    cleanly on SIGTERM and leaves the devices in their safe state. Logs one JSON object a line.
    """
    from siteems.gateway.daemon import run_daemon
    from siteems.history.location import state_dir

    site = with_links(load(site_file), link)
    run_daemon(
        site, clock_of(site, clock, None), state_dir(site.site.id, state), read_only=read_only
    )
