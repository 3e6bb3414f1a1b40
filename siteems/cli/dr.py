"""`siteems dr`: create, list and cancel demand-response events by hand."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from siteems.cli.options import JsonOption, SiteArgument, StateOption
from siteems.messages.json_text import json_text

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="""Create, list or cancel demand-response events.

An event is handed to the running daemon, which records it, makes a new plan and keeps to the limit.
Without a running daemon it is refused, with exit code 3.""",
)


@app.command("limit-import")
def dr_limit_import(
    limit: Annotated[
        str,
        typer.Argument(
            metavar="POWER", help="Highest grid import of the whole site, such as 1.5kW or 800W."
        ),
    ],
    site_file: SiteArgument,
    start: Annotated[
        str,
        typer.Option(
            "--from",
            metavar="TIME",
            help="Start: now, HH:MM (today, site local time) or YYYY-MM-DDTHH:MM.",
        ),
    ] = "now",
    duration: Annotated[
        str, typer.Option("--for", metavar="DURATION", help="Duration, such as 1h or 90min.")
    ] = "1h",
    yes: Annotated[
        bool,
        typer.Option("--yes", help="Place an event also where its limit or duration is unusual."),
    ] = False,
    state: StateOption = None,
    json_output: JsonOption = False,
) -> None:
    """Limit the grid import of a site to POWER for some time.

    Example: siteems dr limit-import 1.5kW --from 18:00 --for 1h site.toml
    """

    from siteems.cli.daemon_commands import at_site
    from siteems.cli.quantities import parse_duration, parse_power_kw, parse_when
    from siteems.demand_response.event_text import event_from_dict, event_text

    limit_kw, length = parse_power_kw(limit), parse_duration(duration)
    site, daemon = at_site(site_file, state)
    arguments = {
        "limit_kw": limit_kw,
        "start": parse_when(start, daemon.now(), site.site.zone).isoformat(),
        "duration_s": length.total_seconds(),
        "confirmed": yes,
    }
    event = daemon.send("dr-limit-import", arguments)
    if json_output:
        print(json_text(event, indent=2))
    else:
        print(f"event {event_text(event_from_dict(event), site.site.zone)}")
    if warning := daemon.warning_about(event_from_dict(event)):
        print(warning, file=sys.stderr)


@app.command("availability")
def dr_availability(
    site_file: SiteArgument,
    start: Annotated[
        str,
        typer.Option(
            "--from",
            metavar="TIME",
            help="Start: now, HH:MM (today, site local time) or YYYY-MM-DDTHH:MM.",
        ),
    ] = "now",
    duration: Annotated[
        str, typer.Option("--for", metavar="DURATION", help="Duration, such as 1h or 90min.")
    ] = "1h",
    state: StateOption = None,
    json_output: JsonOption = False,
) -> None:
    """Show what the site can give: less or more grid import than planned, by probability.

    Example: siteems dr availability --from 18:00 --for 1h site.toml
    """
    from siteems.cli.daemon_commands import at_site
    from siteems.cli.quantities import parse_duration, parse_when
    from siteems.vpp.site_availability import as_text

    site, daemon = at_site(site_file, state)
    begin = parse_when(start, daemon.now(), site.site.zone)
    length_s = parse_duration(duration).total_seconds()
    arguments = {"start": begin.isoformat(), "duration_s": length_s}
    found = daemon.send("dr-availability", arguments)
    print(json_text(found, indent=2) if json_output else as_text(found, site.site.zone))


@app.command("list")
def dr_list(site_file: SiteArgument, state: StateOption = None) -> None:
    """List the events that are active or still to come."""
    from siteems.demand_response.event_log import EventLog
    from siteems.demand_response.event_text import event_text
    from siteems.history.location import history_path, state_dir
    from siteems.history.ownership import check_site
    from siteems.history.store import History
    from siteems.operations.daemon_state import daemon_clock
    from siteems.site.read_file import load_site

    site = load_site(site_file)
    history = History(history_path(state_dir(site.site.id, state)), read_only=True)
    check_site(history, site.site.id)
    events = EventLog(history).open(daemon_clock(history).now())
    for event in events:
        print(event_text(event, site.site.zone))
    if not events:
        print("no events")


@app.command("cancel")
def dr_cancel(
    event_id: Annotated[
        str, typer.Argument(metavar="ID", help="Id of the event, as printed by `dr list`.")
    ],
    site_file: SiteArgument,
    state: StateOption = None,
) -> None:
    """Cancel an event. The daemon makes a new plan at once."""
    from siteems.cli.daemon_commands import at_site

    _, daemon = at_site(site_file, state)
    event = daemon.send("dr-cancel", {"id": event_id})
    print(f"event {event['id']} cancelled")
