"""Cells that hold no number that could have been measured are missing, not numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from command_line import run_command

from siteems.config.seeds import seed_path
from siteems.recordings.number_cells import as_numbers

HOURS = pd.date_range("2026-07-06", periods=24, freq="h").strftime("%Y-%m-%d %H:%M")


@pytest.mark.parametrize("cell", ["inf", "-inf", "1e400", "-1e308", "1e16", "9" * 400, "n/a"])
def test_a_cell_without_a_number_that_could_be_measured(cell: str) -> None:
    values, strange = as_numbers(pd.Series(["1.5", cell, "1e15", "-3", None]))
    assert np.array_equal(values, [1.5, np.nan, 1e15, -3.0, np.nan], equal_nan=True)
    assert list(strange) == [cell]


@pytest.mark.parametrize("cell", ["-1e308", "8e99", "-inf"])
def test_a_bill_with_a_number_that_no_meter_has(tmp_path: Path, cell: str) -> None:
    """The first one ended in a traceback; the bill is that of the file with an empty cell."""
    bills = []
    for written in (cell, ""):
        meter = tmp_path / "meter.csv"
        power_kw = ["3.0"] * 12 + [written] + ["3.0"] * 11
        pd.DataFrame({"time": HOURS, "grid_import_kw": power_kw}).to_csv(meter, index=False)
        code, output, messages = run_command("bill", seed_path("hangzhou-macro"), meter)
        assert code == 0
        bills.append(output)
        if written:
            assert "1 cells hold no number" in messages
    assert bills[0] == bills[1]
