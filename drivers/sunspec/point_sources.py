"""Which point of which SunSpec model supplies each point of our vocabulary, as a table.

Models are those of the SunSpec Information Model Specification (sunspec.org): 101-113 inverters,
120 nameplate, 124 basic storage, 201-214 meters, 701-714 the DER models of IEEE 1547-2018, 802
battery. SunSpec counts power and current from the producer's side: discharging is positive.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

METERS: Final = (201, 202, 203, 204, 211, 212, 213, 214)
INVERTERS: Final = (101, 102, 103, 111, 112, 113)
STORAGE: Final = (124, 713, 802, 803)
"""A device with one of these models has a battery, so its power is not PV power alone."""
MPPT: Final = 160
"""Model of the trackers of PV modules."""
CONTROLS: Final = 704
PV_POINTS: Final = ("pv_kw", "pv_v", "pv_energy_kwh")

ENABLED: Final = 1
WATTS: Final = 1
"""Mode of `WSetMod` in which the setpoint is in watts."""
BOTH_LIMITS: Final = 3
"""Bits of `StorCtl_Mod` that enable the charge and the discharge limit."""
BASIC_STORAGE: Final = 124
"""Its rates are percentages of the maximum charging power `WChaMax`, used as limits of 0 to 100 %.
Makers disagree on what a negative rate means, so none is written. Where model 704 takes watts,
model 124 is not used.
"""


@dataclass(frozen=True)
class PointSource:
    """Where a point of our vocabulary may be found. The first model that has it is used."""

    name: str
    models: tuple[int, ...]
    point: str
    """Name of the point in the model."""
    scale: float
    """Factor from the model's unit to ours."""
    sign: int = 1
    storage: str | None = None
    """Memory that keeps a written value; None for a point that is only read."""
    along: tuple[tuple[str, int], ...] = ()
    """Points of the same model that are written in the same frame, and the word for each."""
    after: tuple[tuple[str, int], ...] = ()
    """The same, written after it: where read-only points lie in between, one frame cannot do it."""
    share_of: str | None = None
    """The point of the same model, in W, of which the value is a percentage."""


def _rate(name: str, rate: str) -> PointSource:
    return PointSource(
        name,
        (BASIC_STORAGE,),
        rate,
        0.01,
        storage="volatile",
        after=(("StorCtl_Mod", BOTH_LIMITS),),
        share_of="WChaMax",
    )


SOURCES: Final = (
    PointSource("active_power_kw", METERS, "W", 0.001),
    PointSource("mains_v", METERS + INVERTERS, "PhVphA", 1.0),
    PointSource("mains_v", (701,), "LNV", 1.0),
    PointSource("frequency_hz", (*METERS, *INVERTERS, 701), "Hz", 1.0),
    PointSource("energy_import_kwh", METERS, "TotWhImp", 0.001),
    PointSource("energy_export_kwh", METERS, "TotWhExp", 0.001),
    PointSource("pv_kw", (*INVERTERS, 701), "W", 0.001),
    PointSource("pv_v", INVERTERS, "DCV", 1.0),
    PointSource("pv_energy_kwh", INVERTERS, "WH", 0.001),
    PointSource("battery_v", (802,), "V", 1.0),
    PointSource("battery_a", (802,), "A", 1.0, -1),
    PointSource("battery_v", (714,), "DCV", 1.0),
    PointSource("battery_a", (714,), "DCA", 1.0, -1),
    PointSource("soc", (802, 713), "SoC", 0.01),
    PointSource("soh", (802, 713), "SoH", 0.01),
    PointSource("soc", (BASIC_STORAGE,), "ChaState", 0.01),
    PointSource(
        "battery_setpoint_kw",
        (704,),
        "WSet",
        0.001,
        sign=-1,
        storage="volatile",
        along=(("WSetEna", ENABLED), ("WSetMod", WATTS)),
    ),
    PointSource("safe_battery_setpoint_kw", (704,), "WSetRvrt", 0.001, sign=-1, storage="flash"),
    PointSource(
        "comm_timeout_s",
        (704,),
        "WSetRvrtTms",
        1.0,
        storage="flash",
        along=(("WSetEnaRvrt", ENABLED),),
    ),
    _rate("charge_limit_kw", "InWRte"),
    _rate("discharge_limit_kw", "OutWRte"),
    PointSource("comm_timeout_s", (BASIC_STORAGE,), "InOutWRte_RvrtTms", 1.0, storage="flash"),
)
