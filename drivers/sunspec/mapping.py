"""From the SunSpec models of a device to a device map like any other.

Scale factors are read with the values, because devices may change them while they run. The points
of which others are percentages are taken as found: when a device changes one of them, those others
are not plausible until the device is scanned again.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from drivers.errors import MapError
from drivers.modbus.codec import RegisterType
from drivers.modbus.device_map import Block, DeviceMap, Identity, LinkLimits, Nameplate
from drivers.modbus.map_reader import check_map
from drivers.modbus.point_map import PointMap
from drivers.modbus.protocol import MAX_READ
from drivers.roles import ROLE_POINTS, missing_points
from drivers.sunspec.decoded import DC_PORTS, Decoded
from drivers.sunspec.discovery import END, SERIAL, SIGN, VERSION, FoundModel, SunSpecDevice
from drivers.sunspec.point_sources import (
    BASIC_STORAGE,
    CONTROLS,
    MPPT,
    PV_POINTS,
    SOURCES,
    STORAGE,
    PointSource,
)
from drivers.sunspec.ratings import MAX_LEASE_S, Ratings, ratings_of

TYPES: Final[Mapping[str, tuple[RegisterType, int]]] = {
    "uint16": ("u16", 0xFFFF),
    "int16": ("i16", 0x8000),
    "acc32": ("u32", 0),
    "uint32": ("u32", 0xFFFF_FFFF),
    "int32": ("i32", 0x8000_0000),
    "acc64": ("u64", 0),
    "uint64": ("u64", 0xFFFF_FFFF_FFFF_FFFF),
    "float32": ("f32", 0x7FC0_0000),
}
"""SunSpec type to ours, and the raw value that means "not implemented"."""
MOST_RAW: Final[Mapping[RegisterType, float]] = {
    "u16": 65534, "i16": 32767, "u32": 2**32 - 2, "i32": 2**31 - 1, "u64": 2**53, "f32": 1e12,
}  # fmt: skip
"""Largest raw value of each type that is not a marker, and exact as a float."""
IDENTITY_WORDS: Final = 34
"""Words of model 1 up to the model name; firmware and serial number, which vary, come after them.
"""


@dataclass(frozen=True)
class _Model:
    found: FoundModel
    decoded: Decoded


def device_map(found: SunSpecDevice, name: str, *, whole: bool = False) -> DeviceMap:
    """The map of a device, to be kept in `name`.toml.

    Each model that supplies a point becomes one block or more. With `whole` the other models are
    blocks too, and the end marker: what a simulator needs to look like the device. Raises MapError
    when the device can take no role at a site.
    """
    # Reversed, so that of several models with the same number the first one counts.
    models = {model.id: _Model(model, Decoded(model)) for model in reversed(found.models)}
    points, used = _points(models)
    roles = [role for role in ROLE_POINTS if not missing_points(role, points)]
    if not roles:
        numbers = ", ".join(str(model.id) for model in found.models)
        raise MapError(
            f"{found.manufacturer} {found.model}: its models {numbers} give no role at a site"
        )
    setpoints = ("battery_setpoint_kw", "charge_limit_kw")
    has_lease = "comm_timeout_s" in points and not points.keys().isdisjoint(setpoints)
    lease = {"timeout_point": "comm_timeout_s", "min_s": 10, "max_s": MAX_LEASE_S}
    firmware = found.version or "unknown"
    made = DeviceMap.model_validate(
        {
            "schema_version": 1,
            "name": name,
            "title": f"{found.manufacturer} {found.model}".strip() or "SunSpec device",
            "roles": roles,
            "source": f"SunSpec models as found in the device, firmware {firmware}",
            "evidence": "captured",
            "link": LinkLimits(
                max_registers=MAX_READ, gap_ms=0, worst_reply_ms=1000, writes_per_day=100_000
            ),
            "identity": _identity(found),
            "nameplate": [_nameplate(found)],
            "blocks": [
                *_blocks(found, models, None if whole else used, points),
                *(_end(found) if whole else ()),
            ],
            "points": points,
            "lease": lease if has_lease else None,
        }
    )
    check_map(made, f"{name}.toml")
    return made


def _points(models: Mapping[int, _Model]) -> tuple[dict[str, PointMap], set[int]]:
    """The points of a device, and the numbers of the models that supply them."""
    ratings = ratings_of({number: model.decoded for number, model in models.items()})
    has_storage = any(number in models for number in STORAGE)
    in_watts = _takes_battery_watts(models)
    points: dict[str, PointMap] = {}
    used: set[int] = set()
    for source in SOURCES:
        if source.name in points or (has_storage and source.name in PV_POINTS):
            continue
        for number in source.models:
            if number not in models:
                continue
            if source.storage and number == (BASIC_STORAGE if in_watts else CONTROLS):
                continue
            point = _point(source, models[number], ratings)
            if point is not None:
                points[source.name] = point
                used.add(number)
                break
    return points, used


def _takes_battery_watts(models: Mapping[int, _Model]) -> bool:
    """Whether the battery is commanded by model 704.

    Its setpoint is the power of the whole unit: that of the battery only where no PV is behind it.
    """
    with_pv = MPPT in models or (DC_PORTS in models and models[DC_PORTS].decoded.has_pv_port)
    if CONTROLS not in models or with_pv:
        return False
    decoded = models[CONTROLS].decoded
    setpoint = decoded.point("WSet")
    source = next(each for each in SOURCES if each.name == "battery_setpoint_kw")
    return setpoint is not None and setpoint.raw is not None and _implements(decoded, source)


def _point(source: PointSource, model: _Model, ratings: Ratings) -> PointMap | None:
    """The point that a source describes; None where the model of this device does not have it."""
    decoded, address = model.decoded, model.found.address
    point = decoded.point(source.point)
    if point is None or point.type not in TYPES:
        return None
    if point.raw is None or not _implements(decoded, source):
        return None
    register_type, marker = TYPES[point.type]
    is_float = register_type == "f32"
    exponent = 0 if is_float else decoded.exponent(point)
    if exponent is None:
        return None
    scale = round(source.scale * 10.0**exponent, 12)
    low, high = ratings.limits(source.name)
    fixed: dict[int, int] = {}
    if source.share_of is not None:
        base_w = decoded.first_value(source.share_of)
        if base_w is None:
            return None
        scale, low, high = scale * base_w / 1000.0, 0.0, base_w / 1000.0
        fixed = {
            address + at: model.found.words[at] for at in decoded.registers_of(source.share_of)
        }
    factor = None
    if isinstance(point.scale_factor, str) and not is_float:
        factor = {"address": address + decoded.offset(point.scale_factor), "usual": exponent}
    written = source.storage is not None
    # What is only read may exceed what its register holds with the present scale factor.
    most = MOST_RAW[register_type] * scale if factor is None or written else math.inf
    if marker == 0 and not is_float:
        low = scale  # a counter at 0 is not implemented
    signed = register_type in ("i16", "i32", "f32")
    return PointMap.model_validate(
        {
            "space": "holding",
            "address": address + point.offset,
            "type": register_type,
            "scale": scale,
            "sign": source.sign,
            "scale_factor": factor,
            "fixed": fixed,
            "nan": () if is_float else (marker,),
            "min": max(low, -most if signed else 0.0),
            "max": min(high, most),
            "writable": written,
            "storage": source.storage,
            "along": {address + decoded.offset(name): word for name, word in source.along},
            "after": {address + decoded.offset(name): word for name, word in source.after},
            "step": 0.01 if is_float and written else None,
        }
    )


def _implements(decoded: Decoded, source: PointSource) -> bool:
    """Whether the model has all the points that are written beside this one."""
    beside = [decoded.point(name) for name, _ in (*source.along, *source.after)]
    return all(point is not None and point.raw is not None for point in beside)


def _identity(found: SunSpecDevice) -> Identity:
    """The registers from "SunS" to the maker's name of the model."""
    common = found.models[0]
    return Identity(
        space="holding", address=found.base, registers=(*SIGN, *common.words[:IDENTITY_WORDS])
    )


