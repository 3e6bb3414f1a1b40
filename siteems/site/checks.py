"""What one value of a site file says about another: the checks that no single field can make."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from inspect import signature
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from drivers.address import FORMS, parse_address
from drivers.catalogue import is_map_file, known_maps, load_map
from drivers.errors import MapError
from drivers.modbus.device_map import DeviceMap
from drivers.roles import battery_command
from drivers.simulated.faults import Fault, cannot_happen
from optimisation.problem.site_problem import ProblemError
from siteems.config.validation_error import ValidationError, choices
from siteems.site.assets import wear_costs
from siteems.site.model import (
    Backup,
    Battery,
    Control,
    DemoDay,
    DeviceEntry,
    Genset,
    GridConnection,
    Identity,
    Link,
    Load,
    Planning,
    Pv,
    Recording,
    Rectifier,
)
from siteems.site.reserve import promise_kwh, worst_load_kw
from siteems.tariff.calendar import clock, parse_hours, version_on
from siteems.tariff.check import tariff_errors
from siteems.tariff.records import TariffVersion

MOST_C_RATE = 3.0
"""No bank on a -48 V bus is charged or discharged faster, in kW per rated kWh: beyond it the unit
is wrong.
"""
READS_PER_LEASE = 4
"""A setpoint is refreshed at half its lease; so many cycles leave room for one that is late."""


def site_errors(sections: Mapping[str, Any]) -> Iterator[ValidationError]:
    """All errors between the sections of a site. A check whose sections are not all sound is left
    out.
    """
    for check in CHECKS:
        needed = signature(check).parameters
        if needed.keys() <= sections.keys():
            yield from check(**{name: sections[name] for name in needed})


def check_zone(site: Identity) -> Iterator[ValidationError]:
    """The time zone exists."""
    try:
        ZoneInfo(site.timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        near = choices(site.timezone, available_timezones())
        allowed = near if near.startswith("did") else "an IANA name such as Asia/Shanghai"
        yield ValidationError(("site", "timezone"), "no such time zone", allowed)


def check_links(links: dict[str, Link]) -> Iterator[ValidationError]:
    """Addresses are sound, one address is one link, and credentials stand where they are used."""
    owner: dict[str, str] = {}
    for name, link in links.items():
        first = owner.setdefault(link.url, name)
        if first != name:
            yield ValidationError(
                ("links", name, "url"),
                f"link {first} has the same address",
                "devices share one link by name",
            )
        try:
            tls = parse_address(link.url).protocol == "tls"
        except ValueError as error:
            yield ValidationError(
                ("links", name, "url"),
                "has the wrong form",
                f"allowed is {str(error).split(' must look like ', 1)[1]}",
            )
            continue
        if tls and link.ca is None:
            yield ValidationError(
                ("links", name, "ca"),
                "is missing",
                "a PEM file: who signed the other side's certificate",
            )
        for key in ("ca", "certificate", "key"):
            if not tls and getattr(link, key) is not None:
                yield ValidationError(
                    ("links", name, key), "is of no use here", "only tls:// links have credentials"
                )
        if tls and link.key is not None and link.certificate is None:
            yield ValidationError(
                ("links", name, "certificate"),
                "is missing",
                "the certificate that the key belongs to",
            )


def check_addresses(
    links: dict[str, Link], devices: tuple[DeviceEntry, ...]
) -> Iterator[ValidationError]:
    """Every device has a name, and a unit or address on a link that exists, of its own."""
    names: set[str] = set()
    owner: dict[tuple[str, str], str] = {}
    for index, device in enumerate(devices):
        if device.name in names:
            yield ValidationError(
                ("devices", index, "name"), "used twice", "every device has a name of its own"
            )
        names.add(device.name)
        if device.link not in links:
            yield ValidationError(
                ("devices", index, "link"), "no such link", choices(device.link, links)
            )
            continue
        first = owner.setdefault((device.link, device.where), device.name)
        if first != device.name:
            yield ValidationError(
                ("devices", index, "unit" if device.unit is not None else "address"),
                f"{first} already has {device.where} on link {device.link}",
                f"every device of a link has {'a unit' if device.unit is not None else 'an address'} of its own",
            )


def check_protocols(
    links: dict[str, Link], devices: tuple[DeviceEntry, ...]
) -> Iterator[ValidationError]:
    """A device's map, its link and how it is addressed are of one protocol."""
    for index, device in enumerate(devices):
        if device.link not in links or not _loads(device.map):
            continue  # said elsewhere
        try:
            dlt645 = load_map(device.map).protocol == "dlt645"
            matches = parse_address(links[device.link].url).is_dlt645 == dlt645
        except (MapError, ValueError):
            continue  # said elsewhere
        kind, key, other = (
            ("DL/T 645 meter", "address", "unit")
            if dlt645
            else ("Modbus device", "unit", "address")
        )
        if not matches:
            allowed = f"a {kind} is on a link with a url such as {FORMS['dlt645+tcp' if dlt645 else 'tcp']}"
            yield ValidationError(
                ("devices", index, "link"), f"{device.map} cannot be on it", allowed
            )
        if getattr(device, key) is None:
            allowed = (
                "12 digits, as printed on the meter" if dlt645 else "its Modbus unit id, 1 to 247"
            )
            yield ValidationError(("devices", index, key), "is missing", allowed)
        if getattr(device, other) is not None:
            yield ValidationError(
                ("devices", index, other), "is of no use here", f"a {kind} has {key}"
            )
        if not dlt645 and device.ratio != 1.0:
            yield ValidationError(
                ("devices", index, "ratio"), "is of no use here", "only a DL/T 645 meter has one"
            )


