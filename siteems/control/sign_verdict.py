"""Whether the battery's power has the sign that control means: its command, its own measurement and
the balance of the DC bus compared.

The balance is independent of both: what rectifiers and PV give to the bus beyond the load goes into
the battery. A measurement that is the mirror of it has the wrong sign, whatever was commanded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from siteems.estimation.process_image import Image

LIKENESS: Final = 0.4
"""Share by which two powers may differ and still count as the same: errors of two or three current
sensors at a few amperes, and of a bus voltage that moves with the current. Opposite signs differ by
2.
"""

Verdict = Literal["agrees", "unclear", "measurement", "command", "both", "either"]
"""Which of them has the wrong sign; `either` where no balance shows which one."""
WRONG: Final[tuple[Verdict, ...]] = ("measurement", "command", "both", "either")


@dataclass(frozen=True, slots=True)
class Powers:
    """Battery power in kW, + charging: as commanded, as measured, and by the balance of the bus."""

    asked_kw: float
    measured_kw: float
    balance_kw: float | None
    """None where one of the other flows is not measured."""

    def less(self, other: Powers) -> Powers:
        """The change from `other` to these."""
        balances = (self.balance_kw, other.balance_kw)
        balance_kw = None if None in balances else balances[0] - balances[1]  # type: ignore[operator]  # both are known
        return Powers(
            self.asked_kw - other.asked_kw, self.measured_kw - other.measured_kw, balance_kw
        )


def powers(image: Image, asked_kw: float, *, has_pv: bool) -> Powers | None:
    """What is measured now; None without the battery's own measurement."""
    measured_kw = image.value("battery_kw")
    if measured_kw is None:
        return None
    rectifier_kw, load_kw = image.value("rectifier_dc_kw"), image.value("dc_load_kw")
    pv_kw = image.value("pv_kw") if has_pv else 0.0
    if rectifier_kw is None or load_kw is None or pv_kw is None:
        return Powers(asked_kw, measured_kw, None)
    if image.estimated:  # by this very balance, which then proves nothing
        return Powers(asked_kw, measured_kw, None)
    return Powers(asked_kw, measured_kw, rectifier_kw + pv_kw - load_kw)


def mean(seen: Sequence[Powers]) -> Powers:
    """The mean of some powers, at least one; without a balance where one has none."""
    balances = [each.balance_kw for each in seen]
    known = [each for each in balances if each is not None]
    return Powers(
        sum(each.asked_kw for each in seen) / len(seen),
        sum(each.measured_kw for each in seen) / len(seen),
        sum(known) / len(known) if len(known) == len(seen) else None,
    )


def verdict(found: Powers, least_kw: float) -> Verdict:
    """What these powers, or their changes, show. Smaller ones than `least_kw` show nothing."""
    asked_kw, measured_kw, balance_kw = found.asked_kw, found.measured_kw, found.balance_kw
    follows = _alike(measured_kw, asked_kw, least_kw)
    mirrors = _alike(measured_kw, -asked_kw, least_kw)
    if balance_kw is None:
        return "agrees" if follows else "either" if mirrors else "unclear"
    if _alike(balance_kw, -measured_kw, least_kw):
        return "both" if follows else "measurement"
    if not _alike(balance_kw, measured_kw, least_kw):
        return "unclear"
    return "agrees" if follows else "command" if mirrors else "unclear"


def _alike(kw: float, other_kw: float, least_kw: float) -> bool:
    return min(abs(kw), abs(other_kw)) >= least_kw and abs(kw - other_kw) <= LIKENESS * abs(
        other_kw
    )
