"""A profile whose powers a site can never have is refused, with the unit that it may be in."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from command_line import run_command

from siteems.config.seeds import seed_path
from siteems.errors import UserError
from siteems.recordings.profile import Profile
from siteems.site.model import Site
from siteems.site.possible_profile import refuse_impossible


def profile(load_kw: float, pv_kw: float = 1.0) -> Profile:
    return Profile(
        start=datetime(2026, 7, 1, tzinfo=UTC),
        step=timedelta(hours=1),
        dc_load_kw=np.full(48, load_kw),
        pv_kw=np.where(np.arange(48) % 24 == 12, pv_kw, 0.0),
        outdoor_c=np.full(48, 20.0),
        ac_load_kw=None,
        mains_ok=np.ones(48, dtype=np.bool_),
        source="it.csv",
    )


@pytest.mark.parametrize("load_kw", [0.0, 3.0, 18.0])
def test_what_a_site_may_have(hangzhou: Site, load_kw: float) -> None:
    refuse_impossible(profile(load_kw), hangzhou)
    assert hangzhou.pv is not None
    refuse_impossible(profile(load_kw, 1.3 * hangzhou.pv.rated_kwp), hangzhou)
    refuse_impossible(replace(profile(load_kw), pv_kw=np.full(48, np.nan)), hangzhou)


@pytest.mark.parametrize(
    ("load_kw", "pv_kw", "text"),
    [
        (3000.0, 1.0, "dc_load_kw is usually 3000 kW.* is it in W"),
        (1e9, 1.0, "dc_load_kw is usually 1e.09 kW"),
        (60.0, 1.0, "is it of another site"),
        (3.0, 4000.0, "pv_kw reaches 4000 kW, and the site has .* is it in W"),
    ],
)
def test_what_it_can_never_have(hangzhou: Site, load_kw: float, pv_kw: float, text: str) -> None:
    with pytest.raises(UserError, match=text):
        refuse_impossible(profile(load_kw, pv_kw), hangzhou)


def test_replay_plan_and_forecast_score_refuse_it(tmp_path: Path) -> None:
    lines = ["time,dc_load_kw,pv_kw,outdoor_temp_c"]
    for hour in range(24 * 12):
        lines.append(f"2026-07-{1 + hour // 24:02d} {hour % 24:02d}:00,{3000 + hour % 7},0,20")
    path = tmp_path / "watts.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    site = seed_path("hangzhou-macro")
    for arguments in (
        ("replay", site, path, f"--out={tmp_path / 'out'}"),
        ("plan", site, f"--profile={path}", "--at=2026-07-10T12:00"),
        ("forecast-score", "--site", site, path),
    ):
        code, _, messages = run_command(*arguments)
        assert code == 2, arguments
        assert "is it in W" in messages
