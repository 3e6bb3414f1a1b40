"""The rural site with any device map in it, and how its battery is commanded then."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from sunspec2.device import Model

from drivers.catalogue import load_map
from drivers.errors import MapError
from drivers.modbus.map_writer import map_text
from drivers.roles import BatteryCommand, battery_command
from drivers.sunspec.discovery import FoundModel, SunSpecDevice
from drivers.sunspec.mapping import device_map
from siteems.site.checks.devices import check_roles
from siteems.site.model import DeviceEntry, Link, Site

COMMON = {"ID": 1, "Mn": "Acme", "Md": "Store", "Opt": "", "Vr": "1", "SN": "A-1", "DA": 1}
BATTERY = {
    "ID": 802, "AHRtg": 600, "AHRtg_SF": 0, "WHRtg": 288, "WHRtg_SF": 2,
    "WChaRteMax": 60, "WDisChaRteMax": 60, "WChaDisChaMax_SF": 2,
    "SoC": 600, "SoC_SF": -1, "SoH": 980, "SoH_SF": -1, "V": 5280, "V_SF": -2, "VMax": 5760,
    "A": 0, "A_SF": -1, "AChaMax": 130, "ADisChaMax": 130, "AMax_SF": 0, "W": 0, "W_SF": 0,
}  # fmt: skip
SUNSPEC: Mapping[str, Mapping[str, object]] = {
    "sunspec-704": {
        "ID": 704, "WSetEna": 0, "WSetMod": 0, "WSet": 0, "WSetRvrt": 0, "WSet_SF": 0,
        "WSetEnaRvrt": 0, "WSetRvrtTms": 0, "WSetPct": 0, "WSetPct_SF": -1,
    },
    "sunspec-124": {
        "ID": 124, "WChaMax": 6000, "WChaMax_SF": 0, "StorCtl_Mod": 0, "ChaState": 60,
        "ChaState_SF": 0,
        "OutWRte": 10000, "InWRte": 10000, "InOutWRte_SF": -2, "InOutWRte_RvrtTms": 0,
    },
    "sunspec-124-weak": {  # a converter rated lower than the site's battery
        "ID": 124, "WChaMax": 300, "WChaMax_SF": 1, "StorCtl_Mod": 0, "ChaState": 60,
        "ChaState_SF": 0,
        "OutWRte": 10000, "InWRte": 10000, "InOutWRte_SF": -2, "InOutWRte_RvrtTms": 0,
    },
}  # fmt: skip
FILL = (
    ("meter", "eastron-sdm630"),
    ("rectifier", "generic-rectifier-shelf"),
    ("solar", "generic-mppt"),
    ("genset", "generic-genset"),
)
COMMANDS: Mapping[str, BatteryCommand] = {
    "generic-smu-lead": "rectifier_current",
    "generic-smart-lithium": "power_setpoint",
    "huawei-esm48100": "rectifier_voltage",
    "huawei-sun2000": "forced_power",
    "sungrow-sh": "forced_power",
    "victron-gx": "grid_setpoint",
    "sunspec-704": "power_setpoint",
    "sunspec-124": "power_limits",
    "sunspec-124-weak": "power_limits",
}
"""The battery command of the site with the device under test; with any other device the lithium
battery beside it is commanded.
"""


def map_at(name: str, folder: Path) -> str:
    """The map as a site file names it: by its name, or, of a scanned device, by its file."""
    if name not in SUNSPEC:
        return name
    models, address = [], 40002
    for data in (COMMON, BATTERY, SUNSPEC[name]):
        packed = Model(data["ID"], data=dict(data)).get_mb()
        registers = [int.from_bytes(packed[i : i + 2], "big") for i in range(0, len(packed), 2)]
        registers[1] = len(registers) - 2
        models.append(FoundModel(registers[0], address, tuple(registers)))
        address += len(registers)
    path = folder / f"{name}.toml"
    path.write_text(
        map_text(device_map(SunSpecDevice(40000, tuple(models)), name)), encoding="utf-8"
    )
    return str(path)


def site_with(rural: Site, name: str, folder: Path) -> Site:
    """The rural site with this device in it and every role filled once."""
    dlt645 = name.startswith("dlt645")
    links = {"cabinet": Link(url="tcp://127.0.0.1:1502", timeout_s=1.0)}
    if dlt645:
        links["line"] = Link(url="dlt645+tcp://127.0.0.1:1503", timeout_s=1.0)
    where = (
        {"link": "line", "address": "000012345678"} if dlt645 else {"link": "cabinet", "unit": 1}
    )
    entries = [DeviceEntry(name="it", map=map_at(name, folder), **where)]  # type: ignore[arg-type]  # as in a file
    for unit, (role, filling) in enumerate(FILL, 2):
        if role not in load_map(entries[0].map).roles:
            entries.append(DeviceEntry(name=role, map=filling, link="cabinet", unit=unit))
    maps = [load_map(entry.map) for entry in entries]
    try:
        able = any("battery" in each.roles for each in maps) and battery_command(maps)
    except MapError:
        able = False
    if not able:
        entries.append(
            DeviceEntry(name="battery", map="generic-smart-lithium", link="cabinet", unit=9)
        )
    # A battery that cannot be commanded is read beside the one that can. The site checks allow only
    # one battery, and must report that and nothing else.
    two = [each.name for each in entries if "battery" in load_map(each.map).roles] == [
        "it",
        "battery",
    ]
    found = [error.wrong for error in check_roles(tuple(entries), rural.pv, rural.genset)]
    assert found == (["2 devices have the role battery"] if two else [])
    return replace(rural, links=links, devices=tuple(entries))
