"""Import that the connection cannot carry is billed as it is, with a note."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from siteems.accounting.beyond_connection import with_beyond_noted
from siteems.recordings.metered import Metered

START, STEP = datetime(2026, 7, 6, tzinfo=UTC), timedelta(minutes=15)


@pytest.mark.parametrize(("kw", "noted"), [(12.0, False), (18.0, False), (18.1, True), (1e9, True)])
def test_import_beyond_the_connection_is_noted(kw: float, noted: bool) -> None:
    metered = Metered(START, STEP, np.array([1.0, 2.0, kw, 1.0]), None, ("earlier",))
    found = with_beyond_noted(metered, limit_kw=12.0)
    assert found.import_kw.tolist() == [1.0, 2.0, kw, 1.0]
    assert len(found.notes) == 1 + noted
    if noted:
        assert "1 of 4 steps" in found.notes[1]
        assert "2026-07-06 00:30 UTC" in found.notes[1]


@pytest.mark.parametrize(("kw", "noted"), [(0.0, False), (17.0, False), (3276.8, True)])
def test_export_beyond_the_connection_is_noted(kw: float, noted: bool) -> None:
    """A register that is not available, read as a signed number, looks like a large export."""
    power_kw = np.array([0.0, kw, 0.0, 0.0])
    found = with_beyond_noted(Metered(START, STEP, np.zeros(4), power_kw, ()), limit_kw=12.0)
    assert len(found.notes) == noted
    if noted:
        assert "grid_export_kw: 1 of 4 steps" in found.notes[0]
