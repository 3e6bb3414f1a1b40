"""One replay from files to files: data in, report, summary and series out."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from importlib.util import find_spec
from pathlib import Path

import pandas as pd
import structlog

from siteems.forecast.score import score_forecasts
from siteems.recordings.column_map import ColumnMap
from siteems.replay.data import between, read_replay_data
from siteems.replay.engine import Progress, run_replay
from siteems.replay.outcome import Policy, PolicyOutcome, ReplayResult
from siteems.site.model import Site

LONG_ENOUGH = timedelta(days=10)
"""Shorter recordings do not tell how good forecasts are."""


def replay_to_folder(
    site: Site,
    data: Path,
    start: datetime | None,
    end: datetime | None,
    policies: Sequence[Policy],
    out: Path,
    progress: Progress,
    column_map: ColumnMap | None = None,
) -> ReplayResult:
    """Replay a file and write what came of it to `out`, which is made. Raises `UserError` for data
    that cannot be used.

    Days are those of the data as it lies after it was moved to where a tariff holds.
    """
    from siteems.replay.report import write_report

    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL)
    )  # a year of log lines
    found = read_replay_data(data, site.site.zone, site.tariffs, column_map)
    first, last = between(found.profile, start, end)
    start_soc = site.demo.start_soc if site.demo else 0.6
    result = run_replay(
        site,
        found.profile,
        policies,
        start=first,
        end=last,
        start_soc=start_soc,
        notes=found.notes,
        progress=progress,
    )
    if "optimal" in policies and found.profile.end - found.profile.start >= LONG_ENOUGH:
        result = replace(
            result, forecasts=score_forecasts(site, found.profile, lambda done, total: None)
        )
    out.mkdir(parents=True, exist_ok=True)
    (out / "summary.json").write_text(
        json.dumps(result.summary(), indent=1) + "\n", encoding="utf-8"
    )
    frames = {policy: series_frame(result, outcome) for policy, outcome in result.policies.items()}
    for policy, frame in frames.items():
        frame.to_csv(out / f"series-{policy}.csv.gz")
    if find_spec("pyarrow") is not None:
        every = pd.concat(frames, names=["policy", "time"]).reset_index()
        every.to_parquet(out / "timeseries.parquet", index=False)
    write_report(site, result, out / "report.html")
    return result


def series_frame(result: ReplayResult, outcome: PolicyOutcome) -> pd.DataFrame:
    """The series of a policy by UTC time, one row per interval."""
    times = pd.date_range(
        result.start, periods=len(outcome.series.soc), freq=result.step, name="time"
    )
    return pd.DataFrame(
        {name: values.round(5) for name, values in vars(outcome.series).items()}, index=times
    )
