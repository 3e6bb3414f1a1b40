"""The table of events of a replay: read right, or refused with file, line and column."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from siteems.config.seeds import seed_path
from siteems.demand_response.programme_files import find_programme
from siteems.errors import UserError
from siteems.replay.event_file import AnnouncedEvent, events_of_replay, read_events
from siteems.site.read_file import load_site

SHANGHAI = ZoneInfo("Asia/Shanghai")
PROGRAMME = find_programme("hainan-2025-invited")
SIX = datetime(2026, 7, 15, 18, tzinfo=SHANGHAI)
HOUR = timedelta(hours=1)


def read(folder: Path, text: str) -> tuple[AnnouncedEvent, ...]:
    path = folder / "events.csv"
    path.write_text(text, encoding="utf-8")
    return read_events(path, SHANGHAI, PROGRAMME)


def test_an_event_is_announced_at_the_notice_of_the_programme(tmp_path: Path) -> None:
    [event] = read(tmp_path, "start,end,value\n2026-07-15 18:00,2026-07-15 19:00,1.5\n")
    assert (event.kind, event.start, event.end, event.value) == ("reduction", SIX, SIX + HOUR, 1.5)
    assert PROGRAMME.notice_min is not None
    assert event.start - event.announced == timedelta(minutes=PROGRAMME.notice_min)


def test_kinds_offsets_and_announcements(tmp_path: Path) -> None:
    text = (
        "start;end;kind;value;announced\n"
        "2026-07-15T12:00Z;2026-07-15T13:00Z;emergency;;2026-07-15T11:55Z\n"
        "2026-07-15 18:00;2026-07-15 19:00;import-cap;2.0;2026-07-14 12:00\n"
    )
    cap, emergency = read(tmp_path, text)
    assert (cap.kind, cap.start, cap.value) == ("import-cap", SIX, 2.0)
    assert cap.announced == datetime(2026, 7, 14, 12, tzinfo=SHANGHAI)
    assert (emergency.kind, emergency.start, emergency.value) == ("emergency", SIX + 2 * HOUR, 0.0)
    later = emergency.moved(timedelta(weeks=52))
    assert later.start - emergency.start == later.announced - emergency.announced
    assert later.start - emergency.start == timedelta(weeks=52)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("start,value\n2026-07-15 18:00,1\n", "no column end"),
        ("start,end,value\n", "has no rows|has 0 events"),
        ("start,end,value\n2026-07-15 18:00,2026-07-15 18:00,1\n", "line 2: ends at"),
        ("start,end,value\n2026-07-15 18:00,2026-07-17 18:00,1\n", "within a day"),
        ("start,end,value\n2026-07-15 18:00,2026-07-15 19:00,-1\n", "line 2, column value"),
        ("start,end,value\n2026-07-15 18:00,2026-07-15 19:00,\n", "value: is empty"),
        ("start,end\n2026-07-15 18:00,2026-07-15 19:00\n", "column value: is empty"),
        ("start,end,value\nsoon,2026-07-15 19:00,1\n", "line 2, column start: 'soon'"),
        ("start,end,kind,value\n2026-07-15 18:00,2026-07-15 19:00,price,1\n", "column kind"),
        (
            "start,end,value,announced\n2026-07-15 18:00,2026-07-15 19:00,1,2026-07-15 20:00\n",
            "column announced: is after the start",
        ),
    ],
)
def test_what_is_wrong_is_refused(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(UserError, match=says) as error:
        read(tmp_path, text)
    assert "events.csv" in str(error.value)


def test_the_options_belong_together(tmp_path: Path) -> None:
    site = load_site(seed_path("hangzhou-macro"))
    assert events_of_replay(site, None, None) is None
    with pytest.raises(UserError, match="--events needs --programme"):
        events_of_replay(site, tmp_path / "events.csv", None)
    with pytest.raises(UserError, match="pays in GBP, the site's money is in CNY"):
        events_of_replay(site, tmp_path / "events.csv", "gb-dfs-2022")
