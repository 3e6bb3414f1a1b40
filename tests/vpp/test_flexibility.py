"""What a site can give: by hand where all is known, and what must hold whatever is not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimisation.problem.site_problem import RectifierCurve
from siteems.vpp import flexibility
from siteems.vpp.flexibility import LEVELS, Ratings, Span, availability

NOON = datetime(2026, 7, 15, 4, 0, tzinfo=UTC)
CURVE = RectifierCurve(standby_ac_kw=0.1, segment_dc_kw=(20.0,), ac_per_dc=(1.05,))
RATINGS = Ratings(
    capacity_kwh=50.0,
    max_charge_kw=6.0,
    max_discharge_kw=8.0,
    charge_efficiency=0.95,
    discharge_efficiency=0.9,
    rectifier_kw=20.0,
    import_limit_kw=12.0,
    curve=CURVE,
)


def span(hours: float = 1.0, **changes: float) -> Span:
    """Quarter hours, nothing uncertain: load 3 kW DC and 1 kW AC, no PV, 40 of 50 kWh stored, a
    reserve of 20; the rectifiers carry the load.
    """
    n = round(hours * 4)
    values = {
        "import_kw": 1.0 + 0.1 + 1.05 * 3.0,
        "dc_load_kw": 3.0,
        "dc_load_p95_kw": changes.get("dc_load_kw", 3.0),
        "ac_load_kw": 1.0,
        "pv_kw": 0.0,
        "pv_high_kw": changes.get("pv_kw", 0.0),
    }
    series = {key: np.full(n, changes.get(key, value)) for key, value in values.items()}
    return Span(
        start=NOON,
        step_h=np.full(n, 0.25),
        stored_kwh=changes.get("stored_kwh", 40.0),
        reserve_kwh=changes.get("reserve_kwh", 20.0),
        **series,
    )


class TestByHand:
    @pytest.fixture(autouse=True)
    def _known_charge(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(flexibility, "SOC_ERROR", 0.0)

    def reduction_kw(self, each: Span) -> float:
        found = availability(each, RATINGS).reduction_kw
        assert max(found.values()) - min(found.values()) == pytest.approx(0.0, abs=1e-9)
        return found[0.5]

    def increase_kw(self, each: Span) -> float:
        return availability(each, RATINGS).increase_kw[0.5]

    def test_the_battery_carries_the_whole_load(self) -> None:
        assert self.reduction_kw(span()) == pytest.approx(1.05 * 3.0)
        assert availability(span(), RATINGS).planned_import_kw == pytest.approx(4.25)

    def test_the_energy_above_the_reserve_bounds_it(self) -> None:
        """18 kWh at the terminals over 8 h are 2.25 kW."""
        assert self.reduction_kw(span(8.0)) == pytest.approx(1.05 * 2.25)
        assert self.reduction_kw(span(reserve_kwh=40.0)) == 0.0
        assert self.reduction_kw(span(reserve_kwh=45.0)) == 0.0

    def test_the_power_of_the_battery_bounds_it(self) -> None:
        heavy = span(dc_load_kw=10.0, import_kw=1.1 + 1.05 * 10.0)
        assert self.reduction_kw(heavy) == pytest.approx(1.05 * 8.0)

    def test_what_the_plan_gives_already_is_not_given_twice(self) -> None:
        """The contaminated baseline: in hours of arbitrage the import is as low as it can be."""
        assert self.reduction_kw(span(import_kw=1.1)) == pytest.approx(0.0)

    def test_pv_carries_part_of_the_load(self) -> None:
        sunny = span(pv_kw=2.0, import_kw=1.1 + 1.05)
        assert self.reduction_kw(sunny) == pytest.approx(1.05)

    def test_a_step_in_which_less_can_be_given_bounds_the_span(self) -> None:
        each = span()
        planned = each.import_kw.copy()
        planned[2] = 2.0
        assert self.reduction_kw(replace(each, import_kw=planned)) == pytest.approx(2.0 - 1.1)

    def test_charging_more(self) -> None:
        assert self.increase_kw(span()) == pytest.approx(1.05 * 6.0)
        assert self.increase_kw(span(stored_kwh=50.0)) == pytest.approx(0.0)
        room_kw = (50.0 - 49.0) / 0.95
        assert self.increase_kw(span(stored_kwh=49.0)) == pytest.approx(1.05 * room_kw)
        heavy = span(dc_load_kw=8.0, import_kw=1.1 + 1.05 * 8.0)
        assert self.increase_kw(heavy) == pytest.approx(12.0 - (1.1 + 8.4))


spans = st.builds(
    span,
    st.sampled_from([0.25, 1.0, 4.0]),
    dc_load_kw=st.floats(0.0, 15.0),
    dc_load_p95_kw=st.floats(0.0, 20.0),
    ac_load_kw=st.floats(0.0, 5.0),
    pv_kw=st.floats(0.0, 10.0),
    pv_high_kw=st.floats(0.0, 15.0),
    import_kw=st.floats(0.0, 12.0),
    stored_kwh=st.floats(0.0, 50.0),
    reserve_kwh=st.floats(0.0, 50.0),
)


@given(spans)
def test_more_is_never_surer(each: Span) -> None:
    found = availability(each, RATINGS)
    for given_kw in (found.reduction_kw, found.increase_kw):
        values = [given_kw[p] for p in LEVELS]
        assert values == sorted(values, reverse=True)
        assert min(values) >= 0.0
    assert found.reduction_kw[0.5] <= float(each.import_kw.min()) + 1e-9, "nothing is exported"
    assert availability(each, RATINGS) == found, "the same question has the same answer"


@given(spans)
def test_a_higher_reserve_never_gives_more(each: Span) -> None:
    higher = replace(each, reserve_kwh=each.reserve_kwh + 5.0)
    less, more = availability(higher, RATINGS), availability(each, RATINGS)
    assert all(less.reduction_kw[p] <= more.reduction_kw[p] + 1e-9 for p in LEVELS)


def test_the_probability_is_the_share_of_cases_in_which_it_is_given() -> None:
    """Cases drawn anew, with another generator: what is given with 0.9 is given in 90 % of them."""
    each = span(2.0, dc_load_p95_kw=4.0, stored_kwh=26.0)
    promised_kw = availability(each, RATINGS).reduction_kw[0.9]
    assert 0.0 < promised_kw < availability(each, RATINGS).reduction_kw[0.5]
    random = np.random.default_rng(99)
    load_kw = 3.0 + random.standard_normal(20_000) * (4.0 - 3.0) / 1.6449
    stored_kwh = 26.0 + random.standard_normal(20_000) * 0.03 * 50.0
    battery_kw = np.minimum(8.0, np.maximum(0.0, stored_kwh - 20.0) * 0.9 / 2.0)
    import_kw = 1.1 + 1.05 * np.maximum(0.0, np.maximum(0.0, load_kw) - battery_kw)
    given = np.mean(each.import_kw[0] - import_kw >= promised_kw)
    assert given == pytest.approx(0.9, abs=0.015)


def test_the_probability_of_a_power() -> None:
    found = availability(span(2.0, dc_load_p95_kw=4.0, stored_kwh=26.0), RATINGS)
    assert found.reduction_probability(found.reduction_kw[0.9]) == 0.9
    assert found.reduction_probability(0.0) == max(LEVELS)
    assert found.reduction_probability(99.0) == 0.0
