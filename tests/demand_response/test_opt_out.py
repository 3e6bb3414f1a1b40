"""Opt-outs are kept over a restart, whatever their fact looks like, and not without end."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from siteems.demand_response.opt_out import (
    MOST,
    OptOut,
    OptOuts,
    opt_outs_text,
    recorded_opt_outs,
)

NOON = datetime(2026, 7, 15, 4, 0, tzinfo=UTC)


def test_they_are_read_as_they_were_kept() -> None:
    kept = OptOuts([OptOut("a", "维护", "jo", NOON), OptOut("b", "load", "li", NOON)])
    kept.begin(OptOut("a", "repair", "jo", NOON))
    assert recorded_opt_outs(opt_outs_text(kept)) == kept.all()
    assert [each.reason for each in kept.all()] == ["load", "repair"]


@pytest.mark.parametrize(
    "text", [None, "", "{}", "[1]", '[{"event": 7}]', "[" * 5000, '[{"event":"a"}]', "nonsense"]
)
def test_a_damaged_fact_holds_none(text: str | None) -> None:
    assert recorded_opt_outs(text) == ()


def test_the_oldest_are_forgotten() -> None:
    opt_outs = OptOuts()
    for number in range(MOST + 5):
        opt_outs.begin(OptOut(str(number), "work", "jo", NOON))
    assert len(opt_outs.all()) == MOST
    assert "4" not in opt_outs
    assert "5" in opt_outs
