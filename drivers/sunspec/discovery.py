"""The SunSpec models of a device: found at one of three addresses, then header by header to the end
marker.

Layout (SunSpec Device Information Model Specification): the registers "SunS", then models, each
with an id, the number of registers that follow, and these registers; id 0xFFFF ends the chain.
Model 1 comes first and identifies maker, model, firmware and serial number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from drivers.errors import DeviceError, DeviceRefused, LinkTimeout
from drivers.modbus.link import ModbusLink
from drivers.modbus.protocol import MAX_READ

BASES: Final = (40000, 0, 50000)
SIGN: Final = (0x5375, 0x6E53)
END: Final = 0xFFFF
COMMON: Final = 1
VERSION: Final = (42, 8)
SERIAL: Final = (50, 16)
"""First word of the firmware version and of the serial number in model 1, and their length."""
MAX_MODELS: Final = 64
"""No device has more; a longer chain is broken."""


@dataclass(frozen=True)
class FoundModel:
    """One model as found in the device: `words` are all its registers, header included."""

    id: int
    address: int
    words: tuple[int, ...]


@dataclass(frozen=True)
class SunSpecDevice:
    """A device that describes itself; `base` is the address of "SunS"."""

    base: int
    models: tuple[FoundModel, ...]

    def text(self, first: int, count: int) -> str:
        """A text in model 1, by its first word there and its number of words; empty when the device
        has none.
        """
        common = next((model for model in self.models if model.id == COMMON), None)
        words = () if common is None else common.words[first : first + count]
        packed = b"".join(word.to_bytes(2, "big") for word in words)
        text = packed.split(b"\0")[0].decode("ascii", "replace")
        return "".join(each if each.isprintable() else " " for each in text).strip()

    @property
    def manufacturer(self) -> str:
        """The maker."""
        return self.text(2, 16)

    @property
    def model(self) -> str:
        """The maker's name of the model."""
        return self.text(18, 16)

    @property
    def version(self) -> str:
        """The firmware version."""
        return self.text(*VERSION)

    @property
    def serial(self) -> str:
        """The serial number."""
        return self.text(*SERIAL)


async def discover(link: ModbusLink, unit: int) -> SunSpecDevice | None:
    """All models of a unit; None when it is not a SunSpec device. Only reads.

    A unit may be silent at an address where it has no registers, and answer at the next one. Raises
    LinkError when it answers at none of them, DeviceError for a broken chain of models.
    """
    silence: LinkTimeout | None = None
    answers = False
    for base in BASES:
        try:
            found = await link.read(unit, "holding", base, 2, urgent=True)
        except LinkTimeout as timeout:
            silence = timeout
            continue
        except DeviceRefused:
            answers = True
            continue
        answers = True
        if found == SIGN:
            return SunSpecDevice(base, await _models(link, unit, base + 2))
    if silence is not None and not answers:
        raise silence
    return None


async def _models(link: ModbusLink, unit: int, address: int) -> tuple[FoundModel, ...]:
    models: list[FoundModel] = []
    headers = 0
    while address + 2 <= 65536:
        number, length = await link.read(unit, "holding", address, 2, urgent=True)
        if number == END:
            return tuple(models)
        end = address + 2 + length
        headers += 1
        if end > 65536 or headers > MAX_MODELS:
            break
        words = [number, length]
        for start in range(address + 2, end, MAX_READ):
            words += await link.read(
                unit, "holding", start, min(MAX_READ, end - start), urgent=True
            )
        if length:  # one of no length has no points, and is passed over
            models.append(FoundModel(number, address, tuple(words)))
        address = end
    known = ", ".join(str(model.id) for model in models) or "none"
    raise DeviceError(
        f"unit {unit}: its chain of SunSpec models is broken at register {address}; found: {known}"
    )
