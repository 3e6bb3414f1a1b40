"""A replay with DR events: what a programme would have paid, alone and together with arbitrage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np

from siteems.demand_response.baseline.days import STEP
from siteems.demand_response.baseline.rules import rule_named
from siteems.demand_response.programme import Programme
from siteems.demand_response.settlement import settle
from siteems.demand_response.settlement_result import Settlement
from siteems.recordings.profile import Profile
from siteems.replay.event_file import AnnouncedEvent
from siteems.replay.outcome import Policy, PolicyOutcome
from siteems.replay.policy_run import PolicyRun, Progress
from siteems.replay.replayed_events import ReplayedEvents
from siteems.replay.window import INTERVAL, ReplayWindow
from siteems.site.model import Site

QUARTER_H = 0.25
NOTHING = Decimal("0.00")


@dataclass(frozen=True, eq=False)
class ReplayedEvent:
    """One event and what came of it."""

    event: AnnouncedEvent
    baseline_kw: float | None
    """Mean import without it; None where there is no baseline."""
    metered_kw: float | None
    settlement: Settlement | None
    not_settled: str = ""
    """Why there is no settlement."""

    @property
    def amount(self) -> Decimal:
        """Payment less penalty."""
        return NOTHING if self.settlement is None else self.settlement.amount


@dataclass(frozen=True, eq=False)
class EventOutcome:
    """One policy with the events."""

    outcome: PolicyOutcome
    events: tuple[ReplayedEvent, ...]

    @property
    def income(self) -> Decimal:
        """What the programme pays for all events, less penalties."""
        return sum((each.amount for each in self.events), NOTHING)

    @property
    def net_cost(self) -> float:
        """Cost of the site less the income."""
        return self.outcome.cost - float(self.income)


@dataclass(frozen=True, eq=False)
class EventComparison:
    """The site without battery use, with arbitrage, with the programme, with both."""

    programme: Programme
    idle: PolicyOutcome
    arbitrage: PolicyOutcome
    """`optimal` that hears of no event."""
    alone: EventOutcome
    """A battery that is kept full for the events."""
    together: EventOutcome
    """`optimal` that follows the events."""

    def summary(self) -> dict[str, Any]:
        """For `summary.json`."""
        return {
            "programme": self.programme.name,
            "events": len(self.together.events),
            "net_cost": {
                "idle": round(self.idle.cost, 4),
                "arbitrage": round(self.arbitrage.cost, 4),
                "programme": round(self.alone.net_cost, 4),
                "both": round(self.together.net_cost, 4),
            },
            "income": {
                "programme": float(self.alone.income),
                "both": float(self.together.income),
            },
            "reserve_violations": {
                "programme": self.alone.outcome.reserve_violations,
                "both": self.together.outcome.reserve_violations,
            },
        }


def run_with_events(
    site: Site,
    profile: Profile,
    policy: Policy,
    window: ReplayWindow,
    start_soc: float,
    announced: Sequence[AnnouncedEvent],
    programme: Programme,
    progress: Progress,
) -> EventOutcome:
    """One policy that follows the events that begin in the window. Raises `TariffGap`, and
    `UserError` for a programme whose baseline cannot be computed.
    """
    end = window.start + window.count * INTERVAL
    within = [each for each in announced if window.start <= each.start and each.end <= end]
    run = PolicyRun(site, profile, policy, window, start_soc, None, progress)
    log = ReplayedEvents(
        within,
        rule_named(programme.baseline),
        site.site.zone,
        window.start,
        lambda: run.import_kw_so_far,
    )
    outcome = run.outcome(log)
    settled = tuple(_settled(each, log, outcome, window, programme) for each in within)
    return EventOutcome(outcome, settled)


def _settled(
    event: AnnouncedEvent,
    log: ReplayedEvents,
    outcome: PolicyOutcome,
    window: ReplayWindow,
    programme: Programme,
) -> ReplayedEvent:
    base = log.baselines.get(event.id)
    if base is None:
        why = log.not_followed.get(event.id, "it was announced before the replay begins")
        return ReplayedEvent(event, None, None, None, f"no baseline: {why}")
    first = round((base.start - window.start) / INTERVAL)
    metered = outcome.series.grid_import_kw[first : first + len(base.kw)]
    if len(metered) < len(base.kw):
        return ReplayedEvent(event, float(base.kw.mean()), None, None, "it is not over")
    mean_kw, base_kw = float(np.mean(metered)), base.mean_kw(event.start, event.end)
    match event.kind:
        case "reduction":
            bid_kw = event.value
        case "import-cap":
            bid_kw = base_kw - event.value
        case _:
            bid_kw = base_kw
    if bid_kw <= 0.0:
        why = f"nothing to reduce: the baseline of {base_kw:.2f} kW is within what it allows"
        return ReplayedEvent(event, base_kw, mean_kw, None, why)
    settlement = settle(programme, bid_kw, base.kw, metered, STEP.total_seconds() / 3600.0)
    return ReplayedEvent(event, base_kw, mean_kw, settlement)


HEADINGS = (
    "id", "kind", "start", "end", "announced", "value", "policy", "baseline_kw", "metered_kw",
    "response_kwh", "payment", "penalty", "amount", "not_settled",
)  # fmt: skip


def event_rows(comparison: EventComparison) -> list[list[object]]:
    """One row for each event and policy, below `HEADINGS`; times ISO 8601 UTC."""
    rows: list[list[object]] = [list(HEADINGS)]
    for policy, outcome in (("programme", comparison.alone), ("both", comparison.together)):
        for each in outcome.events:
            event, paid = each.event, each.settlement
            rows.append(
                [
                    event.id,
                    event.kind,
                    event.start.isoformat(),
                    event.end.isoformat(),
                    event.announced.isoformat(),
                    event.value,
                    policy,
                    _number(each.baseline_kw),
                    _number(each.metered_kw),
                    None if paid is None else _number(paid.response_kwh),
                    None if paid is None else paid.payment,
                    None if paid is None else paid.penalty,
                    None if paid is None else paid.amount,
                    each.not_settled,
                ]
            )
    return rows


def comparison_text(comparison: EventComparison) -> str:
    """What the programme brings, for the terminal."""
    currency = comparison.programme.currency
    lines = [f"with the events of {comparison.programme.title}:"]
    idle = comparison.idle.cost
    for name, cost, income in (
        ("no control", idle, NOTHING),
        ("arbitrage alone", comparison.arbitrage.cost, NOTHING),
        ("programme alone", comparison.alone.net_cost, comparison.alone.income),
        ("both", comparison.together.net_cost, comparison.together.income),
    ):
        saved = idle - cost
        lines.append(
            f"  {name:16} {cost:12,.2f} {currency} after {income:,.2f} from the programme, "
            f"saves {saved:,.2f}"
        )
    followed = [each for each in comparison.together.events if each.settlement is not None]
    count = len(comparison.together.events)
    lines.append(f"  {len(followed)} of {count} events settled with arbitrage")
    for each in comparison.together.events:
        if each.settlement is None:
            lines.append(f"  the first that is not, {each.event.id}: {each.not_settled}")
            break
    return "\n".join(lines)


def _number(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
