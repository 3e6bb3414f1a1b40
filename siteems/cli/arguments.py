"""From the arguments of a command to the objects that it works on: clock, links, policies."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from drivers.address import parse_address
from siteems.clock import Clock, FileClock, WallClock
from siteems.config.local_time import local_time
from siteems.errors import UserError
from siteems.site.model import Site

if TYPE_CHECKING:
    from siteems.replay.outcome import Policy


def site_folder(site_file: Path) -> Path:
    """The folder that a SITE.toml argument stands for; the argument may be the folder itself."""
    return site_file if site_file.is_dir() else site_file.parent


def clock_from(path: Path | None) -> Clock:
    """The wall clock, or the clock that is kept in a file."""
    return WallClock() if path is None else FileClock(path)


def new_clock(path: Path | None, speed: float, site: Site) -> Clock:
    """Create and start a clock file that runs `speed` times as fast as the wall clock.

    It starts at midnight, local time, of the site's demo day, or of today if the site has none.
    Raises `UserError` without a path.
    """
    if path is None:
        raise UserError("--speed needs --clock FILE, so that other commands can use the same clock")
    day = site.demo.date if site.demo else datetime.now(site.site.zone).date()
    clock = FileClock.create(path, local_time("00:00", day, site.site.zone), speed)
    clock.start()
    return clock


def with_links(site: Site, overrides: list[str] | None) -> Site:
    """The site with the addresses of `--link NAME=URL` options in it. Raises `UserError`."""
    links = dict(site.links)
    for option in overrides or []:
        name, _, url = option.partition("=")
        if name not in links:
            known = ", ".join(sorted(links))
            raise UserError(f"--link {option}: the site has no link {name!r}; it has {known}")
        try:
            parse_address(url)
        except ValueError as error:
            raise UserError(f"--link {option}: {error}") from error
        links[name] = replace(links[name], url=url)
    return replace(site, links=links)


def parse_policies(text: str) -> tuple[Policy, ...]:
    """The policies of a comma-separated list, in their fixed order. Raises `UserError`."""
    from siteems.replay.outcome import POLICIES  # imports numpy, which most commands do not need

    names = {name.strip() for name in text.split(",") if name.strip()}
    if not names or not names <= set(POLICIES):
        allowed = ", ".join(POLICIES)
        raise UserError(f"--policy {text}: allowed are {allowed}, separated by commas")
    return tuple(policy for policy in POLICIES if policy in names)
