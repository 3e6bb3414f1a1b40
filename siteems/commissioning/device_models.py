"""Device models as text and as data, for `siteems devices list` and `devices show`."""

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


def all_models() -> list[dict[str, Any]]:
    """The heads of all models that come with siteems."""
    return [_head(load_map(name)) for name in known_maps()]


def model_row(head: Mapping[str, Any]) -> str:
    """One line of `devices list`."""
    roles = ", ".join(head["roles"])
    row = f"{head['name']:24} {roles:24} {head['evidence']:11} {head['title']}"
    return f"{row}  setpoints: {', '.join(head['setpoints'])}" if head["setpoints"] else row


def model_facts(name: str) -> dict[str, Any]:
    """Everything in the map of a model, as plain data. Raises `UserError` for an unknown model."""
    device_map = find_model(name)
    facts = _head(device_map) | {"source": device_map.source}
    points = {
        point: spec.model_dump(exclude_defaults=True) for point, spec in device_map.points.items()
    }
    if isinstance(device_map, DeviceMap):
        facts["link"] = device_map.link.model_dump()
        facts["blocks"] = [block.model_dump() for block in device_map.blocks]
        facts["identity"] = device_map.identity.model_dump() if device_map.identity else None
        facts["nameplate"] = [part.model_dump() for part in device_map.nameplate]
        facts["lease"] = device_map.lease.model_dump() if device_map.lease else None
    return facts | {"points": points}


def model_text(facts: Mapping[str, Any]) -> str:
    """The text of `devices show`, from `model_facts`."""
    lines = [
        f"{facts['name']}: {facts['title']}",
        f"roles     {', '.join(facts['roles'])}",
        f"protocol  {facts['protocol']}",
        f"source    {facts['source']} ({facts['evidence']})",
    ]
    if link := facts.get("link"):
        lines.append(
            f"link      at most {link['max_registers']} registers per frame, "
            f"{link['gap_ms']:g} ms between requests, slowest reply {link['worst_reply_ms']:g} ms, "
            f"{link['writes_per_day']} writes per day"
        )
    for part in facts.get("nameplate") or ():
        last = part["address"] + part["count"] - 1
        lines.append(
            f"nameplate {part['space']} {part['address']} to {last}: "
            "with another serial number or firmware the sign of the battery is proved again"
        )
    if lease := facts.get("lease"):
        if lease["timeout_point"]:
            limits = f"{lease['min_s']:g} to {lease['max_s']:g} s"
            lines.append(f"lease     {limits}, set in {lease['timeout_point']}")
        else:
            lines.append(f"lease     {lease['max_s']:g} s, fixed by the device")
    lines.append("points")
    for name, point in facts["points"].items():
        lines.append(f"  {name:26} {_address(point):34} {_range(name, point)}{_storage(point)}")
        lines += [f"  {'':26} {detail}" for detail in _details(point)]
    return "\n".join(lines)


def find_model(name: str) -> AnyMap:
    """The map of a model, or of a map file. Raises `UserError` if there is none or it is broken."""
    if name not in known_maps() and not is_map_file(name):
        near = get_close_matches(name, known_maps(), n=3, cutoff=0.3)
        hint = f"similar are {', '.join(near)}" if near else "`siteems devices list` lists them"
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


def _address(point: Mapping[str, Any]) -> str:
    """Data item of a DL/T 645 meter, or register space, addresses, type and scale."""
    if "item" in point:
        return f"{point['item']:08X}, {point['size']} bytes"
    addresses = " + ".join(map(str, [point["address"], *point.get("also", ())]))
    text = f"{point['space']} {addresses} {point['type']}"
    if "scale" in point or "sign" in point:
        text += f" x {point.get('sign', 1) * point.get('scale', 1.0):g}"
    return text


def _details(point: Mapping[str, Any]) -> list[str]:
    """What else its map states: codes, markers, values that are no setpoint, and other writes."""
    details = [
        f"{key.replace('_', ' ')} {point[key]}"
        for key in ("word_order", "byte_order")
        if key in point
    ]
    if codes := point.get("codes"):
        details.append("codes " + ", ".join(f"{raw} = {value:g}" for raw, value in codes.items()))
    if nan := point.get("nan"):
        details.append("not available: " + ", ".join(f"{raw:#x}" for raw in nan))
    details += _companions(point)
    if none := point.get("means_none"):
        details.append("no setpoint, never written: " + ", ".join(f"{value:g}" for value in none))
    if copies := point.get("copies"):
        details.append("also written to " + ", ".join(map(str, copies)))
    for when in ("before", "along", "after"):
        if registers := point.get(when):
            frames = ", ".join(f"{at} = {content}" for at, content in registers.items())
            details.append(f"written {when} it: {frames}")
    return details


def _companions(point: Mapping[str, Any]) -> list[str]:
    """The registers that decide how it is read."""
    details = []
    if sign := point.get("sign_by"):
        states = ", ".join(f"{state} = {meant:+d}" for state, meant in sign["signs"].items())
        details.append(f"sign by the state in {sign['address']}: {states}")
    if factor := point.get("scale_factor"):
        usual = f"usually {factor['usual']}"
        details.append(f"power of ten of the scale in {factor['address']}, {usual}")
    for each in point.get("zero_if", ()):
        held = ", ".join(map(str, each.get("holds", ())))
        other = ", ".join(map(str, each.get("other_than", ())))
        what = held or f"something other than {other}"
        details.append(f"0 is a value where {each['address']} holds {what}")
    if fixed := point.get("fixed"):
        held = ", ".join(f"{at} = {content}" for at, content in fixed.items())
        details.append(f"plausible only while {held}")
    return details


def _range(name: str, point: Mapping[str, Any]) -> str:
    unit = POINTS[name][0]
    return f"{point['min']:g} to {point['max']:g}{'' if unit == '1' else ' ' + unit}"


def _storage(point: Mapping[str, Any]) -> str:
    return f", written ({point['storage']})" if point.get("storage") else ""
