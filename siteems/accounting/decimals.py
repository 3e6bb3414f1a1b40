"""Exact decimals of amounts and prices."""

from __future__ import annotations

from decimal import Decimal


def exact(value: float) -> Decimal:
    """The decimal that was written, not the binary fraction nearest to it."""
    return Decimal(str(value))
