"""The verdict on a demo day: what it saved, and whether reserve and import cap were held."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from siteems.demand_response.event import DrEvent
from siteems.demo.day_balance import DayBalance, day_balance
from siteems.demo.day_picture import draw_day
from siteems.demo.import_cap_check import ImportCapCheck, check_import_cap
from siteems.demo.reserve_check import ReserveCheck, check_reserve
from siteems.errors import UserError
from siteems.history.records import Sample
from siteems.history.store import History
from siteems.messages.json_text import json_text
from siteems.simulation.scenario import Scenario
from siteems.site.model import Site
from siteems.tariff.schedule import TariffSchedule


@dataclass(frozen=True)
class Verdict:
    """The day's result. Energy, money and CO2 are three separate figures."""

    site: Site
    controlled: DayBalance
    idle: DayBalance
    reserve: ReserveCheck
    cap: ImportCapCheck | None
    plans: int
    plans_failed: int
    writes: int
    picture: Path
    profile: str

    @property
    def held(self) -> bool:
        """Whether the reserve, and the import cap if there was one, were held."""
        return self.reserve.held and (self.cap is None or self.cap.held)

    def as_data(self) -> dict[str, object]:
        """For `summary.json`; units are in the names."""
        controlled, idle = self.controlled.span, self.idle.span
        reserve = asdict(self.reserve)
        return {
            "site": self.site.site.id,
            "profile": self.profile,
            "currency": self.site.site.currency,
            "siteems": _figures(self.controlled),
            "without_control": _figures(self.idle),
            "saved_cost": idle.cost - controlled.cost,
            "saved_kwh": idle.net_import_kwh - controlled.net_import_kwh,
            "saved_co2_kg": idle.net_co2_kg - controlled.net_co2_kg,
            "reserve": reserve | {"lowest_margin_at": self.reserve.lowest_margin_at.isoformat()},
            "cap": None if self.cap is None else asdict(self.cap),
            "counter_repairs": [
                asdict(each) | {"start": each.start.isoformat(), "end": each.end.isoformat()}
                for each in self.controlled.repairs
            ],
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
    """Sum up the record, draw the picture and write `summary.json`, both to the folder `work`.

    `uncontrolled` are the samples of the same day without control. Raises `UserError` when the
    record cannot be judged.
    """
    schedule = TariffSchedule(site.tariffs, site.site.zone)
    plans = history.plan_log(scenario.start, scenario.end)
    commands = history.commands(scenario.start, scenario.end)
    try:
        verdict = Verdict(
            site=site,
            controlled=day_balance(samples, site, schedule),
            idle=day_balance(uncontrolled, site, schedule),
            reserve=check_reserve(samples, site),
            cap=None if event is None else check_import_cap(samples, uncontrolled, event, site),
            plans=len(plans),
            plans_failed=sum(status not in ("optimal", "feasible") for _, status, _ in plans),
            writes=sum(c.outcome in ("written", "refreshed") for c in commands),
            picture=work / "day.html",
            profile=scenario.profile.source,
        )
    except ValueError as error:
        raise UserError(f"the day cannot be judged: {error}; see the logs in {work}") from error
    draw_day(site, scenario, samples, schedule, event, _headline(verdict), verdict.picture)
    summary = json_text(verdict.as_data(), indent=2) + "\n"
    (work / "summary.json").write_text(summary, encoding="utf-8")
    return verdict


def _headline(verdict: Verdict) -> tuple[str, ...]:
    """The short results above the picture."""
    idle_cost = verdict.idle.span.cost
    saved = idle_cost - verdict.controlled.span.cost
    share = saved / idle_cost if idle_cost > 0 else 0.0
    results = [
        f"saved {saved:.2f} {verdict.site.site.currency} ({share:.0%}) net of wear",
        f"backup reserve {'held' if verdict.reserve.held else 'BROKEN'}",
    ]
    if verdict.cap is not None:
        results.append(
            f"{verdict.cap.limit_kw:g} kW cap {'held' if verdict.cap.held else 'BROKEN'}"
        )
    return tuple(results)


def _figures(day: DayBalance) -> dict[str, float]:
    return {
        "import_kwh": day.span.import_kwh,
        "net_kwh": day.span.net_import_kwh,
        "energy_cost": day.span.energy_cost,
        "demand_cost": day.span.demand_cost,
        "wear_cost": day.span.wear_cost,
        "stored_drop": 0.0 - day.span.stored_credit,
        "net_cost": day.span.cost,
        "pv_kwh": day.pv_kwh,
        "co2_kg": day.span.net_co2_kg,
    }
