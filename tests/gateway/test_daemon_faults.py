"""The real daemon and a real simulator whose site file makes devices fail, one after the other."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from gateway_rig import cli, free_port, simulated_site

from siteems.config.local_time import local_time

FAULTS = """
[recording]
sample_s = 10
[[demo.faults]]
device = "grid-meter"
kind = "silent"
start = "00:02"
minutes = 4

[[demo.faults]]
device = "smu"
kind = "jump"
point = "bus_v"
value = 90
start = "00:08"
minutes = 2

[[demo.faults]]
device = "mppt"
kind = "slow"
value = 3
start = "00:11"
minutes = 2
"""


@pytest.mark.timeout(180)
def test_the_daemon_survives_the_faults_of_the_site_file(tmp_path: Path) -> None:
    with simulated_site(tmp_path, speed=30, extra=FAULTS) as running:
        daemon = running.start_daemon()
        running.clock.start()
        running.wait_until(0.285)
        daemon.stop()
        history, day = running.history(), running.scenario.start
        zone, date = running.site.site.zone, running.site.demo.date if running.site.demo else None
        assert date is not None

        def known(name: str, begin: str, minutes: float) -> set[bool]:
            start = local_time(begin, date, zone)
            samples = history.samples(start, start + timedelta(minutes=minutes))
            assert samples, (name, begin)
            return {sample.values.get(name) is not None for sample in samples}

        assert known("grid_kw", "00:04", 2) == {False}
        # Not in every sample: a time-out is half a minute of this fast clock.
        assert True in known("soc", "00:04", 2)
        assert known("bus_v", "00:09", 1) == {False}
        assert True in known("pv_kw", "00:12", 1), "estimated from the balance of the bus"
        for name in ("grid_kw", "soc", "bus_v", "pv_kw"):
            assert known(name, "00:16", 1) == {True}
        codes = [alarm.code for alarm in history.alarms(day, running.clock.now())]
        assert "released" in codes  # without the bus voltage nothing is driven
        after = {
            sample.source
            for sample in history.samples(local_time("00:16", date, zone), running.clock.now())
        }
        assert "release" not in after


def test_siteems_fault_needs_a_simulator_with_a_control_port() -> None:
    port = free_port()
    done = cli("fault", "list", f"--control={port}")
    assert done.returncode == 2
    assert f"no simulator listens on port {port}" in done.stderr


def test_siteems_fault_injects_lists_and_clears(tmp_path: Path) -> None:
    port = free_port()
    with simulated_site(tmp_path, speed=10, more=[f"--control={port}"]):
        at = f"--control={port}"
        assert cli("fault", "silent", at, "--link=cabinet", "--unit=2").returncode == 0
        assert '"kind": "silent"' in cli("fault", "list", at).stdout
        assert cli("fault", "clear", at, "--link=cabinet").stdout.split() == [
            "{",
            '"cabinet":',
            "[]",
            "}",
        ]
        wrong = cli("fault", "silent", at, "--link=cabinet", "--unit=9")
        assert wrong.returncode == 2
        assert "no unit 9; there are 1, 2, 3" in wrong.stderr
