"""A SunSpec device made by pysunspec2 and served by pymodbus."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice
from sunspec2.device import Model

LOOPBACK = "127.0.0.1"
COMMON = {
    "ID": 1,
    "Mn": "Acme",
    "Md": "Hybrid 5",
    "Opt": "",
    "Vr": "1.2.3",
    "SN": "A-1234",
    "DA": 1,
}
INVERTER = {
    "ID": 103,
    "A": 100,
    "A_SF": -1,
    "PhVphA": 2301,
    "PhVphB": 2302,
    "PhVphC": 2303,
    "V_SF": -1,
    "W": 345,
    "W_SF": 1,
    "Hz": 5001,
    "Hz_SF": -2,
    "WH": 1234567,
    "WH_SF": 0,
    "DCV": 6100,
    "DCV_SF": -1,
    "St": 4,
    "Evt1": 0,
    "Evt2": 0,
}
NAMEPLATE = {"ID": 120, "DERTyp": 4, "WRtg": 5, "WRtg_SF": 3, "VARtg": 5, "VARtg_SF": 3}
METER = {
    "ID": 203,
    "A": 100,
    "A_SF": -1,
    "PhV": 2300,
    "PhVphA": 2311,
    "PhVphB": 2312,
    "PhVphC": 2313,
    "PPV": 4000,
    "V_SF": -1,
    "Hz": 4998,
    "Hz_SF": -2,
    "W": -4321,
    "W_SF": 0,
    "TotWhExp": 0,
    "TotWhImp": 98765432,
    "TotWh_SF": 0,
}
BATTERY = {
    "ID": 802,
    "AHRtg": 200,
    "AHRtg_SF": 0,
    "WHRtg": 96,
    "WHRtg_SF": 2,
    "WChaRteMax": 50,
    "WDisChaRteMax": 50,
    "WChaDisChaMax_SF": 2,
    "SoC": 734,
    "SoC_SF": -1,
    "SoH": 980,
    "SoH_SF": -1,
    "V": 5280,
    "V_SF": -2,
    "VMax": 5760,
    "A": -412,
    "A_SF": -1,
    "AChaMax": 100,
    "ADisChaMax": 100,
    "AMax_SF": 0,
    "W": -2175,
    "W_SF": 0,
}
LEGACY = {
    "ID": 124,
    "WChaMax": 400,
    "WChaMax_SF": 1,
    "StorCtl_Mod": 0,
    "ChaState": 70,
    "ChaState_SF": 0,
    "OutWRte": 10000,
    "InWRte": 10000,
    "InOutWRte_SF": -2,
    "InOutWRte_RvrtTms": 3600,
}
CONTROLS = {
    "ID": 704,
    "WSetEna": 0,
    "WSetMod": 0,
    "WSet": 0,
    "WSetRvrt": 0,
    "WSet_SF": 1,
    "WSetEnaRvrt": 0,
    "WSetRvrtTms": 0,
    "WSetPct": 0,
    "WSetPct_SF": -1,
}


def image(*models: Mapping[str, Any], end: Sequence[int] = (0xFFFF, 0)) -> list[int]:
    """The registers of a device from "SunS" on."""
    words = [0x5375, 0x6E53]
    for data in models:
        packed = Model(data["ID"], data=dict(data)).get_mb()
        content = [int.from_bytes(packed[i : i + 2], "big") for i in range(0, len(packed), 2)]
        content[1] = len(content) - 2
        words += content
    return [*words, *end]


@asynccontextmanager
async def served(
    words: Sequence[int], base: int = 40000, unit: int = 1
) -> AsyncIterator[tuple[str, list[int]]]:
    """A server of these registers. Gives its URL, and the registers, which change when written."""
    held = list(words)

    async def answer(
        function: int,
        start: int,
        address: int,
        count: int,
        registers: list[int],
        written: list[int] | None,
    ) -> None:
        if written is not None:
            held[address - base : address - base + count] = written
        registers[address - start : address - start + count] = held[
            address - base : address - base + count
        ]

    device = SimDevice(
        unit, [SimData(base, values=held, datatype=DataType.REGISTERS)], action=answer
    )
    server = ModbusTcpServer([device], address=(LOOPBACK, 0))
    await server.serve_forever(background=True)
    try:
        yield f"tcp://{LOOPBACK}:{server.transport.sockets[0].getsockname()[1]}", held
    finally:
        await server.shutdown()
