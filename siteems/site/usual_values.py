"""Values of a site file that no communication site has, though they may be stated: asked about.

Most of them are in another unit (W for kW, g for kg), have a digit too many, or the wrong sign.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain
from typing import Final

from siteems.site.model import Site
from siteems.tariff.questions import HIGHEST_PER_KWH

HOUR: Final = timedelta(hours=1)
DEGREES_PER_HOUR: Final = 15.0
MOST_FROM_SOLAR_H: Final = 3.5
"""Clocks of Kashgar and of western Spain in summer are 3 h and 2.5 h ahead of solar time."""
MOST_BACKUP_H: Final = 200.0
"""A week of load in a battery: sites off the grid have three to five days."""
TROPIC_DEG: Final = 15.0
"""Nearer to the equator, seasons of clocks say nothing."""


@dataclass(frozen=True)
class Usual:
    """The usual range of a number of the site file."""

    key: str
    read: Callable[[Site], float | None]
    low: float
    high: float
    unit: str
    hint: str


USUAL: Final = (
    # From an access point of 0.3 kW to a hub room on a transformer of its own (domain: macro sites
    # draw 2 to 6 kW, hub rooms up to some hundred).
    Usual("grid.import_limit_kw", lambda s: s.grid.import_limit_kw, 0.5, 1000, "kW", "is it in W?"),
    Usual("load.typical_dc_kw", lambda s: max(s.load.typical_dc_kw), 0.05, 500, "kW", "in W?"),
    Usual("load.typical_ac_kw", lambda s: max(s.load.typical_ac_kw), 0.0, 500, "kW", "in W?"),
    Usual("rectifier.rated_kw", lambda s: s.rectifier.rated_kw, 0.3, 1000, "kW", "is it in W?"),
    Usual("battery.rated_ah", lambda s: s.battery.rated_ah, 20, 30_000, "Ah", "at 48 V"),
    Usual(
        "pv.rated_kwp", lambda s: None if s.pv is None else s.pv.rated_kwp, 0.1, 1000, "kWp",
        "is it in Wp?",
    ),
    Usual(
        "air_conditioner.rated_kw",
        lambda s: None if s.air_conditioner is None else s.air_conditioner.rated_kw,
        0.2, 200, "kW", "electric power, not cooling in BTU/h",
    ),
    # The dirtiest grids emit 1.2 kg (coal alone: 0.8 to 1.1).
    Usual("carbon.kg_per_kwh", lambda s: s.carbon.kg_per_kwh, 0.0, 2.0, "kg/kWh", "is it in g?"),
    Usual(
        "battery.max_charge_kw",
        lambda s: s.battery.max_charge_kw / s.battery.rated_kwh, 0.02, 3.0,
        "kW per rated kWh", "is it in W, or in A?",
    ),
    Usual(
        "battery.max_discharge_kw",
        lambda s: s.battery.max_discharge_kw / s.battery.rated_kwh, 0.05, 5.0,
        "kW per rated kWh", "is it in W, or in A?",
    ),
    Usual(
        "battery.charge_acceptance",
        lambda s: max(kw for _, kw in s.battery.acceptance) / s.battery.rated_kwh, 0.01, 5.0,
        "kW per rated kWh at best", "a battery that accepts nothing is never charged",
    ),
    Usual(
        "demo.dr_event.hours",
        lambda s: None if s.demo is None or s.demo.dr_event is None else s.demo.dr_event.hours,
        0, 24, "h", "the demo lasts a day",
    ),
)  # fmt: skip


def usual_questions(site: Site) -> Iterator[str]:
    """A line for each value that is probably not meant."""
    for usual in USUAL:
        value = usual.read(site)
        if value is not None and not usual.low <= value <= usual.high:
            hint = f"; {usual.hint}" if usual.hint else ""
            yield (
                f"{usual.key} gives {value:.4g} {usual.unit}: is it meant? usual are {usual.low:g} "
                f"to {usual.high:g}{hint}"
            )
    yield from chain(_money(site), _against_each_other(site), _location(site))


def _money(site: Site) -> Iterator[str]:
    """Costs of wear, against what a kWh of energy costs at most in this currency."""
    highest = HIGHEST_PER_KWH.get(site.site.currency)
    if highest is None:
        return
    battery, currency = site.battery, site.site.currency
    if battery.wear_per_kwh > highest:
        yield (
            f"battery.wear_per_kwh = {battery.wear_per_kwh:g} {currency}: is it meant? usual are "
            f"up to {highest:g}; the price of a battery is wear.replacement_per_kwh"
        )
    if battery.wear is not None:
        price = battery.wear.replacement_per_kwh
        if not highest <= price <= 1000.0 * highest:
            yield (
                f"battery.wear.replacement_per_kwh = {price:g} {currency}: is it meant? usual are "
                f"{highest:g} to {1000.0 * highest:g} per rated kWh"
            )
    for version in site.tariffs:
        for term in version.demand:
            if term.price_per_kw > 20.0 * highest:
                yield (
                    f"{version.name}: demand charge {term.name} = {term.price_per_kw:g} {currency} "
                    f"per kW and month: is it meant? usual are up to {20.0 * highest:g}; is it per "
                    "MW, or per year?"
                )


def _against_each_other(site: Site) -> Iterator[str]:
    """Sizes that do not fit the others of the site."""
    grid, battery = site.grid, site.battery
    load_kw, ac_kw = max(site.load.typical_dc_kw), max(site.load.typical_ac_kw)
    if grid.import_limit_kw < load_kw + ac_kw:
        yield (
            f"grid.import_limit_kw = {grid.import_limit_kw:g}: is it meant? the typical loads "
            f"reach {load_kw + ac_kw:g} kW together, and what the grid cannot give is not served"
        )
    if site.rectifier.rated_kw > 20.0 * grid.import_limit_kw:
        yield (
            f"rectifier.rated_kw = {site.rectifier.rated_kw:g}: is it meant? the grid connection "
            f"gives {grid.import_limit_kw:g} kW"
        )
    if site.pv is not None and site.pv.rated_kwp > 20.0 * (load_kw + battery.max_charge_kw):
        yield (
            f"pv.rated_kwp = {site.pv.rated_kwp:g}: is it meant? load and battery take "
            f"{load_kw + battery.max_charge_kw:g} kW"
        )
    backup_h = battery.capacity_kwh / load_kw if load_kw else 0.0
    if backup_h > MOST_BACKUP_H:
        yield (
            f"battery of {battery.capacity_kwh:.3g} kWh: is it meant? it carries a load of "
            f"{load_kw:g} kW for {backup_h:.3g} h"
        )
    if site.control.import_margin_kw > 0.25 * grid.import_limit_kw:
        yield (
            f"control.import_margin_kw = {site.control.import_margin_kw:g}: is it meant? it takes "
            f"a quarter and more of {grid.import_limit_kw:g} kW"
        )
    if grid.contract_kw is not None and not (
        0.05 * grid.import_limit_kw <= grid.contract_kw <= 2.0 * grid.import_limit_kw
    ):
        yield (
            f"grid.contract_kw = {grid.contract_kw:g}: is it meant? the connection gives "
            f"{grid.import_limit_kw:g} kW"
        )
    if site.planning.fine_h > site.planning.horizon_h:
        yield (
            f"planning.fine_h = {site.planning.fine_h}: is it meant? the horizon has "
            f"{site.planning.horizon_h} h"
        )


def _location(site: Site) -> Iterator[str]:
    """A time zone that the coordinates contradict."""
    identity = site.site
    january, july = (
        datetime(2026, month, 1, 12, tzinfo=identity.zone).utcoffset() for month in (1, 7)
    )
    assert january is not None
    assert july is not None
    zone_h, solar_h = min(january, july) / HOUR, identity.longitude_deg / DEGREES_PER_HOUR
    away_h = (zone_h - solar_h + 12.0) % 24.0 - 12.0
    if abs(away_h) > MOST_FROM_SOLAR_H:
        yield (
            f"site.longitude_deg = {identity.longitude_deg:g}: is it meant? the clocks of "
            f"{identity.timezone} are {abs(away_h):.1f} h "
            f"{'ahead of' if away_h > 0 else 'behind'} solar time there; west is negative"
        )
    if january != july and abs(identity.latitude_deg) > TROPIC_DEG:
        summer_in_july = july > january
        if summer_in_july != (identity.latitude_deg > 0.0):
            half = "north" if summer_in_july else "south"
            yield (
                f"site.latitude_deg = {identity.latitude_deg:g}: is it meant? {identity.timezone} "
                f"has its summer time as the {half} has; south is negative"
            )
