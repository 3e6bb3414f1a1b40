"""The command line. Each command parses its options, calls one function and prints the result."""

from __future__ import annotations

import sys
from typing import NoReturn

import typer

from siteems.cli import (
    alarms,
    audit_log,
    backup,
    bill,
    check,
    demo,
    demo_dr,
    devices,
    dr,
    fault,
    forecast_score,
    history,
    hold,
    inspect,
    plan,
    replay,
    replay_fleet,
    run,
    scan,
    simulate,
    status,
    web,
)
from siteems.errors import UserError

app = typer.Typer(
    name="siteems",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="""Energy controller for a communication site: PV, battery, rectifier and grid connection.

Every 15 minutes a linear program plans the next day and a half. A control loop sends the setpoints
to the devices over Modbus and keeps the backup reserve in the battery.

Start with `siteems demo`, which runs one day of a simulated site in about a minute. Then copy an
example site from `seeds/`, edit it, and run `siteems check` on it.""",
)
COMMANDS = (
    check,
    demo,
    demo_dr,
    plan,
    simulate,
    run,
    status,
    hold,
    history,
    web,
    backup,
    fault,
    inspect,
    forecast_score,
    bill,
    replay,
    replay_fleet,
    scan,
)
"""In the order of the help page: `--help` lists them as they are added."""

for command in COMMANDS:
    app.add_typer(command.app)
app.add_typer(alarms.app, name="alarms", short_help="Show or acknowledge the alarms of a site.")
app.add_typer(devices.app, name="devices", short_help="List, show or read device models.")
app.add_typer(audit_log.app, name="audit-log", short_help="Show or check who gave which command.")
app.add_typer(
    dr.app,
    name="dr",
    short_help="Create, list, cancel or settle DR events.",
)


def main() -> NoReturn:
    """Run the command line. A `UserError` is printed line by line and exits with its code: 2, or 3
    where no daemon takes a command.
    """
    try:
        app()
    except UserError as error:
        for line in error.lines:
            print(line, file=sys.stderr)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        sys.exit(1)
    sys.exit(0)
