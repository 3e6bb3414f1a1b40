"""Checks of rectifier, battery, genset and load against each other."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from optimisation.problem.site_problem import ProblemError
from siteems.config.validation_error import ValidationError
from siteems.site.assets import wear_costs
from siteems.site.model import Backup, Battery, Genset, Load, Rectifier
from siteems.site.reserve import promise_kwh, worst_load_kw

MAX_C_RATE = 3.0
"""Highest plausible charge or discharge power in kW per rated kWh. No battery on a -48 V bus is
faster, so a higher value has the wrong unit.
"""


def check_rectifier(rectifier: Rectifier) -> Iterator[ValidationError]:
    """The efficiency table rises in share, and has two points above no load."""
    if sum(share > 0.0 for share, _ in rectifier.efficiency) < 2:
        yield ValidationError(
            ("rectifier", "efficiency"),
            "has fewer than two points above a share of 0",
            "without output an efficiency says nothing, so two more: [[0.1, 0.9], [1.0, 0.95]]",
        )
    for index, (before, after) in enumerate(pairwise(rectifier.efficiency), start=1):
        if after[0] <= before[0]:
            yield ValidationError(
                ("rectifier", "efficiency", index, 0),
                f"not above the {before[0]:g} before it",
                "shares rise from row to row",
            )


def check_battery(battery: Battery) -> Iterator[ValidationError]:
    """Power limits fit the size of the battery; temperatures and tables are in order."""
    for name in ("max_charge_kw", "max_discharge_kw"):
        c_rate = getattr(battery, name) / battery.rated_kwh
        if c_rate > MAX_C_RATE:
            yield ValidationError(
                ("battery", name),
                f"is {c_rate:.1f} kW per rated kWh ({battery.rated_kwh:g} kWh)",
                f"kW, not W or A, at most {MAX_C_RATE * battery.rated_kwh:g}",
            )
    if battery.min_charge_temp_c >= battery.max_temp_c:
        yield ValidationError(
            ("battery", "min_charge_temp_c"),
            f"not below max_temp_c, which is {battery.max_temp_c:g}",
            "the battery is charged at temperatures between the two",
        )
    for index, (before, after) in enumerate(pairwise(battery.charge_acceptance or ()), start=1):
        if after[0] <= before[0]:
            yield ValidationError(
                ("battery", "charge_acceptance", index, 0),
                f"not above the {before[0]:g} before it",
                "SoC rises from row to row",
            )


def check_wear(battery: Battery) -> Iterator[ValidationError]:
    """The cycle table gives wear costs that do not fall with depth of discharge, and the calendar
    life is given if the mode needs it.
    """
    wear = battery.wear
    if wear is not None and wear.mode == "calendar-netted" and wear.calendar_years is None:
        yield ValidationError(
            ("battery", "wear", "calendar_years"),
            "is missing",
            "years of calendar life, for mode calendar-netted",
        )
        return
    try:
        wear_costs(battery)
    except ProblemError as error:
        yield ValidationError(
            ("battery", "wear", "cycles"),
            str(error).split(";")[0],
            "(depth of discharge, cycles), rising in depth",
        )


def check_load(
    rectifier: Rectifier, battery: Battery, backup: Backup, load: Load
) -> Iterator[ValidationError]:
    """The rectifiers carry the load, and so does a full battery for the backup hours.

    The battery need not have room above the reserve: `siteems check` says whether it has.
    """
    peak_kw = max(load.typical_dc_kw)
    if peak_kw > rectifier.rated_kw:
        yield ValidationError(
            ("load", "typical_dc_kw"),
            f"the peak of {peak_kw:g} kW is above the rectifier's {rectifier.rated_kw:g} kW",
            "values are in kW, not W, and at most what the rectifier can supply",
        )
        return
    load_kw = worst_load_kw(load, backup)
    need_kwh = promise_kwh(battery, backup.hours, load_kw, backup.coldest_c)
    if need_kwh > battery.capacity_kwh:
        yield ValidationError(
            ("backup", "hours"),
            f"the reserve of {need_kwh:.1f} kWh ({load_kw:.2f} kW, {backup.coldest_c:g} degC) "
            f"is larger than the battery of {battery.capacity_kwh:.1f} kWh",
            "fewer hours, a smaller load or a larger battery",
        )
    if load_kw > battery.max_discharge_kw:
        yield ValidationError(
            ("battery", "max_discharge_kw"),
            f"cannot carry the load of {load_kw:.2f} kW when the mains fail",
            "at least the load of the worst hours",
        )


def check_genset(battery: Battery, genset: Genset | None) -> Iterator[ValidationError]:
    """A genset starts before the battery is empty."""
    if genset is not None and genset.start_below_soc <= battery.min_soc:
        yield ValidationError(
            ("genset", "start_below_soc"),
            "too low",
            f"above battery.min_soc, which is {battery.min_soc:g}",
        )
