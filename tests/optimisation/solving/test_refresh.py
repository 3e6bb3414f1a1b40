"""HiGHS holds the numbers of the last refresh, whatever has changed, and nothing that is not finite
is sent to it.
"""

from dataclasses import replace

import numpy as np
import pytest
from battery_lp import battery_lp, battery_values
from held_lp import held_vectors
from site_cases import lead_carbon, site_problem

from optimisation.program.compiler import compile_model
from optimisation.program.model_source import compile_shape
from optimisation.program.parameters import parameters
from optimisation.program.shape import shape_of
from optimisation.solving.engine import LP_OPTIONS, Engine
from optimisation.solving.highs import Highs, HighsError, ModelStatus
from optimisation.solving.refresh import HeldProgram, NotFiniteError


def days():
    """One site on several days: what its plans may bring one after the other."""
    rng = np.random.default_rng(5)
    site = site_problem()
    yield site
    for _ in range(3):
        yield replace(site, dc_load_kw=site.dc_load_kw * rng.uniform(0.9, 1.1, site.n_steps))
    yield replace(site, pv_kw=0.5 * site.pv_kw, batteries=(lead_carbon(stored_kwh=9.0),))
    yield replace(site, price_per_kwh=2.0 * site.price_per_kwh)
    yield replace(site, price_per_kwh=site.price_per_kwh - 1.0)  # below 0: waste is priced out
    yield replace(site, cap_penalty_per_kwh=99.0)
    yield replace(site, batteries=(lead_carbon(charge_efficiency=0.5),))
    yield from (replace(site, reserve_kwh=share * site.reserve_kwh) for share in (1.0, 0.9, 0.8))


def held_program(compiled):
    return HeldProgram(compiled, LP_OPTIONS, np.zeros(compiled.n_columns, dtype=bool))


@pytest.fixture
def models_sent(monkeypatch):
    """Counts how often a whole model is sent."""
    count, pass_model = [], Highs.pass_model

    def counted(self, *arguments):
        count.append(arguments)
        pass_model(self, *arguments)

    monkeypatch.setattr(Highs, "pass_model", counted)
    return count


def test_highs_holds_the_numbers_of_the_last_refresh(models_sent):
    compiled = compile_shape(shape_of(site_problem()))
    program = held_program(compiled)
    whole = []
    for i, problem in enumerate(days()):
        theta = compiled.theta(parameters(problem))
        numbers = compiled.numbers(theta)
        before = len(models_sent)
        program.refresh(theta, numbers)
        if len(models_sent) > before:
            whole.append(i)
        held = held_vectors(program.highs, compiled.n_columns, compiled.n_rows)
        for found, wanted in zip(held, numbers, strict=False):
            np.testing.assert_array_equal(found, wanted)
    # The first, and the other battery, and the first one again.
    assert whole == [0, 8, 9]


def test_the_basis_stays_whether_or_not_the_matrix_changes():
    compiled = compile_model(battery_lp())
    program, iterations = held_program(compiled), []
    for gain in (0.9, 0.9, 0.8, 0.8):
        theta = compiled.theta(battery_values(1, gain=gain))
        program.refresh(theta, compiled.numbers(theta))
        assert program.highs.run() is ModelStatus.OPTIMAL
        iterations.append(program.highs.info("simplex_iteration_count"))
    assert iterations[0] > 20
    assert iterations[1] == iterations[3] == 0
    assert iterations[2] < 0.5 * iterations[0]


def test_after_a_refusal_the_whole_model_is_sent(models_sent, monkeypatch):
    compiled = compile_model(battery_lp())
    program = held_program(compiled)
    first, second = (compiled.theta(battery_values(seed, gain=0.9)) for seed in (1, 2))
    program.refresh(first, compiled.numbers(first))

    def refuse(self, numbers):
        raise HighsError("HiGHS refused new costs")

    with monkeypatch.context() as patch:
        patch.setattr(Highs, "change_numbers", refuse)
        with pytest.raises(HighsError):
            program.refresh(second, compiled.numbers(second))
    program.refresh(second, compiled.numbers(second))
    assert len(models_sent) == 2


def test_matrix_values_that_highs_would_drop_with_a_warning_are_left_out():
    compiled = compile_model(battery_lp())
    program = held_program(compiled)
    theta = compiled.theta(battery_values(1, gain=1e-10))
    program.refresh(theta, compiled.numbers(theta))
    assert program.highs.run() is ModelStatus.OPTIMAL


def warm_engine():
    """An engine that has been solved for three days."""
    engine, values = Engine(compile_model(battery_lp())), battery_values(1)
    for seed in (1, 2, 3):
        engine.solve(values | {"price": battery_values(seed)["price"]}, 10.0)
    return engine, values


@pytest.mark.parametrize("name", ["price", "now", "needed", "gain"])
@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_what_is_not_finite_is_refused_in_every_param(name, number):
    engine, values = warm_engine()
    with pytest.raises(NotFiniteError):
        engine.solve(values | {name: values[name] * number}, 10.0)


def test_params_whose_products_may_not_be_finite_are_refused():
    engine, values = warm_engine()
    with pytest.raises(NotFiniteError):
        engine.solve(values | {"price": np.full(48, 1e200)}, 10.0)


def test_the_same_numbers_again_take_no_iteration():
    engine, values = warm_engine()
    first = engine.solve(values, 10.0)
    again = engine.solve(values, 10.0)
    assert again.objective == first.objective
    np.testing.assert_array_equal(again.x, first.x)


def test_sizes_that_make_up_for_each_other_are_refused():
    engine, values = warm_engine()
    with pytest.raises(ValueError, match="Param price has 47 numbers"):
        engine.solve(values | {"price": np.ones(47), "needed": np.ones(49)}, 10.0)


@pytest.mark.parametrize(
    "change", [{"price": np.ones(3)}, {"price": np.ones(49)}, {"now": [1.0, 2.0]}, {"peak": 1.0}]
)
def test_params_that_do_not_fit_the_model_are_refused(change):
    engine, values = warm_engine()
    with pytest.raises(ValueError, match="model"):
        engine.solve(values | change, 10.0)
