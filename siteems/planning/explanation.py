"""What explains a plan: why the battery does what it does now, and which limits bind when.

Everything here is computed from the plan and its inputs; `explanation_text` makes sentences of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

import numpy as np
import numpy.typing as npt

from optimisation.plan.plan import Plan
from siteems.messages.message import Message, MessageType
from siteems.planning import explanation_messages as messages
from siteems.planning.problem import PlanningInputs
from siteems.planning.stored_value import StoredValue
from siteems.site.model import Site

Mask = npt.NDArray[np.bool_]

TOUCH = 1e-4
"""kW or kWh within which a limit counts as reached: above the solver's tolerance (1e-7 relative),
below anything a meter shows.
"""
ACCEPTANCE_TOUCH_SHARE = 0.98
"""Share of the acceptance table from which the chemistry counts as the limit. Not 1, because the
lines by which the LP approximates the table lie slightly below it.
"""


@dataclass(frozen=True)
class Binding:
    """A limit that the plan runs into from `start` to `end`."""

    limit: MessageType
    start: datetime
    end: datetime


@dataclass(frozen=True, eq=False)
class Explanation:
    """One plan of one site and what explains it."""

    site: Site
    inputs: PlanningInputs
    plan: Plan
    value: StoredValue

    def reason(self) -> Message:
        """Why the battery does what it does in the first step."""
        plan, problem = self.plan, self.inputs.problem
        battery_kw, price = float(plan.battery_kw[0]), self.inputs.horizon.prices[0]
        priced = {"price": price.per_kwh, "period": price.period}
        if battery_kw > TOUCH:
            surplus_kw = problem.pv_kw[0] - problem.dc_load_kw[0]
            if surplus_kw >= battery_kw - TOUCH:
                return messages.CHARGES_FROM_PV(
                    battery_kw=battery_kw, more=self._more(), use=self._use()
                )
            return messages.CHARGES_FROM_GRID(
                battery_kw=battery_kw, more=self._more(), use=self._use(), **priced
            )
        if battery_kw < -TOUCH:
            return messages.DISCHARGES(battery_kw=-battery_kw, less=self._less(), **priced)
        return messages.RESTS(more=self._more(), less=self._less(), use=self._use(), **priced)

    def _more(self) -> Message:
        """What more stored energy saves."""
        value = self.value
        return messages.FULL() if value.more is None else messages.MORE(saving=value.more)

    def _less(self) -> Message:
        """What less stored energy costs."""
        value = self.value
        return messages.EMPTY() if value.less is None else messages.LESS(cost=value.less)

    def _use(self) -> Message:
        """The most expensive step in which this plan uses stored energy."""
        horizon = self.inputs.horizon
        used = np.flatnonzero(self.plan.discharge_kw > TOUCH)
        if not used.size:
            return messages.NO_USE()
        best = int(max(used, key=lambda step: horizon.prices[step].per_kwh))
        start = horizon.grid.starts[best].astimezone(self.site.site.zone)
        return messages.USE(time=f"{start:%H:%M}", price=horizon.prices[best].per_kwh)

    def bindings(self) -> tuple[Binding, ...]:
        """Where limits bind, by time."""
        found = [
            Binding(limit, start, end)
            for limit, steps in self._limits_reached()
            for start, end in self._spans(steps)
        ]
        return tuple(sorted(found, key=lambda binding: (binding.start, binding.limit.template)))

    def _limits_reached(self) -> Iterator[tuple[MessageType, Mask]]:
        """Each limit and the steps in which the plan has reached it."""
        plan, problem, battery = self.plan, self.inputs.problem, self.site.battery
        import_kw, cap_kw = plan.grid_import_kw, problem.import_cap_kw
        at_cap = np.isfinite(cap_kw) & (import_kw >= cap_kw - TOUCH)
        yield messages.AT_CONNECTION_LIMIT, import_kw >= problem.import_limit_kw - TOUCH
        yield messages.AT_DR_CAP, at_cap
        yield messages.DR_CAP_EXCEEDED, plan.cap_excess_kw > TOUCH
        yield messages.AT_RESERVE, plan.stored_kwh <= problem.reserve_kwh + TOUCH
        yield messages.RESERVE_SHORT, plan.reserve_short_kwh > TOUCH
        yield messages.BATTERY_FULL, plan.stored_kwh >= battery.capacity_kwh - TOUCH
        yield messages.AT_CHARGE_LIMIT, self._at_charge_limit()
        yield messages.AT_DISCHARGE_LIMIT, plan.discharge_kw >= battery.max_discharge_kw - TOUCH
        yield messages.AT_MONTH_PEAK, self._at_month_peak()
        rated_kw = problem.rectifier_max_dc_kw
        yield messages.AT_RECTIFIER_RATING, plan.rectifier_dc_kw >= rated_kw - TOUCH
        yield messages.PV_CURTAILED, plan.pv_kw < problem.pv_kw - TOUCH
        yield messages.LOAD_UNSERVED, plan.unserved_kw > TOUCH

    def _at_charge_limit(self) -> Mask:
        """Where the battery is charged with all that it accepts at its state of charge."""
        plan, battery = self.plan, self.site.battery
        stored_before = np.concatenate(([self.inputs.problem.stored_kwh], plan.stored_kwh[:-1]))
        soc_points, kw_points = np.array(battery.acceptance).T
        accepted_kw = np.interp(stored_before / battery.capacity_kwh, soc_points, kw_points)
        charging = plan.charge_kw > TOUCH
        at_limit = plan.charge_kw >= ACCEPTANCE_TOUCH_SHARE * accepted_kw - TOUCH
        return np.asarray(charging & at_limit)

    def _at_month_peak(self) -> Mask:
        """Where one more kW would be billed for the month."""
        demand, peak_kw = self.inputs.problem.demand, self.plan.demand_peak_kw
        if demand is None or peak_kw is None:
            return np.zeros(self.inputs.problem.n_steps, dtype=np.bool_)
        at_peak: Mask = self.plan.grid_import_kw >= peak_kw - TOUCH
        return at_peak if demand.counts is None else at_peak & demand.counts

    def _spans(self, reached: Mask) -> Iterator[tuple[datetime, datetime]]:
        """Start and end of each run of consecutive steps."""
        grid = self.inputs.horizon.grid
        for is_reached, group in groupby(range(len(reached)), key=lambda step: bool(reached[step])):
            steps = list(group)
            if is_reached:
                last_h = timedelta(hours=float(grid.step_h[steps[-1]]))
                yield grid.starts[steps[0]], grid.starts[steps[-1]] + last_h
