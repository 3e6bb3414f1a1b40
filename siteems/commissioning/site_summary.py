"""What `siteems check` prints: the site in a page, and what its numbers mean for backup and for
cycling.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

import numpy as np

from drivers.catalogue import load_map
from drivers.roles import BatteryCommand
from siteems.accounting.carbon import describe
from siteems.accounting.spread import shift_benefit
from siteems.site.assets import battery_command_of
from siteems.site.model import Site
from siteems.site.reserve import free_kwh, hours_left, reserve_kwh, worst_load_kw
from siteems.tariff.calendar import clock
from siteems.tariff.lookup import PricedSlot, TariffGap, TariffSchedule

BARS = "▁▂▃▄▅▆▇█"
COMMANDS: Mapping[BatteryCommand, str] = {
    "power_setpoint": "takes a power",
    "forced_power": "takes a forced charge or discharge",
    "grid_setpoint": "follows the grid power that its converter is to hold",
    "rectifier_current": "follows the rectifiers' current limit and its charge limit",
    "power_limits": "takes limits of its charge and discharge",
    "rectifier_voltage": "follows the rectifiers' voltage",
}
NO_ROOM_SHARE = 0.02
"""Less free than this is within the error of any SoC estimate."""


def summarise(site: Site, on: date) -> str:
    """A readable page about the site, with the tariff of the local day `on`; no line break at its
    end.
    """
    identity = site.site
    place = f"latitude {identity.latitude_deg:g}, longitude {identity.longitude_deg:g}"
    heading = (
        f"{identity.id}: {identity.name}",
        f"{place}, {identity.timezone}, {identity.currency}",
    )
    try:
        slots = TariffSchedule(site.tariffs, identity.zone).day(on)
        tariff, cycling = _tariff(slots), _cycling(site, slots)
    except TariffGap as gap:
        slots, tariff, cycling = (), list(gap.lines), ["not known without a tariff"]
    sections = (
        ("Assets", _columns(_assets(site))),
        ("Devices", _columns(_devices(site))),
        (f"Tariff on {on}", tariff),
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
        f"{battery.capacity_kwh:.1f} kWh today (health {battery.state_of_health:.0%})",
    )
    yield (
        "",
        f"charges with up to {battery.max_charge_kw:g} kW, discharges with up to {battery.max_discharge_kw:g} kW, "
        f"wears {battery.wear_per_kwh:g} {site.site.currency}/kWh",
    )
    yield "", COMMANDS[battery_command_of(site)]
    if site.pv is not None:
        yield (
            "PV",
            f"{site.pv.rated_kwp:g} kWp, tilt {site.pv.tilt_deg:g} deg, azimuth {site.pv.azimuth_deg:g} deg",
        )
    if site.air_conditioner is not None:
        yield "air conditioner", f"{site.air_conditioner.rated_kw:g} kW"
    if site.genset is not None:
        yield "genset", f"{site.genset.rated_kw:g} kW"
    yield (
        "typical load",
        f"{_span(site.load.typical_dc_kw)} on the bus, {_span(site.load.typical_ac_kw)} on the AC side",
    )


def _span(values: Sequence[float]) -> str:
    return f"{min(values):g} to {max(values):g} kW"


def _devices(site: Site) -> Iterable[tuple[str, ...]]:
    for device in site.devices:
        roles = ", ".join(load_map(device.map).roles)
        link = f"{device.link} ({site.links[device.link].url}) {device.where}"
        yield device.name, roles, device.map, link


def _tariff(slots: Sequence[PricedSlot]) -> list[str]:
    hours = (f"{clock(slot.start_min)}-{clock(slot.end_min)}" for slot in slots)
    rows = _columns(
        (span, slot.period, f"{slot.price:.4f}") for span, slot in zip(hours, slots, strict=True)
    )
    return [*rows, f"{_strip(slots)}  one mark an hour, high is dear"]


def _strip(slots: Sequence[PricedSlot]) -> str:
    """24 marks, the height by the price at the start of each hour."""
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
    told = (
        f"{reserve:.1f} kWh = {share:.0%} of the battery for {backup.hours:g} h at {load_kw:.2f} kW"
    )
    lines = [
        f"{told} (P95 of the typical load)",
        f"at {backup.coldest_c:g} degC, with {backup.soc_margin:.0%} for the error of the SoC; "
        f"a full battery lasts {full_h:.1f} h",
    ]
    if free_share < NO_ROOM_SHARE:
        why = (
            "the reserve takes the whole battery"
            if share <= 1
            else "the reserve with its margin exceeds the battery"
        )
        lines.append(
            f"no room for arbitrage: {why}; a larger battery or fewer hours would make some"
        )
    else:
        lines.append(f"free for arbitrage: {free:.1f} kWh = {free_share:.0%} of the battery")
    return lines


def _cycling(site: Site, slots: Sequence[PricedSlot]) -> list[str]:
    """Whether the best spread of the day pays for losses and wear; the formula is `shift_benefit`."""
    battery, unit = site.battery, f"{site.site.currency}/kWh"
    low, high = min(slots, key=lambda s: s.price), max(slots, key=lambda s: s.price)
    if low.price == high.price:
        return ["does not pay today: the price is flat"]
    rectifier = _rectifier_efficiency(site)
    round_trip = battery.charge_efficiency * battery.discharge_efficiency
    benefit = shift_benefit(low.price, high.price, round_trip, rectifier)
    net = benefit - battery.wear_per_kwh
    verdict = "pays today" if net > 0 else "does not pay today"
    moved = f"from {low.period} {low.price:.4f} to {high.period} {high.price:.4f}"
    lines = [
        f"{verdict}: a kWh moved {moved} brings {benefit:.3f} {unit}",
        f"(round trip {round_trip:.0%}, rectifier {rectifier:.1%}), less wear of {battery.wear_per_kwh:g}: {net:.3f}",
    ]
    load_kw = worst_load_kw(site.load, site.backup)
    if net > 0 and free_kwh(battery, site.backup, load_kw) < NO_ROOM_SHARE * battery.capacity_kwh:
        lines.append("but there is no room for it above the backup reserve")
    return lines


def _rectifier_efficiency(site: Site) -> float:
    """At the mean typical load."""
    shares, efficiencies = zip(*site.rectifier.efficiency, strict=True)
    return float(
        np.interp(np.mean(site.load.typical_dc_kw) / site.rectifier.rated_kw, shares, efficiencies)
    )
