"""The command line: thin. Each command reads its words, calls one function, and prints what comes back."""

from __future__ import annotations

import re
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from siteems.errors import UserError

if TYPE_CHECKING:
    from siteems.clock import Clock
    from siteems.site import Site

app = typer.Typer(
    name="siteems",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="""Controls the energy of a communication site: photovoltaics, battery, rectifier and grid.

A linear program plans the next day and a half every 15 minutes; a fast loop drives the devices over Modbus and never
lets the battery below its backup reserve.

Begin with `siteems demo`: one day of a simulated site in about a minute. Then copy a site from `seeds/`, change it to
yours, and look at it with `siteems check`.""",
)
dr_app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="""Place, list and cancel demand-response calls.

A call is written to the site's record; the running daemon sees it within one cycle, plans anew and holds it. Without a
daemon the call waits in the record until one starts.""",
)
app.add_typer(dr_app, name="dr", short_help="Place, list and cancel demand-response calls.")

SiteArgument = Annotated[
    Path, typer.Argument(metavar="SITE.toml", help="The site file, or the folder that holds it.", show_default=False)
]
StateOption = Annotated[
    Path | None,
    typer.Option(
        "--state", metavar="DIR", help="Folder of the site's record. [default: the user's state folder, by site id]"
    ),
]
LinkOption = Annotated[
    list[str] | None,
    typer.Option(
        "--link",
        metavar="NAME=URL",
        help="Use this address for a link of the site file, such as cabinet=tcp://127.0.0.1:15020.",
    ),
]
ClockOption = Annotated[
    Path | None,
    typer.Option("--clock", metavar="FILE", help="Run on the clock kept in this file instead of the wall clock."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


@app.command(short_help="Explain a site file, or name its mistakes.")
def check(site_file: SiteArgument) -> None:
    """Look at a site file: what is wrong with it, or what the site has, pays and can spare.

    Prints one line per mistake and exits with 2, or a short summary: assets, tariff of today, backup reserve, and how
    much of the battery is free for arbitrage.
    """
    from siteems.summary import summarise

    site = _load(site_file)
    print(summarise(site, datetime.now(site.site.zone).date()))


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
    profile: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Run on a recorded profile (CSV or CSV.gz) instead of the site's own."),
    ] = None,
    day: Annotated[str | None, typer.Option(metavar="YYYY-MM-DD", help="Which day of the recorded profile.")] = None,
    speed: Annotated[
        float, typer.Option(metavar="X", min=10, max=2000, help="Clock seconds per real second, 10 to 2000.")
    ] = 1200.0,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the record, the logs and the picture go.")] = Path(
        "demo-output"
    ),
) -> None:
    """Run one day of a simulated site, with everything real but the electricity.

    Starts the simulated devices and the daemon as processes of their own on loopback, lets an accelerated clock run
    through one day with a demand-response call and a mains failure, and ends with what it saved against the same day
    without control, whether the reserve and the cap held, and a picture.
    """
    from siteems.demo.run import run_demo
    from siteems.seeds import seed_path

    verdict = run_demo(site_file or seed_path("hangzhou-macro") / "site.toml", profile, _day(day), speed, out)
    if not verdict.held:
        raise typer.Exit(1)


