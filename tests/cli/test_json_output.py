"""Every `--json` is JSON that any program reads, whatever the numbers: no NaN, no Infinity."""

from __future__ import annotations

import ast
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import typer
from command_line import run_command
from gateway_rig import simulated_site, wait_for
from settled_record import record_event

import siteems
from siteems.cli import app
from siteems.config.seeds import seed_path
from siteems.messages.json_text import json_text

HANGZHOU = seed_path("hangzhou-macro")


def read(text: str) -> Any:
    return json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} in JSON"))


def json_commands(command: Any, name: str = "") -> Iterator[str]:
    """The names of all commands that have `--json`."""
    if hasattr(command, "commands"):
        for part, below in command.commands.items():
            yield from json_commands(below, f"{name} {part}".strip())
    elif any("--json" in parameter.opts for parameter in command.params):
        yield name


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """Ten days without PV and with a load that is 0: scores have zeros to divide by. An infinite
    cell, an empty and a dead column.
    """
    times = pd.date_range("2026-07-06", periods=240, freq="h", name="time")
    frame = pd.DataFrame(
        {"dc_load_kw": 1.0, "pv_kw": 0.0, "ac_load_kw": 0.0, "outdoor_temp_c": 20.0}, index=times
    )
    frame["dc_load_kw"] = np.round(2.0 + np.sin(np.arange(240)), 3)
    frame.iloc[100, 0] = np.inf
    frame["grid_import_kw"], frame["empty"], frame["dead"] = frame["dc_load_kw"], np.nan, 7.0
    path = tmp_path / "recording.csv"
    frame.to_csv(path)
    return path


def test_every_command_with_json(recording: Path, tmp_path: Path) -> None:
    fleet = tmp_path / "fleet"
    shutil.copytree(HANGZHOU, fleet / "one")
    one_day = ("--from=2026-07-08", "--to=2026-07-09", "--policy=idle,optimal")
    walk: dict[str, tuple[str | Path, ...]] = {
        "plan": (HANGZHOU, "--at=2026-07-15T12:00"),
        "inspect": (recording,),
        "forecast-score": ("--site", HANGZHOU, recording),
        "bill": (HANGZHOU, recording),
        "replay": (HANGZHOU, recording, *one_day, f"--out={tmp_path / 'replayed'}"),
        "replay-fleet": (fleet, "--policy=idle", f"--out={tmp_path / 'sites'}", "--jobs=1"),
        "devices list": (),
        "devices show": ("generic-mppt",),
    }
    record_event(tmp_path / "settled")
    walk["dr settle"] = (
        "e1",
        HANGZHOU,
        "--programme=zhejiang-2021-hour-ahead",
        "--bid=3kW",
        f"--state={tmp_path / 'settled'}",
    )
    for name, arguments in walk.items():
        code, output, messages = run_command(*name.split(), *arguments, "--json")
        assert (name, code) == (name, 0), messages
        read(output)
    with simulated_site(tmp_path / "served", speed=1) as running:
        url = running.links[0].split("=", 2)[2]
        running.start_daemon()
        running.clock.start()
        wait_for(lambda: running.history().last_sample(), "a sample")
        state = f"--state={running.state}"
        for name, arguments in {
            "dr limit-import": ("1.5kW", running.site_file, state),
            "dr availability": (running.site_file, state),
            "hold": (running.site_file, state),
            "history": (running.site_file, state),
            "scan": (url, "--units=1-4", "--timeout=0.3"),
            "devices try": ("generic-mppt", url, "--unit=3"),
        }.items():
            code, output, messages = run_command(*name.split(), *arguments, "--json")
            assert (name, code) == (name, 0), messages
            read(output)
            walk[name] = arguments
        event = json.loads(run_command("status", running.site_file, state, "--json")[1])[
            "dr_events"
        ][0]
        declined = ("dr", "opt-out", event["id"], running.site_file, state, "--reason=work")
        assert run_command(*declined)[0] == 0
        assert "opted out by" in run_command("dr", "list", running.site_file, state)[1]
        for name in ("status", "alarms show"):
            walk[name] = (running.site_file, state)
            _, output, _ = run_command(*name.split(), *walk[name], "--json")
            read(output)  # the code is that of the site
    assert set(walk) == set(json_commands(typer.main.get_command(app)))
    for written in ("replayed/summary.json", "sites/fleet.json"):
        read((tmp_path / written).read_text())
    report = (tmp_path / "replayed" / "report.html").read_text()
    charts = re.findall(r"Plotly\.newPlot\(\s*\"[^\"]*\",\s*(\[.*?\]),\s+\{", report, re.DOTALL)
    assert charts
    for chart in charts:
        read(chart)


def test_what_json_does_not_have_is_null() -> None:
    data = {
        "nan": float("nan"),
        "many": (np.float64("inf"), np.float32(0.5), np.int64(3), True, None),
        "nested": [{"low": -np.inf, "text": "NaN"}],
    }
    assert read(json_text(data)) == {
        "nan": None,
        "many": [None, 0.5, 3, True, None],
        "nested": [{"low": None, "text": "NaN"}],
    }


def test_there_is_one_way_to_write_json() -> None:
    """No command calls `json.dumps` itself."""
    folder = Path(siteems.__file__).parent
    others = [
        path.name
        for room in ("cli", "demo", "replay")
        for path in (folder / room).glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr == "dumps"
    ]
    assert not others
