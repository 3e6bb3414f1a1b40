"""A replay with DR events: the baseline is that of the replayed meter, and the programme pays for
what is below it.
"""

from __future__ import annotations

import csv
import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from command_line import run_command
from made_profiles import START, made_profile

from siteems.config.seeds import seed_path
from siteems.control.intent import standby
from siteems.demand_response.programme_files import find_programme
from siteems.replay.event_file import AnnouncedEvent
from siteems.replay.event_run import EventOutcome, run_with_events
from siteems.replay.window import ReplayWindow
from siteems.site.model import Site

PROGRAMME = find_programme("zhejiang-2021-day-ahead")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
EVENING = START + 14 * DAY + 19 * HOUR  # a Monday
KW = 1.0


def announced(start: datetime, kind: str = "reduction", value: float = KW) -> AnnouncedEvent:
    return AnnouncedEvent(kind, kind, start, start + 2 * HOUR, value, start - DAY)  # type: ignore[arg-type]


def run(site: Site, *events: AnnouncedEvent, days: int = 17) -> EventOutcome:
    window = ReplayWindow(START, days * 96)
    profile = made_profile(days)
    return run_with_events(
        site, profile, "standby", window, 0.9, events, PROGRAMME, lambda *_: None
    )


def test_a_battery_in_standby_delivers_and_is_paid(hangzhou: Site) -> None:
    found = run(hangzhou, announced(EVENING))
    [event] = found.events
    assert event.baseline_kw is not None
    assert event.metered_kw is not None
    assert event.baseline_kw - event.metered_kw == pytest.approx(KW, abs=0.15)
    assert event.settlement is not None
    assert event.amount > 0
    assert found.income == event.amount
    assert found.net_cost == pytest.approx(found.outcome.cost - float(event.amount))
    assert found.outcome.reserve_violations == 0
    first = round((EVENING - START) / timedelta(minutes=15))
    battery_kw = found.outcome.series.battery_kw
    assert (battery_kw[first : first + 8] < -0.7).all(), "it gives what was asked for"
    assert (battery_kw[first - 8 : first] > -0.01).all(), "and nothing before"


def test_events_that_cannot_be_settled_say_why(hangzhou: Site) -> None:
    early, loose = announced(START + 3 * DAY), announced(EVENING, "import-cap", 50.0)
    before = AnnouncedEvent("b", "reduction", START, START + HOUR, KW, START - DAY)
    found = run(hangzhou, before, early, loose, days=16)
    texts = [each.not_settled for each in found.events]
    assert ["no baseline" in text for text in texts] == [True, True, False]
    assert "nothing to reduce" in texts[2]
    assert found.income == 0


@pytest.mark.parametrize(("soc", "kw"), [(0.5, 7.0), (0.979, 7.0), (0.98, 0.0), (None, 0.0)])
def test_standby_keeps_the_battery_full(soc: float | None, kw: float) -> None:
    intent = standby(soc, 7.0)
    assert (intent.battery_kw, intent.reason.code) == (kw, "rules-standby")


def test_the_command_compares_the_four(tmp_path: Path) -> None:
    profile = made_profile(15)
    path = tmp_path / "data.csv"
    lines = ["time,dc_load_kw,pv_kw,outdoor_temp_c"]
    for n, (load, pv, out) in enumerate(
        zip(profile.dc_load_kw, profile.pv_kw, profile.outdoor_c, strict=True)
    ):
        when = START + n * timedelta(minutes=15)
        lines.append(f"{when.isoformat()},{load:.4f},{pv:.4f},{out:.2f}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    events = tmp_path / "events.csv"
    end = EVENING - 4 * DAY
    events.write_text(
        f"start,end,value\n{end.isoformat()},{(end + 2 * HOUR).isoformat()},{KW}\n",
        encoding="utf-8",
    )
    code, output, messages = run_command(
        "replay", seed_path("hangzhou-macro"), path, "--policy=idle", "--from=2026-07-13",
        f"--events={events}", "--programme=zhejiang-2021-day-ahead", f"--out={tmp_path / 'out'}",
    )  # fmt: skip
    assert code == 0, messages
    for name in ("no control", "arbitrage alone", "programme alone", "both"):
        assert name in output
    summary = json.loads((tmp_path / "out" / "summary.json").read_text(encoding="utf-8"))
    assert set(summary["events"]["net_cost"]) == {"idle", "arbitrage", "programme", "both"}
    with (tmp_path / "out" / "events.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["policy"] for row in rows] == ["programme", "both"]
    assert all("no baseline" in row["not_settled"] for row in rows), "a week has too few days"
