"""Checks of the demo day."""

from __future__ import annotations

from collections.abc import Iterator

from drivers.simulated.fault_kinds import cannot_happen
from drivers.simulated.faults import Fault
from siteems.config.validation_error import KeyPath, ValidationError, choices
from siteems.site.checks.devices import map_or_none
from siteems.site.demo_day import DemoDay, DemoFault
from siteems.site.model import Battery, DeviceEntry, Link
from siteems.tariff.calendar import version_on
from siteems.tariff.model import TariffVersion

KINDS = "docs/faults.md lists the kinds of fault"


def check_demo(
    battery: Battery, tariffs: tuple[TariffVersion, ...], demo: DemoDay | None
) -> Iterator[ValidationError]:
    """The demo day has a tariff, and its battery starts above the minimum SoC."""
    if demo is None:
        return
    if version_on(tariffs, demo.date) is None:
        yield ValidationError(
            ("demo", "date"), "no tariff is valid on that day", "a day on which a tariff is valid"
        )
    if demo.start_soc < battery.min_soc:
        yield ValidationError(
            ("demo", "start_soc"),
            f"below battery.min_soc, which is {battery.min_soc:g}",
            "a share from min_soc to 1",
        )


def check_faults(
    links: dict[str, Link], devices: tuple[DeviceEntry, ...], demo: DemoDay | None
) -> Iterator[ValidationError]:
    """The faults of the demo day name devices and points that exist, and can occur there."""
    by_name = {device.name: device for device in devices}
    for index, fault in enumerate(() if demo is None else demo.faults):
        key_path = ("demo", "faults", index)
        device = by_name.get(fault.device)
        if device is None:
            hint = choices(fault.device, by_name)
            yield ValidationError((*key_path, "device"), "no such device", hint)
        else:
            yield from _fault_errors(fault, key_path, device, links.get(device.link))


def _fault_errors(
    fault: DemoFault, key_path: KeyPath, device: DeviceEntry, link: Link | None
) -> Iterator[ValidationError]:
    try:
        Fault(fault.kind, 1, fault.point, fault.value)
    except ValueError as error:
        yield ValidationError((*key_path, "kind"), str(error), KINDS)
        return
    is_serial = link is not None and not link.url.startswith(("tcp:", "tls:"))
    is_meter = device.address is not None
    if objection := cannot_happen(fault.kind, on_a_line=is_serial, to_a_meter=is_meter):
        yield ValidationError((*key_path, "kind"), objection, KINDS)
        return
    device_map = map_or_none(device.map)
    if fault.point is None or device_map is None:
        return
    if fault.point not in device_map.points:
        hint = choices(fault.point, device_map.points)
        yield ValidationError((*key_path, "point"), f"{device.map} has no such point", hint)
