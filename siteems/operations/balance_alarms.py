"""The alarms of the DC bus: powers that do not agree, and a load or PV power that is estimated."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final

from siteems.control.reasons import TELECOM_LOAD
from siteems.estimation.bus_balance import ESTIMATED, BusGuard, Imbalance
from siteems.estimation.process_image import Image
from siteems.history.records import AlarmRecord
from siteems.messages.message import MessageType
from siteems.operations import bus_alarm_types as types
from siteems.operations.alarm_condition import Condition

LASTED: Final = timedelta(minutes=2)
"""On-delay and off-delay of an estimate: a read that fails now and then is no news."""

FIELDS: Final[Mapping[str, MessageType]] = {
    "rectifier_dc_kw": types.RECTIFIER_POWER,
    "pv_kw": types.PV_POWER,
    "dc_load_kw": TELECOM_LOAD,
    "battery_kw": types.BATTERY_POWER,
}
"""By field of the image."""
WHY: Final[Mapping[str, MessageType]] = {
    "stuck": types.STUCK,
    "reversed": types.REVERSED,
    "zero": types.ZERO,
}
"""By the reason why one of them is suspected."""


class BalanceAlarms:
    """Looks at the image of each cycle."""

    def __init__(self, report: Callable[[AlarmRecord], None], *, has_pv: bool) -> None:
        self._report = report
        self._guard = BusGuard(has_pv=has_pv)
        self._reported: Imbalance | None = None
        self._estimated: Mapping[str, Condition] = {
            name: Condition(LASTED, LASTED) for name in ESTIMATED
        }

    def update(self, image: Image) -> None:
        """Take the image of one cycle."""
        now, steady = image.time, image.steady or image.time
        self._guard.update(image)
        found = self._guard.imbalance
        if found is not None and self._reported is None:
            suspect = types.UNCLEAR()
            if found.suspect:
                suspect = WHY[found.why](field=FIELDS[found.suspect]())
            excess_kw = round(found.excess_kw, 2)
            self._report(types.BUS_UNBALANCED.at(now, excess_kw=excess_kw, suspect=suspect))
        elif found is None and self._reported is not None:
            self._report(types.BUS_BALANCED.at(now))
        self._reported = found
        for name, condition in self._estimated.items():
            self._update_estimate(name, condition, image, steady)

    def _update_estimate(
        self, name: str, condition: Condition, image: Image, steady: datetime
    ) -> None:
        unknown = image.value(name) is None
        now, field = image.time, FIELDS[name]()
        change = condition.update(None if unknown else name in image.estimated, steady)
        if change == "raised":
            error_kw = round(image.estimated[name], 2)
            self._report(types.POWER_ESTIMATED.at(now, field=field, error_kw=error_kw))
        elif change == "cleared":
            self._report(types.POWER_MEASURED.at(now, field=field))
