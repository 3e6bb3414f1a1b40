"""Why a plan does what it does: each reason with its values, and each text."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from string import Formatter

import pytest

from siteems.planning import explanation_messages as messages
from siteems.planning.explanation import Explanation
from siteems.planning.explanation_text import as_data, as_table, as_text, reason_text
from siteems.planning.offline_plan import plan_offline
from siteems.site.model import Site
from siteems.tariff.model import Calendar, TariffVersion

NIGHT = datetime(2026, 7, 14, 18, 0, tzinfo=UTC)  # 02:00 in Hangzhou: valley
NOON = datetime(2026, 7, 15, 4, 0, tzinfo=UTC)
EVENING = datetime(2026, 7, 15, 11, 0, tzinfo=UTC)  # 19:00: sharp


def with_pv(site: Site, rated_kwp: float) -> Site:
    assert site.pv is not None
    return replace(site, pv=replace(site.pv, rated_kwp=rated_kwp))


def with_one_price(site: Site) -> Site:
    """At one price all day, stored energy saves nothing."""
    tariff = TariffVersion(
        name="flat",
        source="made",
        valid_from=date(2026, 1, 1),
        prices={"flat": 0.7},
        calendars=(Calendar(months=tuple(range(1, 13)), periods={"flat": ("00:00-24:00",)}),),
    )
    return replace(site, tariffs=(tariff,))


def test_charging_from_the_grid(hangzhou: Site) -> None:
    """In the valley: what another kWh costs with losses, it saves."""
    reason = plan_offline(hangzhou, NIGHT, 0.6, None).reason()
    assert reason.code == messages.CHARGES_FROM_GRID.code
    assert reason.values["price"] == pytest.approx(0.3652, abs=1e-4)
    assert reason.values["use"].code == messages.USE.code
    assert reason.values["use"].values["price"] == pytest.approx(1.2318, abs=1e-4)
    assert reason.values["more"].values["saving"] == pytest.approx(0.406, abs=0.002)


def test_charging_from_pv(hangzhou: Site) -> None:
    explained = plan_offline(with_pv(hangzhou, 20.0), NOON, 0.6, None)
    assert explained.reason().code == messages.CHARGES_FROM_PV.code
    assert "from PV beyond the load: " in reason_text(explained)


def test_discharging(hangzhou: Site) -> None:
    explained = plan_offline(hangzhou, EVENING, 0.75, None)
    reason = explained.reason()
    assert reason.code == messages.DISCHARGES.code
    assert reason.values["battery_kw"] == pytest.approx(-explained.plan.battery_kw[0])
    assert (reason.values["price"], reason.values["period"]) == (
        pytest.approx(1.2318, abs=1e-4),
        "sharp",
    )
    assert reason.values["less"] == messages.LESS(cost=explained.value.less)
    assert explained.value.less == pytest.approx(0.606, abs=0.002), "the dual is 1.247"


def test_resting_full_and_empty(hangzhou: Site) -> None:
    site = with_one_price(with_pv(hangzhou, 0.1))
    rests = plan_offline(site, NIGHT, 0.6, None).reason()
    assert rests.code == messages.RESTS.code
    assert rests.values["more"].values["saving"] > 0.0
    assert rests.values["use"] == messages.NO_USE()
    full = plan_offline(site, NIGHT, 1.0, None)
    assert full.value.more is None
    assert full.reason().values["more"] == messages.FULL()
    empty = plan_offline(site, NIGHT, 0.0, None)
    assert empty.value.less is None


@pytest.fixture(scope="module")
def short(hangzhou: Site) -> Explanation:
    """Below the reserve in the most expensive hours."""
    return plan_offline(hangzhou, EVENING, 0.30, None)


def test_limits_bind_in_spans_in_order_of_time(short: Explanation) -> None:
    bindings = short.bindings()
    assert [binding.start for binding in bindings] == sorted(b.start for b in bindings)
    assert all(binding.start < binding.end for binding in bindings)
    by_limit = [(b.limit.code, b.start) for b in bindings]
    assert len(by_limit) == len(set(by_limit))
    assert messages.RESERVE_SHORT in {binding.limit for binding in bindings}


def test_text_table_and_data_explain_the_same(short: Explanation) -> None:
    sentence = reason_text(short)
    data = as_data(short)
    assert sentence in as_text(short)
    assert as_table(short).endswith(sentence)
    assert data["explanation"] == sentence
    assert {found["code"] for found in data["bindings"]} == {
        binding.limit.code for binding in short.bindings()
    }


def test_each_message_has_its_text_in_the_catalogue() -> None:
    types = [each for each in vars(messages).values() if isinstance(each, messages.MessageType)]
    assert len(types) >= 18
    assert len({each.code for each in types}) == len(types)
    for each in types:
        names = {name for _, name, _, _ in Formatter().parse(each.template) if name}
        text = messages.EXPLANATIONS.text(each(**dict.fromkeys(names, 1.5)))
        assert not text.startswith(each.code + ":"), "the catalogue does not have it"
