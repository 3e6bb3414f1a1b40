"""What a day cost, and whether the promises held: from the record alone, as a stranger would check
it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from siteems.demand_response.event import DrEvent
from siteems.estimation.image import MAINS_PRESENT_V
from siteems.history.records import Sample
from siteems.site.model import Site
from siteems.site.reserve import hours_left
from siteems.tariff.schedule import TariffSchedule

RESERVE_TOLERANCE_SOC = 0.005
"""Resolution of the measured state of charge plus one control cycle; the reserve's own margin is
ten times as large.
"""
DISCHARGING_KW = 0.1
CAP_TOLERANCE = 0.01
CAP_INTERVAL = timedelta(minutes=15)
"""Calls are settled on quarter-hour means of the meter."""
TOO_LONG = timedelta(minutes=10)
"""A gap in the record longer than this is reported, never bridged silently."""


@dataclass(frozen=True)
class DayCost:
    """Three separate figures, and what stands behind them. Energies kWh, money in the site's
    currency.
    """

    import_kwh: float
    energy_cost: float
    wear_cost: float
    stored_change_kwh: float
    """End of the day less its start, in the battery."""
    stored_credit: float
    """What that change would cost to buy at the day's cheapest price (negative: energy was used
    up).
    """
    stored_credit_kwh: float
    """The grid energy that it stands for."""
    pv_kwh: float
    gaps: tuple[tuple[datetime, datetime], ...]

    @property
    def net_cost(self) -> float:
        """Energy and wear, less the credit for what is left in the battery."""
        return self.energy_cost + self.wear_cost - self.stored_credit

    @property
    def net_kwh(self) -> float:
        """Grid energy, less what is left in the battery."""
        return self.import_kwh - self.stored_credit_kwh


@dataclass(frozen=True)
class ReserveCheck:
    """Whether economics ever touched the backup reserve. Margins are shares of capacity."""

    held: bool
    lowest_margin_soc: float
    lowest_margin_at: datetime
    lowest_backup_h: float
    """How long the site's measured load of that moment would have run, at the worst moment with
    mains.
    """
    outage_used_kwh: float


@dataclass(frozen=True)
class CapCheck:
    """Whether a call's import cap held."""

    held: bool
    limit_kw: float
    mean_kw: float
    highest_quarter_kw: float
    uncontrolled_mean_kw: float


def day_cost(samples: Sequence[Sample], site: Site, schedule: TariffSchedule) -> DayCost:
    """Sum up a day. Energy is the difference of the meter's counter, priced at the start of each
    sample.

    Raises `ValueError` when the record holds fewer than two readings of the meter or of the
    battery.
    """
    metered = [(s.time, e) for s in samples if (e := s.values.get("energy_import_kwh")) is not None]
    stored = [
        v * site.battery.capacity_kwh for s in samples if (v := s.values.get("soc")) is not None
    ]
    if len(metered) < 2 or len(stored) < 2:
        raise ValueError(
            "the record holds too few readings of the meter or the battery to sum up a day"
        )
    battery = site.battery
    energy_cost = sum(
        (after - before) * schedule.price_at(time).per_kwh
        for (time, before), (_, after) in pairwise(metered)
    )
    discharged_kwh = _integral(samples, "battery_kw", lambda kw: max(0.0, -kw))
    change_kwh = stored[-1] - stored[0]
    cheapest = min(schedule.price_at(s.time).per_kwh for s in samples)
    rectifier_efficiency = max(e for _, e in site.rectifier.efficiency)
    credit_kwh = change_kwh / (battery.charge_efficiency * rectifier_efficiency)
    return DayCost(
        import_kwh=metered[-1][1] - metered[0][1],
        energy_cost=energy_cost,
        wear_cost=discharged_kwh * battery.wear_per_kwh,
        stored_change_kwh=change_kwh,
        stored_credit=credit_kwh * cheapest,
        stored_credit_kwh=credit_kwh,
        pv_kwh=_integral(samples, "pv_kw", lambda kw: kw),
        gaps=tuple((a, b) for (a, _), (b, _) in pairwise(metered) if b - a > TOO_LONG),
    )


def check_reserve(samples: Sequence[Sample], site: Site) -> ReserveCheck:
    """Look at every moment with mains; the recovery after a failure counts only where the battery
    still gave power.
    """
    worst: tuple[float, datetime] | None = None
    backup_h = float("inf")
    outage_used_kwh = 0.0
    soc_before_failure: float | None = None
    recovering = False
    last_soc: float | None = None
    for sample in samples:
        soc, reserve, volts = (sample.values.get(n) for n in ("soc", "reserve_soc", "mains_v"))
        if soc is None or reserve is None or volts is None:
            continue
        if volts < MAINS_PRESENT_V:
            if soc_before_failure is None:
                soc_before_failure = soc if last_soc is None else last_soc
            recovering = True
            outage_used_kwh = max(
                outage_used_kwh, (soc_before_failure - soc) * site.battery.capacity_kwh
            )
        elif not recovering or soc >= reserve or _discharging(sample):
            recovering, soc_before_failure = False, None
            if worst is None or soc - reserve < worst[0]:
                worst = (soc - reserve, sample.time)
            load_kw = sample.values.get("dc_load_kw")
            temp_c = sample.values.get("battery_c")
            if load_kw is not None and load_kw > 0:
                temp_c = site.backup.coldest_c if temp_c is None else temp_c
                backup_h = min(backup_h, hours_left(site.battery, load_kw, soc, temp_c))
        last_soc = soc
    if worst is None:
        raise ValueError("the record holds no moment with mains, state of charge and reserve")
    return ReserveCheck(
        worst[0] >= -RESERVE_TOLERANCE_SOC, worst[0], worst[1], backup_h, outage_used_kwh
    )


