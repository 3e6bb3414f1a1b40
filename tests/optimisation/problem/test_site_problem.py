"""What a problem accepts, what it refuses, and the messages."""

import pickle
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from site_cases import (
    EFFICIENCY,
    LEAD_CARBON,
    lead_carbon,
    plain_battery,
    plain_problem,
    site_problem,
)

from optimisation.plan.plan import Plan, PlanStatus
from optimisation.plan.remark import remark
from optimisation.problem.battery import acceptance_cuts, charge_limit_kw, sloped_cuts
from optimisation.problem.site_problem import ProblemError, RectifierCurve


def test_importing_the_package_does_not_load_the_modelling_library():
    code = (
        "import sys, optimisation.solving.solver, optimisation.checking.checker;"
        "print('pyomo' in sys.modules)"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert answer.stdout.strip() == "False"


def test_rectifier_curve_is_convex_and_nowhere_above_the_table():
    curve = RectifierCurve.from_efficiency(6.0, EFFICIENCY)
    shares, efficiencies = np.array(EFFICIENCY).T
    table = 6.0 * shares / efficiencies
    assert list(curve.ac_per_dc) == sorted(curve.ac_per_dc)
    assert sum(curve.segment_dc_kw) == pytest.approx(6.0)
    drawn = curve.ac_kw(6.0 * shares)
    assert (drawn <= table + 1e-9).all()
    assert drawn[-1] == pytest.approx(6.0 / 0.955)
    assert np.abs(drawn - table).max() < 0.005 * 6.0
    assert 0.0 < curve.standby_ac_kw < 0.02 * 6.0
    assert curve.ac_kw(0.0) == pytest.approx(curve.standby_ac_kw)


def test_rectifier_curve_computed_by_hand():
    curve = RectifierCurve(0.2, (1.0, 2.0), (1.1, 1.5))
    assert curve.ac_kw([0.0, 0.5, 1.0, 2.0, 3.0, 4.0]) == pytest.approx(
        [0.2, 0.75, 1.3, 2.8, 4.3, 5.8]
    )


def test_one_output_draws_what_many_do():
    curve = RectifierCurve(0.1, (3.0, 4.0, 5.0), (1.04, 1.06, 1.10))
    outputs = np.linspace(0.0, 14.0, 57)
    assert [curve.ac_kw_at(float(dc)) for dc in outputs] == pytest.approx(curve.ac_kw(outputs))


def test_efficiency_that_only_falls_gives_no_negative_standby_and_a_short_table_is_extended():
    curve = RectifierCurve.from_efficiency(10.0, ((0.1, 0.98), (0.5, 0.90)))
    assert curve.standby_ac_kw == 0.0
    assert sum(curve.segment_dc_kw) == pytest.approx(10.0)
    assert curve.ac_kw(1.0) == pytest.approx(1.0 / 0.98)


@pytest.mark.parametrize(
    ("table", "text"),
    [
        (((0.5, 0.9),), "1 points"),
        (((0.5, 0.9), (0.5, 0.95)), "allowed is above 0.5"),
        (((0.5, 0.9), (1.0, 1.2)), "efficiency [1] is 1.2"),
    ],
)
def test_bad_efficiency_tables_are_refused(table, text):
    with pytest.raises(ProblemError) as refused:
        RectifierCurve.from_efficiency(10.0, table)
    assert text in str(refused.value)


@pytest.mark.parametrize(
    "table",
    [
        LEAD_CARBON,
        ((0.0, 0.5), (0.9, 0.5), (1.0, 0.05)),
        ((0.0, 0.5), (0.8, 0.2), (0.9, 0.02), (1.0, 0.01)),
        ((0.0, 0.0), (0.1, 0.3), (0.9, 0.3), (1.0, 0.0)),
        ((0.2, 0.01), (0.3, 0.4), (0.7, 0.1)),
        ((0.4, 0.3), (0.6, 0.3)),
    ],
)
def test_acceptance_cuts_are_never_above_the_table_and_never_forbid_an_soc(table):
    soc = np.linspace(0.0, 1.0, 401)
    lowest = np.min(
        [at_empty + (at_full - at_empty) * soc for at_empty, at_full in acceptance_cuts(table)],
        axis=0,
    )
    assert (lowest <= np.interp(soc, *np.array(table).T) + 1e-9).all()
    assert (lowest >= -1e-9).all()
    assert lowest.max() > 0.0


def test_a_concave_acceptance_table_is_met_exactly():
    table = ((0.0, 0.5), (0.9, 0.5), (1.0, 0.05))
    assert [value for cut in acceptance_cuts(table) for value in cut] == pytest.approx(
        [0.5, 0.5, 4.55, 0.05]
    )
    battery = plain_battery(max_charge_kw=3.0, acceptance=table)
    assert charge_limit_kw(battery.max_charge_kw, battery.acceptance) == 0.5
    assert [value for cut in sloped_cuts(battery.acceptance) for value in cut] == pytest.approx(
        [4.55, 0.05]
    )


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        (
            {"price_per_kwh": [0.3, np.nan, 1.0]},
            "price_per_kwh[1] is nan; allowed is -1e+09 to 1e+09",
        ),
        ({"dc_load_kw": [2.0, 2.0, np.nan]}, "dc_load_kw[2] is nan; allowed is 0 to 1e+09"),
        ({"pv_kw": [-0.01, 0.0, 0.0]}, "pv_kw[0] is -0.01; allowed is 0 to 1e+09"),
        (
            {"import_limit_kw": [10.0, np.inf, 10.0]},
            "import_limit_kw[1] is inf; allowed is 0 to 1e+09",
        ),
        ({"import_cap_kw": [np.inf, np.nan, 1.0]}, "import_cap_kw[1] is nan; allowed is 0 to inf"),
        ({"step_h": [1.0, 0.0, 1.0]}, "step_h[1] is 0; allowed is 1e-06 to 168"),
        ({"step_h": []}, "step_h is empty; allowed is 1 step or more"),
        (
            {"reserve_kwh": [1.0, 1.0]},
            "reserve_kwh has shape (2,); allowed is (3,), one number per step",
        ),
        ({"pv_kw": ["a", 0, 0]}, "pv_kw holds something that is not a number"),
        ({"batteries": ()}, "batteries is empty; allowed is 1 battery or more"),
        ({"terminal_value_per_kwh": -1.0}, "terminal_value_per_kwh is -1.0; allowed is 0 to 1e+09"),
    ],
)
def test_refusals_name_field_index_value_and_what_is_allowed(changes, text):
    with pytest.raises(ProblemError) as refused:
        plain_problem(**changes)
    assert text in str(refused.value)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"charge_efficiency": 0.0}, "charge_efficiency is 0.0; allowed is above 0 to 1"),
        ({"max_charge_kw": float("nan")}, "max_charge_kw is nan"),
        ({"stored_kwh": 50.5}, "stored_kwh is 50.5; allowed is 0 to 50.4"),
        ({"stored_kwh": -0.1}, "stored_kwh is -0.1; allowed is 0 to 50.4"),
        ({"stored_kwh": None}, "stored_kwh is None; allowed is 0 to 50.4"),
        (
            {"wear_per_kwh": ()},
            "wear_per_kwh is empty; allowed is one cost per depth segment, at least 1",
        ),
        ({"wear_per_kwh": (0.2, 0.1)}, "wear_per_kwh[1] is 0.1; allowed is at least 0.2"),
        ({"wear_per_kwh": (float("nan"),)}, "wear_per_kwh[0] is nan"),
        (
            {"acceptance": ((0.5, 1.0), (0.4, 1.0))},
            "acceptance[1] SoC is 0.4; allowed is above 0.5",
        ),
    ],
)
def test_bad_batteries_are_refused(changes: dict[str, Any], text: str):
    with pytest.raises(ProblemError) as refused:
        lead_carbon(**changes)
    assert text in str(refused.value)


