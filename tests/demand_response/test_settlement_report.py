"""A settlement as text, data, CSV and page: every cent, missing data stated, no network."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from siteems.demand_response.programme_files import find_programme
from siteems.demand_response.settlement import settle
from siteems.demand_response.settlement_page import Course, picture, write_page
from siteems.demand_response.settlement_report import as_data, as_text, csv_rows, notes
from siteems.demand_response.settlement_result import Settlement

SHANGHAI = ZoneInfo("Asia/Shanghai")
START = datetime(2026, 7, 15, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
BASELINE = np.full(5, 8.0)
METERED = np.array([8.0, 5.0, math.nan, 7.5, 8.0])
"""One step before the event, three of it, one after it."""
COURSE = Course(START, START + 3 * HOUR, START - HOUR, HOUR, BASELINE, METERED)


@pytest.fixture
def settled() -> Settlement:
    """Bid of 3 kW: 3 x 4 = 12.00, not settled, (1.5 - 0.5) x 2 = 2.00 to pay; capacity 0.75."""
    programme = find_programme("zhejiang-2021-hour-ahead")
    return settle(programme, 3.0, BASELINE[1:4], METERED[1:4], 1.0)


def test_the_text_has_every_period_in_local_time_and_the_totals(settled: Settlement) -> None:
    lines = as_text(settled, START, SHANGHAI).splitlines()
    assert lines[2].split() == ["2026-07-15", "17:00", "3.00", "3.00", "100.0%", "paid", "12.00"]
    assert lines[3] == "2026-07-15 18:00   not settled: 1 step without data"
    assert lines[4].split() == ["2026-07-15", "19:00", "0.50", "0.50", "16.7%", "penalty", "-2.00"]
    assert [line.split()[-1] for line in lines[5:9]] == ["12.00", "0.75", "-2.00", "10.75"]
    assert {len(line) for line in [lines[2], lines[4], *lines[5:9]]} == {71}
    assert lines[8].startswith("total, CNY")
    assert "1 of 3 periods have no complete metered data" in lines[9]


def test_data_pass_through_json_without_losing_a_cent_or_a_gap(settled: Settlement) -> None:
    data = json.loads(json.dumps(as_data(settled, START), allow_nan=False))
    assert (data["payment"], data["penalty"], data["amount"]) == ("12.00", "2.00", "10.75")
    assert data["capacity"]["amount"] == "0.75"
    assert [period["response_kw"] for period in data["periods"]] == [3.0, None, 0.5]
    assert data["periods"][1]["start"] == "2026-07-15T10:00:00+00:00"
    assert data["missing_periods"] == 1
    assert data["figures"]["valid_low"] == {"value": 0.8, "source": "assumed"}
    assert "least_kw" not in data["figures"]


def test_csv_rows_have_an_empty_cell_for_what_is_not_known(settled: Settlement) -> None:
    text = io.StringIO()
    csv.writer(text).writerows(csv_rows(settled, START))
    rows = list(csv.DictReader(io.StringIO(text.getvalue())))
    assert [row["response_kw"] for row in rows] == ["3.0", "", "0.5"]
    assert [row["amount"] for row in rows] == ["12.00", "0.00", "-2.00"]
    assert [row["band"] for row in rows] == ["paid", "missing", "penalty"]


def test_notes_state_a_cap_a_small_bid_and_an_event_that_is_too_long_or_short() -> None:
    cap = settle(find_programme("guangdong-2026-vpp-shed"), 10.0, np.ones(2), np.ones(2), 0.25)
    text = " ".join(notes(cap))
    assert "The price is the cap" in text
    assert "smallest one of the programme, 5000 kW" in text
    assert "event of 0.5 h is below the shortest one, 1 h" in text
    long = settle(find_programme("coned-csrp-reservation"), 60.0, np.ones(5), np.ones(5), 1.0)
    assert "event of 5 h is above the longest one, 4 h" in " ".join(notes(long))


def test_the_page_needs_no_network_and_states_sources(settled: Settlement, tmp_path: Path) -> None:
    write_page(settled, COURSE, SHANGHAI, tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert not re.findall(r"<(?:script|link|img|iframe)[^>]+(?:src|href)\s*=", page)
    assert "@import" not in page
    for text in ("10.75", "not settled", "rounded half up to the cent", "assumed", "provisional"):
        assert text in page
    assert "15 Jul 2026 17:00 to 15 Jul 20:00 (Asia/Shanghai)" in page


def test_text_from_a_file_is_escaped(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    text = "<script>alert(1)</script>"
    seed = find_programme("zhejiang-2021-fill")
    file.write_text(
        f'name = "mine"\ntitle = "{text}"\nregion = "{text}"\ncurrency = "CNY"\nsource = "{text}"\n'
        f'direction = "shed"\nprice_per_kwh = 1\nprice_kind = "fixed"\nvalid_low = 0.8\n'
        f'settlement_min = 60\nbaseline = "{seed.baseline}"\n',
        encoding="utf-8",
    )
    programme = find_programme("mine.toml", tmp_path)
    settled = settle(programme, 3.0, BASELINE[1:4], METERED[1:4], 1.0)
    write_page(settled, COURSE, SHANGHAI, tmp_path / "page.html")
    assert text not in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_the_picture_shades_the_event_and_draws_no_line_through_a_gap(settled: Settlement) -> None:
    figure = picture(settled, COURSE, SHANGHAI)
    baseline, metered, committed = figure.data
    assert (baseline.name, metered.name, committed.name) == ("baseline", "metered", "committed")
    assert list(metered.y) == [8.0, 8.0, 5.0, 5.0, None, None, 7.5, 7.5, 8.0, 8.0]
    assert list(committed.y) == [None, None, *[5.0] * 6, None, None]
    event, missing = figure.layout.shapes
    spans = [[f"{each:%H:%M}" for each in (shape.x0, shape.x1)] for shape in (event, missing)]
    assert spans == [["17:00", "20:00"], ["18:00", "19:00"]]