def check_maps(
    devices: tuple[DeviceEntry, ...], pv: Pv | None, genset: Genset | None
) -> Iterator[ValidationError]:
    """Device maps exist, and together they give the site the roles that it needs."""
    maps = []
    for index, device in enumerate(devices):
        if device.map not in known_maps() and not is_map_file(device.map):
            yield ValidationError(
                ("devices", index, "map"), "no such device map", choices(device.map, known_maps())
            )
            continue
        try:
            maps.append(load_map(device.map))
        except MapError as error:
            yield ValidationError(
                ("devices", index, "map"), f"the map does not load: {error}", "mend the map"
            )
    if len(maps) < len(devices):
        return
    roles = Counter[str](role for device_map in maps for role in device_map.roles)
    if roles["meter"] != 1:
        count = "no device is" if roles["meter"] == 0 else f"{roles['meter']} devices are"
        yield ValidationError(
            ("devices",), f"{count} a meter", "exactly one device measures the grid connection"
        )
    for role in ("rectifier", "battery"):
        if roles[role] == 0:
            yield ValidationError(
                ("devices",), f"no device is a {role}", f"exactly one device has the role {role}"
            )
    for role in ("rectifier", "battery", "solar", "genset"):
        if roles[role] > 1:
            # Each would be told the whole setpoint, and only one of them be measured.
            yield ValidationError(
                ("devices",), f"{roles[role]} devices have the role {role}", "one device has it"
            )
    for role, section, present in (
        ("solar", "pv", pv is not None),
        ("genset", "genset", genset is not None),
    ):
        if present and roles[role] == 0:
            yield ValidationError(
                (section,), f"no device has the role {role}", f"add its device or drop [{section}]"
            )
        elif roles[role] and not present:
            yield ValidationError(
                (section,),
                "is missing",
                f"a device has the role {role}: add [{section}] or drop the device",
            )
    if roles["battery"]:
        try:
            battery_command(maps)
        except MapError as error:
            yield ValidationError(("devices",), str(error), "add a device that can")


def _loads(name: str) -> bool:
    """Whether there is such a map and it is sound; what is wrong with it is told by `check_maps`."""
    try:
        load_map(name)
    except MapError:
        return False
    return True


def check_rectifier(rectifier: Rectifier) -> Iterator[ValidationError]:
    """The efficiency table rises in share."""
    for place, (before, after) in enumerate(pairwise(rectifier.efficiency)):
        if after[0] <= before[0]:
            yield ValidationError(
                ("rectifier", "efficiency", place + 1, 0),
                f"not above {before[0]:g} before it",
                "shares rise down the table",
            )


