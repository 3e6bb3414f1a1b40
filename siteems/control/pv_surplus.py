"""PV beyond the load is stored before it is curtailed, whatever the plan expected.

A throttled PV converter does not show what it could give. But when the rectifiers give almost
nothing, PV carries the load, and there may be more of it. A battery on the bus then takes whatever
there is, with the rectifiers at rest (`Intent.balances`). A battery converter needs a number: it is
asked for a little more from time to time, and for twice as much again while all of it comes from
PV. What the rectifiers have to give to such a step is taken back at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from siteems.estimation.process_image import RESTING_KW, Image

FIRST_STEP_KW: Final = 0.1
"""The first step: twice what counts as zero, so that it is seen whether the rectifiers pay for it.
"""
PAUSE: Final = timedelta(minutes=15)
"""Between the end of a step and the next first one. Shorter finds more PV sooner and writes more
often: in a July of us_home_1, five minutes cost the same as fifteen, with 207 writes a day for 132.
"""
SETTLE: Final = timedelta(seconds=15)
"""A battery that has not reached its setpoint by then takes no more."""


@dataclass(frozen=True, slots=True)
class Probe:
    """The search for more PV."""

    target_kw: float = 0.0
    """Battery power that was asked for."""
    step_kw: float = 0.0
    """How much more than before; 0 where no step is under way."""
    since: datetime | None = None
    """When the step was made; without one, when the last one ended."""


NO_PROBE: Final = Probe()


def stores_surplus(wanted_kw: float, left_kw: float, image: Image) -> bool:
    """Whether a battery on the bus should take whatever PV the load leaves: `left_kw` as measured,
    and perhaps more, since the rectifiers are at rest beside it.

    With the rectifiers at rest, a little less than nothing may be left before they carry the load
    again. So noise does not start and stop them.
    """
    pv_kw, rectifier_kw = image.value("pv_kw"), image.value("rectifier_dc_kw")
    return (
        pv_kw is not None
        and pv_kw > 0.0
        and rectifier_kw is not None
        and rectifier_kw < RESTING_KW
        and left_kw > -2.0 * RESTING_KW
        and wanted_kw < max(0.0, left_kw) + RESTING_KW
    )


def with_pv_surplus(wanted_kw: float, image: Image, probe: Probe) -> tuple[float, Probe]:
    """The requested power, raised so that PV beyond the load is stored before it is curtailed; and
    the search as it goes on.
    """
    pv_kw, battery_kw, rectifier_kw = (
        image.value(n) for n in ("pv_kw", "battery_kw", "rectifier_dc_kw")
    )
    if pv_kw is None or pv_kw <= 0 or battery_kw is None or rectifier_kw is None:
        return wanted_kw, NO_PROBE
    if wanted_kw < 0 and battery_kw < -RESTING_KW:
        # It discharges as planned. A battery that is to discharge and rests has no load left to
        # carry, because PV carries it.
        return wanted_kw, NO_PROBE
    now, since = image.steady or image.time, probe.since
    if probe.step_kw and since is not None:
        missing_kw = probe.target_kw - battery_kw
        if rectifier_kw <= RESTING_KW:  # else PV does not give it
            if missing_kw < probe.step_kw / 2.0:
                return _ask(wanted_kw, battery_kw, 2.0 * probe.step_kw, now)
            if now - since < SETTLE:
                return max(wanted_kw, probe.target_kw), probe
        probe = Probe(since=now)
    elif rectifier_kw < RESTING_KW and (since is None or now - since >= PAUSE):
        return _ask(wanted_kw, battery_kw, FIRST_STEP_KW, now)
    from_pv_kw = battery_kw - (rectifier_kw if rectifier_kw > RESTING_KW else 0.0)
    return max(wanted_kw, from_pv_kw), probe


def _ask(wanted_kw: float, battery_kw: float, step_kw: float, now: datetime) -> tuple[float, Probe]:
    target_kw = max(wanted_kw, battery_kw) + step_kw
    return target_kw, Probe(target_kw, step_kw, now)
