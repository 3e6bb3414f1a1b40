"""From the text of a map file to a checked device map. Types and ranges are the model's; what one
part of a map requires of another is checked here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from itertools import pairwise
from typing import Final

from drivers.errors import MapError
from drivers.map_schema import MapPart, parse_toml, role_faults
from drivers.modbus.codec import Codec, decode, encode
from drivers.modbus.device_map import Block, DeviceMap, Identity, Lease, LinkLimits, Nameplate
from drivers.modbus.point_map import PointMap
from drivers.points import POINTS

_PARTS: Final[Mapping[str, type[MapPart]]] = {
    "link": LinkLimits,
    "identity": Identity,
    "nameplate": Nameplate,
    "blocks": Block,
    "points": PointMap,
    "lease": Lease,
}


def parse_map(text: str, file: str) -> DeviceMap:
    """The map in a TOML text; `file` is named in errors. Raises MapError for the first error."""
    device_map = parse_toml(text, file, DeviceMap, _PARTS)
    check_map(device_map, file)
    return device_map


def check_map(device_map: DeviceMap, file: str) -> None:
    """Raise MapError for the first part of a map that does not fit another."""
    for fault in _faults(device_map):
        raise MapError(f"{file}: {fault}")


def _faults(device_map: DeviceMap) -> Iterable[str]:
    """All errors, each as "key = value: what is wrong; what is allowed"."""
    yield from _block_faults(device_map)
    for name, point in device_map.points.items():
        yield from _point_faults(f"points.{name}", name, point)
        if point.also and (point.writable or point.type == "f32" or point.offset):
            yield (
                f"points.{name}.also: only integers without offset that are read can be added up"
            )
        blocks = sum(block.contains(point) for block in device_map.blocks)
        if blocks != 1:
            yield (
                f"points.{name}.address = {point.address}: {point.type} takes {point.registers} "
                f"registers, which must lie in exactly one {point.space} block, not in {blocks}"
            )
        yield from _companion_faults(f"points.{name}", point, device_map.blocks)
    yield from _shared_register_faults(device_map)
    yield from _overlaps(device_map)
    yield from role_faults(device_map.roles, device_map.points)
    if device_map.lease is not None:
        yield from _lease_faults(device_map, device_map.lease)


def _block_faults(device_map: DeviceMap) -> Iterable[str]:
    most = device_map.link.max_registers
    for index, block in enumerate(device_map.blocks):
        key = f"blocks[{index}]"
        end = block.start + block.count
        if block.count > most:
            yield f"{key}.count = {block.count}: must be at most link.max_registers = {most}"
        if outside := [at for at in block.fixed if not block.start <= at < end]:
            yield f"{key}.fixed = {outside[0]}: must lie in the block"
        if end > 65536:
            yield f"{key}.start = {block.start}: the block must end at register 65535 or before"
    if device_map.identity and len(device_map.identity.registers) > most:
        count = len(device_map.identity.registers)
        yield f"identity.registers: {count}; must be at most link.max_registers = {most}"
    for index, part in enumerate(device_map.nameplate):
        if part.count > most:
            yield (
                f"nameplate[{index}].count = {part.count}: "
                f"must be at most link.max_registers = {most}"
            )


def _point_faults(key: str, name: str, point: PointMap) -> Iterable[str]:
    if name not in POINTS:
        near = ", ".join(get_close_matches(name, POINTS, n=3, cutoff=0.3)) or "none"
        yield (f"{key}: unknown point; allowed are the names in drivers/points.py, nearest: {near}")
    if point.min >= point.max:
        yield f"{key}.min = {point.min:g}: must be below max = {point.max:g}"
    code_faults = list(_code_faults(key, point))
    yield from code_faults
    if code_faults:
        return
    yield from _range_faults(key, point)
    yield from _write_faults(key, name, point)


def _companion_faults(key: str, point: PointMap, blocks: Iterable[Block]) -> Iterable[str]:
    """Registers that decide how the point is read: where they are, and what they go with."""
    space = point.space
    for at in sorted(point.companions):
        if sum(block.has(space, at) for block in blocks) != 1:
            yield f"{key}: register {at} beside it must lie in exactly one {space} block"
    if (point.sign_by or point.scale_factor) and (point.offset or point.codes):
        yield f"{key}: with sign_by or scale_factor it has neither offset nor codes"
    if point.scale_factor is not None and point.type == "f32":
        yield f"{key}.scale_factor: a float has none"
    if point.sign_by is not None and point.writable:
        yield f"{key}.sign_by: only a point that is read has its sign in another register"
    if point.sign_by is not None and not {1, -1} <= set(point.sign_by.signs.values()):
        yield f"{key}.sign_by.signs: must have a state for either sign, 1 and -1"
    for index, each in enumerate(point.zero_if):
        if bool(each.holds) == bool(each.other_than):
            yield f"{key}.zero_if[{index}]: needs either holds or other_than"


def _code_faults(key: str, point: PointMap) -> Iterable[str]:
    if not point.codes:
        return
    scaled = point.offset or point.scale != 1 or point.sign != 1
    if point.type == "f32" or scaled or point.also or point.nan:
        yield (
            f"{key}.codes: an enumeration has an integer type, "
            "and neither scale, sign, offset, also nor nan"
        )
    for code in point.codes:
        if code >= 1 << (16 * point.registers):
            yield f"{key}.codes = {code}: must fit {point.registers} registers"


def _range_faults(key: str, point: PointMap) -> Iterable[str]:
    """Limits that the registers cannot hold, and markers that are also plausible values."""
    if point.scale_factor is not None and not point.writable:
        return  # the registers hold more with another scale factor
    for limit, value in (("min", point.min), ("max", point.max)):
        try:
            encode(point.codec, value if point.sign_by is None else abs(value))
        except ValueError as exc:
            yield f"{key}.{limit} = {value:g}: {exc}"
    without_markers = Codec(point.type, "big", point.sign * point.scale, point.offset)
    for marker in point.nan:
        if marker >= 1 << (16 * point.registers):
            yield f"{key}.nan = {marker:#x}: must fit {point.registers} registers"
            continue
        meaning = decode(without_markers, _words(marker, point.registers))
        if meaning is not None and point.min <= meaning <= point.max:
            allowed = f"{point.min:g}..{point.max:g}"
            yield f"{key}.nan = {marker:#x}: reads {meaning:g}, which must lie outside {allowed}"


def _write_faults(key: str, name: str, point: PointMap) -> Iterable[str]:
    if point.writable != (point.storage is not None):
        yield (
            f"{key}.storage = {point.storage!r}: volatile or flash for a writable point, "
            "nothing for any other"
        )
    if point.writable and point.space != "holding":
        yield f"{key}.space = {point.space!r}: only holding registers can be written"
    if point.has_own_frames and not point.writable:
        yield f"{key}: only with a writable point are other registers written"
    if point.along or point.copies:
        frame = sorted([*point.along, *point.copy_registers, *range(point.address, point.end)])
        if frame != list(range(frame[0], frame[0] + len(frame))):
            along, copies = f"along = {dict(point.along)}", f"copies = {list(point.copies)}"
            wrong = along if point.along else copies
            yield f"{key}.{wrong}: addresses right before or after the point, without a gap"
    yield from _none_faults(key, point)
    if point.writable and name == "forced_mode" and not point.codes:
        yield f"{key}.codes: is missing; each mode must be told apart from the others"
    if point.writable and point.type == "f32" and point.step is None:
        yield f"{key}.step: is missing; a writable float needs the smallest change worth a write"


def _none_faults(key: str, point: PointMap) -> Iterable[str]:
    """Values that mean "none" which leave no setpoint beside them."""
    if point.means_none and (not point.writable or point.codes):
        yield f"{key}.means_none: only a writable point that is no enumeration has such values"
        return
    for none in point.means_none:
        beside = point.nearest(none)
        if not point.min <= beside <= point.max or point.none_at(beside) is not None:
            allowed = f"a value {point.tolerance:g} above or below it must be allowed to be written"
            yield f"{key}.means_none = {none:g}: {allowed}"


def _shared_register_faults(device_map: DeviceMap) -> Iterable[str]:
    """Registers written beside one point that belong to another, or get another word from it."""
    fixed_writes = device_map.fixed_writes
    written_beside: dict[tuple[str, int], str] = {}
    for name, point in device_map.points.items():
        for at, word in point.fixed_writes.items():
            if word != fixed_writes[at]:
                yield (
                    f"points.{name}: writes {word} to register {at}, "
                    f"where another point writes {fixed_writes[at]}"
                )
        for at in (*point.fixed_writes, *point.copy_registers):
            written_beside["holding", at] = name
    for name, point in device_map.points.items():
        for first, after in point.register_ranges:
            for at in range(first, after):
                writer = written_beside.get((point.space, at))
                if writer is not None:
                    yield (
                        f"points.{name}.address = {first}: "
                        f"{writer} writes register {at} beside its own"
                    )


def _overlaps(device_map: DeviceMap) -> Iterable[str]:
    """Points that share registers."""
    ranges = [
        (point.space, first, after, name)
        for name, point in device_map.points.items()
        for first, after in point.register_ranges
    ]
    ranges.sort(key=lambda each: each[:2])
    for (space, _, end, before), (next_space, first, _, name) in pairwise(ranges):
        if space == next_space and first < end:
            yield f"points.{name}.address = {first}: must be {end} or more, where {before} ends"


def _lease_faults(device_map: DeviceMap, lease: Lease) -> Iterable[str]:
    if lease.timeout_point is None:
        if lease.min_s != lease.max_s:
            yield (
                f"lease.min_s = {lease.min_s:g}: without a timeout_point "
                f"it must be max_s, {lease.max_s:g}"
            )
        return
    timeout = device_map.points.get(lease.timeout_point)
    if timeout is None or timeout.storage != "flash":
        yield (
            f"lease.timeout_point = {lease.timeout_point!r}: "
            "must be a point of this map that is kept in flash"
        )
    elif not timeout.min <= lease.min_s < lease.max_s <= timeout.max:
        allowed = f"min_s < max_s within {timeout.min:g}..{timeout.max:g} is allowed"
        yield f"lease.min_s = {lease.min_s:g}: {allowed}"


def _words(raw: int, count: int) -> tuple[int, ...]:
    return tuple((raw >> (16 * shift)) & 0xFFFF for shift in reversed(range(count)))
