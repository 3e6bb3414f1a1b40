"""Small inputs that went wrong, each with its right value, through the command line.

They lie beside the checkout (`../shared/cases`, with a README of their own).
"""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest
from command_line import run_command

CASES = Path(__file__).parents[3] / "shared" / "cases"
HANGZHOU = Path(__file__).parents[2] / "seeds" / "hangzhou-macro"
BERLIN = CASES / "doubled-hour-dropped" / "berlin"

pytestmark = pytest.mark.skipif(not CASES.is_dir(), reason=f"{CASES} is not there")


def total(output: str) -> float:
    found = re.findall(r"^[A-Z]{3} ([\d,.]+)$", output, re.MULTILINE)
    return float(found[-1].replace(",", ""))


@pytest.mark.parametrize(
    ("site", "data", "column_map", "right", "note"),
    [
        (HANGZHOU, "midnight-as-date/bill-short.csv", None, 137.96, ""),
        (BERLIN, "doubled-hour-dropped/dropped.csv", None, 3285.00, "1 rows are missing"),
        (BERLIN, "offset-changes/oct-pg.csv", None, 45.20, ""),
        (HANGZHOU, "day-first/dayfirst-dot.csv", "day-first/map.toml", 180.28, ""),
        (CASES / "half-hour-zone/kolkata-60", "half-hour-zone/meter-kolkata.csv", None, 4003.0, ""),
        (CASES / "mixed-steps/mostly-quarter", "mixed-steps/meter.csv", None, 36.00, ""),
        (CASES / "hourly-meter/site", "hourly-meter/hourly.csv", None, 38.65, "split evenly"),
        (HANGZHOU, "not-finite/bill-inf.csv", None, 137.96, "'inf' in line 100: taken as missing"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_bill(site: Path, data: str, column_map: str | None, right: float, note: str) -> None:
    option = () if column_map is None else (f"--map={CASES / column_map}",)
    code, output, messages = run_command("bill", site, CASES / data, *option)
    assert code == 0
    assert total(output) == right
    assert note in messages


def test_july_of_the_dropped_hour() -> None:
    _, output, _ = run_command("bill", BERLIN, CASES / "doubled-hour-dropped/dropped.csv", "--json")
    months = {month["month"]: month for month in json.loads(output)["months"]}
    assert months["2026-07"]["total"] == "279.00"


def test_prices_with_offsets_that_change(tmp_path: Path) -> None:
    site = CASES / "offset-changes" / "v-offset"
    in_utc = Path(shutil.copytree(site, tmp_path / "in-utc"))
    (in_utc / "prices.csv").chmod(0o644)
    prices = pd.read_csv(site / "prices.csv")
    prices["time"] = pd.to_datetime(prices["time"], utc=True).map(pd.Timestamp.isoformat)
    prices.to_csv(in_utc / "prices.csv", index=False)
    plans = []
    for folder in (site, in_utc):
        code, output, _ = run_command("plan", folder, "--at", "2026-10-24T20:00", "--json")
        assert code == 0
        plans.append(json.loads(output))
    assert plans[0]["price_per_kwh"] == plans[1]["price_per_kwh"]


def test_valid_json_and_one_line_for_an_empty_table() -> None:
    code, output, _ = run_command("inspect", CASES / "not-finite" / "infinite.csv", "--json")
    assert code == 0
    json.loads(output, parse_constant=pytest.fail)
    code, _, messages = run_command("inspect", CASES / "not-finite" / "header-only.csv")
    assert (code, len(messages.strip().splitlines())) == (2, 1)


@pytest.mark.parametrize("data", ["infinite.csv", "temp-inf.csv"])
def test_a_replay_with_an_infinite_cell(tmp_path: Path, data: str) -> None:
    code, output, _ = run_command(
        "replay",
        HANGZHOU,
        CASES / "not-finite" / data,
        "--policy=idle,optimal",
        "--json",
        f"--out={tmp_path}",
    )
    assert code == 0
    result = json.loads(output, parse_constant=pytest.fail)
    idle = result["policies"]["idle"]["cost"]
    # 410.52 of energy less 8.69 for what is stored; 376 without the air conditioner.
    assert idle == pytest.approx(401.83, abs=1.0)
    assert result["saving_vs_idle"] / idle == pytest.approx(0.15, abs=0.02)
    assert any("1 cells hold no number, such as 'inf'" in note for note in result["notes"])


def test_thousands(tmp_path: Path) -> None:
    folder = CASES / "thousands"
    costs = []
    for name in ("thousands.csv", "plain.csv"):
        code, output, _ = run_command(
            "replay",
            HANGZHOU,
            folder / name,
            f"--map={folder / 'map.toml'}",
            "--policy=idle,optimal",
            "--json",
            f"--out={tmp_path}",
        )
        assert code == 0
        policies = json.loads(output)["policies"]
        costs.append((policies["idle"]["cost"], policies["optimal"]["cost"]))
    assert costs[0] == costs[1]
    assert 1.0 - costs[0][1] / costs[0][0] == pytest.approx(0.33, abs=0.02)


def test_a_hole_in_prices_of_mixed_steps_is_refused() -> None:
    site = CASES / "mixed-steps" / "mostly-hour-hole"
    code, _, messages = run_command("bill", site, CASES / "mixed-steps" / "meter.csv")
    assert code == 2
    assert "no price from 2026-10-01T17:00:00+02:00 to 2026-10-01T17:30:00+02:00" in messages


def test_the_hour_with_a_change_of_price_is_split() -> None:
    folder = CASES / "hourly-meter"
    _, output, messages = run_command("bill", folder / "site", folder / "hourly.csv", "--json")
    (month,) = json.loads(output)["months"]
    assert [line["kwh"] for line in month["energy"]] == [10.5, 10.5]
    assert "a shorter peak cannot be seen" in messages


def test_learning_from_hours(tmp_path: Path) -> None:
    """The flat load is forecast as it is, and the plan is that of the same days in quarter hours.

    The case's 2.42 was planned in quarter hours with 1 to 6 % of the first guess in the load.
    """
    hourly = CASES / "hourly-profile" / "hourly.csv"
    hours = pd.read_csv(hourly, index_col="time", parse_dates=True)
    middles = hours.set_axis(hours.index + pd.Timedelta(minutes=22.5))
    quarters = pd.date_range(hours.index[0], periods=4 * len(hours), freq="15min", name="time")
    both = middles.reindex(middles.index.union(quarters)).interpolate("time").bfill()
    both.loc[quarters].rename_axis("time").to_csv(tmp_path / "quarters.csv")
    objectives = []
    for profile in (hourly, tmp_path / "quarters.csv"):
        code, output, _ = run_command(
            "plan",
            HANGZHOU,
            "--at=2026-07-27T00:00",
            "--soc=0.6",
            f"--profile={profile}",
            "--json",
        )
        assert code == 0
        plan = json.loads(output)
        assert plan["dc_load_kw"] == pytest.approx([1.0] * len(plan["starts"]), abs=1e-4)
        objectives.append(plan["objective"])
    assert objectives[0] == pytest.approx(objectives[1], abs=0.25)
