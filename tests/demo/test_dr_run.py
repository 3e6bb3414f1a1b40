"""The demo of a grid operator's server, end to end and fast."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from siteems.demo.dr_run import REDUCTION_KW, run_dr_demo
from siteems.errors import UserError


@pytest.mark.timeout(180)
def test_both_events_are_answered_and_the_reduction_is_paid(tmp_path: Path) -> None:
    result = run_dr_demo(1000.0, tmp_path)
    assert result.delivered_kw >= 0.9 * REDUCTION_KW
    assert result.emergency_kw < 0.5 * result.emergency_before_kw
    assert result.available_kw >= REDUCTION_KW
    assert result.reduction.settlement.amount > Decimal(0)
    page = (tmp_path / "hangzhou-macro-dr" / "event.html").read_text(encoding="utf-8")
    assert "Baseline against metered power" in page


def test_files_of_others_are_not_deleted(tmp_path: Path) -> None:
    folder = tmp_path / "hangzhou-macro-dr"
    folder.mkdir()
    (folder / "letter.txt").write_text("kept")
    with pytest.raises(UserError, match=r"holds files that no demo made \(letter.txt\)"):
        run_dr_demo(1000.0, tmp_path)
