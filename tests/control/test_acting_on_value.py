"""Acting on the value of stored energy: a tick table, and what must hold for any numbers."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimisation.problem.site_problem import RectifierCurve
from siteems.control.intent import Intent
from siteems.control.reasons import FOLLOW_PLAN
from siteems.control.stored_value import StoredEnergy, act_on_value
from siteems.operations.english import ENGLISH

CURVE = RectifierCurve(0.0, (4.0, 6.0), (1.0, 1.1))
"""A kWh at the bus costs a kWh of import up to 4 kW, and 1.1 beyond."""


def stored(
    values: tuple[float, ...] = (0.5,),
    kwh: tuple[float, ...] = (5.0,),
    wear: tuple[float, ...] = (0.1,),
) -> StoredEnergy:
    """Segments of 10 kWh; half of what is charged or discharged would be lost, to make it seen."""
    return StoredEnergy(kwh, 10.0, values, wear, 0.5, 0.5, 9.0)


HALF_FULL = stored()


@dataclass(frozen=True)
class Tick:
    name: str
    price: float
    planned_kw: float
    battery_kw: float
    reason: str
    balances: bool = False
    load_kw: float = 3.0
    pv_kw: float = 1.0
    stored: StoredEnergy = HALF_FULL


TICKS = (
    # A stored kWh costs 0.1 + 0.5 / 0.5 = 1.1 at the bus, and one taken has a value of 0.25.
    Tick("import costs more", 1.2, 0.0, -2.0, "carrying the load", balances=True),
    Tick("import costs less", 1.0, 0.0, 0.0, "resting"),
    Tick("less, whatever the plan does", 1.0, -2.0, 0.0, "resting"),
    Tick("the same, and the plan discharges", 1.1, -1.0, -2.0, "carrying", balances=True),
    Tick("the same, and the plan rests", 1.1, 0.0, 0.0, "resting"),
    Tick("the losses of a high load count", 1.05, 0.0, -7.0, "carrying", True, 8.0),
    Tick("the plan buys", 0.3, 4.0, 4.0, "charging as planned"),
    Tick("its value is what it costs, and the plan waits", 0.25, 0.0, 0.0, "resting"),
    Tick("its value is above what it costs, whatever the plan does", 0.2, 0.0, 9.0, "charging"),
    Tick("the losses of full power do not pay", 0.24, 3.0, 3.0, "charging as planned"),
    Tick("PV surplus", 1.0, 0.0, 2.0, "PV surplus", True, 3.0, 5.0),
    Tick("PV surplus, the plan discharges", 1.2, -2.0, 2.0, "PV surplus", True, 3.0, 5.0),
    Tick("PV surplus, and the plan buys more", 0.3, 4.0, 4.0, "as planned", False, 3.0, 5.0),
    Tick("PV surplus is more than is bought", 0.3, 1.0, 2.0, "PV surplus", True, 3.0, 5.0),
    Tick("nothing to carry", 1.2, 0.0, 0.0, "PV surplus", True, 3.0, 3.0),
    Tick("empty", 9.0, -2.0, 0.0, "resting", stored=stored(kwh=(0.0,))),
    Tick("full", 0.0, 4.0, 0.0, "resting", stored=stored(kwh=(10.0,))),
    Tick(
        "the cheapest segment that holds anything gives",
        1.2, -1.0, -2.0, "stored energy 1.10", True,
        stored=stored((0.5, 0.5, 0.5), (0.0, 5.0, 5.0), (0.0, 0.1, 0.2)),
    ),
    Tick(
        "of the segments with room the one of highest value takes",
        0.3, 0.0, 9.0, "stored energy 0.35",
        stored=stored((0.9, 0.7, 0.5), (10.0, 5.0, 5.0), (0.1, 0.1, 0.1)),
    ),
)  # fmt: skip


@pytest.mark.parametrize("tick", TICKS, ids=lambda tick: tick.name)
def test_tick(tick: Tick) -> None:
    planned = Intent(tick.planned_kw, "plan", FOLLOW_PLAN())
    intent = act_on_value(planned, tick.stored, tick.load_kw, tick.pv_kw, tick.price, CURVE)
    assert (intent.battery_kw, intent.balances) == (tick.battery_kw, tick.balances)
    assert tick.reason in ENGLISH.text(intent.reason)
    assert intent.level == "plan"


def test_the_reason_has_both_prices() -> None:
    planned = Intent(0.0, "last-plan", FOLLOW_PLAN())
    intent = act_on_value(planned, stored((0.28,)), 3.0, 0.0, 1.13, CURVE)
    assert ENGLISH.text(intent.reason) == (
        "carrying the load: marginal value of stored energy 0.66, import 1.13"
    )


money = st.floats(0.0, 2.0)
powers = st.floats(0.0, 10.0)
energies = st.builds(
    lambda kwh, values: stored(values, kwh, (0.1, 0.2, 0.3)),
    st.tuples(*[st.floats(0.0, 10.0)] * 3),
    st.tuples(money, money, money),
)


@given(st.floats(-10.0, 10.0), energies, powers, powers, money)
def test_it_never_imports_to_discharge_and_never_curtails_to_buy(
    planned_kw: float, energy: StoredEnergy, load_kw: float, pv_kw: float, price: float
) -> None:
    planned = Intent(planned_kw, "plan", FOLLOW_PLAN())
    intent = act_on_value(planned, energy, load_kw, pv_kw, price, CURVE)
    net_kw = load_kw - pv_kw
    assert intent.battery_kw >= min(0.0, -net_kw), "it gives no more than the load takes"
    assert intent.battery_kw >= -net_kw or net_kw > 0.0, "PV beyond the load is stored"
    if intent.battery_kw > max(0.0, -net_kw):
        assert intent.battery_kw in (planned_kw, energy.max_charge_kw)


@given(energies, powers, powers, money, st.floats(0.01, 1.0))
def test_a_higher_price_never_stops_a_discharge(
    energy: StoredEnergy, load_kw: float, pv_kw: float, price: float, more: float
) -> None:
    planned = Intent(0.0, "plan", FOLLOW_PLAN())
    cheap = act_on_value(planned, energy, load_kw, pv_kw, price, CURVE)
    expensive = act_on_value(planned, energy, load_kw, pv_kw, price + more, CURVE)
    assert expensive.battery_kw <= cheap.battery_kw
