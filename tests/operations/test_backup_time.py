"""The time that the battery lasts, shown while the mains are out."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from siteems.control.reasons import RELEASE_MAINS_FAILED
from siteems.history.records import Sample
from siteems.operations.backup_time import BackupTime, backup_time
from siteems.operations.daemon_state import DaemonState
from siteems.operations.status import Status
from siteems.operations.status_json import as_data
from siteems.operations.status_text import as_text
from siteems.site.model import Site
from siteems.site.reserve import hours_left

NOON = datetime(2026, 7, 15, 4, 0, tzinfo=UTC)
OUT = {"mains_v": 0.0, "soc": 0.5, "dc_load_kw": 3.0, "battery_c": 25.0}


def sample(**changed: float | None) -> Sample:
    return Sample(NOON, OUT | changed, "release", RELEASE_MAINS_FAILED())


def test_hours_at_this_load_and_with_load_shed(hangzhou: Site) -> None:
    site = replace(hangzhou, backup=replace(hangzhou.backup, shed_share=0.5, coldest_c=-5.0))
    found = backup_time(site, sample(), None)
    assert found is not None
    assert found.hours == pytest.approx(hours_left(site.battery, 3.0, 0.5, 25.0))
    assert found.shed_hours == pytest.approx(hours_left(site.battery, 1.5, 0.5, 25.0))
    weaker = backup_time(site, sample(), 0.5 * site.battery.rated_kwh)
    assert weaker is not None
    assert weaker.hours < 0.6 * found.hours, "an actual capacity that is known counts"
    colder = backup_time(site, sample(battery_c=None), None)
    assert colder is not None
    assert colder.hours < found.hours, "unknown, it counts as the coldest of the year"
    unstated = backup_time(hangzhou, sample(), None)
    assert unstated is not None
    assert unstated.shed_hours is None


@pytest.mark.parametrize(
    "changed", [{"mains_v": 230.0}, {"mains_v": None}, {"soc": None}, {"dc_load_kw": None}]
)
def test_there_is_none_with_mains_or_without_a_measurement(
    hangzhou: Site, changed: dict[str, float | None]
) -> None:
    assert backup_time(hangzhou, sample(**changed), None) is None


def test_it_is_shown(hangzhou: Site) -> None:
    status = Status("s", NOON, DaemonState("running", 1), sample(), None, (), (), None)
    assert as_data(status)["backup"] is None
    status = replace(status, backup=BackupTime(3.0, 4.25, 9.0))
    text = as_text(status, hangzhou.site.zone)
    assert "mains     failed: 4.2 h left at this load of 3.00 kW, 9.0 h with load shed" in text
    assert as_data(status)["backup"] == {"load_kw": 3.0, "hours": 4.25, "shed_hours": 9.0}
