"""Values that mean "no setpoint" to a device are never written: at 0 in its register 2716 a Victron
gateway follows its persistent registers instead, and charges a battery that was to carry the load.
"""

import pytest
from modbus_rig import Clock, Site, free_values

from drivers.catalogue import load_map
from drivers.errors import WriteRefused
from drivers.modbus.point_map import PointMap
from drivers.write_gate.gate import WriteGate

pytestmark = pytest.mark.timeout(20)


@pytest.mark.parametrize(
    ("value", "nearest"),
    [(0.0, 0.02), (-0.001, -0.02), (0.0004, 0.02), (0.02, 0.02), (-0.02, -0.02), (3.0, 3.0)],
)
async def test_a_value_that_means_no_setpoint_is_never_written(
    clock: Clock, value: float, nearest: float
) -> None:
    assert load_map("victron-gx").points["grid_setpoint_kw"].nearest(value) == nearest
    site = Site("victron-gx", free_values("victron-gx"), clock)
    await site.start()
    gate = WriteGate(owner="daemon", now=clock, record=lambda _: None)
    try:
        if value != nearest:
            with pytest.raises(
                WriteRefused, match=r"means-no-setpoint: value 0.0, nearest -?0.02, unit kW"
            ):
                await gate.set(site.device, {"grid_setpoint_kw": value}, reason="plan")
            released = await gate.release(site.device, {"grid_setpoint_kw": value}, reason="stop")
            assert [record.outcome for record in released] == ["refused"]
            assert site.source.writes == []
        await gate.set(site.device, {"grid_setpoint_kw": nearest}, reason="plan")
        assert site.source.writes == [("grid_setpoint_kw", nearest)]
    finally:
        await site.stop()


@pytest.mark.parametrize(
    ("value", "none", "nearest"),
    [
        (0.0, 0.0, 1.0),  # at the lower limit there is only one side
        (100.0, 100.0, 99.0),  # at the upper one likewise
        (49.6, 50.0, 49.0),
        (50.0, 50.0, 51.0),
        (120.0, 100.0, 99.0),
    ],
)
def test_the_nearest_setpoint_beside_one_that_means_none(
    value: float, none: float, nearest: float
) -> None:
    point = PointMap(
        space="holding", address=0, type="u16", min=0, max=100, writable=True, means_none=(none,)
    )
    assert point.nearest(value) == nearest
