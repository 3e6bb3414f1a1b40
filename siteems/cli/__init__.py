"""The command line: thin. Each command reads its words, calls one function, and prints what comes
back.
"""

from __future__ import annotations

import sys
from typing import NoReturn

import typer

from siteems.cli import (
    bill,
    check,
    demo,
    devices,
    dr,
    fault,
    forecast_score,
    inspect,
    plan,
    replay,
    replay_fleet,
    run,
    scan,
    simulate,
    status,
)
from siteems.errors import UserError

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
COMMANDS = (
    check,
    demo,
    plan,
    simulate,
    run,
    status,
    fault,
    inspect,
    forecast_score,
    bill,
    replay,
    replay_fleet,
    scan,
)
for command in COMMANDS:
    app.add_typer(command.app)
app.add_typer(devices.app, name="devices", short_help="List, show and try device models.")
app.add_typer(dr.app, name="dr", short_help="Place, list and cancel demand-response calls.")


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
