"""The proof of the battery's sign, tick by tick: rest, one small step, and what follows from it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from control_cases import NOW, image, limits
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from siteems.control import reasons
from siteems.control.cycle import ControlState, cycle
from siteems.control.decision import Decision, Drive, Release
from siteems.control.intent import Intent
from siteems.control.sign_proof import Found, SignProof
from siteems.estimation.process_image import Image
from siteems.site.assets import rectifier_curve
from siteems.site.model import Site

PLAN = Intent(-6.0, "plan", reasons.FOLLOW_PLAN())
SECOND = timedelta(seconds=1)
Response = Callable[[float], tuple[float, float | None]]
"""Measured power and that by the balance of the bus, for a setpoint."""


def follows(asked_kw: float) -> tuple[float, float | None]:
    return asked_kw, asked_kw


def measured_wrong(asked_kw: float) -> tuple[float, float | None]:
    return -asked_kw, asked_kw


def acts_wrong(asked_kw: float) -> tuple[float, float | None]:
    return -asked_kw, -asked_kw


def both_wrong(asked_kw: float) -> tuple[float, float | None]:
    return asked_kw, -asked_kw


def ignores(_: float) -> tuple[float, float | None]:
    return 0.0, 0.0


def only_charges(asked_kw: float) -> tuple[float, float | None]:
    return max(0.0, asked_kw), max(0.0, asked_kw)


def unbalanced(asked_kw: float) -> tuple[float, float | None]:
    return asked_kw, None


def charges_itself(asked_kw: float) -> tuple[float, float | None]:
    """It charges at 3 kW beside what it is asked for, and its measurement has the wrong sign."""
    return -(asked_kw + 3.0), asked_kw + 3.0


class Bench:
    """A battery with a delay of three cycles, under the real control cycle."""

    def __init__(self, site: Site, response: Response) -> None:
        self.site, self.response, self.proof = site, response, SignProof(site)
        self.curve, self.now = rectifier_curve(site), NOW
        self.asked = [0.0] * 4
        self.state = ControlState()
        self.steps_kw: list[float] = []
        self.decision: Decision = Release(reasons.NOT_CONTROLLED())
        self.fields: dict[str, float | None] = {"soc": 0.7, "dc_load_kw": 3.0, "pv_kw": 0.0}
        self.dr_cap_kw, self.reserve_soc = math.inf, 0.4
        self.period, self.set_by = SECOND, timedelta(0)
        self.plan = PLAN

    def image(self) -> Image:
        measured_kw, balance_kw = self.response(self.asked[-4])
        load, pv = self.fields["dc_load_kw"] or 0.0, self.fields["pv_kw"] or 0.0
        rectifier_kw = None if balance_kw is None else balance_kw + load - pv
        seen = image(**{"battery_kw": measured_kw, "rectifier_dc_kw": rectifier_kw, **self.fields})
        fresh = {name: each._replace(time=self.now) for name, each in seen.measured.items()}
        return Image(self.now + self.set_by, seen.max_age, fresh, self.now)

    def tick(self, count: int = 1) -> list[Found]:
        ended = []
        for _ in range(count):
            self.now += self.period
            seen = self.image()
            limited = limits(self.reserve_soc, dr_cap_kw=self.dr_cap_kw)
            intent = self.proof.intent(self.plan, seen, limited)
            decision, self.state = cycle(
                seen, intent, limited, self.site, self.curve, self.state, on_bus=False
            )
            self.decision = self.proof.decided(decision, seen)
            found = self.proof.update(seen, self.decision)
            asked_kw = self.decision.battery_kw if isinstance(self.decision, Drive) else 0.0
            self.asked.append(asked_kw)
            self.steps_kw.append(asked_kw)
            ended += [found] if found is not None else []
        return ended


@pytest.mark.parametrize(
    ("response", "outcome", "which"),
    [
        (follows, "proved", "agrees"),
        (unbalanced, "proved", "agrees"),
        (measured_wrong, "contradicted", "measurement"),
        (acts_wrong, "contradicted", "command"),
        (both_wrong, "contradicted", "both"),
        (lambda kw: (-kw, None), "contradicted", "either"),
        (charges_itself, "contradicted", "measurement"),
        (only_charges, "undecided", "unclear"),
        (ignores, "undecided", "unclear"),
    ],
)
def test_one_step_decides(hangzhou: Site, response: Response, outcome: str, which: str) -> None:
    bench = Bench(hangzhou, response)
    ended: list[Found] = []
    while not ended and len(bench.steps_kw) < 200:
        ended = bench.tick()
    assert [(found.outcome, found.verdict) for found in ended] == [(outcome, which)]
    assert max(map(abs, bench.steps_kw)) <= 0.5


def test_a_proved_battery_follows_the_plan_at_once_and_for_good(hangzhou: Site) -> None:
    bench = Bench(hangzhou, follows)
    assert [found.outcome for found in bench.tick(600)] == ["proved"]
    assert bench.steps_kw[25:] == [-6.0] * 575


def test_a_contradicted_battery_is_never_driven(hangzhou: Site) -> None:
    bench = Bench(hangzhou, acts_wrong)
    assert [found.outcome for found in bench.tick(4000)] == ["contradicted"]
    assert bench.decision == Release(reasons.RELEASE_BATTERY_SIGN())
    assert sum(map(abs, bench.steps_kw)) / 3600.0 < 0.01, "kWh in the wrong direction"


def test_after_a_step_that_shows_nothing_the_other_direction_is_tried(hangzhou: Site) -> None:
    bench = Bench(hangzhou, only_charges)
    assert [found.outcome for found in bench.tick(400)] == ["undecided", "proved"]
    assert min(bench.steps_kw[:120]) < 0.0 < max(bench.steps_kw[120:170])


def test_steps_that_show_nothing_become_rare(hangzhou: Site) -> None:
    bench = Bench(hangzhou, ignores)
    bench.plan = replace(PLAN, battery_kw=2.0)
    first = len(bench.tick(1800))
    assert 3 <= first <= 6
    assert len(bench.tick(4 * 3600)) <= 7
    assert max(map(abs, bench.steps_kw)) < 0.7, "meanwhile it is held"


@pytest.mark.parametrize(
    ("fields", "cap_kw", "stage"),
    [
        ({"soc": 0.42}, math.inf, "resting"),  # near the reserve it can charge
        ({"soc": 0.97, "dc_load_kw": 0.6}, math.inf, "waiting"),  # full, and no load to carry
        ({"soc": 0.97}, math.inf, "resting"),
        ({}, 8.0, "waiting"),  # a DR event is in force, also one that leaves room
        ({"battery_kw": None}, math.inf, "waiting"),
        ({"mains_v": 0.0}, math.inf, "waiting"),
        ({"soc": None}, math.inf, "waiting"),
    ],
)
def test_when_a_step_is_begun(
    hangzhou: Site, fields: dict[str, float | None], cap_kw: float, stage: str
) -> None:
    bench = Bench(hangzhou, follows)
    bench.fields |= fields
    bench.dr_cap_kw = cap_kw
    bench.tick(2)
    assert bench.proof.stage == stage


@pytest.mark.parametrize("trouble", [{"mains_v": 0.0}, {"battery_kw": None}, {"dr_cap_kw": 8.0}])
def test_a_step_that_is_interrupted_shows_nothing_and_is_made_again(
    hangzhou: Site, trouble: dict[str, float | None]
) -> None:
    bench = Bench(hangzhou, follows)
    while bench.proof.stage != "stepping":
        bench.tick()
    bench.dr_cap_kw = trouble.get("dr_cap_kw") or math.inf
    bench.fields |= {name: value for name, value in trouble.items() if name != "dr_cap_kw"}
    assert bench.tick(5) == []
    assert bench.proof.stage == "waiting"
    bench.dr_cap_kw = math.inf
    bench.fields = {"soc": 0.7, "dc_load_kw": 3.0, "pv_kw": 0.0}
    assert [found.outcome for found in bench.tick(60)] == ["proved"]


def test_below_the_reserve_the_recharge_itself_proves_it(hangzhou: Site) -> None:
    bench = Bench(hangzhou, follows)
    bench.fields["soc"] = 0.3
    assert [found.outcome for found in bench.tick(30)] == ["proved"]
    wrong = Bench(hangzhou, acts_wrong)
    wrong.fields["soc"] = 0.3
    (found,) = wrong.tick(30)
    assert (found.outcome, found.verdict) == ("doubted", "command")
    assert isinstance(wrong.decision, Release), "after 20 s, not after minutes"


def test_a_wrong_sign_in_service_is_found_and_a_step_decides(hangzhou: Site) -> None:
    bench = Bench(hangzhou, follows)
    bench.tick(40)
    bench.response = measured_wrong
    assert bench.tick(110) == []
    (found,) = bench.tick(20)
    assert (found.outcome, found.verdict) == ("doubted", "measurement")
    assert isinstance(bench.decision, Release)
    assert bench.tick(580) == []
    (decided,) = bench.tick(60)
    assert decided.outcome == "contradicted"


def test_a_doubt_that_passes_is_cleared_by_the_step(hangzhou: Site) -> None:
    bench = Bench(hangzhou, follows)
    bench.tick(40)
    bench.response = acts_wrong
    assert [found.outcome for found in bench.tick(130)] == ["doubted"]
    bench.response = follows
    assert [found.outcome for found in bench.tick(700)] == ["proved"]
    assert bench.steps_kw[-1] == -6.0


@pytest.mark.parametrize(
    "response",
    [
        ignores,
        lambda kw: (0.5 * kw, 0.5 * kw),
        lambda kw: (kw, kw + 2.0),  # a flow that is not measured
        lambda kw: (-kw, kw + 5.0),  # the mirror, but the balance confirms neither
        lambda kw: (3.0, 3.0),  # its own management
    ],
)
def test_what_is_no_wrong_sign_in_service(hangzhou: Site, response: Response) -> None:
    bench = Bench(hangzhou, follows)
    bench.tick(40)
    bench.response = response
    assert bench.tick(600) == []


def test_a_noisy_load_does_not_spoil_a_step(hangzhou: Site) -> None:
    bench = Bench(hangzhou, follows)
    found: list[Found] = []
    for number in range(60):
        bench.fields["dc_load_kw"] = 3.0 + 0.4 * (number % 3)
        found += bench.tick()
    assert [each.outcome for each in found] == ["proved"]


def test_with_cycles_of_half_a_minute_it_takes_some_minutes(hangzhou: Site) -> None:
    bench = Bench(hangzhou, follows)
    bench.period = timedelta(seconds=30)
    assert [found.outcome for found in bench.tick(20)] == ["proved"]


@pytest.mark.parametrize("set_by", [timedelta(hours=-2), timedelta(days=3)])
def test_a_clock_that_is_set_changes_nothing(hangzhou: Site, set_by: timedelta) -> None:
    bench, other = Bench(hangzhou, follows), Bench(hangzhou, follows)
    bench.tick(8)
    other.tick(8)
    bench.set_by = set_by
    assert bench.tick(30) == other.tick(30)
    assert bench.proof.stage == "proved"


@settings(max_examples=examples(60))
@given(
    soc=st.floats(0.0, 1.0),
    load_kw=st.floats(0.1, 10.0),
    pv_kw=st.floats(0.0, 5.0),
    wanted_kw=st.floats(-12.0, 12.0),
    reserve_soc=st.floats(0.2, 0.9),
    response=st.sampled_from([follows, measured_wrong, acts_wrong, both_wrong, ignores]),
)
def test_until_it_is_proved_only_bounds_move_the_battery_by_more_than_the_step(
    hangzhou: Site,
    soc: float,
    load_kw: float,
    pv_kw: float,
    wanted_kw: float,
    reserve_soc: float,
    response: Response,
) -> None:
    bench = Bench(hangzhou, response)
    bench.fields |= {"soc": soc, "dc_load_kw": load_kw, "pv_kw": pv_kw}
    bench.plan, bench.reserve_soc = Intent(wanted_kw, "plan", reasons.FOLLOW_PLAN()), reserve_soc
    own = {reasons.SIGN_STEP.code, reasons.SIGN_NOT_PROVED.code}
    for _ in range(60):
        bench.tick()
        if bench.proof.stage == "proved":
            return
        if isinstance(bench.decision, Drive) and bench.decision.reason.code in own:
            assert abs(bench.decision.battery_kw) <= 0.6
            assert bench.decision.battery_kw >= 0.0 or soc > reserve_soc
