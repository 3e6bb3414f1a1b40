"""`siteems dr`: create, list and cancel demand-response events by hand."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from siteems.cli.options import JsonOption, SiteArgument, StateOption
from siteems.messages.json_text import json_text

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="""Demand-response events: create, list, cancel, decline, settle. What can the site give?

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
    from siteems.demand_response.opt_out import OPT_OUTS, recorded_opt_outs
    from siteems.history.location import history_path, state_dir
    from siteems.history.ownership import check_site
    from siteems.history.store import History
    from siteems.operations.daemon_state import daemon_clock
    from siteems.site.read_file import load_site

    site = load_site(site_file)
    history = History(history_path(state_dir(site.site.id, state)), read_only=True)
    check_site(history, site.site.id)
    events = EventLog(history).open(daemon_clock(history).now())
    declined = {each.event: each for each in recorded_opt_outs(history.fact(OPT_OUTS))}
    for event in events:
        why = declined.get(event.id)
        marks = "" if why is None else f", opted out by {why.owner}: {why.reason}"
        print(f"{event_text(event, site.site.zone)}{marks}")
    if not events:
        print("no events")


@app.command("opt-out")
def dr_opt_out(
    event_id: Annotated[
        str, typer.Argument(metavar="ID", help="Id of the event, as printed by `dr list`.")
    ],
    site_file: SiteArgument,
    reason: Annotated[
        str, typer.Option(metavar="TEXT", help="Why, for the record and the grid operator.")
    ],
    state: StateOption = None,
) -> None:
    """Decline an event: nothing of it is followed, whatever later revisions ask for.

    Example: siteems dr opt-out 35d71c72 site.toml --reason "work at the rectifiers"
    """
    from siteems.cli.daemon_commands import at_site

    _, daemon = at_site(site_file, state)
    daemon.send("dr-opt-out", {"id": event_id, "reason": reason})
    print(f"opted out of event {event_id}")


@app.command("opt-in")
def dr_opt_in(
    event_id: Annotated[
        str, typer.Argument(metavar="ID", help="Id of an event that was opted out of.")
    ],
    site_file: SiteArgument,
    state: StateOption = None,
) -> None:
    """Follow an event again that was declined."""
    from siteems.cli.daemon_commands import at_site

    _, daemon = at_site(site_file, state)
    daemon.send("dr-opt-in", {"id": event_id})
    print(f"opted in to event {event_id} again")


@app.command("settle")
def dr_settle(
    event_id: Annotated[
        str, typer.Argument(metavar="ID", help="Id of a recorded event that is over.")
    ],
    site_file: SiteArgument,
    programme: Annotated[
        str,
        typer.Option(metavar="NAME", help="Programme by name, or its .toml file."),
    ],
    bid: Annotated[str, typer.Option(metavar="POWER", help="What was bid, such as 3kW.")],
    rule: Annotated[
        str | None,
        typer.Option("--baseline", metavar="RULE", help="Another baseline than the programme's."),
    ] = None,
    page: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write a page with the picture.")
    ] = None,
    table: Annotated[
        Path | None, typer.Option("--csv", metavar="FILE", help="Write the periods as CSV.")
    ] = None,
    state: StateOption = None,
    json_output: JsonOption = False,
) -> None:
    """Settle an event: what was delivered against the baseline, and what the programme pays.

    Example: siteems dr settle 35d71c72 site.toml --programme zhejiang-2021-hour-ahead --bid 3kW
    """
    import csv

    from siteems.cli.quantities import parse_power_kw
    from siteems.demand_response.programme_files import find_programme
    from siteems.demand_response.recorded_settlement import (
        baseline_text,
        recorded_event,
        settled,
    )
    from siteems.demand_response.settlement_page import write_page
    from siteems.demand_response.settlement_report import as_data, as_text, csv_rows
    from siteems.history.location import history_path, state_dir
    from siteems.history.ownership import check_site
    from siteems.history.store import History
    from siteems.operations.alarm_catalogue import MAINS_FAILED
    from siteems.operations.daemon_state import daemon_clock
    from siteems.site.read_file import load_site

    site, bid_kw = load_site(site_file, read_only=True), parse_power_kw(bid)
    chosen = find_programme(programme)
    history = History(history_path(state_dir(site.site.id, state)), read_only=True)
    check_site(history, site.site.id)
    zone, now = site.site.zone, daemon_clock(history).now()
    event = recorded_event(history, event_id, now)
    found = settled(history, event, chosen, rule, bid_kw, zone, now, MAINS_FAILED.code)
    start, settlement = found.baseline.start, found.settlement
    if page is not None:
        write_page(settlement, found.course, zone, page)
    if table is not None:
        with table.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(csv_rows(settlement, start))
    if json_output:
        data = as_data(settlement, start) | {"baseline": found.baseline.to_dict()}
        print(json_text(data, indent=2))
        return
    print(as_text(settlement, start, zone))
    print(baseline_text(found.baseline))


@app.command("programmes")
def dr_programmes() -> None:
    """List the demand-response programmes that are known by name."""
    from siteems.demand_response.programme_files import find_programme, known_programmes

    for name in known_programmes():
        print(f"{name:32} {find_programme(name).title}")


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
