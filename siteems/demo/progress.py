"""The day as it passes, drawn in the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from siteems.estimation.process_image import RESTING_KW
from siteems.history.records import AlarmRecord, Sample
from siteems.operations.english import ENGLISH
from siteems.simulation.scenario import Scenario
from siteems.site.model import Site

BAR_WIDTH = 44
STYLE = {"info": "cyan", "warning": "yellow", "alarm": "bold red"}


class DayView:
    """Renders the newest sample and alarms below a bar of the day."""

    def __init__(self, site: Site, scenario: Scenario) -> None:
        self._site, self._scenario = site, scenario

    def render(self, sample: Sample | None, alarms: Sequence[AlarmRecord]) -> RenderableType:
        """The part of the day that is over, the power flows, the battery against its reserve, and
        the latest alarms.
        """
        zone = self._site.site.zone
        table = Table.grid(padding=(0, 2))
        table.add_column(width=10)
        table.add_column()
        start, end = self._scenario.start, self._scenario.end
        clock, done = "waiting", 0.0
        if sample is not None:
            clock = f"{sample.time.astimezone(zone):%H:%M}"
            done = min(1.0, max(0.0, (sample.time - start) / (end - start)))
        table.add_row(clock, ProgressBar(total=1.0, completed=done, width=BAR_WIDTH))
        if sample is not None:
            self._add_flows(table, sample)
        for alarm in alarms:
            text = ENGLISH.text(alarm.message)
            time = f"{alarm.time.astimezone(zone):%H:%M}"
            table.add_row(time, Text(text, style=STYLE[alarm.level]))
        return Group(table)

    def _add_flows(self, table: Table, sample: Sample) -> None:
        value = sample.values.get
        price, currency = value("price_per_kwh"), self._site.site.currency
        table.add_row("price", "unknown" if price is None else f"{price:.3f} {currency}/kWh")
        table.add_row("grid", _kw(value("grid_kw")))
        table.add_row("PV", _kw(value("pv_kw")))
        table.add_row("load", f"{_kw(value('dc_load_kw'))} DC, {_kw(value('ac_load_kw'))} AC")
        battery = value("battery_kw")
        table.add_row(
            "battery", f"{_kw(battery)} {_direction(battery)}: {ENGLISH.text(sample.reason)}"
        )
        table.add_row("charge", _charge_bar(value("soc"), value("reserve_soc")))


def _kw(value: float | None) -> str:
    return "unknown" if value is None else f"{value:6.2f} kW"


def _direction(battery_kw: float | None) -> str:
    if battery_kw is None:
        return ""
    if abs(battery_kw) <= RESTING_KW:
        return "resting"
    return "charging" if battery_kw > 0 else "discharging"


def _charge_bar(soc: float | None, reserve: float | None) -> Text:
    """A bar of the state of charge, with the reserve as its solid part."""
    if soc is None or reserve is None:
        return Text("unknown")
    full, solid = round(soc * BAR_WIDTH), round(min(soc, reserve) * BAR_WIDTH)
    bar = Text("█" * solid, style="blue")
    bar.append("▒" * max(0, full - solid), style="green")
    bar.append("·" * (BAR_WIDTH - max(full, solid)), style="dim")
    bar.append(f" {soc:.1%}, of which reserve {reserve:.1%}")
    return bar
