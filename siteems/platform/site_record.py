"""What the page of a site shows, from its record: as data for JSON.

It uses the functions of the commands (`status`, `alarms`, `history`), so that the page and they
show the same figures. The record is opened read-only for each request, so that nothing here can
hold up the daemon.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
import pandas as pd

from siteems import __version__
from siteems.demand_response.event_log import EventLog
from siteems.demand_response.event_text import event_dict, event_text
from siteems.demand_response.opt_out import OPT_OUTS, opt_out_dict, recorded_opt_outs
from siteems.errors import UserError
from siteems.history.averages import COVERAGE, averages, checked_interval, without_texts
from siteems.history.export import write_csv
from siteems.history.location import history_path
from siteems.history.ownership import check_site
from siteems.history.store import History
from siteems.history.tables import checked_columns, frames
from siteems.operations.alarm_list import alarm_dict, recorded_alarms
from siteems.operations.daemon_state import daemon_clock
from siteems.operations.status import Status, exit_code, read_status
from siteems.operations.status_json import as_data
from siteems.planning.published_plan import USABLE, PublishedPlan
from siteems.planning.recorded_plan import newest_plan
from siteems.site.model import Site
from siteems.site.reserve import hours_left
from siteems.tariff.gap import TariffGap
from siteems.tariff.schedule import PricedSlot, TariffSchedule

T = TypeVar("T")

DAY_EVERY: Final = "5min"
DAY_COLUMNS: Final = (
    "grid_kw,battery_kw,pv_kw,dc_load_kw,ac_load_kw,soc,reserve_soc,import_cap_kw,mains_v"
)
MOST_ROWS: Final = 20_000
"""Of one answer. A page that draws more shows no more."""
EVENTS_BACK: Final = timedelta(days=30)
LATE_S: Final = 180.0
"""Older values are not the present: three samples of a minute."""


class SiteRecord:
    """One site and the folder of its record."""

    def __init__(self, site: Site, folder: Path) -> None:
        self._site, self._folder = site, folder
        self._tariff = TariffSchedule(site.tariffs, site.site.zone)

    def site(self) -> dict[str, Any]:
        """What does not change: names, sizes, zone."""
        site = self._site
        return {
            "id": site.site.id,
            "name": site.site.name,
            "timezone": site.site.timezone,
            "currency": site.site.currency,
            "version": __version__,
            "battery_kwh": round(site.battery.capacity_kwh, 3),
            "backup_h": site.backup.hours,
            "import_limit_kw": site.grid.import_limit_kw,
            "pv_kwp": None if site.pv is None else site.pv.rated_kwp,
            "has_genset": site.genset is not None,
            "has_air_conditioner": site.air_conditioner is not None,
            "devices": [
                {
                    "name": entry.name,
                    "map": Path(entry.map).name,
                    "link": entry.link,
                    "unit": None if entry.unit is None else str(entry.unit),
                    "where": entry.where,
                }
                for entry in site.devices
            ],
        }

    def state(self) -> dict[str, Any]:
        """The status as `siteems status --json` has it, with the price of now and how long the
        battery would carry the load.
        """
        return self._reading(self._state)

    def _state(self, history: History) -> dict[str, Any]:
        status = read_status(self._site, history)
        sample = status.sample
        late_s = math.inf if sample is None else (status.now - sample.time).total_seconds()
        return as_data(status) | {
            "exit_code": exit_code(status, self._site),
            "live": status.daemon.running and late_s <= max(LATE_S, 3 * self._sample_s),
            "price": self._price(status.now),
            "would_last_h": self._would_last_h(status),
            "planned": _planned_now(status),
        }

    @property
    def _sample_s(self) -> float:
        return self._site.recording.sample_s

    def _would_last_h(self, status: Status) -> float | None:
        """How long the battery would carry the telecom load, were the mains to fail now."""
        values = {} if status.sample is None else status.sample.values
        soc, load_kw = values.get("soc"), values.get("dc_load_kw")
        if soc is None or load_kw is None:
            return None
        celsius = values.get("battery_c")
        coldest = self._site.backup.coldest_c
        hours = hours_left(
            self._site.battery, load_kw, soc, coldest if celsius is None else celsius
        )
        return None if math.isinf(hours) else round(hours, 2)

    def _price(self, now: datetime) -> dict[str, Any] | None:
        """The price of now, and the next one that differs today or tomorrow."""
        zone = self._site.site.zone
        local = now.astimezone(zone)
        minute = local.hour * 60 + local.minute
        try:
            today = self._tariff.day(local.date())
            current = next(slot for slot in today if slot.start_min <= minute < slot.end_min)
        except (TariffGap, StopIteration):
            return None
        later = [(local.date(), slot) for slot in today if slot.start_min > minute]
        try:
            tomorrow = local.date() + timedelta(days=1)
            later += [(tomorrow, slot) for slot in self._tariff.day(tomorrow)]
        except TariffGap:
            pass
        following = next((each for each in later if each[1].price != current.price), None)
        return {
            "per_kwh": round(current.price, 6),
            "period": current.period,
            "next": None if following is None else _slot(*following),
        }

    def day(self, day: date | None) -> dict[str, Any]:
        """What happened on a local day, in steps of 5 min, the last plan, and the prices."""

        def read(history: History) -> dict[str, Any]:
            now = daemon_clock(history).now()
            zone = self._site.site.zone
            chosen = day or now.astimezone(zone).date()
            start, end = (
                _midnight(chosen, self._site),
                _midnight(chosen + timedelta(days=1), self._site),
            )
            plan = newest_plan(history.last_plans(USABLE, min(now, end)))
            return {
                "day": chosen.isoformat(),
                "start": start.isoformat(),
                "end": end.isoformat(),
                "now": now.isoformat(),
                "measured": self._table(history, DAY_COLUMNS, start, min(end, now), DAY_EVERY),
                "plan": None if plan is None else _plan(plan),
                "prices": self._prices(chosen),
                "events": self._events(history, start),
            }

        return self._reading(read)

    def _prices(self, day: date) -> list[dict[str, Any]]:
        """Prices of a day and the next one; none where no tariff holds."""
        found = []
        for each in (day, day + timedelta(days=1)):
            try:
                found += [_slot(each, slot) for slot in self._tariff.day(each)]
            except TariffGap:
                continue
        return found

    def plan(self) -> dict[str, Any] | None:
        """The newest usable plan."""

        def read(history: History) -> dict[str, Any] | None:
            plan = newest_plan(history.last_plans(USABLE, daemon_clock(history).now()))
            return None if plan is None else _plan(plan)

        return self._reading(read)

    def alarms(self) -> list[dict[str, Any]]:
        """The alarms of the last 90 days, as `siteems alarms show --json` has them."""
        return self._reading(
            lambda history: [alarm_dict(each) for each in recorded_alarms(history)]
        )

    def events(self) -> list[dict[str, Any]]:
        """DR events of the last 30 days and those to come, the newest first."""

        def read(history: History) -> list[dict[str, Any]]:
            return self._events(history, daemon_clock(history).now() - EVENTS_BACK)[::-1]

        return self._reading(read)

    def _events(self, history: History, since: datetime) -> list[dict[str, Any]]:
        zone = self._site.site.zone
        declined = {each.event: each for each in recorded_opt_outs(history.fact(OPT_OUTS))}
        found = EventLog(history).events_of(history.newest_event_rows(since))
        return [
            event_dict(event)
            | {"text": event_text(event, zone)}
            | ({"opted_out": opt_out_dict(declined[event.id])} if event.id in declined else {})
            for event in sorted(found, key=lambda each: each.start)
        ]

    def history(
        self, columns: str | None, start: datetime, end: datetime, every: str
    ) -> dict[str, Any]:
        """Means over intervals, by column. Raises `UserError`, also for too many rows."""
        return self._reading(lambda history: self._table(history, columns, start, end, every))

    def history_csv(self, columns: str | None, start: datetime, end: datetime, every: str) -> str:
        """The same as CSV, as `siteems history --every` writes it."""

        def read(history: History) -> str:
            text = io.StringIO()
            write_csv(iter(self._parts(history, columns, start, end, every)), text)
            return text.getvalue()

        return self._reading(read)

    def _table(
        self, history: History, columns: str | None, start: datetime, end: datetime, every: str
    ) -> dict[str, Any]:
        parts = self._parts(history, columns, start, end, every)
        if not parts:
            return {"time": [], "columns": {}}
        frame = pd.concat(parts)
        numbers = {
            str(name): [None if np.isnan(v) else round(float(v), 5) for v in frame[name]]
            for name in frame.columns
        }
        times = [time.isoformat() for time in pd.DatetimeIndex(frame.index)]
        return {"time": times, "columns": numbers}

    def _parts(
        self, history: History, columns: str | None, start: datetime, end: datetime, every: str
    ) -> list[pd.DataFrame]:
        checked_interval(every)
        chosen = without_texts(checked_columns(columns), asked=columns is not None)
        if end <= start:
            return []
        parts = frames(history, chosen, start, end, counts=True)
        tables = averages(parts, every, self._site.site.zone, self._sample_s)
        kept = [table[[*chosen, COVERAGE]] for table in tables]
        if sum(map(len, kept)) > MOST_ROWS:
            raise UserError(
                f"from, to, every: more than {MOST_ROWS} rows; choose a longer interval"
            )
        return kept

    def _reading(self, read: Callable[[History], T]) -> T:
        """Read from the record. Raises `RecordError` and `UserError`."""
        history = History(history_path(self._folder), read_only=True)
        try:
            check_site(history, self._site.site.id)
            return read(history)
        finally:
            history.close()


def _midnight(day: date, site: Site) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=site.site.zone)


def _slot(day: date, slot: PricedSlot) -> dict[str, Any]:
    """A price by local time, `YYYY-MM-DDTHH:MM` without offset."""
    hours, minutes = divmod(slot.start_min, 60)
    return {
        "from": f"{day.isoformat()}T{hours:02d}:{minutes:02d}",
        "per_kwh": round(slot.price, 6),
        "period": slot.period,
    }


def _plan(plan: PublishedPlan) -> dict[str, Any]:
    """A plan by step, as it was issued."""
    return {
        "issued": plan.issued.isoformat(),
        "status": plan.status,
        "time": [start.isoformat() for start in plan.starts],
        "end": plan.end.isoformat(),
        "prices": list(plan.prices),
        "columns": {
            "grid_kw": list(plan.series["grid_import_kw"]),
            "battery_kw": list(plan.series["battery_kw"]),
            "pv_kw": list(plan.series["pv_kw"]),
            "soc": [round(kwh / plan.capacity_kwh, 5) for kwh in plan.series["stored_kwh"]],
            "reserve_soc": [round(kwh / plan.capacity_kwh, 5) for kwh in plan.reserve_kwh],
        },
    }


def _planned_now(status: Status) -> dict[str, Any] | None:
    """What the plan has for now."""
    if status.plan is None:
        return None
    battery_kw = status.plan.battery_kw(status.now)
    return None if battery_kw is None else {"battery_kw": round(battery_kw, 4)}
