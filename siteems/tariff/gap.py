"""Where a tariff schedule has no price: the reason as a code with values."""

from __future__ import annotations

from typing import Any, Final

from siteems.errors import UserError
from siteems.messages.message import MessageType

NO_TARIFF: Final = MessageType("no-tariff", "no tariff is valid on {day}; known are {known}")
NO_PERIOD_PRICE: Final = MessageType(
    "no-period-price", "tariff {tariff} has no price for {period} in {month}"
)
NO_VECTOR_DAY: Final = MessageType(
    "no-vector-day", "the price vector has no price for a part of {day}"
)
NO_VECTOR_PRICE: Final = MessageType("no-vector-price", "the price vector has no price at {start}")
NO_VECTOR_SPAN: Final = MessageType(
    "no-vector-span", "the price vector has no price from {start} to {end}"
)

TARIFF_GAPS: Final = tuple(each for each in globals().values() if isinstance(each, MessageType))
"""All of the above."""


class TariffGap(UserError):
    """No tariff version holds on a day, or it has no price for a time."""

    def __init__(self, kind: MessageType, **values: Any) -> None:
        super().__init__(kind.template.format(**values))
        self.message = kind(**values)
        """What is recorded."""
