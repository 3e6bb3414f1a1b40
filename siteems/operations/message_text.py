"""The English text of every message that is recorded or shown."""

from __future__ import annotations

from typing import Final

from siteems.messages.message import Catalogue
from siteems.operations.alarms import ALARMS

ENGLISH: Final = Catalogue(ALARMS)