def test_a_rectifier_that_is_not_convex_is_refused():
    with pytest.raises(ProblemError, match="allowed is at least its predecessor"):
        RectifierCurve(0.0, (1.0, 1.0), (1.1, 1.0))


def test_problems_and_plans_are_read_only_also_after_a_pickle():
    price = np.array([0.3, 1.0, 1.0])
    problem = plain_problem(price_per_kwh=price)
    price[0] = 99.0
    for copy in (problem, pickle.loads(pickle.dumps(problem))):
        assert copy.price_per_kwh[0] == 0.3
        with pytest.raises(ValueError, match="read-only"):
            copy.price_per_kwh[0] = 99.0
    plan = pickle.loads(pickle.dumps(Plan(PlanStatus.ERROR, (remark("no-answer", after_s=3.0),))))
    assert (plan.status, plan.remarks, plan.usable, plan.battery_kw.size) == (
        PlanStatus.ERROR,
        (remark("no-answer", after_s=3.0),),
        False,
        0,
    )


def test_a_forged_pickle_is_refused_where_it_is_opened():
    problem = site_problem()
    object.__setattr__(problem, "price_per_kwh", np.full(96, np.nan))
    frame = pickle.dumps(problem)
    with pytest.raises(ProblemError, match=r"price_per_kwh\[0\] is nan"):
        pickle.loads(frame)