def _discharging(sample: Sample) -> bool:
    battery_kw = sample.values.get("battery_kw")
    return battery_kw is not None and battery_kw < -DISCHARGING_KW


def check_cap(
    samples: Sequence[Sample], uncontrolled: Sequence[Sample], event: DrEvent
) -> CapCheck:
    """Look at the quarter-hour means of grid import in the event, by the meter's counter.

    Only readings within the event count: what the site drew between its end and the next reading is
    not the call's. A counter behind current transformers moves in coarse steps: where an excess is
    less than one of them, the measured power tells what was drawn.
    """
    edges = [event.start]
    while edges[-1] + CAP_INTERVAL < event.end:
        edges.append(edges[-1] + CAP_INTERVAL)
    readings = _readings_within(samples, event)
    final = len(readings) - 1
    starts = [
        next((i for i, (time, _) in enumerate(readings) if time >= edge), final) for edge in edges
    ]
    spans = [
        (readings[first], readings[last])
        for first, last in pairwise((*starts, final))
        if first < last
    ]
    allowed_kw = event.limit_kw * (1.0 + CAP_TOLERANCE)
    step_kwh = _step_kwh(readings)
    highest = 0.0
    for first, last in spans:
        mean_kw = _mean_kw(first, last)
        if allowed_kw < mean_kw <= allowed_kw + step_kwh / _hours(first, last):
            power_kw = _mean_power_kw(samples, first[0], last[0])
            mean_kw = mean_kw if power_kw is None else power_kw
        highest = max(highest, mean_kw)
    idle = _readings_within(uncontrolled, event)
    return CapCheck(
        held=highest <= allowed_kw,
        limit_kw=event.limit_kw,
        mean_kw=_mean_kw(readings[0], readings[-1]),
        highest_quarter_kw=highest,
        uncontrolled_mean_kw=_mean_kw(idle[0], idle[-1]),
    )


CounterReading = tuple[datetime, float]
"""Time and counter, kWh."""


def _readings_within(samples: Sequence[Sample], event: DrEvent) -> list[CounterReading]:
    """The meter's counter readings in an event. Raises `ValueError` where one is missing for longer
    than `TOO_LONG`.
    """
    metered = [(s.time, e) for s in samples if (e := s.values.get("energy_import_kwh")) is not None]
    within = [m for m in metered if event.start <= m[0] <= event.end]
    times = [event.start, *(time for time, _ in within), event.end]
    if len(within) < 2 or max(b - a for a, b in pairwise(times)) > TOO_LONG:
        raise ValueError(f"the record does not cover {event.start} to {event.end}")
    return within


def _step_kwh(readings: Sequence[CounterReading]) -> float:
    """Steps of a counter that is seen to stand still between them; 0 of one that moves with every
    reading.
    """
    moves = [b - a for (_, a), (_, b) in pairwise(readings)]
    return min((move for move in moves if move > 0.0), default=0.0) if 0.0 in moves else 0.0


def _hours(first: CounterReading, last: CounterReading) -> float:
    return (last[0] - first[0]) / timedelta(hours=1)


def _mean_kw(first: CounterReading, last: CounterReading) -> float:
    """Mean power between two counter readings."""
    return (last[1] - first[1]) / _hours(first, last)


def _mean_power_kw(samples: Sequence[Sample], begin: datetime, end: datetime) -> float | None:
    """Mean of the measured import, each sample holding until the next; None where one is unknown."""
    span = [sample for sample in samples if begin <= sample.time <= end]
    if any(sample.values.get("grid_kw") is None for sample in span):
        return None
    return _integral(span, "grid_kw", lambda kw: max(0.0, kw)) / (
        (end - begin) / timedelta(hours=1)
    )


def _integral(samples: Sequence[Sample], name: str, part: Callable[[float], float]) -> float:
    """kWh of a power series, each sample holding until the next; gaps longer than `TOO_LONG` count
    as unknown.
    """
    total = 0.0
    for sample, following in pairwise(samples):
        value = sample.values.get(name)
        span = following.time - sample.time
        if value is not None and span <= TOO_LONG:
            total += part(value) * (span / timedelta(hours=1))
    return total
