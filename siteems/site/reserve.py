"""Backup reserve: the energy that must stay in the battery to carry the load through a mains
failure.

Sizing follows GB 51194-2016, the Chinese code for power supplies of telecommunication sites.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from siteems.site.model import Backup, Battery, Chemistry, Load

# Share of the 10 h capacity that a lead-acid battery delivers in a discharge of so many hours, down
# to about 1.80 V per cell (GB 51194-2016).
LEAD_HOURS = (0.5, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 10.0)
LEAD_SHARE = (0.40, 0.45, 0.61, 0.75, 0.79, 0.88, 0.94, 1.00)
LFP_SHARE = 0.95
"""For lithium iron phosphate the share hardly depends on the rate up to 0.5C."""

# Capacity of lithium iron phosphate at low temperature, from manufacturers' data.
LFP_TEMPERATURE_C = (-20.0, 0.0, 25.0)
LFP_TEMPERATURE_SHARE = (0.50, 0.80, 1.00)


Power = TypeVar("Power", float, npt.NDArray[np.float64])
"""A power or energy: one value, or an array with one value per step."""


@lru_cache(maxsize=1024)
def discharge_factor(chemistry: Chemistry, hours: float) -> float:
    """Share of the 10 h capacity that a constant discharge over `hours` delivers.

    Interpolated linearly in ln(hours). Below half an hour the value for half an hour is used, as
    the standard has none. The factor depends on the duration, not on the current relative to the
    capacity, by which an oversized battery would look too good.
    """
    if chemistry == "lfp":
        return LFP_SHARE
    return float(np.interp(math.log(max(hours, LEAD_HOURS[0])), np.log(LEAD_HOURS), LEAD_SHARE))


def temperature_factor(hours: float, temp_c: float, chemistry: Chemistry) -> float:
    """Share of the capacity that is available at `temp_c`, at most 1.

    Lead: 1 + alpha (t - 25), with alpha by duration of the discharge (GB 51194-2016) and t limited
    to the 5..25 degC for which the formula is stated.
    """
    if chemistry == "lfp":
        return float(np.interp(temp_c, LFP_TEMPERATURE_C, LFP_TEMPERATURE_SHARE))
    alpha = 0.010 if hours < 1 else 0.008 if hours < 10 else 0.006
    return 1 + alpha * (min(max(temp_c, 5.0), 25.0) - 25.0)


def required_ah(
    load_kw: float, hours: float, temp_c: float, k: float, nominal_v: float = 48.0
) -> float:
    """Rated lead-acid capacity in Ah to install: K I T / (eta (1 + alpha (t - 25))), GB 51194-2016.

    `k` is 1.25 for a new battery, which reaches its end of life at 80 % of capacity, or 1 / state
    of health for a measured battery, never both.
    """
    usable = discharge_factor("lead-carbon", hours) * temperature_factor(
        hours, temp_c, "lead-carbon"
    )
    return k * load_kw * 1000.0 / nominal_v * hours / usable


def promise_kwh(battery: Battery, hours: float, load_kw: Power, temp_c: float) -> Power:
    """Stored energy in kWh that carries `load_kw` at the DC bus for `hours`, without any margin.

    The larger of two limits. The standard requires a rated capacity of K P T / (eta(T) f(t)) with
    K = 1 / SoH; as actual capacity is SoH x rated capacity, the state of health cancels out and the
    stored energy is P T / (eta(T) f(t)). The battery also stops at `min_soc`, and the energy drawn
    above it is reduced by the discharge efficiency.
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
    """Stored energy in kWh that must stay in the battery; it may exceed the battery's capacity.

    `load_kw` is the P95 of the coming load, without PV. `temp_c` is the battery temperature; if it
    is unknown (None or NaN), the site's coldest temperature is used. The margin for the error of
    the SoC estimate is included.
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
    """The reserve as a share of actual capacity; above 1 the battery is too small for it."""
    return reserve_kwh(battery, backup, load_kw, temp_c) / battery.capacity_kwh


def free_kwh(
    battery: Battery, backup: Backup, load_kw: float, temp_c: float | None = None
) -> float:
    """Energy in kWh above the reserve in a full battery, which may be cycled; at least 0."""
    return max(0.0, battery.capacity_kwh - reserve_kwh(battery, backup, load_kw, temp_c))


def hours_left(battery: Battery, load_kw: float, soc: float, temp_c: float) -> float:
    """Hours for which the energy at `soc` carries `load_kw`, the inverse of `promise_kwh`.

    Infinite without a load.
    """
    if load_kw <= 0:
        return math.inf
    stored_kwh = soc * battery.capacity_kwh
    longest = stored_kwh / load_kw
    # The temperature coefficient alpha steps at 1 h and 10 h, so that the required energy is
    # monotone only between these durations. The longest interval is searched first.
    for low, high in ((10.0, longest), (1.0, 10.0), (0.0, 1.0)):
        if low < longest and promise_kwh(battery, low, load_kw, temp_c) <= stored_kwh:
            return _last_covered(battery, load_kw, stored_kwh, temp_c, low, min(high, longest))
    return 0.0


def _last_covered(
    battery: Battery, load_kw: float, stored_kwh: float, temp_c: float, low: float, high: float
) -> float:
    """The longest duration from `low` to `high` that the stored energy covers, by bisection."""
    for _ in range(60):  # beyond the resolution of a float
        middle = (low + high) / 2
        if promise_kwh(battery, middle, load_kw, temp_c) <= stored_kwh:
            low = middle
        else:
            high = middle
    return low


def worst_load_kw(load: Load, backup: Backup) -> float:
    """P95 of the typical load over the worst hours of the day, for use before anything is measured.

    It is the highest mean over consecutive hours, as many as the backup hours, plus the load
    margin. Backup hours are rounded down to whole hours, which gives a higher mean.
    """
    width = min(24, max(1, math.floor(backup.hours)))
    around_midnight = np.array(load.typical_dc_kw * 2)
    means = np.convolve(around_midnight, np.full(width, 1 / width), mode="valid")
    return float(means.max()) * (1 + backup.load_margin)
