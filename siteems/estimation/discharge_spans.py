"""Spans of discharge in the samples: how much energy, and how much of the state of charge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from siteems.estimation.process_image import RESTING_KW

HOUR: Final = timedelta(hours=1)
LONGEST_GAP: Final = timedelta(minutes=15)
"""Samples further apart than this do not belong to one span: what happened between is unknown."""


@dataclass(frozen=True)
class DischargeSpan:
    """One discharge without a break."""

    start_soc: float
    end_soc: float
    delivered_kwh: float
    """At the DC bus."""

    @property
    def depth(self) -> float:
        """Share of the capacity that was used."""
        return self.start_soc - self.end_soc


@dataclass(frozen=True)
class _Seen:
    """One sample while the battery discharges."""

    time: datetime
    soc: float
    discharge_kw: float


class DischargeSpans:
    """Finds the spans. Each is handed out once, when it has ended."""

    def __init__(self) -> None:
        self._first: _Seen | None = None
        self._last: _Seen | None = None
        self._delivered_kwh = 0.0

    def learn(self, time: datetime, values: Mapping[str, float | None]) -> DischargeSpan | None:
        """Take one sample: values by the names of the process image; the span that it ends."""
        seen = _seen(time, values)
        if seen is not None and self._continues(seen):
            assert self._last is not None
            hours = (seen.time - self._last.time) / HOUR
            mean_kw = (seen.discharge_kw + self._last.discharge_kw) / 2.0
            self._delivered_kwh += hours * mean_kw
            self._last = seen
            return None
        ended = self._span()
        self._first = self._last = seen
        self._delivered_kwh = 0.0
        return ended

    def _continues(self, seen: _Seen) -> bool:
        """Whether a sample belongs to the span in progress."""
        return (
            self._last is not None
            and timedelta(0) < seen.time - self._last.time <= LONGEST_GAP
            and seen.soc <= self._last.soc
        )

    def _span(self) -> DischargeSpan | None:
        if self._first is None or self._last is None:
            return None
        return DischargeSpan(self._first.soc, self._last.soc, self._delivered_kwh)


def _seen(time: datetime, values: Mapping[str, float | None]) -> _Seen | None:
    """The sample, where the battery discharges and both values are known."""
    soc, battery_kw = values.get("soc"), values.get("battery_kw")
    if soc is None or battery_kw is None or not battery_kw < -RESTING_KW:  # also where it is NaN
        return None
    return _Seen(time, soc, -battery_kw)
