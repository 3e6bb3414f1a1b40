"""The real daemon against the real simulator over Modbus TCP."""

from __future__ import annotations

import json
import signal
import time
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from gateway_rig import cli, port_of, simulated_site, wait_for
from pyModbusTCP.client import ModbusClient

from drivers.catalogue import load_map
from siteems.operations.english import ENGLISH


def test_an_event_entered_in_another_shell_is_planned_at_once_and_held(tmp_path: Path) -> None:
    with simulated_site(tmp_path, speed=500, begin_h=1.0) as running:
        daemon = running.start_daemon()
        running.clock.start()
        running.wait_until(1.2)
        placed = cli(
            "dr", "limit-import", "1.5kW", "--from", "04:00", "--for", "1h", "--json",
            str(running.site_file), f"--state={running.state}",
        )  # fmt: skip
        assert placed.returncode == 0, placed.stderr
        event = json.loads(placed.stdout)
        assert event["start"] == (running.scenario.start + timedelta(hours=4)).isoformat()

        running.wait_until(5.2)
        assert daemon.stop() == 0
        history = running.history()
        triggers = [
            trigger
            for _, _, trigger in history.plan_log(running.scenario.start, running.clock.now())
        ]
        assert "dr-event-changed" in triggers
        in_event = history.samples(
            running.scenario.start + timedelta(hours=4, minutes=3),
            running.scenario.start + timedelta(hours=5),
        )
        before = history.samples(
            running.scenario.start + timedelta(hours=1, minutes=12),
            running.scenario.start + timedelta(hours=4),
        )
        # The cheap hours of the night: without the event the site would be charging.
        assert max(s.values["grid_kw"] for s in before) > 3.0
        held = [
            sample
            for first, *_, sample in zip(in_event, in_event[1:], in_event[2:], strict=False)
            if sample.time - first.time < timedelta(minutes=3)
        ]
        if len(held) < 20:
            pytest.skip("the machine is too busy for 500 times real speed: cycles are missing")
        assert max(s.values["grid_kw"] for s in held) <= 1.5 * 1.01


def test_sigterm_leaves_the_devices_in_their_safe_state(tmp_path: Path) -> None:
    with simulated_site(tmp_path, speed=300, begin_h=7.2) as running:
        daemon = running.start_daemon()
        client = ModbusClient(port=port_of(running), unit_id=2, timeout=5)
        smu = load_map("generic-smu-lead").points
        full = [  # before the clock starts, because then it drives
            client.read_holding_registers(smu[n].address, 1)
            for n in ("rectifier_limit_a", "charge_limit_a")
        ]
        running.clock.start()
        # In the flat hours of the morning the plan holds the battery: charge limit 0.
        wait_for(
            lambda: client.read_holding_registers(smu["charge_limit_a"].address, 1) == [0],
            "the charge limit of 0",
        )
        assert daemon.stop() == 0
        now = [
            client.read_holding_registers(smu[n].address, 1)
            for n in ("rectifier_limit_a", "charge_limit_a")
        ]
        client.close()
        assert now == full
        assert [line["event"] for line in daemon.log()][-1] == "stopped"


def test_a_kill_loses_no_sample_and_a_restart_refreshes_every_lease_in_time(
    tmp_path: Path,
) -> None:
    # Slow enough that a restart (about two real seconds) fits into the site's own lease of 60 s.
    with simulated_site(
        tmp_path, speed=8, begin_h=12.0, extra="\n[recording]\nsample_s = 2\n"
    ) as running:
        daemon = running.start_daemon()
        lease = timedelta(seconds=daemon.events("ready")[0]["lease_s"])
        assert lease == timedelta(seconds=running.site.control.lease_s)
        running.clock.start()
        running.wait_until(12.0 + 80 / 3600)
        daemon.stop(signal.SIGKILL)
        killed = running.clock.now()
        before = running.history().samples(running.scenario.start, killed)
        assert len(before) >= 25

        resumed = running.start_daemon()
        restart = running.clock.now() - killed
        running.wait_until(
            (running.clock.now() - running.scenario.start) / timedelta(hours=1) + 80 / 3600
        )
        assert resumed.stop() == 0
        history = running.history()
        after = history.samples(running.scenario.start, running.clock.now())
        assert after[: len(before)] == before, "a committed sample changed or vanished"
        assert any(s.time > killed for s in after)
        line = resumed.events("resumed")[0]
        assert line["samples"] == len(before)
        assert line["plan"] is not None

        setpoints = load_map("generic-smu-lead").setpoints
        commands = history.commands(running.scenario.start, running.clock.now())
        writes = [
            c.time
            for c in commands
            if c.point in setpoints and c.outcome in ("written", "refreshed")
        ]
        if restart > lease / 2:  # the other half passes between two refreshes
            pytest.skip(f"the machine is too busy: the restart took {restart} of the site's time")
        alone = max(b - a for a, b in pairwise(writes))
        assert alone <= lease, f"the unit was not refreshed for {alone}, its lease is {lease}"
        simulator = running.processes[0]
        simulator.stop()
        assert simulator.events("stopped")[0]["lease_fallbacks"] == 0


