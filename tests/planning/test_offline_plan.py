"""`siteems plan`: one plan explained, from the past of a profile only."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from siteems.config.seeds import seed_path
from siteems.errors import UserError
from siteems.planning.explanation_messages import AT_MONTH_PEAK, AT_RESERVE, RESERVE_SHORT
from siteems.planning.explanation_text import as_data, as_text, reason_text
from siteems.planning.offline_plan import plan_offline
from siteems.site.model import Site
from siteems.tariff.model import DemandTerm

NIGHT = datetime(2026, 7, 14, 18, 0, tzinfo=UTC)  # 02:00 in Hangzhou: valley
EVENING = datetime(2026, 7, 15, 11, 0, tzinfo=UTC)  # 19:00: sharp


def recorded(folder: Path, future_scale: float = 1.0) -> Path:
    """Three days of a flat 3 kW load up to NIGHT and, scaled, two days beyond."""
    rows = ["time,dc_load_kw,pv_kw,outdoor_temp_c"]
    for quarter in range(5 * 96):
        time = NIGHT - timedelta(days=3) + timedelta(minutes=15 * quarter)
        load = 3.0 if time < NIGHT else 3.0 * future_scale
        rows.append(f"{time.isoformat()},{load},0.0,25.0")
    path = folder / f"profile-{future_scale}.csv"
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


def test_it_charges_in_the_valley_and_explains_why(hangzhou: Site) -> None:
    explained = plan_offline(hangzhou, NIGHT, 0.6, None)
    assert explained.plan.battery_kw[0] > 1.0
    assert explained.reason().code == "charges-from-grid"
    text = reason_text(explained)
    assert text.startswith("charging now at ")
    assert "valley" in text
    assert "when import costs 1.23" in text
    # By hand: another kWh spares a later one in the valley, import times slope over efficiency.
    plan, curve = explained.plan, explained.inputs.problem.rectifier
    dc_kw = float(plan.rectifier_dc_kw[0])
    slope = 10.0 * (curve.ac_kw_at(dc_kw + 0.05) - curve.ac_kw_at(dc_kw - 0.05))
    assert f"more in store saves {0.36518 * slope / 0.922:.2f} per kWh" in text


def test_it_discharges_in_the_sharp_hours_and_stops_at_the_reserve(hangzhou: Site) -> None:
    explained = plan_offline(hangzhou, EVENING, 0.75, None)
    assert reason_text(explained).startswith("discharging now at ")
    bindings = {binding.limit: binding for binding in explained.bindings()}
    assert bindings[AT_RESERVE].start > EVENING
    assert RESERVE_SHORT not in bindings
    assert "the battery is at its backup reserve" in as_text(explained)


def test_below_the_reserve_a_shortage_is_reported(hangzhou: Site) -> None:
    explained = plan_offline(hangzhou, EVENING, 0.30, None)
    assert explained.plan.battery_kw[0] > 5.0, "the reserve comes first, also at the highest price"
    assert RESERVE_SHORT in {binding.limit for binding in explained.bindings()}


def test_the_future_of_the_profile_changes_nothing(hangzhou: Site, tmp_path: Path) -> None:
    plain = plan_offline(hangzhou, NIGHT, 0.6, recorded(tmp_path))
    corrupted = plan_offline(hangzhou, NIGHT, 0.6, recorded(tmp_path, future_scale=9.0))
    assert np.array_equal(plain.plan.battery_kw, corrupted.plan.battery_kw)
    assert plain.inputs.horizon.forecast.dc_load_kw[0] == pytest.approx(3.0, abs=0.1)


def test_a_demand_charge_is_explained(hangzhou: Site) -> None:
    term = DemandTerm(mode="measured", price_per_kw=42.0)
    site = replace(
        hangzhou, tariffs=tuple(replace(version, demand=(term,)) for version in hangzhou.tariffs)
    )
    high, low = (plan_offline(site, NIGHT, 0.6, None, peak_kw) for peak_kw in (12.0, 0.0))
    assert "the month's peak: 12.00 kW are paid for, 12.00 kW with this plan" in as_text(high)
    assert AT_MONTH_PEAK not in {binding.limit for binding in high.bindings()}
    assert low.plan.grid_import_kw.max() < high.plan.grid_import_kw.max() - 2.0
    assert AT_MONTH_PEAK in {binding.limit for binding in low.bindings()}
    assert as_data(low)["demand_peak_kw"] == pytest.approx(low.plan.grid_import_kw.max())


def test_a_moment_after_the_record_uses_the_same_days_of_its_last_year(
    hangzhou: Site, tmp_path: Path
) -> None:
    later = plan_offline(hangzhou, NIGHT + timedelta(days=364), 0.6, recorded(tmp_path))
    assert later.inputs.horizon.forecast.dc_load_kw[0] == pytest.approx(3.0, abs=0.1)


def test_a_moment_before_the_record_is_refused(hangzhou: Site, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="begins at 2026-07-11"):
        plan_offline(hangzhou, NIGHT - timedelta(days=4), 0.6, recorded(tmp_path))


def test_before_any_tariff_there_is_no_plan(hangzhou: Site) -> None:
    with pytest.raises(UserError, match="no tariff is valid"):
        plan_offline(hangzhou, datetime(2020, 1, 1, tzinfo=UTC), 0.6, None)


def test_json_holds_the_whole_horizon() -> None:
    command = [
        sys.executable,
        "-m",
        "siteems",
        "plan",
        str(seed_path("rural-lfp")),
        "--at",
        "2026-08-12T10:00",
        "--json",
    ]
    completed = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    data = json.loads(completed.stdout)
    assert data["status"] == "optimal"
    lists = {k: v for k, v in data.items() if isinstance(v, list)}
    lengths = {len(v) for k, v in lists.items() if k not in ("bindings", "remarks")}
    assert lengths == {12 * 4 + 24}, "quarter hours for twelve hours, then hours"
    assert data["objective"] == pytest.approx(sum(data["cost_by_term"].values()))
