"""Backup reserve: the energy that must stay in the battery so that the load outlasts a mains
failure.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from siteems.site.model import Backup, Battery, Chemistry, Load

# Share of the 10 h capacity that a discharge of so many hours gives: GB 51194-2016, lead-acid to
# about 1.80 V/cell.
LEAD_HOURS = (0.5, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 10.0)
LEAD_SHARE = (0.40, 0.45, 0.61, 0.75, 0.79, 0.88, 0.94, 1.00)
LFP_SHARE = 0.95
"""Lithium iron phosphate hardly depends on the rate up to 0.5C."""

# Makers' figures for lithium iron phosphate: capacity left in the cold.
LFP_TEMPERATURE_C = (-20.0, 0.0, 25.0)
LFP_TEMPERATURE_SHARE = (0.50, 0.80, 1.00)


Power = TypeVar("Power", float, npt.NDArray[np.float64])
"""One power in kW, or one per step."""


@lru_cache(maxsize=1024)
def discharge_factor(chemistry: Chemistry, hours: float) -> float:
    """Share of the capacity that a steady discharge of `hours` can use, linear in ln(hours) between
    the points.

    It goes by the duration, not by current over capacity: judged by its rate an oversized bank
    would look too good. Below half an hour the value of half an hour holds; nothing is known there.
    """
    if chemistry == "lfp":
        return LFP_SHARE
    return float(np.interp(math.log(max(hours, LEAD_HOURS[0])), np.log(LEAD_HOURS), LEAD_SHARE))


def temperature_factor(hours: float, temp_c: float, chemistry: Chemistry) -> float:
    """Share of the capacity left at `temp_c`; no credit above 25 degC.

    Lead: 1 + alpha (t - 25), alpha by duration (GB 51194-2016), t held within the 5..25 degC that
    the formula is for.
    """
    if chemistry == "lfp":
        return float(np.interp(temp_c, LFP_TEMPERATURE_C, LFP_TEMPERATURE_SHARE))
    alpha = 0.010 if hours < 1 else 0.008 if hours < 10 else 0.006
    return 1 + alpha * (min(max(temp_c, 5.0), 25.0) - 25.0)


def required_ah(
    load_kw: float, hours: float, temp_c: float, k: float, nominal_v: float = 48.0
) -> float:
    """Rated lead-acid capacity to install: K I T / (eta (1 + alpha (t - 25))), GB 51194-2016.

    `k` is 1.25 when planning (end of life at 80 %), 1 / state of health for a measured battery;
    never both.
    """
    usable = discharge_factor("lead-carbon", hours) * temperature_factor(
        hours, temp_c, "lead-carbon"
    )
    return k * load_kw * 1000.0 / nominal_v * hours / usable


def promise_kwh(battery: Battery, hours: float, load_kw: Power, temp_c: float) -> Power:
    """Stored energy that carries `load_kw` on the bus for `hours`, without any margin.

    The standard asks for rated capacity K P T / (eta(T) f(t)) with K = 1/SoH. The actual capacity
    is SoH x rated, so of actual energy it is P T / (eta(T) f(t)) and the state of health drops out.
    A second limit is the stop at `min_soc`: what lies below it is not given, and what is drawn
    above it loses the discharge efficiency. The larger one rules.
    """
    delivered_kwh = load_kw * hours
    factor = discharge_factor(battery.chemistry, hours) * temperature_factor(
        hours, temp_c, battery.chemistry
    )
    by_standard = delivered_kwh / factor
    above_floor = (
        battery.min_soc * battery.capacity_kwh + delivered_kwh / battery.discharge_efficiency
    )
    needed: Power = np.maximum(by_standard, above_floor)
    return needed


def reserve_kwh(
    battery: Battery, backup: Backup, load_kw: Power, temp_c: float | None = None
) -> Power:
    """Energy of actual capacity (kWh stored) that must stay in the battery; may be larger than the
    battery.

    `load_kw` is the P95 of the coming load, without PV; `temp_c` the battery's temperature, unknown
    (none or NaN) = the coldest of the site. The margin for the error of the SoC estimate is
    included.
    """
    if temp_c is None or math.isnan(temp_c):
        temp_c = backup.coldest_c
    return (
        promise_kwh(battery, backup.hours, load_kw, temp_c)
        + backup.soc_margin * battery.capacity_kwh
    )


def reserve_soc(
    battery: Battery, backup: Backup, load_kw: float, temp_c: float | None = None
) -> float:
    """The reserve as a share of actual capacity; above 1 the promise cannot be kept with its
    margin.
    """
    return reserve_kwh(battery, backup, load_kw, temp_c) / battery.capacity_kwh


def free_kwh(
    battery: Battery, backup: Backup, load_kw: float, temp_c: float | None = None
) -> float:
    """Energy above the reserve of a full battery: what may be cycled, 0 when there is no room."""
    return max(0.0, battery.capacity_kwh - reserve_kwh(battery, backup, load_kw, temp_c))


def hours_left(battery: Battery, load_kw: float, soc: float, temp_c: float) -> float:
    """The longest time (h) for which the energy at `soc` carries `load_kw`: `promise_kwh` inverted;
    inf at no load.
    """
    if load_kw <= 0:
        return math.inf
    stored_kwh = soc * battery.capacity_kwh
    longest = stored_kwh / load_kw
    # alpha steps at 1 h and 10 h, so the need grows steadily only between those: search the longest
    # stretch first.
    for low, high in ((10.0, longest), (1.0, 10.0), (0.0, 1.0)):
        if low < longest and promise_kwh(battery, low, load_kw, temp_c) <= stored_kwh:
            return _last_covered(battery, load_kw, stored_kwh, temp_c, low, min(high, longest))
    return 0.0


def _last_covered(
    battery: Battery, load_kw: float, stored_kwh: float, temp_c: float, low: float, high: float
) -> float:
    for _ in range(60):
        middle = (low + high) / 2
        if promise_kwh(battery, middle, load_kw, temp_c) <= stored_kwh:
            low = middle
        else:
            high = middle
    return low


def worst_load_kw(load: Load, backup: Backup) -> float:
    """P95 of the typical load over the worst hours of the day: the load to reckon with before
    anything is measured.

    The highest mean over a run of backup hours (whole hours, rounded down: the safe side), raised
    by the load margin.
    """
    width = min(24, max(1, math.floor(backup.hours)))
    around_midnight = np.array(load.typical_dc_kw * 2)
    means = np.convolve(around_midnight, np.full(width, 1 / width), mode="valid")
    return float(means.max()) * (1 + backup.load_margin)
