"""The page that `siteems check` prints: assets, devices, tariff, backup reserve, and whether it
pays to cycle the battery.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

import numpy as np

from drivers.catalogue import load_map
from drivers.roles import BatteryCommand
from siteems.accounting.carbon import describe
from siteems.accounting.price_spread import shift_benefit
from siteems.site.assets import battery_command_of, is_drivable
from siteems.site.model import Site
from siteems.site.questions import lease_warnings, ratio_questions
from siteems.site.reserve import free_kwh, hours_left, reserve_kwh, worst_load_kw
from siteems.site.usual_values import usual_questions
from siteems.tariff.gap import TariffGap
from siteems.tariff.hours import clock
from siteems.tariff.questions import price_questions, vector_questions
from siteems.tariff.schedule import PricedSlot, TariffSchedule

BARS = "▁▂▃▄▅▆▇█"
COMMANDS: Mapping[BatteryCommand, str] = {
    "power_setpoint": "commanded by a power setpoint",
    "forced_power": "commanded by forced charge and discharge",
    "grid_setpoint": "commanded by a grid power setpoint of its converter",
    "rectifier_current": "commanded by the rectifiers' current limit and its charge-current limit",
    "power_limits": "commanded by limits of its charge and discharge power",
    "rectifier_voltage": "commanded by the rectifiers' voltage",
}
"""How the battery of the site is commanded."""

NO_ROOM_SHARE = 0.02
"""A free share of the battery below this counts as none: no SoC estimate is more accurate."""


def summarise(site: Site, on: date) -> str:
    """One page about the site, with the tariff of the local day `on`; no line break at the end."""
    identity = site.site
    location = f"latitude {identity.latitude_deg:g}, longitude {identity.longitude_deg:g}"
    heading = (
        f"{identity.id}: {identity.name}",
        f"{location}, {identity.timezone}, {identity.currency}",
    )
    try:
        slots = TariffSchedule(site.tariffs, identity.zone).day(on)
        tariff, cycling = _tariff(slots), _cycling(site, slots)
    except TariffGap as gap:
        tariff, cycling = list(gap.lines), ["unknown without a tariff"]
    questions = [
        *usual_questions(site),
        *price_questions(site.tariffs, identity.currency),
        *vector_questions(site.tariffs, identity.currency, identity.zone),
        *ratio_questions(site),
    ]
    warnings = list(lease_warnings(site))
    sections = (
        ("Assets", _columns(_assets(site))),
        ("Devices", _columns(_devices(site))),
        (f"Tariff on {on}", tariff),
        *([("Questions", questions)] if questions else []),
        *([("Warnings", warnings)] if warnings else []),
        ("Backup reserve", _backup(site)),
        ("Cycling", cycling),
        ("Carbon", [describe(site.carbon)]),
    )
    blocks = ["\n".join((title, *(f"  {line}" for line in lines))) for title, lines in sections]
    return "\n\n".join(("\n".join(heading), *blocks))


def _columns(rows: Iterable[Sequence[str]]) -> list[str]:
    rows = list(rows)
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def _assets(site: Site) -> Iterable[tuple[str, str]]:
    battery = site.battery
    yield "grid", f"import up to {site.grid.import_limit_kw:g} kW"
    yield "rectifier", f"{site.rectifier.rated_kw:g} kW at {site.rectifier.float_v:g} V"
    yield (
        "battery",
        f"{battery.chemistry}, {battery.rated_ah:g} Ah at {battery.nominal_v:g} V, "
        f"{battery.capacity_kwh:.1f} kWh today (state of health {battery.state_of_health:.0%})",
    )
    yield (
        "",
        f"charges at up to {battery.max_charge_kw:g} kW, "
        f"discharges at up to {battery.max_discharge_kw:g} kW, "
        f"wear {battery.wear_per_kwh:g} {site.site.currency}/kWh",
    )
    if is_drivable(site):
        yield "", COMMANDS[battery_command_of(site)]
    else:
        yield "", "no device takes its commands: `siteems run --read-only` reads and records"
    if site.pv is not None:
        pv = site.pv
        yield (
            "PV",
            f"{pv.rated_kwp:g} kWp, tilt {pv.tilt_deg:g} deg, azimuth {pv.azimuth_deg:g} deg",
        )
    if site.air_conditioner is not None:
        yield "air conditioner", f"{site.air_conditioner.rated_kw:g} kW"
    if site.genset is not None:
        yield "genset", f"{site.genset.rated_kw:g} kW"
    dc_kw, ac_kw = _range(site.load.typical_dc_kw), _range(site.load.typical_ac_kw)
    yield "typical load", f"{dc_kw} on the DC bus, {ac_kw} on the AC side"


def _range(values: Sequence[float]) -> str:
    return f"{min(values):g} to {max(values):g} kW"


def _devices(site: Site) -> Iterable[tuple[str, ...]]:
    for device in site.devices:
        roles = ", ".join(load_map(device.map).roles)
        link = f"{device.link} ({site.links[device.link].url}) {device.where}"
        yield device.name, roles, device.map, link


def _tariff(slots: Sequence[PricedSlot]) -> list[str]:
    rows = _columns(
        (f"{clock(slot.start_min)}-{clock(slot.end_min)}", slot.period, f"{slot.price:.4f}")
        for slot in slots
    )
    return [*rows, f"{_price_bars(slots)}  one bar per hour, a high bar is expensive"]


def _price_bars(slots: Sequence[PricedSlot]) -> str:
    """24 bars, the height by the price at the start of each hour."""
    hourly = [
        next(slot.price for slot in slots if slot.start_min <= 60 * hour < slot.end_min)
        for hour in range(24)
    ]
    low, high = min(hourly), max(hourly)
    if high == low:
        return BARS[3] * 24
    return "".join(BARS[round((price - low) / (high - low) * (len(BARS) - 1))] for price in hourly)


def _backup(site: Site) -> list[str]:
    battery, backup = site.battery, site.backup
    load_kw = worst_load_kw(site.load, backup)
    reserve = reserve_kwh(battery, backup, load_kw)
    free = free_kwh(battery, backup, load_kw)
    share, free_share = reserve / battery.capacity_kwh, free / battery.capacity_kwh
    full_h = hours_left(battery, load_kw, 1.0, backup.coldest_c)
    lines = [
        f"{reserve:.1f} kWh = {share:.0%} of the battery for {backup.hours:g} h at "
        f"{load_kw:.2f} kW (P95 of the typical load)",
        f"at {backup.coldest_c:g} degC, including {backup.soc_margin:.0%} for the error of the SoC "
        f"estimate; a full battery lasts {full_h:.1f} h",
    ]
    if free_share < NO_ROOM_SHARE:
        why = (
            "the reserve takes the whole battery"
            if share <= 1
            else "the reserve with its margin is larger than the battery"
        )
        lines.append(
            f"no room for arbitrage: {why}; a larger battery or fewer backup hours would make room"
        )
    else:
        lines.append(f"free for arbitrage: {free:.1f} kWh = {free_share:.0%} of the battery")
    return lines


def _cycling(site: Site, slots: Sequence[PricedSlot]) -> list[str]:
    """Whether the largest price spread of the day pays for losses and wear (`shift_benefit`)."""
    battery, unit = site.battery, f"{site.site.currency}/kWh"
    low, high = min(slots, key=lambda s: s.price), max(slots, key=lambda s: s.price)
    if low.price == high.price:
        return ["does not pay on this day: the price is flat"]
    rectifier = _rectifier_efficiency(site)
    round_trip = battery.charge_efficiency * battery.discharge_efficiency
    benefit = shift_benefit(low.price, high.price, round_trip, rectifier)
    net = benefit - battery.wear_per_kwh
    verdict = "pays on this day" if net > 0 else "does not pay on this day"
    shifted = f"from {low.period} {low.price:.4f} to {high.period} {high.price:.4f}"
    lines = [
        f"{verdict}: a kWh shifted {shifted} earns {benefit:.3f} {unit}",
        f"(round trip {round_trip:.0%}, rectifier {rectifier:.1%}); "
        f"minus wear of {battery.wear_per_kwh:g} that leaves {net:.3f}",
    ]
    load_kw = worst_load_kw(site.load, site.backup)
    if net > 0 and free_kwh(battery, site.backup, load_kw) < NO_ROOM_SHARE * battery.capacity_kwh:
        lines.append("but there is no room for it above the backup reserve")
    return lines


def _rectifier_efficiency(site: Site) -> float:
    """Rectifier efficiency at the mean typical load."""
    shares, efficiencies = zip(*site.rectifier.efficiency, strict=True)
    return float(
        np.interp(np.mean(site.load.typical_dc_kw) / site.rectifier.rated_kw, shares, efficiencies)
    )