def test_devices_of_a_dead_daemon_fall_back_by_themselves(
    tmp_path: Path,
) -> None:
    with simulated_site(tmp_path, speed=300, begin_h=7.2) as running:
        daemon = running.start_daemon()
        running.clock.start()
        client = ModbusClient(port=port_of(running), unit_id=2, timeout=5)
        limit = load_map("generic-smu-lead").points["charge_limit_a"].address
        wait_for(lambda: client.read_holding_registers(limit, 1) == [0], "the charge limit of 0")
        daemon.stop(signal.SIGKILL)
        wait_for(
            lambda: client.read_holding_registers(limit, 1) != [0],
            "the fallback to the safe charge limit",
            20,
        )
        client.close()


def test_only_one_daemon_runs_on_a_record(tmp_path: Path) -> None:
    with simulated_site(tmp_path, speed=10) as running:
        running.start_daemon()
        second = cli(
            "run",
            str(running.site_file),
            f"--clock={running.clock.path}",
            f"--state={running.state}",
        )
        assert second.returncode == 2
        assert "another siteems runs on this record" in second.stderr


def test_read_only_writes_nothing(tmp_path: Path) -> None:
    with simulated_site(tmp_path, speed=900) as running:
        daemon = running.start_daemon("--read-only")
        running.clock.start()
        running.wait_until(1.0)
        assert daemon.stop() == 0
        commands = running.history().commands(running.scenario.start, running.clock.now())
        assert {c.outcome for c in commands} == {"refused"}
        client = ModbusClient(port=port_of(running), unit_id=2, timeout=5)
        assert client.read_holding_registers(
            load_map("generic-smu-lead").points["comm_timeout_s"].address, 1
        ) == [0]
        client.close()
        alarms = running.history().alarms(running.scenario.start, running.clock.now())
        assert not {each.code for each in alarms} & {
            "device-not-acquired",
            "battery-not-following",
            "released",
        }, alarms
        read_only = [ENGLISH.text(each.message) for each in alarms if each.code == "read-only"]
        assert read_only == ["smu is monitored only", "mppt is monitored only"]
        assert "written to no device" in ENGLISH.text(alarms[-1].message)
        assert running.history().last_sample() is not None


def test_status_shows_a_running_and_a_killed_daemon(tmp_path: Path) -> None:
    with simulated_site(tmp_path, speed=300) as running:
        daemon = running.start_daemon()
        running.clock.start()
        running.wait_until(0.3)
        shown = cli("status", str(running.site_file), f"--state={running.state}", "--json")
        assert shown.returncode == 0, shown.stderr
        status = json.loads(shown.stdout)
        assert status["daemon"]["state"] == "running"
        assert 0 < status["sample"]["soc"] < 1
        assert status["plan"]["status"] == "optimal"
        daemon.stop(signal.SIGKILL)
        shown = cli("status", str(running.site_file), f"--state={running.state}")
        assert "dead without a clean stop" in shown.stdout
        assert shown.returncode == 3


def test_a_hold_is_followed_and_survives_a_restart(tmp_path: Path) -> None:
    """In the expensive hours of the evening the battery would carry the load."""
    with simulated_site(tmp_path, speed=60, begin_h=19.0) as running:
        daemon = running.start_daemon()
        running.clock.start()
        site, state = str(running.site_file), f"--state={running.state}"
        held = cli("hold", site, "--battery=0kW", "--for=4h", state)
        assert held.returncode == 0, held.stderr
        history = running.history()

        def rests_after(start: datetime) -> bool:
            sample = history.last_sample()
            assert sample is not None
            battery_kw = sample.values["battery_kw"]
            assert battery_kw is not None
            held = sample.reason.code == "held" and abs(battery_kw) < 0.1
            return held and sample.time > start

        wait_for(lambda: rests_after(running.scenario.start), "the battery to rest")
        daemon.stop(signal.SIGKILL)
        killed = running.clock.now()
        again = running.start_daemon()
        # With no daemon the lease may have run out, and the battery carried the load by itself.
        wait_for(lambda: rests_after(killed), "the battery to rest again")
        assert "held" in cli("status", site, state).stdout
        assert cli("hold", site, "--release", state).stdout == "no hold\n"
        wait_for(lambda: again.events("hold-ended"), "the end")


