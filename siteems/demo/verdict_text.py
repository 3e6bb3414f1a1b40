"""The verdict on a demo day as text for the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from zoneinfo import ZoneInfo

from siteems.accounting.carbon import describe
from siteems.demo.day_record import CounterRepair
from siteems.demo.import_cap_check import ImportCapCheck
from siteems.demo.verdict import Verdict
from siteems.recordings.counter import FAILURES


def as_text(verdict: Verdict) -> str:
    """A table of both days, the emission factor, what was held, and what the controller did."""
    controlled, idle = verdict.controlled.span, verdict.idle.span
    lines = ["", *_table(verdict), ""]
    if controlled.net_import_kwh > idle.net_import_kwh:
        lines.append(
            "Shifting energy in time costs energy: money is saved here, kWh and CO2 are not."
        )
    lines += [f"Emission factor: {describe(verdict.site.carbon)}.", "", _reserve_text(verdict)]
    if verdict.reserve.outage_used_kwh > 0:
        used_kwh = verdict.reserve.outage_used_kwh
        lines.append(f"In the mains failure the battery gave {used_kwh:.1f} kWh of backup.")
    if verdict.cap is not None:
        lines.append(_cap_text(verdict.cap))
    lines += [
        "",
        f"{verdict.plans} plans, {verdict.plans_failed} failed; "
        f"{verdict.writes} registers written.",
        *(_repair_text(repair, verdict.site.site.zone) for repair in verdict.controlled.repairs),
        *(f"Record gap: {a:%H:%M} to {b:%H:%M} UTC." for a, b in verdict.controlled.gaps),
        f"Picture: {verdict.picture}",
    ]
    return "\n".join(lines)


def _table(verdict: Verdict) -> Iterator[str]:
    money = verdict.site.site.currency
    idle, ours = verdict.idle.span, verdict.controlled.span
    title = f"demand charge, a day of it ({money})"
    demand = (
        [_row(title, idle.demand_cost, ours.demand_cost, 2)]
        if any(version.demand for version in verdict.site.tariffs)
        else []
    )
    rows = [
        ("", "without control", "siteems", "saved"),
        _row("grid energy, net of storage (kWh)", idle.net_import_kwh, ours.net_import_kwh, 1),
        _row(f"energy bill ({money})", idle.energy_cost, ours.energy_cost, 2),
        *demand,
        _row(f"battery wear ({money})", idle.wear_cost, ours.wear_cost, 2),
        _row(f"drop in stored energy value ({money})", -idle.stored_credit, -ours.stored_credit, 2),
        _row(f"cost of the day ({money})", idle.cost, ours.cost, 2),
        _row("emissions (kg CO2)", idle.net_co2_kg, ours.net_co2_kg, 1),
        _row("PV used (kWh)", verdict.idle.pv_kwh, verdict.controlled.pv_kwh, 1, gain=True),
    ]
    widths = [max(len(row[i]) for row in rows) for i in range(4)]
    for title, *cells in rows:
        numbers = (cell.rjust(width) for cell, width in zip(cells, widths[1:], strict=True))
        yield "  ".join((title.ljust(widths[0]), *numbers))


def _row(
    title: str, idle: float, controlled: float, digits: int, *, gain: bool = False
) -> tuple[str, str, str, str]:
    saved = controlled - idle if gain else idle - controlled
    return title, f"{idle:.{digits}f}", f"{controlled:.{digits}f}", f"{saved:+.{digits}f}"


def _reserve_text(verdict: Verdict) -> str:
    check, site = verdict.reserve, verdict.site
    time = check.lowest_margin_at.astimezone(site.site.zone)
    return (
        f"Backup reserve maintained: {_yes(check.held)}; smallest margin "
        f"{check.lowest_margin_soc * 100:+.1f} % of capacity at {time:%H:%M}, at least "
        f"{check.lowest_backup_h:.1f} h of autonomy ({site.backup.hours:g} h required)."
    )


def _repair_text(repair: CounterRepair, zone: ZoneInfo) -> str:
    start, end = (time.astimezone(zone) for time in (repair.start, repair.end))
    return (
        f"The grid meter's counter {FAILURES[repair.kind]} between {start:%H:%M} and "
        f"{end:%H:%M}: repaired, {repair.kwh:.2f} kWh counted."
    )


def _cap_text(check: ImportCapCheck) -> str:
    return (
        f"Import cap of {check.limit_kw:g} kW held: {_yes(check.held)}; mean {check.mean_kw:.2f} "
        f"kW, highest quarter hour {check.highest_quarter_kw:.2f} kW, without control "
        f"{check.uncontrolled_mean_kw:.2f} kW."
    )


def _yes(value: bool) -> str:
    return "yes" if value else "NO"
