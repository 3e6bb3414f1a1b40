"""`siteems devices prove`: the kept sign of the battery is forgotten."""

from __future__ import annotations

from pathlib import Path

from command_line import run_command

from siteems.config.seeds import seed_path
from siteems.history.location import history_path, lock
from siteems.history.store import History
from siteems.operations.battery_sign import BATTERY_SIGN

SITE = seed_path("rural-lfp")


def test_the_result_is_forgotten(tmp_path: Path) -> None:
    history = History(history_path(tmp_path))
    history.set_fact(BATTERY_SIGN, "{}")
    assert run_command("devices", "prove", SITE, "--state", tmp_path) == (
        0, "proved again at the next start\n", ""
    )  # fmt: skip
    assert history.fact(BATTERY_SIGN) == ""
    history.set_fact("pid", "1")
    held = lock(tmp_path)
    assert held is not None
    code, output, _ = run_command("devices", "prove", SITE, "--state", tmp_path)
    assert (code, output) == (0, "proved again when the daemon is restarted\n")
    held.close()
    history.close()


def test_without_a_record_there_is_nothing_to_forget(tmp_path: Path) -> None:
    code, _, message = run_command("devices", "prove", SITE, "--state", tmp_path)
    assert code == 2
    assert "no record of this site yet" in message
    assert not history_path(tmp_path).exists()
