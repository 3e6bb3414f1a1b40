"""From arguments of the command line to links, clocks and policies."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from siteems.cli.arguments import clock_from, new_clock, parse_policies, site_folder, with_links
from siteems.clock import FileClock, WallClock
from siteems.config.local_time import local_time
from siteems.config.seeds import seed_path
from siteems.errors import UserError
from siteems.site.model import Site


def test_a_link_option_replaces_the_url_of_that_link_only(hangzhou: Site) -> None:
    changed = with_links(hangzhou, ["cabinet=tcp://10.0.0.7:502"])
    assert changed.links["cabinet"].url == "tcp://10.0.0.7:502"
    assert changed.links["cabinet"].timeout_s == hangzhou.links["cabinet"].timeout_s
    assert with_links(hangzhou, None) == hangzhou


def test_an_equals_sign_in_a_url_belongs_to_the_url(hangzhou: Site) -> None:
    changed = with_links(hangzhou, ["cabinet=rtu:///dev/serial/by-id=1"])
    assert changed.links["cabinet"].url == "rtu:///dev/serial/by-id=1"


@pytest.mark.parametrize("option", ["attic=tcp://127.0.0.1:1", "cabinet", "cabinet=nowhere"])
def test_a_bad_link_option_names_itself(hangzhou: Site, option: str) -> None:
    with pytest.raises(UserError, match=f"--link {option}: "):
        with_links(hangzhou, [option])


def test_a_new_clock_starts_with_the_demo_day_and_others_follow_it(
    hangzhou: Site, tmp_path: Path
) -> None:
    assert hangzhou.demo is not None
    path = tmp_path / "clock.json"
    clock = new_clock(path, 1200.0, hangzhou)
    midnight = local_time("00:00", hangzhou.demo.date, hangzhou.site.zone)
    assert timedelta(0) <= clock.now() - midnight < timedelta(hours=2)
    assert clock.speed == 1200.0
    follower = clock_from(path)
    assert isinstance(follower, FileClock)
    assert abs(follower.now() - clock.now()) < timedelta(minutes=10)


def test_without_a_clock_file_it_is_the_wall_clock(hangzhou: Site) -> None:
    assert isinstance(clock_from(None), WallClock)
    with pytest.raises(UserError, match="--speed needs --clock FILE"):
        new_clock(None, 60.0, hangzhou)


def test_policies_come_in_their_fixed_order() -> None:
    assert parse_policies("optimal, idle,optimal") == ("idle", "optimal")
    for text in ("", ",", "idle,best"):
        with pytest.raises(UserError, match="allowed are idle, rules, self-consumption, optimal"):
            parse_policies(text)


def test_the_folder_of_a_site_is_given_by_its_file_or_itself() -> None:
    folder = seed_path("hangzhou-macro")
    assert site_folder(folder) == site_folder(folder / "site.toml") == folder
