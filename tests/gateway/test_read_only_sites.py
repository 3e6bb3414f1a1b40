"""A read-only run at sites that cannot be driven: it reads, records, and raises no alarm for what
no device measures.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from served_rig import CYCLE, START, TEST, ServedRig

from drivers.errors import MapError
from siteems.clock import ManualClock
from siteems.commissioning.site_summary import summarise
from siteems.config.seeds import seed_path
from siteems.control.timing import Timing
from siteems.controller import Controller
from siteems.demand_response.event_log import EventLog
from siteems.errors import SiteFileError
from siteems.gateway.devices import SiteDevices
from siteems.history.store import History
from siteems.operations.recall import Recalled
from siteems.planning import reasons
from siteems.ports import Ports
from siteems.replay.simulated_devices import DirectSolver
from siteems.site.model import Site
from siteems.site.read_file import load_site

TIMING = Timing(cycle_s=1.0, lease_s=60.0, max_age=timedelta(seconds=3))


class ReadOnly:
    """A read-only controller with some devices of a served site."""

    def __init__(self, rig: ServedRig, keep: tuple[str, ...], folder: Path) -> None:
        devices = tuple(each for each in rig.site.devices if each.name in keep)
        site = replace(rig.site, devices=devices, pv=rig.site.pv if "mppt" in keep else None)
        self.clock, self.history = rig.clock, History(folder / "read-only.sqlite3")
        self.devices = SiteDevices(site, rig.clock, self.history, 60.0, read_only=True)
        ports = Ports(rig.clock, self.devices, DirectSolver(), self.history, EventLog(self.history))
        self.controller = Controller(site, ports, TIMING, drives=False)

    async def run(self, cycles: int) -> None:
        """As the daemon does: acquire, plan, then cycles with a plan in between."""
        await self.devices.acquire()
        self.controller.resume(Recalled())
        await self.controller.observe()
        await self.controller.make_plan(reasons.START)
        for _ in range(cycles):
            self.clock.advance(CYCLE)
            await self.controller.step()
        await self.controller.make_plan(reasons.SCHEDULE)

    def codes(self) -> set[str]:
        alarms = self.history.alarms(START - CYCLE, self.clock.now() + CYCLE)
        return {each.code for each in alarms}


@pytest.mark.parametrize(
    ("keep", "unknown"),
    [
        (("grid-meter",), ("soc", "dc_load_kw", "pv_kw")),
        (("grid-meter", "mppt"), ("soc", "dc_load_kw")),
        (("mppt",), ("soc", "grid_kw")),
    ],
)
async def test_a_site_without_what_driving_needs_is_read_and_recorded(
    hangzhou: Site, tmp_path: Path, keep: tuple[str, ...], unknown: tuple[str, ...]
) -> None:
    rig = ServedRig(hangzhou, tmp_path)
    await rig.served.start()
    reader = ReadOnly(rig, keep, tmp_path)
    try:
        await reader.run(70)
        assert reader.codes() <= {"read-only"}
        sample = reader.history.last_sample()
        assert sample is not None
        assert all(sample.values.get(name) is None for name in unknown)
        known = "grid_kw" if "grid-meter" in keep else "pv_kw"
        assert (sample.values[known] or 0.0) > 0.1
        await rig.served.stop()
        await reader.run(15)
        expected = {"not-measured"} if "grid-meter" in keep else set()
        assert reader.codes() - {"read-only"} == expected, "a device that falls silent is reported"
    finally:
        await reader.devices.close(TEST)
        await rig.served.stop()


def meter_only(text: str) -> str:
    """The seed's site file with the first of its devices, and without PV."""
    head, meter, *_, last = text.split("[[devices]]")
    kept = head + "[[devices]]" + meter + last[last.index("[demo]") :]
    begin = kept.index("[pv]")
    return kept[:begin] + kept[kept.index("\n[", begin) + 1 :]


def test_such_a_site_file_is_accepted_only_to_be_read(tmp_path: Path) -> None:
    seed = seed_path("hangzhou-macro")
    shutil.copy(seed / "day.csv", tmp_path)
    text = (seed / "site.toml").read_text(encoding="utf-8")
    (tmp_path / "site.toml").write_text(meter_only(text), encoding="utf-8")
    with pytest.raises(SiteFileError, match="no device has the role battery"):
        load_site(tmp_path)
    site = load_site(tmp_path, read_only=True)
    assert [each.name for each in site.devices] == ["grid-meter"]
    page = summarise(site, START.date())
    assert "no device takes its commands: `siteems run --read-only` reads and records" in page


def test_driving_needs_a_battery_command(hangzhou: Site, tmp_path: Path) -> None:
    site = replace(hangzhou, devices=hangzhou.devices[:1])
    with pytest.raises(MapError, match="no way to command the battery"):
        SiteDevices(site, ManualClock(START), History(tmp_path / "h.sqlite3"), 60.0)