def check_battery(battery: Battery) -> Iterator[ValidationError]:
    """Limits fit the size of the battery, temperatures and tables are in order."""
    for name in ("max_charge_kw", "max_discharge_kw"):
        rate = getattr(battery, name) / battery.rated_kwh
        if rate > MOST_C_RATE:
            yield ValidationError(
                ("battery", name),
                f"{rate:.1f} times the rated {battery.rated_kwh:g} kWh in an hour",
                f"kW, not W or A, at most {MOST_C_RATE * battery.rated_kwh:g}",
            )
    if battery.min_charge_temp_c >= battery.max_temp_c:
        yield ValidationError(
            ("battery", "min_charge_temp_c"),
            f"not below max_temp_c {battery.max_temp_c:g}",
            "the battery is charged between the two",
        )
    for place, (before, after) in enumerate(pairwise(battery.charge_acceptance or ())):
        if after[0] <= before[0]:
            yield ValidationError(
                ("battery", "charge_acceptance", place + 1, 0),
                f"not above {before[0]:g} before it",
                "SoC rises down the table",
            )


def check_wear(battery: Battery) -> Iterator[ValidationError]:
    """The cycle table gives costs that do not fall with depth, and calendar life is there where it
    is netted.
    """
    wear = battery.wear
    if wear is not None and wear.mode == "calendar-netted" and wear.calendar_years is None:
        yield ValidationError(
            ("battery", "wear", "calendar_years"), "is missing", "years, with mode calendar-netted"
        )
        return
    try:
        wear_costs(battery)
    except ProblemError as error:
        yield ValidationError(
            ("battery", "wear", "cycles"),
            str(error).split(";")[0],
            "(depth, cycles), rising in depth",
        )


def check_load(
    rectifier: Rectifier, battery: Battery, backup: Backup, load: Load
) -> Iterator[ValidationError]:
    """Rectifiers carry the load, and so does a full battery, for the hours promised.

    Room above the reserve is not asked for: `siteems check` tells of it.
    """
    peak_kw = max(load.typical_dc_kw)
    if peak_kw > rectifier.rated_kw:
        yield ValidationError(
            ("load", "typical_dc_kw"),
            f"its peak of {peak_kw:g} kW is more than the rectifier's {rectifier.rated_kw:g} kW",
            "values are kW, not W, and the rectifier carries them",
        )
        return
    load_kw = worst_load_kw(load, backup)
    need_kwh = promise_kwh(battery, backup.hours, load_kw, backup.coldest_c)
    if need_kwh > battery.capacity_kwh:
        yield ValidationError(
            ("backup", "hours"),
            f"the reserve of {need_kwh:.1f} kWh ({load_kw:.2f} kW, {backup.coldest_c:g} degC) "
            f"is larger than the battery of {battery.capacity_kwh:.1f} kWh",
            "fewer hours, a smaller load or a larger battery",
        )
    if load_kw > battery.max_discharge_kw:
        yield ValidationError(
            ("battery", "max_discharge_kw"),
            f"cannot carry the load of {load_kw:.2f} kW when the mains fail",
            "at least the load of the worst hours",
        )


def check_genset(battery: Battery, genset: Genset | None) -> Iterator[ValidationError]:
    """A genset starts before the battery is empty."""
    if genset is not None and genset.start_below_soc <= battery.min_soc:
        yield ValidationError(
            ("genset", "start_below_soc"),
            "too late",
            f"above battery.min_soc, which is {battery.min_soc:g}",
        )


def check_tariffs(
    tariffs: tuple[TariffVersion, ...], grid: GridConnection
) -> Iterator[ValidationError]:
    """Every hour of every day has one price, and demand charges have what they are charged on."""
    yield from tariff_errors(tariffs)
    needs = {"capacity": ("transformer_kva",), "contract": ("contract_kw",), "measured": ()}
    for index, version in enumerate(tariffs):
        for number, term in enumerate(version.demand):
            wanted = (
                *needs[term.mode],
                *(("transformer_kva",) if term.least_contract_share else ()),
            )
            for name in wanted:
                if getattr(grid, name) is None:
                    place = f"tariffs[{index}].demand[{number}]"
                    yield ValidationError(("grid", name), "is missing", f"{place} is charged on it")


