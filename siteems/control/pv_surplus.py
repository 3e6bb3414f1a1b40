"""PV beyond the load is stored before it is curtailed, whatever the plan expected."""

from __future__ import annotations

from typing import Final

from siteems.estimation.process_image import RESTING_KW, Image

PROBE_KW: Final = 0.15
"""What the rectifiers keep giving while surplus PV is stored. While they give less, the PV
converter may be throttled, and there may be more PV than is measured. A higher value would import
energy for nothing; a lower one is within the error of the meters.
"""


def with_pv_surplus(wanted_kw: float, image: Image) -> float:
    """The requested power, raised so that PV beyond the load is stored before it is curtailed.

    A throttled PV converter does not show what it could give. But when the rectifiers give almost
    nothing, PV carries the load, and there may be more of it. So the setpoint follows the measured
    battery power: up until the rectifiers give `PROBE_KW`, and down when they give more.
    """
    pv_kw, battery_kw, rectifier_kw = (
        image.value(n) for n in ("pv_kw", "battery_kw", "rectifier_dc_kw")
    )
    if pv_kw is None or pv_kw <= 0 or battery_kw is None or rectifier_kw is None:
        return wanted_kw
    if wanted_kw < 0 and battery_kw < -RESTING_KW:
        # It discharges as planned. A battery that is to discharge and rests has no load left to
        # carry, because PV carries it.
        return wanted_kw
    return max(wanted_kw, battery_kw + PROBE_KW - rectifier_kw)
