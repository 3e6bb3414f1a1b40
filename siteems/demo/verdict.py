"""The end of a demo day: what it saved, whether the promises held, in words, as JSON and as a
picture.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from siteems.accounting.carbon import co2_kg, describe
from siteems.demand_response.event import DrEvent
from siteems.demo.picture import draw_day
from siteems.demo.score import CapCheck, DayCost, ReserveCheck, check_cap, check_reserve, day_cost
from siteems.errors import UserError
from siteems.history.records import Sample
from siteems.history.store import History
from siteems.simulation.scenario import Scenario
from siteems.site.model import Site
from siteems.tariff.schedule import TariffSchedule


@dataclass(frozen=True)
class Verdict:
    """The day's result. kWh, money and CO2 are three separate figures."""

    site: Site
    controlled: DayCost
    idle: DayCost
    reserve: ReserveCheck
    cap: CapCheck | None
    plans: int
    plans_failed: int
    writes: int
    picture: Path
    profile: str

    @property
    def held(self) -> bool:
        """Whether every promise of the day was kept."""
        return self.reserve.held and (self.cap is None or self.cap.held)

    def text(self) -> str:
        """For the terminal."""
        site, money = self.site, self.site.site.currency
        factor = site.carbon
        rows = [
            ("", "without control", "siteems", "saved"),
            _row(
                "grid energy, net of storage (kWh)", self.idle.net_kwh, self.controlled.net_kwh, 1
            ),
            _row(f"energy bill ({money})", self.idle.energy_cost, self.controlled.energy_cost, 2),
            _row(f"battery wear ({money})", self.idle.wear_cost, self.controlled.wear_cost, 2),
            _row(
                f"less energy left in store ({money})",
                -self.idle.stored_credit,
                -self.controlled.stored_credit,
                2,
            ),
            _row(f"cost of the day ({money})", self.idle.net_cost, self.controlled.net_cost, 2),
            _row(
                "emissions (kg CO2)",
                co2_kg(self.idle.net_kwh, factor),
                co2_kg(self.controlled.net_kwh, factor),
                1,
            ),
            _row(
                "photovoltaics used (kWh)", self.idle.pv_kwh, self.controlled.pv_kwh, 1, gain=True
            ),
        ]
        widths = [max(len(r[i]) for r in rows) for i in range(4)]
        lines = [
            "",
            *("  ".join(_pad(cell, widths[i], i) for i, cell in enumerate(r)) for r in rows),
            "",
        ]
        if self.controlled.net_kwh > self.idle.net_kwh:
            lines.append(
                "Shifting energy in time costs energy: money is saved here, kWh and CO2 are not."
            )
        lines += [f"Emission factor: {describe(factor)}.", "", *self._promises(), ""]
        lines.append(
            f"{self.plans} plans, {self.plans_failed} failed; {self.writes} registers written."
        )
        lines += [f"Record gap: {a:%H:%M} to {b:%H:%M} UTC." for a, b in self.controlled.gaps]
        lines.append(f"Picture: {self.picture}")
        return "\n".join(lines)

    def _promises(self) -> list[str]:
        r, zone = self.reserve, self.site.site.zone
        lines = [
            f"Backup reserve never broken: {_yes(r.held)}; lowest margin {r.lowest_margin_soc * 100:+.1f} % of capacity"
            f" at {r.lowest_margin_at.astimezone(zone):%H:%M}, never less than {r.lowest_backup_h:.1f} h of backup for"
            f" {self.site.backup.hours:g} h promised."
        ]
        if r.outage_used_kwh > 0:
            lines.append(
                f"In the mains failure the battery gave {r.outage_used_kwh:.1f} kWh of backup."
            )
        if self.cap is not None:
            c = self.cap
            lines.append(
                f"Import cap of {c.limit_kw:g} kW held: {_yes(c.held)}; mean {c.mean_kw:.2f} kW, highest quarter hour"
                f" {c.highest_quarter_kw:.2f} kW, without control {c.uncontrolled_mean_kw:.2f} kW."
            )
        return lines

    def as_dict(self) -> dict[str, object]:
        """For programs; units in the names."""
        return {
            "site": self.site.site.id,
            "profile": self.profile,
            "currency": self.site.site.currency,
            "siteems": {
                **_figures(self.controlled),
                "co2_kg": co2_kg(self.controlled.net_kwh, self.site.carbon),
            },
            "without_control": {
                **_figures(self.idle),
                "co2_kg": co2_kg(self.idle.net_kwh, self.site.carbon),
            },
            "saved_cost": self.idle.net_cost - self.controlled.net_cost,
            "saved_kwh": self.idle.net_kwh - self.controlled.net_kwh,
            "saved_co2_kg": co2_kg(self.idle.net_kwh - self.controlled.net_kwh, self.site.carbon),
            "reserve": {
                **asdict(self.reserve),
                "lowest_margin_at": self.reserve.lowest_margin_at.isoformat(),
            },
            "cap": None if self.cap is None else asdict(self.cap),
            "plans": self.plans,
            "plans_failed": self.plans_failed,
            "writes": self.writes,
        }