@app.command(short_help="Make one plan and explain it.")
def plan(
    site_file: SiteArgument,
    at: Annotated[
        str, typer.Option("--at", metavar="TIME", help="now, HH:MM (today, local to the site), or YYYY-MM-DDTHH:MM.")
    ] = "now",
    soc: Annotated[
        float | None,
        typer.Option(
            metavar="SHARE",
            min=0,
            max=1,
            help="State of charge to plan from. [default: the [demo] day's]",
            show_default=False,
        ),
    ] = None,
    profile: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="What was measured until then (CSV or CSV.gz). [default: the typical day]"),
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Say in words why, and what binds, instead of the table.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Plan the next day and a half at a moment, as the daemon would have, and show it.

    Of a recorded profile only what lies before that moment is used; a moment after the recorded years uses the same
    days of the last one. Prints a table of the horizon; with --explain, why the battery does what it does now, and
    which limits bind when.
    """
    import json as json_module

    from siteems.planning.offline import plan_offline
    from siteems.quantities import parse_when

    site = _load(site_file)
    when = parse_when(at, datetime.now(UTC), site.site.zone)
    start_soc = soc if soc is not None else site.demo.start_soc if site.demo else 0.6
    explained = plan_offline(site, when, start_soc, profile)
    if json:
        print(json_module.dumps(explained.as_dict(), indent=1))
    else:
        print(explained.text() if explain else explained.table())


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
    profile: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A recorded profile instead of the site's own.")
    ] = None,
    day: Annotated[str | None, typer.Option(metavar="YYYY-MM-DD", help="Which day of the recorded profile.")] = None,
) -> None:
    """Serve every device of a site on loopback Modbus TCP, with the physics of the site behind them.

    The register maps are the ones that the drivers use. By default the wall clock runs and the devices live through the
    demo day's profile at the present time of day.
    """
    from siteems.simulation.run import run_simulator

    site = _with_links(_load(site_file), link)
    run_simulator(site, _folder(site_file), _clock(site, clock, speed), profile, _day(day))


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

    site = _with_links(_load(site_file), link)
    run_daemon(site, _clock(site, clock, None), state_dir(site.site.id, state), read_only=read_only)


@app.command(short_help="Tell how a site is doing.")
def status(site_file: SiteArgument, state: StateOption = None, json: JsonOption = False) -> None:
    """Tell how a site is doing: measurements, plan, calls, and what went wrong in the last day."""
    import json as json_module

    from siteems.history.store import History, history_path, state_dir
    from siteems.status import as_json, as_text, read_status

    site = _load(site_file)
    found = read_status(site, History(history_path(state_dir(site.site.id, state)), read_only=True))
    print(json_module.dumps(as_json(found), indent=2) if json else as_text(found, site.site.zone))


@dr_app.command("limit-import")
def dr_limit_import(
    limit: Annotated[
        str,
        typer.Argument(metavar="POWER", help="Grid import of the whole site that must not be exceeded: 1.5kW, 800W."),
    ],
    site_file: SiteArgument,
    start: Annotated[
        str, typer.Option("--from", metavar="TIME", help="now, HH:MM (today, local to the site), or YYYY-MM-DDTHH:MM.")
    ] = "now",
    duration: Annotated[str, typer.Option("--for", metavar="TIME", help="How long: 1h, 90min.")] = "1h",
    state: StateOption = None,
    json: JsonOption = False,
) -> None:
    """Ask a site to import no more than POWER for a while.

    Example: siteems dr limit-import 1.5kW --from 18:00 --for 1h site.toml
    """
    import json as json_module

    from siteems.demand_response.calls import place_import_limit
    from siteems.history.store import History, history_path, state_dir
    from siteems.quantities import parse_duration, parse_power_kw, parse_when
    from siteems.status import daemon_clock, daemon_state, event_dict, event_text

    site = _load(site_file)
    limit_kw, span = parse_power_kw(limit), parse_duration(duration)
    history = History(history_path(state_dir(site.site.id, state)))
    now = daemon_clock(history).now()
    event = place_import_limit(history, limit_kw, parse_when(start, now, site.site.zone), span, now, "operator")
    state_of_daemon = daemon_state(history)
    if json:
        print(json_module.dumps(event_dict(event) | {"daemon": state_of_daemon, "record": str(history.path)}, indent=2))
    else:
        print(f"call {event_text(event, site.site.zone)}")
    if not state_of_daemon.startswith("running"):
        print(f"no daemon holds it yet ({history.path}: {state_of_daemon})", file=sys.stderr)


@dr_app.command("list")
def dr_list(site_file: SiteArgument, state: StateOption = None) -> None:
    """List the calls that are in force or to come."""
    from siteems.history.store import History, history_path, state_dir
    from siteems.status import daemon_clock, event_text

    site = _load(site_file)
    history = History(history_path(state_dir(site.site.id, state)), read_only=True)
    events = history.events(daemon_clock(history).now())
    for e in events:
        print(event_text(e, site.site.zone))
    if not events:
        print("no calls")


@dr_app.command("cancel")
def dr_cancel(
    event_id: Annotated[str, typer.Argument(metavar="ID", help="The call's id, from `dr list`.")],
    site_file: SiteArgument,
    state: StateOption = None,
) -> None:
    """Cancel a call; the daemon plans anew at once."""
    from siteems.demand_response.calls import cancel_call
    from siteems.history.store import History, history_path, state_dir
    from siteems.status import daemon_clock

    site = _load(site_file)
    path = history_path(state_dir(site.site.id, state))
    History(path, read_only=True).close()  # there must be a record: to cancel never makes one
    history = History(path)
    event = cancel_call(history, event_id, daemon_clock(history).now())
    print(f"call {event.id} cancelled")


def _load(site_file: Path) -> Site:
    from siteems.config import load_site

    return load_site(site_file)


def _folder(site_file: Path) -> Path:
    return site_file if site_file.is_dir() else site_file.parent


def _clock(site: Site, path: Path | None, speed: float | None) -> Clock:
    from siteems.clock import FileClock, WallClock
    from siteems.simulation.profile import local_time

    if path is None:
        if speed is not None:
            raise UserError("--speed needs --clock FILE: the other commands must be able to follow the same clock")
        return WallClock()
    if speed is not None:
        start_day = site.demo.date if site.demo else datetime.now(site.site.zone).date()
        clock = FileClock.create(path, local_time("00:00", start_day, site.site.zone), speed)
        clock.start()
        return clock
    return FileClock(path)


def _with_links(site: Site, overrides: list[str] | None) -> Site:
    """The site with other addresses for some links."""
    from dataclasses import replace

    links = dict(site.links)
    for text in overrides or []:
        name, _, url = text.partition("=")
        if name not in links:
            raise UserError(f"--link {text}: the site has no link {name!r}; it has {', '.join(sorted(links))}")
        port = url.rpartition(":")[2]
        if not re.fullmatch(r"tcp://[^/:\s]+:\d{1,5}", url) or not 0 < int(port) < 65536:
            raise UserError(f"--link {text}: allowed is {name}=tcp://HOST:PORT, PORT from 1 to 65535")
        links[name] = replace(links[name], url=url)
    return replace(site, links=links)


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise UserError(f"--day {text}: not a date; allowed: YYYY-MM-DD") from error


def main() -> NoReturn:
    """Run the command line; mistakes of the caller end with one line each and exit code 2."""
    try:
        app()
    except UserError as error:
        for line in error.lines:
            print(line, file=sys.stderr)
        sys.exit(2)
    except BrokenPipeError:
        sys.exit(1)
    sys.exit(0)
