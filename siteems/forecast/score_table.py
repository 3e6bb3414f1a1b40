"""Forecast scores for display: as a table and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from siteems.forecast.score import Score


def as_data(scores: Sequence[Score]) -> list[dict[str, Any]]:
    """For programs (`--json`): the fields of each score."""
    return [asdict(score) | {"beats_naive": score.beats_naive} for score in scores]


def as_table(scores: Sequence[Score]) -> str:
    """A line for each series and horizon."""
    head = (
        f"{'series':12} {'ahead':>8}  {'MAPE':>7} {'nRMSE':>7} {'pinball':>8} {'P95 covers':>10}"
        "   naive: MAPE  nRMSE"
    )
    lines = [head]
    for score in scores:
        ahead = f"{score.from_h:g}-{score.to_h:g} h"
        covers = "" if score.p95_coverage is None else f"{score.p95_coverage:.1%}"
        verdict = "better than naive" if score.beats_naive else "not better than naive"
        lines.append(
            f"{score.series:12} {ahead:>8}  {_percent(score.mape):>7} {score.nrmse:>7.1%} "
            f"{score.pinball:>8.2%} {covers:>10}   "
            f"{score.naive:>4}: {_percent(score.naive_mape):>6} {score.naive_nrmse:>6.1%}  "
            f"{verdict}"
        )
    return "\n".join(lines)


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"
