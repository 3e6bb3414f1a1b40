"""A small LP with Params in every place an LP has: one battery, one day, its efficiencies in the
matrix.
"""

from typing import Any

import numpy as np
from pyomo.core import (
    ConcreteModel,
    Constraint,
    NonNegativeReals,
    Objective,
    Param,
    RangeSet,
    Reals,
    Var,
)

STEPS = 48
Values = dict[str, Any]


def battery_lp() -> ConcreteModel:
    m = ConcreteModel()
    m.t = RangeSet(0, STEPS - 1)
    m.price = Param(m.t, mutable=True, initialize=1.0, within=Reals)
    m.needed = Param(m.t, mutable=True, initialize=1.0)
    m.room, m.now, m.gain, m.loss = (Param(mutable=True, initialize=1.0) for _ in range(4))
    m.grid, m.discharge = Var(m.t, within=NonNegativeReals), Var(m.t, bounds=(0, 5))
    m.charge = Var(m.t, bounds=(0, 5))
    m.stored = Var(m.t, bounds=lambda m, t: (0, m.room))

    def recursion(m, t):
        before = m.stored[t - 1] if t else m.now
        return m.stored[t] == before + m.gain * m.charge[t] - m.loss * m.discharge[t]

    m.recursion = Constraint(m.t, rule=recursion)
    m.balance = Constraint(
        m.t, rule=lambda m, t: m.grid[t] + m.discharge[t] == m.needed[t] + m.charge[t]
    )
    m.cost = Objective(
        expr=sum(m.price[t] * m.grid[t] + 1e-4 * t * m.charge[t] for t in m.t) - 0.5 * m.now
    )
    return m


def battery_values(seed: int, **changes: Any) -> Values:
    """Params of an unrelated day; the matrix is that of every other day unless `gain` or `loss`
    change.
    """
    rng = np.random.default_rng(seed)
    values: Values = {
        "price": rng.uniform(0.1, 1.2, STEPS),
        "needed": rng.uniform(0.0, 6.0, STEPS),
        "room": 30.0,
        "now": rng.uniform(0.0, 30.0),
        "gain": 0.9,
        "loss": 1.1,
    }
    return values | changes