def _nameplate(found: SunSpecDevice) -> Nameplate:
    """The firmware version and the serial number in model 1."""
    first, (last, count) = VERSION[0], SERIAL
    at = found.models[0].address
    return Nameplate(space="holding", address=at + first, count=last + count - first)


def _blocks(
    found: SunSpecDevice,
    models: Mapping[int, _Model],
    used: set[int] | None,
    points: Mapping[str, PointMap],
) -> Iterable[Block]:
    """The used models (None = all) in blocks that fit a frame, cut where no point is torn."""
    inside = {at for point in points.values() for at in range(point.address + 1, point.end)}
    for model in found.models:
        is_first = model is models[model.id].found
        if used is not None and (not is_first or model.id not in used):
            continue
        fixed = {model.address: model.id, model.address + 1: model.words[1]}
        start, end = model.address, model.address + len(model.words)
        if used is None and model is found.models[0]:
            start, fixed = found.base, {found.base: SIGN[0], found.base + 1: SIGN[1], **fixed}
        while start < end:
            stop = min(end, start + MAX_READ)
            while stop in inside:
                stop -= 1
            here = {at: word for at, word in fixed.items() if start <= at < stop}
            yield Block(space="holding", start=start, count=stop - start, fixed=here)
            start = stop


def _end(found: SunSpecDevice) -> Iterable[Block]:
    last = found.models[-1]
    at = last.address + len(last.words)
    yield Block(space="holding", start=at, count=2, fixed={at: END, at + 1: 0})


def name_of(found: SunSpecDevice, unit: int) -> str:
    """A name for the map, from what the device reports of itself."""
    text = f"{found.manufacturer} {found.model}".lower()
    maker = re.sub(r"[^a-z0-9]+", "-", text).strip("-")[:56].strip("-")
    return f"{maker or 'sunspec'}-{unit}"
