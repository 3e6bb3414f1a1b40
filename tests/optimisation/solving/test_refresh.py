"""Numbers kept up to date are the numbers reckoned anew, whatever moves; and only what moves is
reckoned.
"""

from dataclasses import replace

import numpy as np
import pytest
from battery_lp import battery_lp, battery_values
from site_cases import lead_carbon, site_problem

from optimisation.problem.components import DemandCharge
from optimisation.program.compiler import compile_model
from optimisation.program.parameters import parameters
from optimisation.program.shape import shape_of
from optimisation.solving.model_cache import compiled_for
from optimisation.solving.refresh import NotFiniteError, Numbers


def days():
    """One site on several days: what its plans may bring one after the other."""
    rng = np.random.default_rng(5)
    site = site_problem()
    yield site
    for _ in range(3):
        yield replace(site, dc_load_kw=site.dc_load_kw * rng.uniform(0.9, 1.1, site.n_steps))
    yield replace(site, pv_kw=0.5 * site.pv_kw, batteries=(lead_carbon(stored_kwh=9.0),))
    yield replace(site, price_per_kwh=2.0 * site.price_per_kwh)
    yield replace(site, price_per_kwh=site.price_per_kwh - 1.0)  # below 0: waste is priced away
    yield replace(site, cap_penalty_per_kwh=99.0)
    yield replace(site, batteries=(lead_carbon(charge_efficiency=0.5),))
    yield from (replace(site, reserve_kwh=share * site.reserve_kwh) for share in (1.0, 0.9, 0.8))


def parts_of(runs):
    """Runs of costs, lower and upper bounds of columns, lower and upper bounds of rows."""
    return runs.costs, runs.bounds, runs.bounds, runs.rows, runs.rows


def test_numbers_kept_up_to_date_are_those_reckoned_anew():
    compiled = compiled_for(shape_of(site_problem()))
    kept, before, moved_alone = Numbers(compiled), [], 0
    for i, problem in enumerate(days()):
        values = parameters(problem)
        theta = compiled.theta(values)
        vectors, runs = kept.update(values)
        np.testing.assert_allclose(
            vectors.together, compiled.vectors(theta).together, rtol=1e-13, atol=1e-300
        )
        np.testing.assert_array_equal(kept.matrix, compiled.matrix(theta))
        assert (runs is None) == (i in (0, 8, 9)), (
            i
        )  # the first, and the battery that comes and goes
        if runs is not None:
            for part, old, of_part in zip(vectors[1:], before, parts_of(runs), strict=True):
                outside = np.ones(len(part), dtype=bool)
                for run in of_part:
                    outside[run] = False
                np.testing.assert_array_equal(part[outside], old[outside])
        before = [part.copy() for part in vectors[1:]]
        if kept._moving is not None:
            moved_alone += 1
            assert len(kept._moving.m_value) < 0.6 * len(compiled.vector_triples[0])
    assert moved_alone >= 3


def test_what_a_site_keeps_cannot_be_changed_in_place():
    demand = DemandCharge(
        price_per_kw=40.0, peak_so_far_kw=5.0, interval_of_step=np.arange(96) // 2
    )
    first, second = (parameters(site_problem(demand=demand)) for _ in range(2))
    same = {
        name
        for name, value in first.items()
        if isinstance(value, np.ndarray) and value is second[name]
    }
    assert {
        "stored_per_charge",
        "segment_kw",
        "width_kwh",
        "max_charge_kw",
        "charge_cost",
        "interval_share",
    } <= same
    assert not any(first[name].flags.writeable for name in same)


def settled_numbers():
    """Numbers of which the price alone has moved so far."""
    kept, values = Numbers(compile_model(battery_lp())), battery_values(1)
    for seed in (1, 2, 3):
        kept.update(values | {"price": battery_values(seed)["price"]})
    assert kept._moving is not None
    assert kept._moving.sizes == {"price": 48}
    return kept, values


@pytest.mark.parametrize("name", ["price", "now", "needed", "gain"])
def test_what_is_not_finite_is_refused_whether_it_has_moved_before_or_not(name):
    kept, values = settled_numbers()
    with pytest.raises(NotFiniteError):
        kept.update(values | {name: values[name] * np.nan})


def test_products_that_are_not_finite_are_refused():
    kept, values = settled_numbers()
    with pytest.raises(NotFiniteError):
        kept.update(values | {"price": np.full(48, 1e200)})


def test_the_same_numbers_again_change_nothing():
    kept, values = Numbers(compile_model(battery_lp())), battery_values(1)
    first, _ = kept.update(values)
    wanted = first.together.copy()
    for _ in range(3):
        vectors, runs = kept.update(values)
        assert runs == ((), (), ())
        np.testing.assert_array_equal(vectors.together, wanted)


def test_sizes_that_make_up_for_each_other_are_refused():
    kept, values = Numbers(compile_model(battery_lp())), battery_values(1)
    for seed in (1, 2, 3, 4):
        moving = battery_values(seed)
        kept.update(values | {name: moving[name] for name in ("price", "needed")})
    assert kept._moving.sizes == {"price": 48, "needed": 48}
    with pytest.raises(ValueError, match="Param price has 47 numbers"):
        kept.update(values | {"price": np.ones(47), "needed": np.ones(49)})


@pytest.mark.parametrize(
    "change", [{"price": np.ones(3)}, {"price": np.ones(49)}, {"now": [1.0, 2.0]}, {"peak": 1.0}]
)
def test_params_that_do_not_fit_are_refused_whether_they_have_moved_before_or_not(change):
    kept, values = settled_numbers()
    with pytest.raises(ValueError, match="model"):
        kept.update(values | change)
