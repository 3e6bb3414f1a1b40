"""What one control cycle used and decided, for the record and the alarms."""

from __future__ import annotations

from dataclasses import dataclass

from siteems.control.cycle import Limits
from siteems.control.decision import Decision
from siteems.control.intent import Intent
from siteems.estimation.process_image import Image


@dataclass(frozen=True)
class Step:
    """One control cycle."""

    image: Image
    decision: Decision
    intent: Intent
    limits: Limits
