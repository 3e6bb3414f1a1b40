"""A real daemon beside a real simulator, all on serial lines: the cabinet on Modbus RTU, the grid
meter on DL/T 645.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from gateway_rig import ADDRESS, cli, free_port, on_serial_lines, simulated_site, wait_for

from siteems.config.local_time import local_time
from siteems.history.records import Sample

FAULTS = """
[recording]
sample_s = 10
[[demo.faults]]
device = "smu"
kind = "garbled"
start = "00:02"
minutes = 3

[[demo.faults]]
device = "grid-meter"
kind = "wrong-checksum"
start = "00:06"
minutes = 3

[[demo.faults]]
device = "mppt"
kind = "not-available"
point = "pv_kw"
start = "00:10"
minutes = 2
"""


@pytest.mark.timeout(240)
def test_a_site_on_serial_lines_survives_the_faults_of_its_file(tmp_path: Path) -> None:
    with simulated_site(tmp_path, speed=30, extra=FAULTS, changed=on_serial_lines) as running:
        daemon = running.start_daemon()
        running.clock.start()
        running.wait_until(0.29)
        assert daemon.stop() == 0
        history, start = running.history(), running.scenario.start
        date = start.astimezone(running.site.site.zone).date()

        def between(begin: str, minutes: float) -> list[Sample]:
            at = local_time(begin, date, running.site.site.zone)
            samples = history.samples(at, at + timedelta(minutes=minutes))
            assert samples, begin
            return samples

        def known(name: str, begin: str, minutes: float) -> set[bool]:
            return {sample.values.get(name) is not None for sample in between(begin, minutes)}

        assert known("soc", "00:04", 1) == {False}
        # Not in every sample: a time-out is half a minute of this fast clock.
        assert True in known("grid_kw", "00:04", 1)
        assert known("grid_kw", "00:08", 1) == {False}
        assert known("pv_kw", "00:11", 1) == {False}
        for name in ("grid_kw", "soc", "bus_v", "pv_kw"):
            assert True in known(name, "00:16", 1)
        assert {sample.source for sample in between("00:16", 1)} != {"release"}
        for sample in history.samples(start, running.clock.now()):
            for name, least, most in (
                ("soc", 0.0, 1.05),
                ("bus_v", 40.0, 60.0),
                ("grid_kw", -0.1, 24.0),
            ):
                value = sample.values.get(name)
                assert value is None or least <= value <= most, (sample.time, name, value)
        assert "released" in [alarm.code for alarm in history.alarms(start, running.clock.now())]
        written = [
            c
            for c in history.commands(start, running.clock.now())
            if c.outcome in ("written", "refreshed")
        ]
        assert {"smu", "mppt"} <= {command.device for command in written}


@pytest.mark.timeout(120)
def test_a_pulled_port_is_used_again_when_it_is_back(tmp_path: Path) -> None:
    control = free_port()
    options = {"extra": "\n[recording]\nsample_s = 5\n", "more": [f"--control={control}"]}
    with simulated_site(tmp_path, speed=5, changed=on_serial_lines, **options) as running:
        daemon = running.start_daemon()
        running.clock.start()

        def seen() -> set[str]:
            samples = running.history().samples(
                running.clock.now() - timedelta(seconds=20), running.clock.now()
            )
            return {
                name
                for sample in samples[-1:]
                for name, value in sample.values.items()
                if value is not None
            }

        both = {"grid_kw", "soc"}
        wait_for(lambda: both <= seen(), "readings")
        for link in ("cabinet", "meter"):
            assert cli("fault", "hang-up", f"--control={control}", f"--link={link}").returncode == 0
        assert (
            cli(
                "fault", "silent", f"--control={control}", "--link=meter", f"--address={ADDRESS}"
            ).returncode
            == 0
        )
        wait_for(
            lambda: "grid_kw" not in seen() and "soc" in seen(),
            "a silent meter on a port that is back",
        )
        assert cli("fault", "clear", f"--control={control}", "--link=meter").returncode == 0
        wait_for(lambda: both <= seen(), "both lines to be used again")
        assert daemon.stop() == 0


def test_a_file_at_the_path_of_a_serial_port_is_not_replaced(tmp_path: Path) -> None:
    with simulated_site(tmp_path, speed=1, changed=on_serial_lines) as running:
        taken = tmp_path / "taken"
        taken.write_text("mine", encoding="utf-8")
        done = cli("simulate", str(running.site_file), f"--link=cabinet=rtu://{taken}")
        assert done.returncode == 2
        assert f"link cabinet: {taken} exists already, and is not replaced" in done.stderr
        assert taken.read_text(encoding="utf-8") == "mine"
        simulator = running.processes[0]
        assert (tmp_path / "cabinet.tty").is_symlink()
        assert simulator.stop() == 0
        assert not (tmp_path / "cabinet.tty").is_symlink()
