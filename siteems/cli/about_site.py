"""`check`, `demo`, `plan`: look at a site without any device."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from siteems.cli.words import DayOption, JsonOption, ProfileOption, SiteArgument, load, parse_day

app = typer.Typer()


@app.command(short_help="Explain a site file, or name its mistakes.")
def check(site_file: SiteArgument) -> None:
    """Look at a site file: what is wrong with it, or what the site has, pays and can spare.

    Prints one line per mistake and exits with 2, or a short summary: assets, tariff of today, backup reserve, and how
    much of the battery is free for arbitrage.
    """
    from siteems.summary import summarise

    site = load(site_file)
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
    profile: ProfileOption = None,
    day: DayOption = None,
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

    verdict = run_demo(site_file or seed_path("hangzhou-macro") / "site.toml", profile, parse_day(day), speed, out)
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
    month_peak: Annotated[
        float,
        typer.Option(metavar="KW", min=0, help="Import that this month's demand charge is due on already, if any."),
    ] = 0.0,
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

    site = load(site_file)
    when = parse_when(at, datetime.now(UTC), site.site.zone)
    start_soc = soc if soc is not None else site.demo.start_soc if site.demo else 0.6
    explained = plan_offline(site, when, start_soc, profile, month_peak)
    if json:
        print(json_module.dumps(explained.as_dict(), indent=1))
    else:
        print(explained.text() if explain else explained.table())
