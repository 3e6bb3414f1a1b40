"""The write gate is the only way to a device: nothing else in the packages calls what writes."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import drivers
import siteems

ROOTS = [Path(package.__path__[0]) for package in (drivers, siteems)]
LIBRARY = (
    "write_register",
    "write_registers",
    "write_coil",
    "write_coils",
    "mask_write_register",
    "execute",
    "readwrite_registers",
    "write_file_record",
)


def calls() -> Iterator[tuple[str, str, str]]:
    """File, what a method is called on, and its name: of all calls in both packages."""
    for root in ROOTS:
        for path in root.rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call):
                    match node.func:
                        case ast.Attribute(
                            value=ast.Attribute(attr=on) | ast.Name(id=on), attr=name
                        ):
                            yield f"{root.name}/{path.relative_to(root)}", on, name
                        case ast.Name(id=name):
                            yield f"{root.name}/{path.relative_to(root)}", "", name


def where(*names: str, on: tuple[str, ...] = ()) -> set[str]:
    return {file for file, what, name in calls() if name in names and (not on or what in on)}


def test_each_step_to_the_wire_is_taken_in_one_place() -> None:
    assert where("WriteGate") == {"siteems/gateway/devices.py"}
    assert where("write_points") == {"drivers/write_gate/gate.py"}
    assert where("write", on=("link", "_link")) == {"drivers/modbus/device.py"}
    assert where(*LIBRARY, on=("client", "_client")) == {"drivers/modbus/transport.py"}
    assert where("AsyncModbusTcpClient", "AsyncModbusTlsClient") == {"drivers/modbus/transport.py"}
    assert where("TcpConnection", "RtuLine") == {"drivers/modbus/link.py"}
    assert where("ask", on=("connection",)) == {"drivers/modbus/link.py"}
    assert where("open_wire") == {"drivers/modbus/link.py", "drivers/dlt645/link.py"}
    assert where("send", on=("wire", "_wire")) == {
        "drivers/modbus/rtu_line.py",
        "drivers/dlt645/link.py",
    }