def check_steps(
    tariffs: tuple[TariffVersion, ...], planning: Planning
) -> Iterator[ValidationError]:
    """Prices change only between planning steps. Hours that cannot be read are another check's."""
    borders: set[int] = set()
    for version in tariffs:
        for hours in (
            hours for c in version.calendars for listed in c.periods.values() for hours in listed
        ):
            try:
                borders.update(parse_hours(hours))
            except ValueError:
                continue
    inside = sorted(border for border in borders if border % planning.step_min)
    if inside:
        yield ValidationError(
            ("planning", "step_min"),
            f"the price changes within a step, at {clock(inside[0])}",
            "a shorter step, and tariff hours on quarter hours",
        )


def check_times(
    control: Control, recording: Recording, devices: tuple[DeviceEntry, ...]
) -> Iterator[ValidationError]:
    """Leases outlive cycles, also those that a device will not let be set; nothing is recorded
    faster than read.
    """
    for index, device in enumerate(devices):
        device_map = load_map(device.map) if _loads(device.map) else None
        lease = device_map.lease if isinstance(device_map, DeviceMap) else None
        if (
            lease is not None
            and lease.timeout_point is None
            and lease.max_s < READS_PER_LEASE * control.cycle_s
        ):
            yield ValidationError(
                ("control", "cycle_s"),
                f"too long for devices[{index}], which forgets its setpoint after {lease.max_s:g} s",
                f"at most {lease.max_s / READS_PER_LEASE:g} s",
            )
    if control.lease_s < READS_PER_LEASE * control.cycle_s:
        yield ValidationError(
            ("control", "lease_s"),
            f"{control.lease_s:g} s is too short for a cycle of {control.cycle_s:g} s",
            f"at least {READS_PER_LEASE} cycles",
        )
    if recording.sample_s < control.cycle_s:
        yield ValidationError(
            ("recording", "sample_s"),
            f"shorter than control.cycle_s {control.cycle_s:g}",
            "at least one cycle",
        )


def check_demo(
    battery: Battery, tariffs: tuple[TariffVersion, ...], demo: DemoDay | None
) -> Iterator[ValidationError]:
    """The demo day has a tariff and starts with a battery that may be used."""
    if demo is None:
        return
    if version_on(tariffs, demo.date) is None:
        yield ValidationError(
            ("demo", "date"), "no tariff holds on that day", "a day within a tariff's validity"
        )
    if demo.start_soc < battery.min_soc:
        yield ValidationError(
            ("demo", "start_soc"),
            f"below battery.min_soc {battery.min_soc:g}",
            "a share 0..1 from min_soc up",
        )


def check_faults(
    links: dict[str, Link], devices: tuple[DeviceEntry, ...], demo: DemoDay | None
) -> Iterator[ValidationError]:
    """The demo day's faults happen to devices that are there, can happen to them, at points that
    these have.
    """
    entries = {device.name: device for device in devices}
    for index, fault in enumerate(() if demo is None else demo.faults):
        place = ("demo", "faults", index)
        entry = entries.get(fault.device)
        if entry is None:
            yield ValidationError(
                (*place, "device"), "no such device", choices(fault.device, entries)
            )
            continue
        try:
            Fault(fault.kind, 1, fault.point, fault.value)
        except ValueError as error:
            yield ValidationError((*place, "kind"), str(error), "docs/faults.md has the kinds")
            continue
        on_a_line = entry.link in links and not links[entry.link].url.startswith(("tcp:", "tls:"))
        if objection := cannot_happen(
            fault.kind, on_a_line=on_a_line, to_a_meter=entry.address is not None
        ):
            yield ValidationError((*place, "kind"), objection, "docs/faults.md has the kinds")
            continue
        points = load_map(entry.map).points if _loads(entry.map) else {}
        if fault.point is not None and points and fault.point not in points:
            yield ValidationError(
                (*place, "point"), f"{entry.map} has no such point", choices(fault.point, points)
            )


CHECKS: tuple[Callable[..., Iterator[ValidationError]], ...] = (
    check_zone,
    check_rectifier,
    check_battery,
    check_wear,
    check_load,
    check_genset,
    check_tariffs,
    check_steps,
    check_links,
    check_addresses,
    check_protocols,
    check_maps,
    check_times,
    check_demo,
    check_faults,
)
"""Each is called with the sections that its parameters name."""
