"""A device model as data: the TOML map files, validated, with an error that says where and what is
allowed.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from itertools import pairwise
from typing import Annotated, Any, Final, Literal

from pydantic import Field, ValidationError

from drivers.errors import MapError
from drivers.modbus.codec import Codec, decode, encode
from drivers.modbus.point_map import Closed, PointMap, Register
from drivers.modbus.protocol import MAX_READ, Space
from drivers.points import POINTS
from drivers.roles import Role, lacking

Evidence = Literal["captured", "documented", "manual", "simulated"]


class LinkLimits(Closed):
    """What the device bears on the wire."""

    max_registers: Annotated[int, Field(ge=1, le=MAX_READ)]
    """Most registers in one frame."""
    gap_ms: Annotated[float, Field(ge=0, le=1000)]
    """Pause that the device needs between two requests."""
    worst_reply_ms: Annotated[float, Field(gt=0, le=30000)]
    """Slowest reply seen or documented."""
    writes_per_day: Annotated[int, Field(ge=0)]
    """Points that may be written in a day, lease refreshes included; small where setpoints are kept
    in flash.
    """


class Identity(Closed):
    """Registers whose content tells that the device is of this model."""

    space: Space
    address: Register
    registers: Annotated[tuple[Register, ...], Field(min_length=1, max_length=MAX_READ)]


class Block(Closed):
    """Registers that are read with one request."""

    space: Space
    start: Register
    count: Annotated[int, Field(ge=1, le=MAX_READ)]
    fixed: Mapping[Register, Register] = {}
    """What must stand at some of its addresses, such as scale factors, for the block to be
    believed.
    """


class Lease(Closed):
    """The device's own dead man: without a setpoint write for its time it goes its own way.

    The time stands in `timeout_point`, or is the device's own and cannot be set: then `min_s` and
    `max_s` are it.
    """

    timeout_point: str | None = None
    min_s: Annotated[float, Field(gt=0, le=86400)]
    max_s: Annotated[float, Field(gt=0, le=86400)]


class DeviceMap(Closed):
    """One device model."""

    schema_version: Literal[1]
    protocol: Literal["modbus"] = "modbus"
    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=64)]
    title: Annotated[str, Field(min_length=1)]
    roles: Annotated[tuple[Role, ...], Field(min_length=1)]
    source: Annotated[str, Field(min_length=1)]
    """Where the facts come from."""
    evidence: Evidence
    link: LinkLimits
    identity: Identity | None = None
    blocks: Annotated[tuple[Block, ...], Field(min_length=1)]
    points: Annotated[Mapping[str, PointMap], Field(min_length=1)]
    lease: Lease | None = None

    @property
    def setpoints(self) -> tuple[str, ...]:
        """The points that bear frequent writes."""
        return tuple(name for name, point in self.points.items() if point.storage == "volatile")

    def point(self, name: str) -> PointMap:
        """The point called `name`; raises MapError when the device has none."""
        if name not in self.points:
            raise MapError(f"{self.name} has no point {name}; it has {', '.join(self.points)}")
        return self.points[name]

    def within(self, block: Block) -> tuple[str, ...]:
        """The points inside a block."""
        return tuple(name for name, point in self.points.items() if _inside(point, block))

    def runs(self, names: Iterable[str]) -> tuple[tuple[str, ...], ...]:
        """The points in groups of adjacent registers, each short enough for one frame; those of
        lower order first.
        """
        runs: list[list[str]] = []
        for name in sorted(names, key=self._turn):
            point = self.points[name]
            if runs:
                first, last = self.points[runs[-1][0]], self.points[runs[-1][-1]]
                adjacent = (
                    point.space == last.space
                    and point.address == last.end
                    and point.order == last.order
                )
                adjacent = adjacent and not point.alone and not last.alone
                if adjacent and point.end - first.address <= self.link.max_registers:
                    runs[-1].append(name)
                    continue
            runs.append([name])
        return tuple(map(tuple, runs))

    @property
    def beside(self) -> Mapping[int, int]:
        """What is written beside points, by holding register; it reads like this too as far as we
        know.
        """
        return {at: word for point in self.points.values() for at, word in point.constants.items()}

    def written(self, address: int, words: Sequence[int]) -> dict[str, float]:
        """The points that a write of these holding registers sets: what the device itself makes of
        it.

        Registers written beside points set nothing. Raises LookupError for a part of a point, or
        for what cannot be written, and ValueError for what is not allowed there.
        """
        sent = dict(enumerate(words, address))
        touched = {
            name: point
            for name, point in self.points.items()
            if point.space == "holding"
            and any(at in sent for at in range(point.address, point.end))
        }
        own = [at for point in touched.values() for at in range(point.address, point.end)]
        copied = {at for point in self.points.values() for at in point.copied}
        if not all(point.writable for point in touched.values()) or not set(own) <= set(sent):
            raise LookupError("a part of a point, or one that is only read")
        if unknown := set(sent) - set(own) - copied - set(self.beside):
            raise LookupError(f"nothing to write at {min(unknown)}")
        for at, word in self.beside.items():
            if sent.get(at, word) != word:
                raise ValueError(f"{word} is all that may stand at {at}")
        values: dict[str, float] = {}
        for name, point in touched.items():
            value = decode(point.codec, [sent[at] for at in range(point.address, point.end)])
            if value is None or not point.min <= value <= point.max:
                raise ValueError(f"{name} must be within {point.min:g}..{point.max:g}")
            values[name] = value
        return values

    def _turn(self, name: str) -> tuple[int, str, int]:
        point = self.point(name)
        return point.order, point.space, point.address


def parse_map(text: str, file: str) -> DeviceMap:
    """The map in a TOML text; `file` is named in errors. Raises MapError for the first thing that
    is wrong.
    """
    try:
        device_map = DeviceMap.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as exc:
        raise MapError(f"{file}: not a TOML file: {exc}") from None
    except ValidationError as exc:
        raise MapError(f"{file}: {validation_sentence(exc, _PARTS, DeviceMap)}") from None
    check_map(device_map, file)
    return device_map


def check_map(device_map: DeviceMap, file: str) -> None:
    """Raise MapError for the first thing in a map that does not fit another."""
    for fault in _faults(device_map):
        raise MapError(f"{file}: {fault}")


_PARTS: Final[Mapping[str, type[Closed]]] = {
    "link": LinkLimits,
    "identity": Identity,
    "blocks": Block,
    "points": PointMap,
    "lease": Lease,
}


def validation_sentence(
    error: ValidationError, parts: Mapping[str, type[Closed]], whole: type[Closed]
) -> str:
    """The first mistake that the validator found, as "key = value: what is wrong; what is allowed"."""
    first = error.errors(include_url=False)[0]
    where = "".join(
        f"[{step}]" if isinstance(step, int) else f".{step}" for step in first["loc"]
    ).lstrip(".")
    if first["type"] == "missing":
        return f"{where}: is missing"
    if first["type"] == "extra_forbidden":
        part = parts[str(first["loc"][0])] if len(first["loc"]) > 1 else whole
        return (
            f"{where} = {first['input']!r}: unknown key; known are {', '.join(part.model_fields)}"
        )
    message = first["msg"][0].lower() + first["msg"][1:]
    return f"{where} = {_short(first['input'])}: {message}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _inside(point: PointMap, block: Block) -> bool:
    return point.space == block.space and all(
        block.start <= first and after <= block.start + block.count for first, after in point.places
    )


def _faults(device_map: DeviceMap) -> Iterable[str]:
    """Everything that types and ranges cannot see, as "key = value: what is wrong; what is
    allowed".
    """
    yield from _block_faults(device_map)
    for name, point in device_map.points.items():
        yield from _point_faults(f"points.{name}", name, point)
        homes = sum(_inside(point, block) for block in device_map.blocks)
        if point.also and (point.writable or point.type == "f32" or point.offset):
            yield f"points.{name}.also: only whole numbers without offset that are read are added up"
        if homes != 1:
            yield (
                f"points.{name}.address = {point.address}: {point.type} takes {point.registers} registers, which must "
                f"lie in exactly one {point.space} block, not in {homes}"
            )
    yield from _overlaps(device_map)
    for role in device_map.roles:
        if missing := lacking(role, device_map.points):
            yield f"roles = {role!r}: this role needs the points {', '.join(missing)}"
    lease = device_map.lease
    if lease is not None:
        yield from _lease_faults(device_map, lease)


def _block_faults(device_map: DeviceMap) -> Iterable[str]:
    most = device_map.link.max_registers
    for index, block in enumerate(device_map.blocks):
        if block.count > most:
            yield f"blocks[{index}].count = {block.count}: must be at most link.max_registers = {most}"
        if strange := [
            at for at in block.fixed if not block.start <= at < block.start + block.count
        ]:
            yield f"blocks[{index}].fixed = {strange[0]}: must lie in the block"
        if block.start + block.count > 65536:
            yield f"blocks[{index}].start = {block.start}: the block must end at register 65535 or before"
    if device_map.identity and len(device_map.identity.registers) > most:
        yield f"identity.registers: {len(device_map.identity.registers)}; must be at most link.max_registers = {most}"


def _point_faults(key: str, name: str, point: PointMap) -> Iterable[str]:
    if name not in POINTS:
        near = get_close_matches(name, POINTS, n=3, cutoff=0.3)
        yield f"{key}: unknown point; allowed are the names in drivers/points.py, nearest: {', '.join(near) or 'none'}"
    if point.min >= point.max:
        yield f"{key}.min = {point.min:g}: must be below max = {point.max:g}"
    if point.codes and (
        point.type == "f32"
        or point.offset
        or point.scale != 1
        or point.sign != 1
        or point.also
        or point.nan
    ):
        yield f"{key}.codes: words have a whole-numbered type, and neither scale, sign, offset, also nor nan"
        return
    if long := [word for word in point.codes if not 0 <= word < 1 << (16 * point.registers)]:
        yield f"{key}.codes = {long[0]}: must fit {point.registers} registers"
        return
    for limit, value in (("min", point.min), ("max", point.max)):
        try:
            encode(point.codec, value)
        except ValueError as exc:
            yield f"{key}.{limit} = {value:g}: {exc}"
    for marker in point.nan:
        if marker >= 1 << (16 * point.registers):
            yield f"{key}.nan = {marker:#x}: must fit {point.registers} registers"
            continue
        plain_codec = Codec(point.type, "big", point.sign * point.scale, point.offset)
        plain = decode(plain_codec, _words(marker, point.registers))
        if plain is not None and point.min <= plain <= point.max:
            yield f"{key}.nan = {marker:#x}: reads {plain:g}, which must lie outside {point.min:g}..{point.max:g}"
    if point.writable != (point.storage is not None):
        yield f"{key}.storage = {point.storage!r}: volatile or flash for a writable point, nothing for any other"
    if point.writable and point.space != "holding":
        yield f"{key}.space = {point.space!r}: only holding registers can be written"
    if point.alone and not point.writable:
        yield f"{key}: only with a writable point are other registers written"
    if point.along or point.copies:
        touched = sorted([*point.along, *point.copied, *range(point.address, point.end)])
        if touched != list(range(touched[0], touched[0] + len(touched))):
            which = (
                f"along = {dict(point.along)}" if point.along else f"copies = {list(point.copies)}"
            )
            yield f"{key}.{which}: addresses right before or after the point, without a hole"
    if point.writable and name == "forced_mode" and not point.codes:
        yield f"{key}.codes: is missing; each word that a device holds must be told from the others"
    if point.writable and point.type == "f32" and point.step is None:
        yield f"{key}.step: is missing; a writable float needs the smallest change worth a write"


def _overlaps(device_map: DeviceMap) -> Iterable[str]:
    spans = [
        (point.space, first, after, name)
        for name, point in device_map.points.items()
        for first, after in point.places
    ]
    for name, point in device_map.points.items():
        for at, word in point.constants.items():
            if word != device_map.beside[at]:
                elsewhere = device_map.beside[at]
                yield f"points.{name}: writes {word} to register {at}, where another point writes {elsewhere}"
    beside = {
        ("holding", at): name
        for name, p in device_map.points.items()
        for at in (*p.constants, *p.copied)
    }
    for space, first, after, name in spans:
        for at in range(first, after):
            if (space, at) in beside:
                yield f"points.{name}.address = {first}: {beside[space, at]} writes register {at} beside its own"
    ordered = sorted(spans, key=lambda span: span[:2])
    for (space, _, ended, other), (same, first, _, name) in pairwise(ordered):
        if space == same and first < ended:
            yield f"points.{name}.address = {first}: must be {ended} or more, where {other} ends"


def _lease_faults(device_map: DeviceMap, lease: Lease) -> Iterable[str]:
    if lease.timeout_point is None:
        if lease.min_s != lease.max_s:
            yield f"lease.min_s = {lease.min_s:g}: without a timeout_point it must be max_s, {lease.max_s:g}"
        return
    timeout = device_map.points.get(lease.timeout_point)
    if timeout is None or timeout.storage != "flash":
        yield f"lease.timeout_point = {lease.timeout_point!r}: must be a point of this map that is kept in flash"
    elif not timeout.min <= lease.min_s < lease.max_s <= timeout.max:
        yield f"lease.min_s = {lease.min_s:g}: min_s < max_s within {timeout.min:g}..{timeout.max:g} is allowed"


def _words(raw: int, count: int) -> tuple[int, ...]:
    return tuple((raw >> (16 * shift)) & 0xFFFF for shift in reversed(range(count)))
