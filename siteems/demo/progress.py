"""The day as it passes, drawn in the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from siteems.history.records import AlarmRecord, Sample
from siteems.operations.message_text import ENGLISH
from siteems.simulation.scenario import Scenario
from siteems.site.model import Site

BAR_WIDTH = 44
STYLE = {"info": "cyan", "warning": "yellow", "alarm": "bold red"}


class DayView:
    """Renders the newest sample and alarms over a bar of the day."""

    def __init__(self, site: Site, scenario: Scenario) -> None:
        self._site, self._scenario = site, scenario

    def render(self, sample: Sample | None, alarms: Sequence[AlarmRecord]) -> RenderableType:
        """A few lines: the day so far, the flows, the battery against its reserve, what happened
        last.
        """
        table = Table.grid(padding=(0, 2))
        table.add_column(width=10)
        table.add_column()
        start, end = self._scenario.start, self._scenario.end
        done = 0.0 if sample is None else (sample.time - start) / (end - start)
        clock = (
            "waiting" if sample is None else f"{sample.time.astimezone(self._site.site.zone):%H:%M}"
        )
        table.add_row(
            clock, ProgressBar(total=1.0, completed=min(1.0, max(0.0, done)), width=BAR_WIDTH)
        )
        if sample is not None:
            self._flows(table, sample)
        for alarm in alarms:
            local = alarm.time.astimezone(self._site.site.zone)
            text = ENGLISH.text(alarm.message)
            table.add_row(f"{local:%H:%M}", Text(text, style=STYLE[alarm.level]))
        return Group(table)

    def _flows(self, table: Table, sample: Sample) -> None:
        value = sample.values.get
        price = value("price_per_kwh")
        table.add_row(
            "price", "unknown" if price is None else f"{price:.3f} {self._site.site.currency}/kWh"
        )
        table.add_row("grid", _kw(value("grid_kw")))
        table.add_row("sun", _kw(value("pv_kw")))
        table.add_row("load", f"{_kw(value('dc_load_kw'))} DC, {_kw(value('ac_load_kw'))} AC")
        battery = value("battery_kw")
        doing = (
            ""
            if battery is None
            else "charging"
            if battery > 0.05
            else "discharging"
            if battery < -0.05
            else "resting"
        )
        table.add_row("battery", f"{_kw(battery)} {doing}: {ENGLISH.text(sample.reason)}")
        table.add_row("charge", _charge_bar(value("soc"), value("reserve_soc")))


def _kw(value: float | None) -> str:
    return "unknown" if value is None else f"{value:6.2f} kW"


def _charge_bar(soc: float | None, reserve: float | None) -> Text:
    """A bar of the state of charge with the reserve as its solid foot."""
    if soc is None or reserve is None:
        return Text("unknown")
    full, foot = round(soc * BAR_WIDTH), round(min(soc, reserve) * BAR_WIDTH)
    bar = Text("█" * foot, style="blue")
    bar.append("▒" * max(0, full - foot), style="green")
    bar.append("·" * (BAR_WIDTH - max(full, foot)), style="dim")
    bar.append(f" {soc:.1%}, of which reserve {reserve:.1%}")
    return bar