def test_sighup_goes_on_with_the_new_site_file_and_refuses_a_bad_one(tmp_path: Path) -> None:
    with simulated_site(tmp_path, speed=20) as running:
        daemon = running.start_daemon()
        running.clock.start()
        text = running.site_file.read_text(encoding="utf-8")
        running.site_file.write_text(text + "\nnonsense = [", encoding="utf-8")
        daemon.popen.send_signal(signal.SIGHUP)
        wait_for(lambda: daemon.events("site-file-refused"), "the refusal")
        assert len(daemon.events("ready")) == 1

        other = text.replace('id = "', 'id = "other-', 1)
        running.site_file.write_text(other, encoding="utf-8")
        daemon.popen.send_signal(signal.SIGHUP)
        wait_for(lambda: len(daemon.events("site-file-refused")) == 2, "the refusal")

        changed = text + "\n[control]\nlease_s = 90\n"
        running.site_file.write_text(changed, encoding="utf-8")
        daemon.popen.send_signal(signal.SIGHUP)
        wait_for(lambda: len(daemon.events("ready")) == 2, "the second start")
        assert daemon.events("ready")[1]["lease_s"] == 90
        assert daemon.events("ready")[1]["pid"] == daemon.popen.pid
        assert daemon.events("site-reloaded")
        assert not daemon.events("stopped")
        folder = running.state.stat().st_mode & 0o777
        files = {path.name: path.stat().st_mode & 0o777 for path in running.state.iterdir()}
        assert folder & 0o007 == 0
        assert {name: mode for name, mode in files.items() if mode & 0o007} == {}
        assert daemon.stop() == 0


def test_a_site_without_its_devices_is_released_and_driven_again_when_they_return(
    tmp_path: Path,
) -> None:
    with simulated_site(tmp_path, speed=120) as running:
        daemon = running.start_daemon()
        running.clock.start()
        running.wait_until(0.2)
        running.processes[0].stop(signal.SIGKILL)
        history = running.history()

        def codes() -> list[str]:
            return [i.code for i in history.alarms(running.scenario.start, running.clock.now())]

        wait_for(lambda: "released" in codes(), "the release without measurements", 30)
        lost = history.last_sample()
        assert lost is not None
        running.start("simulate")

        def driven_again() -> bool:
            sample = history.last_sample()
            return sample is not None and sample.source != "release" and "soc" in sample.values

        wait_for(driven_again, "the devices' return", 30)
        assert daemon.popen.poll() is None


@pytest.mark.parametrize("seed", ["hangzhou-macro", "rural-lfp"])
def test_an_independent_client_reads_the_simulator_at_the_addresses_of_the_maps(
    tmp_path: Path, seed: str
) -> None:
    with simulated_site(tmp_path, speed=1, seed=seed) as running:
        units = {entry.map: entry.unit for entry in running.site.devices}
        battery = "generic-smu-lead" if seed == "hangzhou-macro" else "generic-smart-lithium"
        soc_point, power_point = (
            load_map(battery).points["soc"],
            load_map("eastron-sdm630").points["active_power_kw"],
        )
        time.sleep(0.1)
        client = ModbusClient(port=port_of(running), unit_id=units[battery], timeout=5)
        registers = (
            client.read_holding_registers
            if soc_point.space == "holding"
            else client.read_input_registers
        )
        [raw_soc] = registers(soc_point.address, 1)
        client.unit_id = units["eastron-sdm630"]
        high, low = client.read_input_registers(power_point.address, 2)
        client.close()
        assert raw_soc * soc_point.scale == pytest.approx(running.scenario.start_soc, abs=0.002)
        watts = float_of(high, low)
        assert 300 < watts < running.site.grid.import_limit_kw * 1000


def float_of(high: int, low: int) -> float:
    """Two registers, high word first, as IEEE 754."""
    import struct

    return float(struct.unpack(">f", struct.pack(">HH", high, low))[0])
