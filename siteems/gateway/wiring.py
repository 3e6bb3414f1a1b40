"""From the site file to links and devices: only here a class is chosen by protocol."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

from drivers.address import parse_address
from drivers.dlt645.link import Dlt645Link
from drivers.dlt645.meter import Dlt645Meter
from drivers.modbus.device import Device
from drivers.modbus.device_map import DeviceMap
from drivers.modbus.link import ModbusLink
from drivers.modbus.transport import Credentials
from siteems.errors import UserError
from siteems.site.assets import device_map_of
from siteems.site.model import DeviceEntry, Link, Site

AnyLink = ModbusLink | Dlt645Link
AnyDevice = Device | Dlt645Meter


def make_links(site: Site) -> Mapping[str, AnyLink]:
    """The links of a site, not yet open. Raises `UserError` for unusable credentials."""
    return {name: make_link(name, link) for name, link in site.links.items()}


def make_link(name: str, link: Link) -> AnyLink:
    """One link by its URL. Raises `UserError` for an unusable URL or unusable credentials."""
    try:
        if parse_address(link.url).is_dlt645:
            return Dlt645Link(link.url, timeout_s=link.timeout_s)
        credentials = None
        if link.ca is not None:
            certificate, key = (
                None if file is None else Path(file) for file in (link.certificate, link.key)
            )
            if key is not None:
                _check_private(key)
            credentials = Credentials(Path(link.ca), certificate, key)
        return ModbusLink(
            link.url, timeout_s=link.timeout_s, gap_s=link.gap_ms / 1000.0, credentials=credentials
        )
    except (OSError, ValueError) as error:
        raise UserError(f"link {name}: {error}") from error


def _check_private(key: Path) -> None:
    """A key that others can read is no secret. Raises ValueError, OSError."""
    mode = key.stat().st_mode & 0o777
    if mode & 0o027:
        allowed = "allowed: for its owner, and to be read by its group, such as chmod 640"
        raise ValueError(f"{key}: the key has mode {mode:o}, so others may use it; {allowed}")


def make_device(
    entry: DeviceEntry, links: Mapping[str, AnyLink], now: Callable[[], datetime]
) -> AnyDevice:
    """A device of the site file on its link; the site checks have verified that they match."""
    device_map, link = device_map_of(entry), links[entry.link]
    if isinstance(device_map, DeviceMap):
        assert isinstance(link, ModbusLink)
        assert entry.unit is not None
        return Device(entry.name, device_map, link, entry.unit, now)
    assert isinstance(link, Dlt645Link)
    assert entry.address is not None
    return Dlt645Meter(entry.name, device_map, link, entry.address, now, ratio=entry.ratio)