def judge(
    site: Site,
    scenario: Scenario,
    samples: Sequence[Sample],
    uncontrolled: Sequence[Sample],
    event: DrEvent | None,
    history: History,
    work: Path,
) -> Verdict:
    """Sum up the record, draw the picture, write `summary.json`. `UserError` when the record cannot
    be judged.
    """
    schedule = TariffSchedule(site.tariffs, site.site.zone)
    plans = history.plan_log(scenario.start, scenario.end)
    commands = history.commands(scenario.start, scenario.end)
    try:
        verdict = Verdict(
            site=site,
            controlled=day_cost(samples, site, schedule),
            idle=day_cost(uncontrolled, site, schedule),
            reserve=check_reserve(samples, site),
            cap=None if event is None else check_cap(samples, uncontrolled, event),
            plans=len(plans),
            plans_failed=sum(status not in ("optimal", "feasible") for _, status, _ in plans),
            writes=sum(c.outcome in ("written", "refreshed") for c in commands),
            picture=work / "day.html",
            profile=scenario.profile.source,
        )
    except ValueError as error:
        raise UserError(f"the day cannot be judged: {error}; see the logs in {work}") from error
    headline = _headline(verdict)
    draw_day(site, scenario, samples, schedule, event, headline, verdict.picture)
    (work / "summary.json").write_text(
        json.dumps(verdict.as_dict(), indent=2) + "\n", encoding="utf-8"
    )
    return verdict


def _headline(v: Verdict) -> tuple[str, ...]:
    """The picture's few words of result."""
    saved = v.idle.net_cost - v.controlled.net_cost
    share = saved / v.idle.net_cost if v.idle.net_cost > 0 else 0.0
    words = [
        f"saved {saved:.2f} {v.site.site.currency} ({share:.0%}) net of wear",
        f"backup reserve {'held' if v.reserve.held else 'BROKEN'}",
    ]
    if v.cap is not None:
        words.append(f"{v.cap.limit_kw:g} kW cap {'held' if v.cap.held else 'BROKEN'}")
    return tuple(words)


def _figures(day: DayCost) -> dict[str, float]:
    return {
        "import_kwh": day.import_kwh,
        "net_kwh": day.net_kwh,
        "energy_cost": day.energy_cost,
        "wear_cost": day.wear_cost,
        "stored_credit": day.stored_credit,
        "net_cost": day.net_cost,
        "pv_kwh": day.pv_kwh,
    }


def _row(
    title: str, idle: float, controlled: float, digits: int, *, gain: bool = False
) -> tuple[str, str, str, str]:
    saved = controlled - idle if gain else idle - controlled
    return title, f"{idle:.{digits}f}", f"{controlled:.{digits}f}", f"{saved:+.{digits}f}"


def _pad(cell: str, width: int, column: int) -> str:
    return cell.ljust(width) if column == 0 else cell.rjust(width)


def _yes(value: bool) -> str:
    return "yes" if value else "NO"
