"""Compiles a Pyomo model to a `CompiledLP`; nothing else reads Pyomo but the model itself."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf, isclose
from typing import Any

import numpy as np
from pyomo.common.gc_manager import PauseGC
from pyomo.core import ConcreteModel, Constraint, Objective, Param, Var, value
from pyomo.core.expr.visitor import identify_mutable_parameters
from pyomo.repn import generate_standard_repn

from optimisation.program.compiled import CompiledLP


class NotAffineError(ValueError):
    """A cost, bound or coefficient that is not affine in the Params, or not linear in the Vars."""


def compile_model(model: ConcreteModel) -> CompiledLP:
    """Compile `model`. Raises `NotAffineError` for a number that is not affine in the Params."""
    with PauseGC():
        params, param_data = _flatten(model, Param)
        columns, variables = _flatten(model, Var)
        rows, constraints = _flatten(model, Constraint)
        position = {id(variable): i for i, variable in enumerate(variables)}
        numbers = _AffineList({id(param): i for i, param in enumerate(param_data)})

        (objective,) = model.component_data_objects(Objective, active=True)
        costs = _linear(objective)
        terms = zip(costs.linear_vars, costs.linear_coefs, strict=True)
        cost: dict[int, Any] = {
            position[id(variable)]: coefficient for variable, coefficient in terms
        }
        for i in range(len(variables)):
            numbers.add(cost.get(i, 0.0))
        for variable in variables:
            numbers.add(-inf if variable.lower is None else variable.lower)
        for variable in variables:
            numbers.add(inf if variable.upper is None else variable.upper)
        linears = [_linear(constraint) for constraint in constraints]
        for constraint, linear in zip(constraints, linears, strict=True):
            numbers.add(constraint.lower - linear.constant if constraint.has_lb() else -inf)
        for constraint, linear in zip(constraints, linears, strict=True):
            numbers.add(constraint.upper - linear.constant if constraint.has_ub() else inf)
        numbers.add(costs.constant)
        starts, indices = [0], []
        for linear in linears:
            for variable, coefficient in zip(linear.linear_vars, linear.linear_coefs, strict=True):
                indices.append(position[id(variable)])
                numbers.add(coefficient)
            starts.append(len(indices))

    return CompiledLP(
        params=params,
        columns=columns,
        rows=rows,
        integer=np.array([variable.is_integer() for variable in variables], dtype=np.bool_),
        starts=np.array(starts, dtype=np.int32),
        indices=np.array(indices, dtype=np.int32),
        z0=np.array(numbers.constants),
        m_row=np.array(numbers.rows, dtype=np.intp),
        m_column=np.array(numbers.columns, dtype=np.intp),
        m_value=np.array(numbers.values),
    )


class _AffineList:
    """Builds z0 and M, from one expression in mutable Params after the other."""

    def __init__(self, position: Mapping[int, int]) -> None:
        self.position = position
        self.constants: list[float] = []
        self.rows: list[int] = []
        self.columns: list[int] = []
        self.values: list[float] = []

    def add(self, expression: Any) -> None:
        """Append one number.

        Each Param is changed once to find its coefficient; then the result is compared with the
        expression at other values.
        """
        if isinstance(expression, (int, float)):
            self.constants.append(float(expression))
            return
        params = list(identify_mutable_parameters(expression))
        before = [param.value for param in params]
        now = value(expression)
        constant, gains = now, []
        for param, old in zip(params, before, strict=True):
            param.set_value(old + 1.0)
            gain = value(expression) - now
            param.set_value(old)
            gains.append(gain)
            constant -= gain * old
        if not _is_affine(expression, constant, params, gains):
            raise NotAffineError(f"{expression} is not affine in its Params")
        for param, old in zip(params, before, strict=True):
            param.set_value(old)
        row = len(self.constants)
        self.constants.append(float(constant))
        self.rows += [row] * len(params)
        self.columns += [self.position[id(param)] for param in params]
        self.values += gains


def _is_affine(expression: Any, constant: float, params: list[Any], gains: list[float]) -> bool:
    """Compare an expression with its affine form at other values, which the Params keep."""
    expected = constant
    for k, (param, gain) in enumerate(zip(params, gains, strict=True)):
        # Of both signs and unrelated, so that max, abs and products are found out.
        trial = (-1.0) ** k * (-2.37 - 1.19 * k)
        param.set_value(trial)
        expected += gain * trial
    return isclose(value(expression), expected, rel_tol=1e-9, abs_tol=1e-9)


def _flatten(model: ConcreteModel, kind: Any) -> tuple[dict[str, slice], list[Any]]:
    slices: dict[str, slice] = {}
    data: list[Any] = []
    for component in model.component_objects(kind, active=True, descend_into=False):
        first = len(data)
        data += [component[index] for index in component.index_set() if index in component]
        slices[component.name] = slice(first, len(data))
    return slices, data


def _linear(component: Any) -> Any:
    body = component.expr if component.ctype is Objective else component.body
    linear = generate_standard_repn(body, quadratic=False, compute_values=False)
    if not linear.is_linear():
        raise NotAffineError(f"{component.name} is not linear in its variables")
    return linear
