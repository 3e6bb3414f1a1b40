"""The fallback levels: fresh plan, last plan in its corridor, rules; each with its reason."""

from __future__ import annotations

from datetime import timedelta

import pytest
from plans import ISSUED, QUARTER, plan

from siteems.control.intent import Intent, choose_intent, self_consumption
from siteems.operations.english import ENGLISH
from siteems.planning.published_plan import PublishedPlan

PRICES = (0.3, 0.7, 1.1)
LOAD_KW, CHARGE_KW, PV_KW = 3.0, 9.6, 0.5
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
LONG = plan(starts=tuple(ISSUED + i * 10 * HOUR for i in range(4)), end=ISSUED + 40 * HOUR)
"""The small plan with steps of ten hours."""


def intent(
    published: PublishedPlan | None, age: timedelta, soc: float | None = None, price: float = 0.7
) -> Intent:
    """The intent at an age of the plan. The state of charge is as planned unless given."""
    now = ISSUED + age
    if soc is None and published is not None:
        soc = published.soc(now)
    return choose_intent(published, soc, now, PRICES, price, CHARGE_KW, LOAD_KW, PV_KW)


@pytest.mark.parametrize(
    ("published", "age", "level", "battery_kw", "reason"),
    [
        (plan(), 0 * MINUTE, "plan", 4.0, "plan"),
        (plan(), 20 * MINUTE, "plan", 4.0, "plan"),
        (plan(), 21 * MINUTE, "last-plan", 4.0, "plan issued 21 min ago"),
        (plan(), 50 * MINUTE, "last-plan", -8.0, "plan issued 50 min ago"),
        (plan(), 60 * MINUTE, "rules", 0.0, "the last plan ended or is too old (1.0 h): hold"),
        (LONG, 24 * HOUR, "last-plan", 0.0, "plan issued 1440 min ago"),
        (LONG, 24 * HOUR + MINUTE, "rules", 0.0, "ended or is too old (24.0 h)"),
        (None, 0 * MINUTE, "rules", 0.0, "no plan yet"),
    ],
)
def test_fallback_levels_by_age(
    published: PublishedPlan | None, age: timedelta, level: str, battery_kw: float, reason: str
) -> None:
    taken = intent(published, age)
    assert (taken.level, taken.battery_kw) == (level, battery_kw)
    assert reason in ENGLISH.text(taken.reason)


@pytest.mark.parametrize(
    ("off", "level"),
    [(0.099, "last-plan"), (-0.099, "last-plan"), (0.101, "rules"), (-0.2, "rules")],
)
def test_the_last_plan_holds_only_in_its_corridor(off: float, level: str) -> None:
    planned_soc = plan().soc(ISSUED + 2 * QUARTER)
    assert planned_soc is not None
    taken = intent(plan(), 2 * QUARTER, planned_soc + off)
    assert taken.level == level
    if level == "rules":
        assert "predicted a state of charge of 44%, measured is" in ENGLISH.text(taken.reason)


def test_a_fresh_plan_needs_no_corridor() -> None:
    """A deviation asks for a new plan; until then the bounds of the control cycle hold."""
    assert intent(plan(), 5 * MINUTE, soc=0.9).level == "plan"


def test_an_unknown_state_of_charge_does_not_end_the_last_plan() -> None:
    now = ISSUED + 2 * QUARTER
    assert (
        choose_intent(plan(), None, now, PRICES, 0.7, CHARGE_KW, LOAD_KW, PV_KW).level
        == "last-plan"
    )


@pytest.mark.parametrize(
    ("load_kw", "pv_kw", "battery_kw"),
    [(3.0, 0.5, -2.5), (6.0, 0.5, -5.5), (3.0, 4.0, 0.0), (0.0, 0.0, 0.0)],
)
@pytest.mark.parametrize("age", [50 * MINUTE, 5 * MINUTE])
def test_a_battery_that_is_to_carry_the_load_carries_the_measured_load(
    age: timedelta, load_kw: float, pv_kw: float, battery_kw: float
) -> None:
    """Whatever load and PV the plan expected for 8 kW of discharge with the rectifiers at rest."""
    series = dict(plan().series) | {"battery_kw": (-8.0,) * 4, "rectifier_dc_kw": (0.0,) * 4}
    resting, now = plan(series=series), ISSUED + age
    taken = choose_intent(resting, resting.soc(now), now, PRICES, 1.1, CHARGE_KW, load_kw, pv_kw)
    assert taken.battery_kw == battery_kw
    assert taken.level in ("plan", "last-plan")


@pytest.mark.parametrize(
    ("prices", "price", "battery_kw", "text"),
    [
        (PRICES, 0.3, CHARGE_KW, "cheap hours, charge"),
        (PRICES, 0.56, CHARGE_KW, "cheap hours, charge"),
        (PRICES, 0.7, 0.0, "hold"),
        (PRICES, 0.85, -LOAD_KW, "expensive hours, carry the load"),
        (PRICES, 1.1, -LOAD_KW, "expensive hours, carry the load"),
        ((0.7, 0.7), 0.7, 0.0, "hold"),
        ((0.70, 0.72), 0.72, 0.0, "hold"),  # less than the losses of a cycle
        ((0.0,), 0.0, 0.0, "hold"),
        ((-0.2, 0.1, 0.4), -0.2, CHARGE_KW, "cheap hours, charge"),
    ],
)
def test_rules_follow_the_price(
    prices: tuple[float, ...], price: float, battery_kw: float, text: str
) -> None:
    taken = choose_intent(None, 0.5, ISSUED, prices, price, CHARGE_KW, LOAD_KW, PV_KW)
    assert (taken.battery_kw, taken.level) == (battery_kw, "rules")
    assert ENGLISH.text(taken.reason) == f"rules, no plan yet: {text}"


def test_self_consumption_stores_the_surplus_and_carries_the_load() -> None:
    taken = self_consumption(3.0, 0.5)
    assert (taken.battery_kw, taken.balances, taken.level) == (-2.5, True, "rules")
    assert self_consumption(3.0, 4.0).battery_kw == 1.0
    assert ENGLISH.text(taken.reason) == "store surplus PV, carry the load"
