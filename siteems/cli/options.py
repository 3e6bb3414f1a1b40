"""Words that several commands share: arguments, options, and what stands behind them."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from siteems.errors import UserError

if TYPE_CHECKING:
    from siteems.clock import Clock
    from siteems.replay.outcome import Policy
    from siteems.site.model import Site

SiteArgument = Annotated[
    Path,
    typer.Argument(
        metavar="SITE.toml", help="The site file, or the folder that holds it.", show_default=False
    ),
]
StateOption = Annotated[
    Path | None,
    typer.Option(
        "--state",
        metavar="DIR",
        help="Folder of the site's record. [default: the user's state folder, by site id]",
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
    typer.Option(
        "--clock",
        metavar="FILE",
        help="Run on the clock kept in this file instead of the wall clock.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
ProfileOption = Annotated[
    Path | None,
    typer.Option(
        "--profile",
        metavar="FILE",
        help="A recorded profile (CSV or CSV.gz) instead of the site's own.",
    ),
]
DayOption = Annotated[
    str | None,
    typer.Option("--day", metavar="YYYY-MM-DD", help="Which day of the recorded profile."),
]


def load(site_file: Path) -> Site:
    """The site in a file, or in the folder that holds it. Raises `UserError` with every mistake of
    the file.
    """
    from siteems.site.read_file import load_site

    return load_site(site_file)


def folder_of(site_file: Path) -> Path:
    """The folder of a site file."""
    return site_file if site_file.is_dir() else site_file.parent


def clock_of(site: Site, path: Path | None, speed: float | None) -> Clock:
    """The clock that a command runs on: the wall, or the one kept in a file."""
    from siteems.clock import FileClock, WallClock
    from siteems.config.local_time import local_time

    if path is None:
        if speed is not None:
            raise UserError(
                "--speed needs --clock FILE: the other commands must be able to follow the same clock"
            )
        return WallClock()
    if speed is not None:
        start_day = site.demo.date if site.demo else datetime.now(site.site.zone).date()
        clock = FileClock.create(path, local_time("00:00", start_day, site.site.zone), speed)
        clock.start()
        return clock
    return FileClock(path)


def with_links(site: Site, overrides: list[str] | None) -> Site:
    """The site with other addresses for some links."""
    from dataclasses import replace

    from drivers.address import parse_address

    links = dict(site.links)
    for text in overrides or []:
        name, _, url = text.partition("=")
        if name not in links:
            raise UserError(
                f"--link {text}: the site has no link {name!r}; it has {', '.join(sorted(links))}"
            )
        try:
            parse_address(url)
        except ValueError as error:
            raise UserError(f"--link {text}: {error}") from error
        links[name] = replace(links[name], url=url)
    return replace(site, links=links)


def parse_day(text: str | None) -> date | None:
    """A date from the command line. Raises `UserError` for anything else."""
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise UserError(f"--day {text}: not a date; allowed: YYYY-MM-DD") from error


DataArgument = Annotated[
    Path, typer.Argument(metavar="DATA", help="A recording: CSV, CSV.gz or Parquet.")
]


FromOption = Annotated[
    str | None,
    typer.Option("--from", metavar="YYYY-MM-DD", help="First day. [default: of the data]"),
]


ToOption = Annotated[
    str | None,
    typer.Option("--to", metavar="YYYY-MM-DD", help="Day after the last. [default: of the data]"),
]


PolicyOption = Annotated[
    str, typer.Option(metavar="NAMES", help="Policies to run, joined by commas.")
]


def parse_policies(text: str) -> tuple[Policy, ...]:
    from siteems.replay.outcome import POLICIES

    names = {name.strip() for name in text.split(",") if name.strip()}
    if not names or not names <= set(POLICIES):
        raise UserError(f"--policy {text}: allowed are {', '.join(POLICIES)}, joined by commas")
    return tuple(policy for policy in POLICIES if policy in names)


def day_text(text: str | None) -> str | None:
    """The day as it was written, once it is known to be one."""
    parse_day(text)
    return text
