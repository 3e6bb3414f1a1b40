"""One replay from files to files: a recording in, report, summary and series out."""

from __future__ import annotations

import csv
import hashlib
import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pandas as pd
import structlog

from siteems.errors import UserError
from siteems.forecast.score import score_forecasts
from siteems.messages.json_text import json_text
from siteems.recordings.column_map import ColumnMap
from siteems.recordings.plant_size import size_note
from siteems.recordings.profile import Profile
from siteems.replay.data import read_replay_data
from siteems.replay.engine import run_replay
from siteems.replay.event_file import EventsOfReplay
from siteems.replay.event_run import (
    EventComparison,
    EventOutcome,
    event_rows,
    run_with_events,
)
from siteems.replay.outcome import Policy, PolicyOutcome, ReplayResult
from siteems.replay.policy_run import PolicyRun, Progress
from siteems.replay.report import write_report
from siteems.replay.window import INTERVAL, ReplayWindow
from siteems.site.model import Site
from siteems.site.possible_profile import refuse_impossible
from siteems.site.solar_noon import displaced_pv_note

SCORED_FROM = timedelta(days=10)
"""In a shorter recording, too few days are left after the forecasts have learned a week."""

SCORED_STEP = timedelta(hours=1)
"""Longer steps have no course of a day."""


def replay_to_folder(
    site: Site,
    data: Path,
    start: datetime | None,
    end: datetime | None,
    policies: Sequence[Policy],
    out: Path,
    progress: Progress,
    column_map: ColumnMap | None = None,
    events: EventsOfReplay | None = None,
) -> tuple[ReplayResult, EventComparison | None]:
    """Replay a recording and write the result to the folder `out`, which is made.

    With `events` the comparison with the programme comes beside it. `start` and `end` are times of
    the recording, also where it is moved to where a tariff is valid. Raises `UserError` for data
    that cannot be used, and for a folder that cannot be made.
    """
    # A replayed year would log as much as a year of operation.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    recorded = read_replay_data(data, site.site.zone, site.tariffs, column_map, (start, end))
    refuse_impossible(recorded.profile, site)
    profile = recorded.profile
    first, last = recorded.between(start, end)
    span = profile.end - profile.start
    size = None if site.pv is None else size_note(profile.pv_kw, span, site.pv.rated_kwp)
    of_site = (size, displaced_pv_note(profile, site))
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{out}: cannot be made ({error.strerror})") from error
    result = run_replay(
        site,
        profile,
        policies,
        start=first,
        end=last,
        start_soc=site.start_soc,
        notes=(*recorded.notes, *(note for note in of_site if note is not None)),
        progress=progress,
    )
    result = replace(result, data_sha256=hashlib.sha256(data.read_bytes()).hexdigest())
    compared = None
    if events is not None:
        compared = _with_events(
            site, profile, (first, last), result, recorded.moved, events, progress
        )
    _write_data(result, out, compared)  # kept, whatever comes of the scores
    long_enough = profile.end - profile.start >= SCORED_FROM
    if "optimal" in policies and long_enough and profile.step <= SCORED_STEP:
        scores = score_forecasts(site, profile, lambda done, total: None)
        result = replace(result, forecasts=scores)
        _write_data(result, out, compared)
    write_report(site, result, out / "report.html")
    return result, compared


def _with_events(
    site: Site,
    profile: Profile,
    span: tuple[datetime, datetime],
    result: ReplayResult,
    moved: timedelta,
    events: EventsOfReplay,
    progress: Progress,
) -> EventComparison:
    """The policies of the comparison that were not run yet, and those with events."""
    first, last = span
    window = ReplayWindow(first, int((last - first) / INTERVAL))
    announced = [each.moved(moved) for each in events.announced]

    def run(policy: Policy) -> EventOutcome:
        return run_with_events(
            site, profile, policy, window, site.start_soc, announced, events.programme, progress
        )

    def without(policy: Policy) -> PolicyOutcome:
        known = result.policies.get(policy)
        if known is not None:
            return known
        return PolicyRun(site, profile, policy, window, site.start_soc, None, progress).outcome()

    return EventComparison(
        programme=events.programme,
        idle=without("idle"),
        arbitrage=without("optimal"),
        alone=run("standby"),
        together=run("optimal"),
    )


def series_frame(result: ReplayResult, outcome: PolicyOutcome) -> pd.DataFrame:
    """The series of a policy by UTC time, one row per interval."""
    times = pd.date_range(
        result.start, periods=len(outcome.series.soc), freq=result.step, name="time"
    )
    return pd.DataFrame(
        {name: values.round(5) for name, values in vars(outcome.series).items()}, index=times
    )


def summary_of(result: ReplayResult, compared: EventComparison | None) -> dict[str, Any]:
    """For `summary.json`."""
    return result.summary() | ({} if compared is None else {"events": compared.summary()})


def _write_data(result: ReplayResult, out: Path, compared: EventComparison | None) -> None:
    summary = json_text(summary_of(result, compared)) + "\n"
    (out / "summary.json").write_text(summary, encoding="utf-8")
    if compared is not None:
        with (out / "events.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(event_rows(compared))
    frames = {policy: series_frame(result, outcome) for policy, outcome in result.policies.items()}
    for policy, frame in frames.items():
        frame.to_csv(out / f"series-{policy}.csv.gz")
    if find_spec("pyarrow") is not None:
        every = pd.concat(frames, names=["policy", "time"]).reset_index()
        every.to_parquet(out / "timeseries.parquet", index=False)
