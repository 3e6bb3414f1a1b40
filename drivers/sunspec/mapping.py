"""From the SunSpec models of a device to a device map: where the points of our vocabulary stand,
and what they may be.

The definitions of the models come with pysunspec2, which also decodes what was found. Scale
factors, and the whole of percentages, are taken as found and become `fixed` registers: a device
that changes one is not believed until it is looked at again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sunspec2.device import Model, Point

from drivers.errors import MapError
from drivers.modbus.codec import RegisterType
from drivers.modbus.device_map import Block, DeviceMap, Identity, LinkLimits
from drivers.modbus.map_reader import check_map
from drivers.modbus.point_map import PointMap
from drivers.modbus.protocol import MAX_READ
from drivers.roles import ROLE_POINTS, missing_points
from drivers.sunspec.discovery import END, SIGN, FoundModel, SunSpecDevice

METERS: Final = (201, 202, 203, 204, 211, 212, 213, 214)
INVERTERS: Final = (101, 102, 103, 111, 112, 113)
STORAGE: Final = (124, 713, 802, 803)
"""A device with one of these has a battery, so its power is not that of the sun."""

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
MARGIN: Final = 1.3
"""How far beyond a rating a value is still believed."""
MOST_KW: Final = 1000.0
"""Where nothing is rated."""
MOST_LEASE_S: Final = 3600.0


@dataclass(frozen=True)
class Source:
    """Where a point of ours may be found: the first model that has it tells it. `scale` leads to
    our unit.
    """

    name: str
    models: tuple[int, ...]
    point: str
    scale: float
    sign: int = 1
    storage: str | None = None
    along: tuple[tuple[str, int], ...] = ()
    """Points of the same model that are written beside it, and with what."""
    after: tuple[tuple[str, int], ...] = ()
    """The same, after it: where there are read-only points in between, one frame cannot do it."""
    share_of: str | None = None
    """The point of the same model, in W, of which it is a percentage."""


ESS_PORT: Final = 1
ON: Final = 1
WATTS: Final = 1
BOTH_LIMITS: Final = 3
LEGACY_STORAGE: Final = 124
"""Its rates are percentages of the greatest charging power, and limits. What a negative one means,
makers do not agree on: only 0 to 100 % are written. Where 704 takes watts it is left alone.
"""
SOURCES: Final = (
    Source("active_power_kw", METERS, "W", 0.001),
    Source("mains_v", METERS + INVERTERS, "PhVphA", 1.0),
    Source("mains_v", (701,), "LNV", 1.0),
    Source("frequency_hz", (*METERS, *INVERTERS, 701), "Hz", 1.0),
    Source("energy_import_kwh", METERS, "TotWhImp", 0.001),
    Source("energy_export_kwh", METERS, "TotWhExp", 0.001),
    Source("pv_kw", (*INVERTERS, 701), "W", 0.001),
    Source("pv_v", INVERTERS, "DCV", 1.0),
    Source("pv_energy_kwh", INVERTERS, "WH", 0.001),
    Source("battery_v", (802,), "V", 1.0),
    # SunSpec counts from the producer's side: what leaves the battery is positive.
    Source("battery_a", (802,), "A", 1.0, -1),
    Source("battery_v", (714,), "DCV", 1.0),
    Source("battery_a", (714,), "DCA", 1.0, -1),
    Source("soc", (802, 713), "SoC", 0.01),
    Source("soh", (802, 713), "SoH", 0.01),
    Source("soc", (LEGACY_STORAGE,), "ChaState", 0.01),
    Source(
        "battery_setpoint_kw",
        (704,),
        "WSet",
        0.001,
        -1,
        "volatile",
        (("WSetEna", ON), ("WSetMod", WATTS)),
    ),
    Source("safe_battery_setpoint_kw", (704,), "WSetRvrt", 0.001, -1, "flash"),
    Source("comm_timeout_s", (704,), "WSetRvrtTms", 1.0, 1, "flash", (("WSetEnaRvrt", ON),)),
    *(
        Source(
            name,
            (LEGACY_STORAGE,),
            rate,
            0.01,
            storage="volatile",
            after=(("StorCtl_Mod", BOTH_LIMITS),),
            share_of="WChaMax",
        )
        for name, rate in (("charge_limit_kw", "InWRte"), ("discharge_limit_kw", "OutWRte"))
    ),
    Source("comm_timeout_s", (LEGACY_STORAGE,), "InOutWRte_RvrtTms", 1.0, storage="flash"),
)
WHOLES: Final = frozenset(source.share_of for source in SOURCES if source.share_of)
OF_THE_SUN: Final = ("pv_kw", "pv_v", "pv_energy_kwh")


@dataclass(frozen=True)
class Ratings:
    """What the device says of itself; none where it says nothing."""

    power_kw: float | None
    battery_v: float | None
    battery_a: float | None


def device_map(found: SunSpecDevice, name: str, *, whole: bool = False) -> DeviceMap:
    """The map of a device, to be kept in `name`.toml. Raises MapError when it can be nothing for a
    site.

    Each model that tells a point is read as it stands. With `whole` the other models are blocks
    too, and the end marker: what a simulator needs to look like the device.
    """
    models = {model.id: (model, _decoded(model)) for model in reversed(found.models)}
    ratings = _ratings({number: decoded for number, (_, decoded) in models.items()})
    has_storage = any(number in models for number in STORAGE)
    points: dict[str, PointMap] = {}
    told_by: set[int] = set()
    for source in SOURCES:
        if source.name in points or (has_storage and source.name in OF_THE_SUN):
            continue
        for number in source.models:
            if number == LEGACY_STORAGE and source.storage and "battery_setpoint_kw" in points:
                continue
            if number in models and (point := _point(source, *models[number], ratings)) is not None:
                points[source.name] = point
                told_by.add(number)
                break
    roles = [role for role in ROLE_POINTS if not missing_points(role, points)]
    if not roles:
        told = ", ".join(str(model.id) for model in found.models)
        raise MapError(
            f"{found.manufacturer} {found.model}: its models {told} give no role at a site"
        )
    has_lease = "comm_timeout_s" in points and not points.keys().isdisjoint(
        ("battery_setpoint_kw", "charge_limit_kw")
    )
    made = DeviceMap.model_validate(
        {
            "schema_version": 1,
            "name": name,
            "title": f"{found.manufacturer} {found.model}".strip() or "SunSpec device",
            "roles": roles,
            "source": f"SunSpec models as found in the device, firmware {found.version or 'unknown'}",
            "evidence": "captured",
            "link": LinkLimits(
                max_registers=MAX_READ, gap_ms=0, worst_reply_ms=1000, writes_per_day=100_000
            ),
            "identity": _identity(found),
            "blocks": [
                *_blocks(found, models, None if whole else told_by, points),
                *(_end(found) if whole else ()),
            ],
            "points": points,
            "lease": {"timeout_point": "comm_timeout_s", "min_s": 10, "max_s": MOST_LEASE_S}
            if has_lease
            else None,
        }
    )
    check_map(made, f"{name}.toml")
    return made


def _decoded(model: FoundModel) -> Any:
    packed = b"".join(word.to_bytes(2, "big") for word in model.words)
    return Model(model.id, data=packed, model_len=model.words[1])


def _known(decoded: Any, name: str) -> Point | None:
    """A point that the device has; none when it says that it has not, or when nobody knows the
    model.
    """
    point = getattr(decoded, "points", {}).get(name)
    return point if point is not None and point.value is not None else None


def _battery_port(decoded: Any) -> Mapping[str, Point]:
    """The points of the first DC port of model 714 to which a battery is connected."""
    ports = getattr(decoded, "groups", {}).get("Prt", [])
    return next((port.points for port in ports if port.points["PrtTyp"].value == ESS_PORT), {})


def _cvalue(decoded: Any, *names: str) -> float | None:
    for name in names:
        if (point := _known(decoded, name)) is not None and point.cvalue:
            return float(point.cvalue)
    return None


def _ratings(models: Mapping[int, Any]) -> Ratings:
    powers = [
        _cvalue(models.get(702), "WMaxRtg", "WMax"),
        _cvalue(models.get(120), "WRtg"),
        _cvalue(models.get(802), "WDisChaRteMax"),
        _cvalue(models.get(802), "WChaRteMax"),
    ]
    rated_w = max((power for power in powers if power is not None), default=None)
    return Ratings(
        None if rated_w is None else rated_w / 1000.0,
        _cvalue(models.get(802), "VMax"),
        max(
            (
                a
                for n in ("AChaMax", "ADisChaMax")
                if (a := _cvalue(models.get(802), n)) is not None
            ),
            default=None,
        ),
    )


def _span(name: str, ratings: Ratings) -> tuple[float, float]:
    """What a point may be, in our unit."""
    power_kw = MARGIN * ratings.power_kw if ratings.power_kw else MOST_KW
    amps = MARGIN * ratings.battery_a if ratings.battery_a else 2000.0
    return {
        "active_power_kw": (-MOST_KW, MOST_KW),
        "mains_v": (0.0, 500.0),
        "frequency_hz": (0.0, 75.0),
        "pv_kw": (-0.1 * power_kw, power_kw),
        "pv_v": (0.0, 2000.0),
        "battery_v": (0.0, MARGIN * ratings.battery_v if ratings.battery_v else 1500.0),
        "battery_a": (-amps, amps),
        "soc": (0.0, 1.05),
        "soh": (0.0, 1.2),
        "battery_setpoint_kw": (-power_kw / MARGIN, power_kw / MARGIN),
        "safe_battery_setpoint_kw": (-power_kw / MARGIN, power_kw / MARGIN),
        "comm_timeout_s": (0.0, MOST_LEASE_S),
    }.get(name, (0.0, 1e12))


def _point(source: Source, model: FoundModel, decoded: Any, ratings: Ratings) -> PointMap | None:
    point = (_battery_port(decoded) if model.id == 714 else getattr(decoded, "points", {})).get(
        source.point
    )
    kind = TYPES.get(point.pdef["type"]) if point is not None else None
    if point is None or kind is None or (point.value is None and source.storage is None):
        return None
    register_type, marker = kind
    if register_type == "f32" or (factor := point.pdef.get("sf")) is None:
        exponent = 0
    elif isinstance(factor, int):
        exponent = factor
    elif (told := _known(decoded, factor)) is not None:
        exponent = int(told.value)
    else:
        return None
    scale = round(source.scale * 10.0**exponent, 12)
    low, high = _span(source.name, ratings)
    if source.share_of is not None:
        whole_w = _cvalue(decoded, source.share_of)
        if whole_w is None:
            return None
        scale, low, high = scale * whole_w / 1000.0, 0.0, whole_w / 1000.0
    most = MOST_RAW[register_type] * scale
    if marker == 0 and register_type != "f32":
        low = scale  # a counter at 0 is one that does not count
    along, after = (
        {model.address + decoded.points[name].offset: word for name, word in beside}
        for beside in (source.along, source.after)
    )
    return PointMap.model_validate(
        {
            "space": "holding",
            "address": model.address + point.offset,
            "type": register_type,
            "scale": scale,
            "sign": source.sign,
            "nan": () if register_type == "f32" else (marker,),
            "min": max(low, -most) if register_type.startswith(("i", "f")) else max(low, 0.0),
            "max": min(high, most),
            "writable": source.storage is not None,
            "storage": source.storage,
            "along": along,
            "after": after,
            "step": 0.01 if register_type == "f32" and source.storage else None,
        }
    )


def _identity(found: SunSpecDevice) -> Identity:
    """From "SunS" to the maker's name of the model; what comes after changes with firmware and
    unit.
    """
    common = found.models[0]
    return Identity(
        space="holding",
        address=found.base,
        registers=(*SIGN, *common.words[: min(34, len(common.words))]),
    )


def _blocks(
    found: SunSpecDevice,
    models: Mapping[int, tuple[FoundModel, Any]],
    wanted: set[int] | None,
    points: Mapping[str, PointMap],
) -> Iterable[Block]:
    """Models in pieces that fit a frame, cut where no point is torn."""
    edges = {at for point in points.values() for at in range(point.address + 1, point.end)}
    for model in found.models:
        first, decoded = models[model.id]
        if wanted is not None and (model is not first or model.id not in wanted):
            continue
        fixed = {model.address: model.id, model.address + 1: model.words[1]}
        for point in getattr(decoded, "points", {}).values():
            scales = point.pdef["type"] == "sunssf" or point.pdef["name"] in WHOLES
            if scales and model is first:
                fixed[model.address + point.offset] = model.words[point.offset]
        start, end = model.address, model.address + len(model.words)
        if wanted is None and model is found.models[0]:
            start, fixed = found.base, {found.base: SIGN[0], found.base + 1: SIGN[1], **fixed}
        while start < end:
            stop = min(end, start + MAX_READ)
            while stop in edges:
                stop -= 1
            here = {at: word for at, word in fixed.items() if start <= at < stop}
            yield Block(space="holding", start=start, count=stop - start, fixed=here)
            start = stop


def _end(found: SunSpecDevice) -> Iterable[Block]:
    last = found.models[-1]
    at = last.address + len(last.words)
    yield Block(space="holding", start=at, count=2, fixed={at: END, at + 1: 0})


def name_of(found: SunSpecDevice, unit: int) -> str:
    """A name for the map, from what the device says of itself."""
    maker = re.sub(r"[^a-z0-9]+", "-", f"{found.manufacturer} {found.model}".lower()).strip("-")[
        :56
    ]
    return f"{maker.strip('-') or 'sunspec'}-{unit}"
