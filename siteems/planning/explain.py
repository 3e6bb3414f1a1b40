"""A plan in words, as a table and as JSON: what it does, what binds it, and why it charges now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from optimisation.plan.plan import Plan
from siteems.planning.prepare import Prepared
from siteems.site.model import Site

Mask = npt.NDArray[np.bool_]

TOUCH = 1e-4
"""kW or kWh within which a limit counts as reached."""


@dataclass(frozen=True)
class Binding:
    """A limit that shapes the plan from one time to another."""

    what: str
    start: datetime
    end: datetime


@dataclass(frozen=True, eq=False)
class Explanation:
    """One plan of one site with everything that is said about it."""

    site: Site
    run: Prepared
    plan: Plan

    @property
    def zone(self) -> ZoneInfo:
        """Where the clock on the wall is."""
        return self.site.site.zone

    def because(self) -> str:
        """Why the battery does what it does in the first step, in one sentence."""
        plan, run = self.plan, self.run
        power, price = float(plan.battery_kw[0]), run.prices[0]
        if power > TOUCH:
            surplus_kw = run.problem.pv_kw[0] - run.problem.dc_load_kw[0]
            cost = self._storing_cost(0)
            source = f"costs {cost:.2f} (import at {price.per_kwh:.2f}, {price.period}, and losses)"
            if surplus_kw >= power - TOUCH:
                source = "costs nothing (sun beyond the load)"
            return f"charging now at {power:.2f} kW: a kWh stored {source}{self._best_use()}"
        if power < -TOUCH:
            later = float(plan.stored_value_per_kwh[0])
            saves = f"saves {self._use_value(0):.2f} after wear (import costs {price.per_kwh:.2f}, {price.period})"
            return f"discharging now at {-power:.2f} kW: a stored kWh {saves} and would be worth {later:.2f} later"
        return f"resting now: import costs {price.per_kwh:.2f} ({price.period}){self._best_use()}"

    def _best_use(self) -> str:
        """Where stored energy is worth most in this plan, in words; empty when it is not used."""
        plan, run = self.plan, self.run
        used = np.flatnonzero(plan.discharge_kw > TOUCH)
        if not used.size:
            return "; no stored energy is used in this plan"
        best = int(max(used, key=lambda i: self._use_value(int(i))))
        worth, price = self._use_value(best), run.prices[best].per_kwh
        return f"; a stored kWh is worth {worth:.2f} after wear at {self._at(best)}, when import costs {price:.2f}"

    def _storing_cost(self, step: int) -> float:
        """What a kWh in the battery costs when it is bought in this step."""
        problem = self.run.problem
        return float(
            problem.price_per_kwh[step]
            * problem.rectifier.ac_per_dc[0]
            / self.site.battery.charge_efficiency
        )

    def _use_value(self, step: int) -> float:
        """What a kWh from the battery saves in this step, in import and less its wear."""
        problem, battery = self.run.problem, self.site.battery
        saved = problem.price_per_kwh[step] * problem.rectifier.ac_per_dc[0]
        return float((saved - battery.wear_per_kwh) * battery.discharge_efficiency)

    def bindings(self) -> tuple[Binding, ...]:
        """Where limits bind, by time."""
        found = [
            Binding(what, *span)
            for what, mask in self._limits().items()
            for span in self._spans(mask)
        ]
        return tuple(sorted(found, key=lambda b: (b.start, b.what)))

    def _limits(self) -> Mapping[str, Mask]:
        """Each limit in words, and the steps in which the plan is at it."""
        plan, problem, battery = self.plan, self.run.problem, self.site.battery
        before = np.concatenate(([problem.stored_kwh], plan.stored_kwh[:-1]))
        accepted = np.interp(before / battery.capacity_kwh, *np.array(battery.acceptance).T)
        charging = plan.charge_kw > TOUCH
        capped = np.isfinite(problem.import_cap_kw)
        return {
            "import is at the connection's limit": plan.grid_import_kw
            >= problem.import_limit_kw - TOUCH,
            "import is at the call's cap": capped
            & (plan.grid_import_kw >= problem.import_cap_kw - TOUCH),
            "the call's cap cannot be kept": plan.cap_excess_kw > TOUCH,
            "the backup reserve holds the battery": plan.stored_kwh <= problem.reserve_kwh + TOUCH,
            "the backup reserve is short": plan.reserve_short_kwh > TOUCH,
            "the battery is full": plan.stored_kwh >= battery.capacity_kwh - TOUCH,
            "the battery takes no more power": charging
            & (plan.charge_kw >= 0.98 * accepted - TOUCH),
            "the battery gives no more power": plan.discharge_kw
            >= battery.max_discharge_kw - TOUCH,
            "import is at the month's peak": self._at_peak(),
            "the rectifiers are at their rating": plan.rectifier_dc_kw
            >= problem.rectifier_max_dc_kw - TOUCH,
            "sun is curtailed": plan.pv_kw < problem.pv_kw - TOUCH,
            "telecom load is not served": plan.unserved_kw > TOUCH,
        }

    def _at_peak(self) -> Mask:
        """Where a kW more would be billed for the month."""
        demand, peak_kw = self.run.problem.demand, self.plan.demand_peak_kw
        if demand is None or peak_kw is None:
            return np.zeros(self.run.problem.n_steps, dtype=np.bool_)
        at_peak: Mask = self.plan.grid_import_kw >= peak_kw - TOUCH
        return at_peak if demand.counts is None else at_peak & demand.counts

    def _spans(self, mask: Mask) -> Iterator[tuple[datetime, datetime]]:
        for holds, steps in groupby(range(len(mask)), key=lambda i: bool(mask[i])):
            indices = list(steps)
            if holds:
                yield self.run.grid.starts[indices[0]], self._end(indices[-1])

    def _end(self, step: int) -> datetime:
        return self.run.grid.starts[step] + timedelta(hours=float(self.run.grid.step_h[step]))

    def _at(self, step: int) -> str:
        return f"{self.run.grid.starts[step].astimezone(self.zone):%H:%M}"

    def text(self) -> str:
        """The plan in words: why now, what binds, what it costs."""
        plan, money = self.plan, self.site.site.currency
        lines = [
            f"{plan.status} plan from {self._at(0)}, solved in {plan.solve_s * 1000:.1f} ms",
            self.because(),
        ]
        if plan.reason:
            lines.append(plan.reason)
        lines.append("")
        lines += [f"  {self._span(b.start, b.end)}  {b.what}" for b in self.bindings()] or [
            "  no limit binds"
        ]
        costs = ", ".join(
            f"{name} {value:.2f}"
            for name, value in plan.cost_by_term.items()
            if abs(value) >= 0.005
        )
        lines += ["", f"cost over {self._hours():.1f} h: {plan.objective:.2f} {money} ({costs})"]
        demand = self.run.problem.demand
        if demand is not None:
            lines.append(
                f"the month's peak: {demand.peak_so_far_kw:.2f} kW are paid for, {plan.demand_peak_kw:.2f} kW with "
                f"this plan; for these hours a kW more counts as {demand.price_per_kw:.2f} {money}"
            )
        return "\n".join(lines)

    def _span(self, start: datetime, end: datetime) -> str:
        first, last = start.astimezone(self.zone), end.astimezone(self.zone)
        day = (
            "" if first.date() == self.run.grid.starts[0].astimezone(self.zone).date() else " (+1)"
        )
        return f"{first:%H:%M}-{last:%H:%M}{day:5}"

    def _hours(self) -> float:
        return float(self.run.grid.step_h.sum())

    def table(self) -> str:
        """The horizon, a line a step; equal neighbours are drawn together."""
        head = (
            "time",
            "price",
            "period",
            "load",
            "sun",
            "import",
            "battery",
            "charge",
            "reserve",
            "worth",
        )
        rows: list[tuple[str, ...]] = [
            head,
            ("", f"{self.site.site.currency}/kWh", "", "kW", "kW", "kW", "kW", "%", "%", "/kWh"),
        ]
        rows += [next(same) for _, same in groupby(self._rows(), key=lambda row: row[1:])]
        widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
        lines = [
            "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
            for row in rows
        ]
        return "\n".join([*lines, "", self.because()])

    def _rows(self) -> Iterator[tuple[str, ...]]:
        plan, run, capacity = self.plan, self.run, self.site.battery.capacity_kwh
        for i in range(len(run.grid.starts)):
            yield (
                self._at(i),
                f"{run.prices[i].per_kwh:.4f}",
                run.prices[i].period,
                f"{run.problem.dc_load_kw[i] + run.problem.ac_load_kw[i]:.2f}",
                f"{plan.pv_kw[i]:.2f}",
                f"{plan.grid_import_kw[i]:.2f}",
                f"{plan.battery_kw[i]:+.2f}",
                f"{plan.stored_kwh[i] / capacity:.1%}",
                f"{run.reserve_kwh[i] / capacity:.1%}",
                f"{plan.stored_value_per_kwh[i]:.3f}",
            )

    def as_dict(self) -> dict[str, Any]:
        """For programs: times ISO 8601 UTC, one number per step, units in the names."""
        plan, run = self.plan, self.run
        return {
            "site": self.site.site.id,
            "issued": run.forecast.issued.isoformat(),
            "status": str(plan.status),
            "reason": plan.reason,
            "because": self.because(),
            "currency": self.site.site.currency,
            "objective": plan.objective,
            "cost_by_term": dict(plan.cost_by_term),
            "solve_s": plan.solve_s,
            "demand_peak_kw": plan.demand_peak_kw,
            "bindings": [
                {"what": b.what, "start": b.start.isoformat(), "end": b.end.isoformat()}
                for b in self.bindings()
            ],
            "starts": [s.isoformat() for s in run.grid.starts],
            "step_h": run.grid.step_h.tolist(),
            "price_per_kwh": [p.per_kwh for p in run.prices],
            "period": [p.period for p in run.prices],
            "dc_load_kw": run.problem.dc_load_kw.tolist(),
            "ac_load_kw": run.problem.ac_load_kw.tolist(),
            "pv_available_kw": run.problem.pv_kw.tolist(),
            "pv_kw": plan.pv_kw.tolist(),
            "grid_import_kw": plan.grid_import_kw.tolist(),
            "rectifier_dc_kw": plan.rectifier_dc_kw.tolist(),
            "battery_kw": plan.battery_kw.tolist(),
            "stored_kwh": plan.stored_kwh.tolist(),
            "reserve_kwh": run.reserve_kwh.tolist(),
            "reserve_short_kwh": plan.reserve_short_kwh.tolist(),
            "cap_excess_kw": plan.cap_excess_kw.tolist(),
            "unserved_kw": plan.unserved_kw.tolist(),
            "stored_value_per_kwh": [
                None if np.isnan(v) else float(v) for v in plan.stored_value_per_kwh
            ],
        }
