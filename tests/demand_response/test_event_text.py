"""An event on one line: in the hour that occurs twice, its times show their offset."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from siteems.config.local_time import doubled_offset
from siteems.demand_response.event_log import EventLog
from siteems.demand_response.event_text import event_text
from siteems.demand_response.manual import place_import_limit
from siteems.history.store import History

BERLIN = ZoneInfo("Europe/Berlin")


def test_an_event_in_the_doubled_hour(tmp_path) -> None:
    log = EventLog(History(tmp_path / "record.sqlite3"))
    now = datetime(2026, 10, 24, 12, tzinfo=UTC)
    begin = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    event = place_import_limit(log, 2.0, begin, timedelta(hours=1), now, "operator")
    text = event_text(event, BERLIN)
    assert "2026-10-25 02:30 +02:00 to 10-25 02:30 +01:00, from operator" in text


def test_other_hours_show_none() -> None:
    for hour_utc, shown in ((23, ""), (0, " +02:00"), (1, " +01:00"), (2, "")):
        day = 24 if hour_utc == 23 else 25
        assert doubled_offset(datetime(2026, 10, day, hour_utc, tzinfo=UTC), BERLIN) == shown
    lord_howe = ZoneInfo("Australia/Lord_Howe")  # turns back by half an hour
    assert doubled_offset(datetime(2026, 4, 4, 14, 45, tzinfo=UTC), lord_howe) == " +11:00"
    assert doubled_offset(datetime(2026, 3, 29, 1, tzinfo=UTC), BERLIN) == ""
