"""The life of an alarm with real processes: raised, acknowledged, over a restart, cleared."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path

import pytest
from gateway_rig import cli, free_port, simulated_site, wait_for


@pytest.mark.timeout(180)
def test_the_life_of_an_alarm(tmp_path: Path) -> None:
    port, hooked = free_port(), tmp_path / "hooked.jsonl"
    program = "import sys; open(sys.argv[1], 'a').write(sys.stdin.read() + '\\n')"
    command = json.dumps([sys.executable, "-c", program, str(hooked)])
    hook = f"\n[[alarm_hooks]]\ncommand = {command}\nlevel = 'alarm'\n"
    with simulated_site(tmp_path, speed=30, extra=hook, more=[f"--control={port}"]) as running:
        daemon = running.start_daemon()
        running.clock.start()
        site, state = str(running.site_file), f"--state={running.state}"

        def released() -> dict[str, object]:
            """The alarm that the site is released, {} where there is none."""
            shown = json.loads(cli("alarms", "show", site, state, "--all", "--json").stdout)
            found = [each for each in shown if each["code"] == "released"]
            return found[0] if found else {}

        def fault(do: str, *what: str) -> None:
            done = cli("fault", do, *what, f"--control={port}", "--link=cabinet", "--unit=2")
            assert done.returncode == 0, done.stderr

        unknown = cli("alarms", "ack", "released", site, state)
        assert (unknown.returncode, "no alarm released stands" in unknown.stderr) == (2, True)

        fault("silent")
        wait_for(released, "the alarm")
        shown = cli("alarms", site, state)
        assert shown.returncode == 1
        assert "released: raised, since" in shown.stdout
        assert "what to do: Read the reason." in shown.stdout
        since = released()["since"]

        note = "--note=on my way"
        assert cli("alarms", "ack", "released", site, state, note).returncode == 0
        wait_for(lambda: released()["state"] == "acknowledged", "the acknowledgement")
        seen = released()["acknowledged"]
        assert isinstance(seen, dict)
        assert seen["note"] == "on my way"
        assert "alarm-acknowledge" in cli("audit-log", "show", site, state).stdout

        daemon.stop(signal.SIGKILL)
        gone = cli("alarms", "ack", "released", site, state)
        assert (gone.returncode, "siteems run" in gone.stderr) == (3, True)
        running.start_daemon()
        wait_for(lambda: released()["count"] == 2, "the alarm of the new run")
        assert (released()["since"], released()["state"]) == (since, "acknowledged")

        fault("clear")
        wait_for(lambda: released()["state"] == "cleared", "its end")

        def states() -> list[str]:
            messages = [json.loads(line) for line in hooked.read_text().splitlines()]
            return [each["state"] for each in messages if each["codes"] == ["released"]]

        expected = ["raised", "acknowledged", "raised", "cleared"]
        wait_for(lambda: states() == expected, "the hook to have them all")
