"""A value inside the wide limits of its device map but beyond the site's ratings reaches neither
control nor record.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from served_rig import CYCLE, START, ServedRig

from drivers.catalogue import load_map
from drivers.points import Quality
from drivers.simulated.faults import Fault
from siteems.control.decision import Drive
from siteems.estimation.bus_balance import ESTIMATED
from siteems.site.model import Site
from siteems.site.ratings import plausible_ranges

CYCLES = 70
"""More than a minute, so that a sample is recorded meanwhile."""


@dataclass(frozen=True)
class Jump:
    """A wrong value that a device reports for a while, and the field of the image that it feeds."""

    device: str
    point: str
    value: float
    field: str


JUMPS = (
    Jump("grid-meter", "active_power_kw", 60.0, "grid_kw"),
    Jump("grid-meter", "active_power_kw", -60.0, "grid_kw"),
    Jump("battery", "battery_a", 400.0, "battery_kw"),
    Jump("battery", "battery_a", -400.0, "battery_kw"),
    Jump("rectifiers", "rectifier_a", 900.0, "rectifier_dc_kw"),
    Jump("rectifiers", "dc_load_a", 900.0, "dc_load_kw"),
    Jump("rectifiers", "bus_v", 74.0, "bus_v"),
    Jump("mppt", "pv_kw", 30.0, "pv_kw"),
    Jump("genset", "genset_kw", 90.0, "genset_kw"),
)


FROM_IT = {"bus_v": ("rectifier_dc_kw", "dc_load_kw"), "grid_kw": ("ac_load_kw",)}
"""Fields that are computed from another one."""


@pytest.fixture
async def rig(rural: Site, tmp_path: Path) -> AsyncIterator[ServedRig]:
    rig = ServedRig(rural, tmp_path)
    await rig.start()
    assert isinstance((await rig.control(3)).decision, Drive)
    yield rig
    await rig.stop()


@pytest.mark.timeout(60)
@pytest.mark.parametrize("jump", JUMPS, ids=lambda jump: f"{jump.point}={jump.value:g}")
async def test_a_jump_beyond_the_ratings_is_implausible(rig: ServedRig, jump: Jump) -> None:
    entry = next(each for each in rig.site.devices if each.name == jump.device)
    point = load_map(entry.map).points[jump.point]
    assert point.min <= jump.value <= point.max, "the limits of the map alone would accept it"
    assert entry.unit is not None
    before = (await rig.control(1)).image.value(jump.field)
    assert before is not None

    await rig.served.inject(entry.link, Fault("jump", entry.unit, jump.point, jump.value))
    step = await rig.control(CYCLES)
    if jump.field in ESTIMATED:
        error_kw = step.image.estimated[jump.field]
        assert step.image.value(jump.field) == pytest.approx(before, abs=error_kw)
    else:
        assert step.image.value(jump.field) is None
    assert step.image.measured[jump.field].quality is Quality.IMPLAUSIBLE
    for other in FROM_IT.get(jump.field, ()):
        assert step.image.value(other) is None, "nor is a value that is computed from it accepted"
    least, most = plausible_ranges(rig.site)[jump.field]
    recorded = [
        each.values.get(jump.field) for each in rig.history.samples(START, rig.clock.now() + CYCLE)
    ]
    if jump.field not in ESTIMATED:
        assert None in recorded, "an unknown value is recorded as unknown"
    assert all(value is None or least <= value <= most for value in recorded)

    rig.served.clear(entry.link)
    step = await rig.control(2)
    assert isinstance(step.decision, Drive)
    assert step.image.value(jump.field) == pytest.approx(before, abs=3.0)


def test_a_site_at_its_ratings_is_plausible(hangzhou: Site, rural: Site) -> None:
    for site in (hangzhou, rural):
        ranges = plausible_ranges(site)
        for field, rated in (
            ("grid_kw", site.grid.import_limit_kw),
            ("battery_kw", site.battery.max_charge_kw),
            ("battery_kw", -site.battery.max_discharge_kw),
            ("rectifier_dc_kw", site.rectifier.rated_kw),
            ("dc_load_kw", max(site.load.typical_dc_kw)),
            ("pv_kw", site.pv.rated_kwp if site.pv else 0.0),
            ("bus_v", 1.1 * site.rectifier.float_v),
        ):
            least, most = ranges[field]
            assert least < rated < most, field
        assert ("genset_kw" in ranges) == (site.genset is not None)
