"""`dr`: place, list and cancel demand-response calls."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from siteems.cli.options import JsonOption, SiteArgument, StateOption, load

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="""Place, list and cancel demand-response calls.

A call is written to the site's record; the running daemon sees it within one cycle, plans anew and holds it. Without a
daemon the call waits in the record until one starts.""",
)


@app.command("limit-import")
def dr_limit_import(
    limit: Annotated[
        str,
        typer.Argument(
            metavar="POWER",
            help="Grid import of the whole site that must not be exceeded: 1.5kW, 800W.",
        ),
    ],
    site_file: SiteArgument,
    start: Annotated[
        str,
        typer.Option(
            "--from",
            metavar="TIME",
            help="now, HH:MM (today, local to the site), or YYYY-MM-DDTHH:MM.",
        ),
    ] = "now",
    duration: Annotated[
        str, typer.Option("--for", metavar="TIME", help="How long: 1h, 90min.")
    ] = "1h",
    state: StateOption = None,
    json: JsonOption = False,
) -> None:
    """Ask a site to import no more than POWER for a while.

    Example: siteems dr limit-import 1.5kW --from 18:00 --for 1h site.toml
    """
    import json as json_module

    from siteems.cli.quantities import parse_duration, parse_power_kw, parse_when
    from siteems.demand_response.event_log import EventLog
    from siteems.demand_response.event_text import event_dict, event_text
    from siteems.demand_response.manual import place_import_limit
    from siteems.history.location import history_path, state_dir
    from siteems.history.store import History
    from siteems.operations.daemon_state import daemon_clock, daemon_state

    site = load(site_file)
    limit_kw, span = parse_power_kw(limit), parse_duration(duration)
    history = History(history_path(state_dir(site.site.id, state)))
    now = daemon_clock(history).now()
    event = place_import_limit(
        EventLog(history), limit_kw, parse_when(start, now, site.site.zone), span, now, "operator"
    )
    state_of_daemon = daemon_state(history)
    if json:
        print(
            json_module.dumps(
                event_dict(event) | {"daemon": state_of_daemon, "record": str(history.path)},
                indent=2,
            )
        )
    else:
        print(f"call {event_text(event, site.site.zone)}")
    if not state_of_daemon.startswith("running"):
        print(f"no daemon holds it yet ({history.path}: {state_of_daemon})", file=sys.stderr)


@app.command("list")
def dr_list(site_file: SiteArgument, state: StateOption = None) -> None:
    """List the calls that are in force or to come."""
    from siteems.demand_response.event_log import EventLog
    from siteems.demand_response.event_text import event_text
    from siteems.history.location import history_path, state_dir
    from siteems.history.store import History
    from siteems.operations.daemon_state import daemon_clock

    site = load(site_file)
    history = History(history_path(state_dir(site.site.id, state)), read_only=True)
    events = EventLog(history).open(daemon_clock(history).now())
    for e in events:
        print(event_text(e, site.site.zone))
    if not events:
        print("no calls")


@app.command("cancel")
def dr_cancel(
    event_id: Annotated[str, typer.Argument(metavar="ID", help="The call's id, from `dr list`.")],
    site_file: SiteArgument,
    state: StateOption = None,
) -> None:
    """Cancel a call; the daemon plans anew at once."""
    from siteems.demand_response.event_log import EventLog
    from siteems.demand_response.manual import cancel_event
    from siteems.history.location import history_path, state_dir
    from siteems.history.store import History
    from siteems.operations.daemon_state import daemon_clock

    site = load(site_file)
    path = history_path(state_dir(site.site.id, state))
    History(path, read_only=True).close()  # there must be a record: to cancel never makes one
    history = History(path)
    event = cancel_event(EventLog(history), event_id, daemon_clock(history).now())
    print(f"call {event.id} cancelled")
