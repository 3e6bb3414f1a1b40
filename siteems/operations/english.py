"""The English text of every message that is recorded or shown."""

from __future__ import annotations

from typing import Final

from siteems.control.reasons import REASONS
from siteems.messages.driver_texts import DRIVER_TEXTS
from siteems.messages.message import Catalogue
from siteems.operations.alarm_catalogue import ALARMS
from siteems.operations.bus_alarm_types import BUS_TEXTS
from siteems.planning.reasons import PLANNING_REASONS
from siteems.planning.remarks import PLAN_REMARKS
from siteems.tariff.gap import TARIFF_GAPS

ENGLISH: Final = Catalogue(
    (
        *ALARMS,
        *BUS_TEXTS,
        *REASONS,
        *PLANNING_REASONS,
        *DRIVER_TEXTS,
        *TARIFF_GAPS,
        *PLAN_REMARKS,
    )
)
