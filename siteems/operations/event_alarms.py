"""The alarm about a DR event that cannot be held as the site is now."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from siteems.demand_response.event import DrEvent
from siteems.demand_response.timeline import tightest_cap_kw
from siteems.history.records import AlarmRecord
from siteems.history.store import History
from siteems.operations import alarm_catalogue as alarms

AS_PRESENT: Final = timedelta(minutes=10)
"""How old a sample may be that counts as now; `recording.sample_s` is a minute by default."""


def recorded_ac_load_kw(history: History, now: datetime) -> float | None:
    """The present load on the AC side, as far as the record knows it. Raises `RecordError`."""
    sample = history.last_sample(now)
    if sample is None or now - sample.time > AS_PRESENT:
        return None
    return sample.values.get("ac_load_kw")


def cap_below_ac_load(
    event: DrEvent, ac_load_kw: float | None, now: datetime
) -> AlarmRecord | None:
    """The alarm where the AC load alone exceeds the limit; None where it does not, or is unknown.

    The battery is on the DC side: it can carry the telecom load, and nothing on the AC side.
    """
    cap_kw = tightest_cap_kw(event)
    if event.kind == "emergency" or ac_load_kw is None or ac_load_kw <= cap_kw:
        return None  # in an emergency the site gives what it can
    return alarms.CAP_BELOW_AC_LOAD.at(now, event=event.id, cap_kw=cap_kw, ac_load_kw=ac_load_kw)
