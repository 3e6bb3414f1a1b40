"""Days of zones whose clocks change at midnight: Chile, Lebanon, Cuba, and Iran until 2022."""

from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from siteems.recordings.local_days import local_days
from siteems.recordings.read import read_metered

CHANGES = [
    ("America/Santiago", "2026-09-06", 23),
    ("Asia/Beirut", "2026-03-29", 23),
    ("Asia/Tehran", "2022-03-22", 23),
    ("America/Havana", "2026-03-08", 23),
    ("America/Havana", "2026-11-01", 25),
]


@pytest.mark.parametrize(("zone", "changed", "hours"), CHANGES)
def test_a_day_without_midnight_or_with_two_is_one_day(
    tmp_path: Path, zone: str, changed: str, hours: int
) -> None:
    first = pd.Timestamp(changed) - pd.Timedelta(days=1)
    begin = first.tz_localize(zone)
    times = pd.date_range(begin, periods=24 + hours + 24, freq="h")
    counts = local_days(times).value_counts(sort=False)
    assert counts.to_list() == [24, hours, 24]
    assert counts.index[1] == pd.Timestamp(changed)

    path = tmp_path / "meter.csv"
    rows = "".join(f"{time.isoformat()},{1 + i % 7}\n" for i, time in enumerate(times))
    path.write_text("time,grid_import_kw\n" + rows)
    metered = read_metered(path, ZoneInfo(zone))
    assert metered.import_kw.tolist() == [1 + i % 7 for i in range(len(times))]
