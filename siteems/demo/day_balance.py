"""The balance of a day from its record: what it drew, what it cost, what it wore."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

import numpy as np

from siteems.accounting.span import SpanBalance, span_balance
from siteems.accounting.wear import wear_by_throughput
from siteems.demo.day_demand import day_demand_cost
from siteems.demo.day_record import LONGEST_GAP, CounterRepair, energy_kwh, repaired_readings
from siteems.history.records import Sample
from siteems.site.model import Site
from siteems.tariff.schedule import TariffSchedule


@dataclass(frozen=True)
class DayBalance:
    """The balance of a day, and what else its record shows."""

    span: SpanBalance
    pv_kwh: float
    gaps: tuple[tuple[datetime, datetime], ...]
    """Where the meter was not read for long."""
    repairs: tuple[CounterRepair, ...] = ()
    """Where the meter's counter failed."""


def day_balance(samples: Sequence[Sample], site: Site, schedule: TariffSchedule) -> DayBalance:
    """The balance of a recorded day.

    Energy is the difference of the meter's counter from reading to reading, at the price of the
    first of the two, so that a gap loses no energy; where the counter fails it is repaired. Demand
    is charged for the day as a part of its month. Raises `ValueError` when the record holds fewer
    than two readings of the meter or of the battery, or a failed counter without measured power.
    """
    readings, repairs = repaired_readings(samples, site)
    soc = [value for sample in samples if (value := sample.values.get("soc")) is not None]
    if len(readings) < 2 or len(soc) < 2:
        raise ValueError(
            "the record holds too few readings of the meter or the battery to sum up a day"
        )
    discharged_kwh = energy_kwh(samples, "battery_kw", lambda kw: max(0.0, -kw))
    span = span_balance(
        site,
        import_kwh=np.diff([counter for _, counter in readings]),
        price_per_kwh=np.array([schedule.price_at(time).per_kwh for time, _ in readings[:-1]]),
        start_soc=soc[0],
        end_soc=soc[-1],
        wear=wear_by_throughput(site.battery, discharged_kwh),
        demand_cost=day_demand_cost(samples, readings, site, schedule),
    )
    times = [time for time, _ in readings]
    return DayBalance(
        span=span,
        pv_kwh=energy_kwh(samples, "pv_kw", lambda kw: kw),
        gaps=tuple((a, b) for a, b in pairwise(times) if b - a > LONGEST_GAP),
        repairs=repairs,
    )
