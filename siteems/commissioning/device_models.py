"""Device models in words and as data, for `siteems devices`."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from drivers.catalogue import is_map_file, known_maps, load_map
from drivers.dlt645.meter_map import MeterMap
from drivers.errors import MapError
from drivers.modbus.device_map import DeviceMap
from drivers.points import POINTS
from siteems.errors import UserError

AnyMap = DeviceMap | MeterMap


def all_devices() -> list[dict[str, Any]]:
    """What `devices list` prints, one entry per model."""
    return [_head(load_map(name)) for name in known_maps()]


def device_row(found: Mapping[str, Any]) -> str:
    """One line of `devices list`."""
    driven = f"  drives {', '.join(found['setpoints'])}" if found["setpoints"] else ""
    return f"{found['name']:24} {', '.join(found['roles']):24} {found['evidence']:11} {found['title']}{driven}"


def device_facts(name: str) -> dict[str, Any]:
    """Everything that the map of a model says. Raises `UserError` for a name that is none."""
    device_map = _map(name)
    facts = _head(device_map) | {"source": device_map.source}
    points = {
        point: spec.model_dump(exclude_defaults=True) for point, spec in device_map.points.items()
    }
    if isinstance(device_map, DeviceMap):
        facts["link"] = device_map.link.model_dump()
        facts["blocks"] = [block.model_dump() for block in device_map.blocks]
        facts["identity"] = device_map.identity.model_dump() if device_map.identity else None
        facts["lease"] = device_map.lease.model_dump() if device_map.lease else None
    return facts | {"points": points}


def device_page(facts: Mapping[str, Any]) -> str:
    """`devices show` for people."""
    lines = [
        f"{facts['name']}: {facts['title']}",
        f"roles     {', '.join(facts['roles'])}",
        f"protocol  {facts['protocol']}",
        f"source    {facts['source']} ({facts['evidence']})",
    ]
    if link := facts.get("link"):
        lines.append(
            f"link      at most {link['max_registers']} registers a frame, {link['gap_ms']:g} ms between requests, "
            f"slowest reply {link['worst_reply_ms']:g} ms, {link['writes_per_day']} writes a day"
        )
    if lease := facts.get("lease"):
        own = f"{lease['max_s']:g} s, its own"
        set_in = f"{lease['min_s']:g} to {lease['max_s']:g} s, set in {lease['timeout_point']}"
        lines.append(f"lease     {set_in if lease['timeout_point'] else own}")
    lines.append("points")
    for name, point in facts["points"].items():
        lines.append(f"  {name:26} {_place(point):34} {_span(name, point)}{_written(point)}")
    return "\n".join(lines)


def _map(name: str) -> AnyMap:
    if name not in known_maps() and not is_map_file(name):
        near = get_close_matches(name, known_maps(), n=3, cutoff=0.3)
        hint = f"near are {', '.join(near)}" if near else "`siteems devices list` names them"
        raise UserError(f"{name}: no such device model; {hint}")
    try:
        return load_map(name)
    except MapError as error:
        raise UserError(str(error)) from error


def _head(device_map: AnyMap) -> dict[str, Any]:
    return {
        "name": device_map.name,
        "title": device_map.title,
        "protocol": device_map.protocol,
        "roles": list(device_map.roles),
        "evidence": device_map.evidence,
        "setpoints": list(device_map.setpoints),
    }


def _place(point: Mapping[str, Any]) -> str:
    if "item" in point:
        return f"{point['item']:08X}, {point['size']} bytes"
    parts = [point["address"], *point.get("also", ())]
    scale = (
        f" x {point.get('sign', 1) * point['scale']:g}"
        if "scale" in point or "sign" in point
        else ""
    )
    return f"{point['space']} {' + '.join(map(str, parts))} {point['type']}{scale}"


def _span(name: str, point: Mapping[str, Any]) -> str:
    unit = POINTS[name][0]
    return f"{point['min']:g} to {point['max']:g}{'' if unit == '1' else ' ' + unit}"


def _written(point: Mapping[str, Any]) -> str:
    return f", written ({point['storage']})" if point.get("storage") else ""
