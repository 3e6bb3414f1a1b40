"""`siteems hold`: keep the battery at a power for a while, by hand."""

from __future__ import annotations

from typing import Annotated

import typer

from siteems.cli.options import JsonOption, SiteArgument, StateOption
from siteems.messages.json_text import json_text

app = typer.Typer()


@app.command(short_help="Keep the battery at a power for a while, by hand.")
def hold(
    site_file: SiteArgument,
    battery: Annotated[
        str | None,
        typer.Option(
            "--battery",
            metavar="POWER",
            help="Power to keep: 0kW to rest, 1.5kW to charge, -1.5kW to discharge.",
        ),
    ] = None,
    duration: Annotated[
        str, typer.Option("--for", metavar="DURATION", help="Duration, at most 7d.")
    ] = "1h",
    service: Annotated[
        bool,
        typer.Option("--service", help="For work at the battery: it also comes before DR events."),
    ] = False,
    release: Annotated[bool, typer.Option("--release", help="End all holds now.")] = False,
    state: StateOption = None,
    json_output: JsonOption = False,
) -> None:
    """Keep the battery at a power for a while, end that, or show what is held.

    A hold comes after demand-response events, with --service before them. Safety, the grid
    connection and the backup reserve always come first. It ends by itself, and survives a restart
    of the daemon.

    Example: siteems hold --battery 0kW --for 2h site.toml
    """
    from siteems.cli.daemon_commands import at_site
    from siteems.cli.quantities import parse_duration, parse_signed_power_kw
    from siteems.errors import UserError

    if release and battery is not None:
        raise UserError("--release and --battery cannot be given together")
    arguments: dict[str, object] = {}
    if battery is not None:
        arguments = {
            "battery_kw": parse_signed_power_kw(battery),
            "duration_s": parse_duration(duration).total_seconds(),
            "service": service,
        }
    _, daemon = at_site(site_file, state)
    command = "hold-release" if release else "hold" if battery is not None else "hold-show"
    holds = daemon.send(command, arguments)["holds"]
    if json_output:
        print(json_text(holds, indent=2))
        return
    for each in holds:
        kind = "service hold" if each["service"] else "hold"
        print(f"{kind}: {each['battery_kw']:+.2f} kW until {each['until']} by {each['owner']}")
    if not holds:
        print("no hold")
