"""Checks of links, and of the addresses of devices on them."""

from __future__ import annotations

from collections.abc import Iterator

from drivers.address import FORMS, Address, parse_address
from drivers.modbus.protocol import UNITS_TEXT, can_be_unit
from siteems.config.validation_error import ValidationError, choices
from siteems.site.checks.devices import map_or_none
from siteems.site.model import DeviceEntry, Link

CREDENTIALS = ("ca", "certificate", "key")


def check_links(links: dict[str, Link]) -> Iterator[ValidationError]:
    """URLs are valid and differ, and the credentials of each link are complete."""
    first_with: dict[str, str] = {}
    for name, link in links.items():
        first = first_with.setdefault(link.url, name)
        if first != name:
            yield ValidationError(
                ("links", name, "url"),
                f"link {first} has the same address",
                "devices at one address share one link",
            )
        try:
            is_tls = parse_address(link.url).protocol == "tls"
        except ValueError as error:
            forms = str(error).split(" must look like ", 1)[1]
            yield ValidationError(("links", name, "url"), "has the wrong form", f"allowed: {forms}")
            continue
        yield from _credential_errors(name, link, is_tls)


def _credential_errors(name: str, link: Link, is_tls: bool) -> Iterator[ValidationError]:
    if not is_tls:
        for key in CREDENTIALS:
            if getattr(link, key) is not None:
                yield ValidationError(
                    ("links", name, key), "has no effect", "only tls:// links use credentials"
                )
        return
    if link.ca is None:
        yield ValidationError(
            ("links", name, "ca"),
            "is missing",
            "a PEM file with the authority that signed the device's certificate",
        )
    if link.key is not None and link.certificate is None:
        yield ValidationError(
            ("links", name, "certificate"), "is missing", "the certificate that the key belongs to"
        )


def check_addresses(
    links: dict[str, Link], devices: tuple[DeviceEntry, ...]
) -> Iterator[ValidationError]:
    """Names of devices differ, their links exist, and so do their units or addresses on a link."""
    names: set[str] = set()
    first_at: dict[tuple[str, str], str] = {}
    for index, device in enumerate(devices):
        if device.name in names:
            yield ValidationError(
                ("devices", index, "name"), "used twice", "each device needs its own name"
            )
        names.add(device.name)
        if device.link not in links:
            yield ValidationError(
                ("devices", index, "link"), "no such link", choices(device.link, links)
            )
            continue
        first = first_at.setdefault((device.link, device.where), device.name)
        if first != device.name:
            key, kind = ("address", "address") if device.unit is None else ("unit", "unit id")
            yield ValidationError(
                ("devices", index, key),
                f"{first} already has {device.where} on link {device.link}",
                f"each device on a link needs its own {kind}",
            )


def check_protocols(
    links: dict[str, Link], devices: tuple[DeviceEntry, ...]
) -> Iterator[ValidationError]:
    """The map, the link and the kind of address of a device belong to one protocol.

    Unknown links, invalid URLs and maps that do not load are reported by other checks.
    """
    for index, device in enumerate(devices):
        device_map = map_or_none(device.map)
        if device.link not in links or device_map is None:
            continue
        try:
            address = parse_address(links[device.link].url)
        except ValueError:
            continue
        if device.ratio != 1.0 and device_map.roles != ("meter",):
            yield ValidationError(
                ("devices", index, "ratio"),
                "has no effect",
                "only a device that is a meter and nothing else is behind transformers",
            )
        if device_map.protocol == "dlt645":
            yield from _meter_errors(index, device, address.is_dlt645)
        else:
            yield from _modbus_errors(index, device, address)


def _meter_errors(
    index: int, device: DeviceEntry, is_dlt645_link: bool
) -> Iterator[ValidationError]:
    if not is_dlt645_link:
        yield ValidationError(
            ("devices", index, "link"),
            f"{device.map} cannot be on this link",
            f"a DL/T 645 meter needs a link with a URL such as {FORMS['dlt645+tcp']}",
        )
    if device.address is None:
        yield ValidationError(
            ("devices", index, "address"), "is missing", "12 digits, as printed on the meter"
        )
    if device.unit is not None:
        yield ValidationError(
            ("devices", index, "unit"), "has no effect", "a DL/T 645 meter has an address"
        )


def _modbus_errors(index: int, device: DeviceEntry, address: Address) -> Iterator[ValidationError]:
    if address.is_dlt645:
        yield ValidationError(
            ("devices", index, "link"),
            f"{device.map} cannot be on this link",
            f"a Modbus device needs a link with a URL such as {FORMS['tcp']}",
        )
    if device.unit is None:
        yield ValidationError(("devices", index, "unit"), "is missing", f"allowed: {UNITS_TEXT}")
    elif not can_be_unit(device.unit, is_rtu=address.is_rtu):
        yield ValidationError(
            ("devices", index, "unit"),
            f"no device on this link can have unit {device.unit}",
            f"allowed: {UNITS_TEXT}",
        )
    if device.address is not None:
        yield ValidationError(
            ("devices", index, "address"), "has no effect", "a Modbus device has a unit"
        )
