"""Which battery a site has, as its devices report it: models, serial numbers, firmware, and how the
maps read and write its power. Another name is another battery, whose sign is to be proved.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Final
from zlib import crc32

from drivers.modbus.device import Device
from siteems.operations.battery_sign import UNKNOWN

MEASURED: Final = ("battery_v", "battery_a", "battery_kw")


class BatteryName:
    """The name, from the devices that measure the battery or take its setpoints."""

    def __init__(self, devices: Iterable[Device], setpoints: Collection[str]) -> None:
        """`setpoints` are those of the site's battery command."""
        self._devices = [
            device
            for device in devices
            if "battery" in device.device_map.roles
            or not set(setpoints).isdisjoint(device.device_map.setpoints)
        ]
        self._nameplates: dict[str, str] = {}

    @property
    def text(self) -> str | None:
        """The name; None while a device has not been asked."""
        if any(device.name not in self._nameplates for device in self._devices):
            return None
        return " ".join(self._nameplates[device.name] for device in self._devices)

    def ask_again(self, names: Collection[str]) -> None:
        """These devices were silent or restarted: their firmware may have changed since."""
        for name in names:
            self._nameplates.pop(name, None)

    async def read(self, unavailable: Collection[str]) -> None:
        """Ask the devices that are available and were not asked yet."""
        for device in self._devices:
            if device.name in self._nameplates or device.name in unavailable:
                continue
            nameplate = map(_part, await device.read_nameplate())
            self._nameplates[device.name] = " ".join(
                (device.name, device.device_map.name, _coding(device), *nameplate)
            )


def _part(part: Sequence[int] | None) -> str:
    return UNKNOWN if part is None else _checksum(",".join(map(str, part)))


def _coding(device: Device) -> str:
    """A checksum of how the map reads the battery's power and writes setpoints."""
    device_map = device.device_map
    names = [name for name in (*MEASURED, *device_map.setpoints) if name in device_map.points]
    text = "\n".join(f"{name} {device_map.points[name].model_dump_json()}" for name in names)
    return _checksum(text)


def _checksum(text: str) -> str:
    return f"{crc32(text.encode()):08x}"
