"""The rules of baselines, by the names that programme records use.

Sources: Beijing (days -2 to -12, of ten days the five with the highest energy) and Jiangsu (five
most recent normal working days; real-time events: the 15 minutes before): chinasmartgrid 2015; PJM
economic (high 4 of 5, additive adjustment), CAISO (10 of 10, multiplicative adjustment within
20 %): KEMA 2011 and the operators' manuals.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from siteems.errors import UserError


@dataclass(frozen=True)
class Adjustment:
    """How a baseline is adjusted by the hours before an event, so that it fits the day."""

    kind: Literal["additive", "multiplicative"]
    most_share: float
    """The adjustment is at most this share of the baseline, up or down."""
    window_h: float = 3.0
    """Length of the window. It ends before the notice: what a site does after it has heard of the
    event, such as charging its battery, must not raise its baseline.
    """
    before_notice_h: float = 1.0
    """How long before the notice, or before the event where it comes without one, it ends."""


@dataclass(frozen=True)
class DayRule:
    """The mean of recent days at the same local time."""

    name: str
    days: int
    """Eligible days that are looked at, the most recent ones."""
    used: int
    """Of these, the days with the highest energy are averaged."""
    days_back: int = 1
    """The most recent day that may count: 1 = the day before the event."""
    ranked_by: Literal["day", "event-hours"] = "day"
    """The energy by which days are ranked."""
    adjustment: Adjustment | None = None


@dataclass(frozen=True)
class BeforeEventRule:
    """The mean of the last minutes before the event, for events without notice."""

    name: str
    minutes: int


@dataclass(frozen=True)
class SubMeterRule:
    """The battery has a meter of its own: without an event its power counts as 0."""

    name: str


Rule = DayRule | BeforeEventRule | SubMeterRule

_RULES: Final = (
    DayRule("high-5-of-10", days=10, used=5, days_back=2),
    DayRule("similar-5-days", days=5, used=5),
    DayRule(
        "mean-10-of-10", days=10, used=10, adjustment=Adjustment("multiplicative", most_share=0.2)
    ),
    DayRule(
        "high-4-of-5",
        days=5,
        used=4,
        ranked_by="event-hours",
        adjustment=Adjustment("additive", most_share=0.4),
    ),
    DayRule("match-day", days=3, used=3, ranked_by="event-hours"),
    BeforeEventRule("before-15-min", minutes=15),
    SubMeterRule("battery-sub-meter"),
)
RULES: Final[Mapping[str, Rule]] = {rule.name: rule for rule in _RULES}
"""By name."""
MOST_DAYS_BACK: Final = 60
"""Days further back are of another season; a rule that finds too few eligible days until then has
no baseline.
"""


def rule_named(name: str) -> Rule:
    """Raises `UserError` for a name that is none."""
    if name not in RULES:
        raise UserError(f"baseline {name!r}: not computed here; known: {', '.join(RULES)}")
    return RULES[name]
