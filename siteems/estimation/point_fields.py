"""Which points of a device fill which field of the process image."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

FIELD_OF_POINT: Final[Mapping[str, str]] = {
    "active_power_kw": "grid_kw",
    "energy_import_kwh": "energy_import_kwh",
    "mains_v": "mains_v",
    "bus_v": "bus_v",
    "soc": "soc",
    "soh": "soh",
    "battery_c": "battery_c",
    "rectifier_kw": "rectifier_dc_kw",
    "dc_load_kw": "dc_load_kw",
    "battery_kw": "battery_kw",
    "pv_kw": "pv_kw",
    "genset_kw": "genset_kw",
    "room_c": "room_c",
    "outdoor_c": "outdoor_c",
}
"""Points that are taken over as they are."""

FIELD_OF_CURRENT: Final[Mapping[str, str]] = {
    "rectifier_a": "rectifier_dc_kw",
    "dc_load_a": "dc_load_kw",
    "battery_a": "battery_kw",
}
"""Currents on the DC bus, which the same device's voltage turns into powers."""

IMAGE_POINTS: Final = frozenset((*FIELD_OF_POINT, *FIELD_OF_CURRENT, "battery_v"))
"""All points that an image is made from."""
