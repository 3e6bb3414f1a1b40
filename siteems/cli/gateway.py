"""`simulate`, `run`, `status`: what runs on a site gateway."""

from __future__ import annotations

from pathlib import Path
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


@app.command(short_help="Serve a site's devices on loopback and serial lines.")
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
    control: Annotated[
        int | None,
        typer.Option(
            metavar="PORT", min=1, max=65535, help="Take faults at this port of loopback.", show_default=False
        ),
    ] = None,
    certificate: Annotated[
        Path | None, typer.Option(metavar="FILE", help="tls links: what the devices show (PEM).", show_default=False)
    ] = None,
    key: Annotated[Path | None, typer.Option(metavar="FILE", help="Its key (PEM).", show_default=False)] = None,
) -> None:
    """Serve every device of a site on loopback, with the physics of the site behind them.

    The device maps are the ones that the drivers use. A serial link becomes a pseudo-terminal at the path of its URL,
    such as --link=cabinet=rtu:///tmp/cabinet; what is there already is not replaced. By default the wall clock runs and
    the devices live through the demo day's profile at the present time of day.
    """
    from siteems.errors import UserError
    from siteems.simulation.run import run_simulator

    if (certificate is None) != (key is None):
        raise UserError("--certificate and --key go together")
    own = None if certificate is None or key is None else (certificate, key)
    site = with_links(load(site_file), link)
    run_simulator(site, folder_of(site_file), clock_of(site, clock, speed), profile, parse_day(day), control, own)


@app.command(short_help="Make a simulated device misbehave.")
def fault(
    kind: Annotated[str, typer.Argument(metavar="KIND", help="What goes wrong; `list` and `clear` too.")],
    control: Annotated[int, typer.Option(metavar="PORT", min=1, max=65535, help="The simulator's --control port.")],
    link: Annotated[str, typer.Option(metavar="NAME", help="Which link of the site file.")] = "",
    unit: Annotated[int, typer.Option(metavar="N", min=0, max=247, help="Which Modbus unit on it.")] = 0,
    address: Annotated[str | None, typer.Option(metavar="12 DIGITS", help="Or which DL/T 645 meter.")] = None,
    point: Annotated[str | None, typer.Option(metavar="POINT", help="Which point of it.")] = None,
    value: Annotated[float | None, typer.Option(metavar="X", help="Seconds, code or value, by kind.")] = None,
) -> None:
    """Make a device of `siteems simulate --control PORT` misbehave, to see what the daemon does about it.

    Kinds: silent, slow, exception, short-reply, wrong-checksum, garbled, hang-up, restart, reversion, stuck,
    not-available, jump, sign-flip, word-swap, refused-write, clamped-write, ignored-write, no-effect; docs/faults.md
    says what each is and what follows. `list` shows what is in force, `clear` ends all faults of a link.
    """
    import asyncio
    import json as json_module

    from siteems.errors import UserError
    from siteems.simulation.control_port import ask

    words: dict[str, object] = {"do": kind, "link": link}
    if kind not in ("list", "clear"):
        words |= {"do": "fault", "kind": kind, "unit": unit, "address": address, "point": point, "value": value}
    try:
        answer = asyncio.run(ask(control, words))
    except OSError as error:
        raise UserError(
            f"no simulator at port {control} of loopback; start it with `siteems simulate --control`"
        ) from error
    if not answer["ok"]:
        raise UserError(answer["error"])
    print(json_module.dumps(answer["faults"], indent=1))


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
