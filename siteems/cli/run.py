"""`siteems run`: the daemon."""

from __future__ import annotations

from typing import Annotated

import typer

from siteems.cli.options import ClockOption, LinkOption, SiteArgument, StateOption

app = typer.Typer()


@app.command(short_help="Run the daemon that controls a site.")
def run(
    site_file: SiteArgument,
    state: StateOption = None,
    link: LinkOption = None,
    clock: ClockOption = None,
    read_only: Annotated[
        bool,
        typer.Option("--read-only", help="Read, plan and record, but write nothing to any device."),
    ] = False,
) -> None:
    """Run the daemon that controls a site.

    It reads the devices, plans every 15 minutes, sends setpoints within hard limits, and records.
    On SIGTERM it stops and leaves the devices in their safe state. Its log has one JSON object per
    line.

    On SIGHUP it reads the site file again. One that cannot be used is refused; the old one stays.

    With --read-only it runs at any site, also one whose devices cannot be driven.
    """
    from siteems.cli.arguments import clock_from, with_links
    from siteems.gateway.daemon import run_daemon
    from siteems.history.location import state_dir
    from siteems.site.model import Site
    from siteems.site.read_file import load_site

    def load() -> Site:
        return with_links(load_site(site_file, read_only=read_only), link)

    folder = state_dir(load().site.id, state)
    run_daemon(load, clock_from(clock), folder, read_only=read_only)
