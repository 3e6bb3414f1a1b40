"""`simulate`, `run`, `status`: what runs on a site gateway."""

from __future__ import annotations

from typing import Annotated

import typer

from siteems.cli.words import (
    ClockOption,
    DayOption,
    JsonOption,
    LinkOption,
    ProfileOption,
    SiteArgument,
    StateOption,
    clock_of,
    folder_of,
    load,
    parse_day,
    with_links,
)

app = typer.Typer()


@app.command(short_help="Serve a site's devices on loopback Modbus.")
def simulate(
    site_file: SiteArgument,
    link: LinkOption = None,
    clock: ClockOption = None,
    speed: Annotated[
        float | None,
        typer.Option(
            metavar="X",
            min=0.1,
            max=2000,
            help="Begin a new clock file that runs this fast; needs --clock.",
            show_default=False,
        ),
    ] = None,
    profile: ProfileOption = None,
    day: DayOption = None,
) -> None:
    """Serve every device of a site on loopback Modbus TCP, with the physics of the site behind them.

    The register maps are the ones that the drivers use. By default the wall clock runs and the devices live through the
    demo day's profile at the present time of day.
    """
    from siteems.simulation.run import run_simulator

    site = with_links(load(site_file), link)
    run_simulator(site, folder_of(site_file), clock_of(site, clock, speed), profile, parse_day(day))


@app.command(short_help="Control a site: the daemon.")
def run(
    site_file: SiteArgument,
    state: StateOption = None,
    link: LinkOption = None,
    clock: ClockOption = None,
    read_only: Annotated[
        bool, typer.Option("--read-only", help="Plan, watch and record, but write nothing to any device.")
    ] = False,
) -> None:
    """Control a site: the daemon.

    Reads the devices, plans every 15 minutes, drives them inside hard limits, and records. Stops cleanly on SIGTERM and
    leaves the devices in their safe state. Logs one JSON object a line.
    """
    from siteems.gateway.daemon import run_daemon
    from siteems.history.store import state_dir

    site = with_links(load(site_file), link)
    run_daemon(site, clock_of(site, clock, None), state_dir(site.site.id, state), read_only=read_only)


@app.command(short_help="Tell how a site is doing.")
def status(site_file: SiteArgument, state: StateOption = None, json: JsonOption = False) -> None:
    """Tell how a site is doing: measurements, plan, calls, and what went wrong in the last day."""
    import json as json_module

    from siteems.history.store import History, history_path, state_dir
    from siteems.status import as_json, as_text, read_status

    site = load(site_file)
    found = read_status(site, History(history_path(state_dir(site.site.id, state)), read_only=True))
    print(json_module.dumps(as_json(found), indent=2) if json else as_text(found, site.site.zone))
