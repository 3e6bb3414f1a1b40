"""Settlement of a DR event: what was delivered in each settlement period, and what is paid for it.

With R the response of a period (baseline less metered import; the other way round for filling):

    payment = price x min(R, valid_high x bid) x hours           where R >= valid_low x bid
    penalty = (penalty_below x bid - R) x penalty price x hours  where R < penalty_below x bid

The penalty price is `penalty_per_kwh`, or price x `penalty_factor`. R is negative where the import
moved the wrong way, which makes the penalty larger. All arithmetic is exact; each payment and each
penalty is rounded once per period, half up to the cent, as in bills, and totals are sums of what
was rounded.
"""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction
from typing import Final

import numpy as np
import numpy.typing as npt

from siteems.accounting.decimals import exact
from siteems.demand_response.programme import Programme
from siteems.demand_response.settlement_result import (
    NOTHING,
    Band,
    CapacityPayment,
    SettledPeriod,
    Settlement,
)

Array = npt.NDArray[np.float64]
POWER_DIGITS: Final = 6
"""Powers enter in kW with so many digits, as energies enter bills. Smaller parts are rounding
errors of means, and without rounding they would decide whether exactly 80 % is paid.
"""


def settle(
    programme: Programme,
    bid_kw: float,
    baseline_kw: Array,
    metered_kw: Array,
    step_h: float,
    *,
    contracted_kw: float | None = None,
    month_share: float = 1.0,
) -> Settlement:
    """Settle an event of n steps: mean import in kW, shape (n,), the first step at its start.

    Settlement periods begin with the event; the last one may be shorter than the others.
    NaN is a power that is not known: its period is not paid, not charged, and stated as missing.
    `contracted_kw` (default: the bid) has the capacity payment of the month, of which the share
    `month_share` belongs to this event. Raises ValueError for a bid that is not positive, series
    that do not fit, or steps that do not divide the settlement period.
    """
    contracted_kw = bid_kw if contracted_kw is None else contracted_kw
    if not (math.isfinite(contracted_kw) and 0.0 < bid_kw <= contracted_kw):
        raise ValueError(f"a bid of {bid_kw:g} kW of {contracted_kw:g} kW contracted cannot be")
    if not 0.0 <= month_share <= 1.0:
        raise ValueError(f"a share of the month of {month_share:g}; allowed: 0 to 1")
    if baseline_kw.shape != metered_kw.shape or baseline_kw.ndim != 1 or not baseline_kw.size:
        raise ValueError("baseline and metered power must be two series of the same steps")
    if np.isinf(baseline_kw).any() or np.isinf(metered_kw).any():
        raise ValueError("a power is infinite; one that is not known is NaN")
    steps = _steps_per_period(programme, step_h)
    periods = tuple(
        _settled(programme, bid_kw, first, steps, baseline_kw[first:], metered_kw[first:])
        for first in range(0, len(baseline_kw), steps)
    )
    capacity = _capacity(programme, bid_kw, contracted_kw, month_share, periods)
    return Settlement(programme, bid_kw, periods, capacity)


def _steps_per_period(programme: Programme, step_h: float) -> int:
    if not (math.isfinite(step_h) and step_h > 0.0):
        raise ValueError(f"a step of {step_h:g} h; allowed: above 0")
    steps = programme.settlement_min / 60.0 / step_h
    whole = round(steps)
    if whole < 1 or not math.isclose(steps, whole, rel_tol=1e-9):
        raise ValueError(
            f"a step of {step_h:g} h does not divide the settlement period of "
            f"{programme.settlement_min} min"
        )
    return whole


def _settled(
    programme: Programme, bid_kw: float, first: int, steps: int, base: Array, metered: Array
) -> SettledPeriod:
    """The period of up to `steps` steps with which `base` and `metered` begin, at step `first`."""
    base, metered = base[:steps], metered[:steps]
    start_min = first // steps * programme.settlement_min
    hours = Fraction(programme.settlement_min * len(base), 60 * steps)
    missing = int((np.isnan(base) | np.isnan(metered)).sum())
    if missing:
        return SettledPeriod(
            start_min, float(hours * 60), missing, None, None, None, "missing", NOTHING, NOTHING
        )
    rises = programme.direction == "fill"
    upper, lower = (metered, base) if rises else (base, metered)
    total = sum(map(_power, upper.tolist())) - sum(map(_power, lower.tolist()))
    response = Fraction(total) / len(base)
    bid = _number(bid_kw)
    payment, penalty = _amounts(programme, bid, response)
    return SettledPeriod(
        start_min,
        float(hours * 60),
        0,
        float(response),
        float(response * hours),
        float(response / bid),
        _band(programme, bid, response),
        _cents(payment * hours),
        _cents(penalty * hours),
    )


def _band(programme: Programme, bid: Fraction, response: Fraction) -> Band:
    low, high = _number(programme.valid_low), programme.valid_high
    if programme.penalty_below is not None and response < _number(programme.penalty_below) * bid:
        return "penalty"
    if response < low * bid:
        return "below"
    return "paid" if high is None or response <= _number(high) * bid else "capped"


def _amounts(programme: Programme, bid: Fraction, response: Fraction) -> tuple[Fraction, Fraction]:
    """Payment and penalty per hour, by the formulas of this module."""
    price = _number(programme.price_per_kwh)
    payment = penalty = Fraction(0)
    if response >= _number(programme.valid_low) * bid:
        paid = response  # not negative, as no share is
        if programme.valid_high is not None:
            paid = min(response, _number(programme.valid_high) * bid)
        payment = price * paid
    if programme.penalty_below is not None:
        shortfall = _number(programme.penalty_below) * bid - response
        charged = (
            price * _number(programme.penalty_factor or 0.0)
            if programme.penalty_per_kwh is None
            else _number(programme.penalty_per_kwh)
        )
        penalty = max(shortfall, Fraction(0)) * charged
    return payment, penalty


def _capacity(
    programme: Programme,
    bid_kw: float,
    contracted_kw: float,
    month_share: float,
    periods: tuple[SettledPeriod, ...],
) -> CapacityPayment | None:
    if programme.capacity_per_kw_month is None:
        return None
    paid = _number(contracted_kw)
    delivered: float | None = 1.0
    if programme.capacity_basis == "not-dispatched":
        paid -= _number(bid_kw)
    elif programme.capacity_basis == "delivered":
        delivered = _delivered_share(periods)
    full = _number(programme.capacity_per_kw_month) * paid * _number(month_share)
    return CapacityPayment(float(paid), delivered, _cents(full * _number(delivered or 0.0)))


def _delivered_share(periods: tuple[SettledPeriod, ...]) -> float | None:
    """Mean of response / bid, each from 0 to 1, over the metered periods by their length."""
    known = [(each.ratio, each.minutes) for each in periods if each.ratio is not None]
    if not known:
        return None
    weighted = sum(min(max(ratio, 0.0), 1.0) * minutes for ratio, minutes in known)
    return round(weighted / sum(minutes for _, minutes in known), POWER_DIGITS)


def _power(kw: float) -> Fraction:
    return _number(round(kw, POWER_DIGITS))


def _number(value: float) -> Fraction:
    """The number that was written, see `exact`."""
    return Fraction(exact(value))


def _cents(amount: Fraction) -> Decimal:
    """Half up to the cent; no amount here is negative."""
    return Decimal(math.floor(amount * 100 + Fraction(1, 2))).scaleb(-2)
