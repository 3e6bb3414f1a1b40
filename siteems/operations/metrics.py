"""What a monitoring system reads of a daemon: metrics in the text format of Prometheus (version
0.0.4), and whether the daemon is alive and ready. Pure.

A value that is not known is left out; it is never 0. The unit ends the name, as everywhere here,
and not the base unit that Prometheus recommends, so that a metric has the name of the recorded
column.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate
from typing import Any, Final

from siteems import __version__
from siteems.control.decision import Drive
from siteems.control.intent import FRESH
from siteems.control.step import Step
from siteems.estimation.process_image import MEASURED
from siteems.history.writer import RecorderHealth
from siteems.operations.cycle_times import DELAY_UPPER_S, UPPER_S, CycleTimes
from siteems.planning.published_plan import PublishedPlan

LEVELS: Final = ("plan", "last-plan", "rules", "release")
LINK_COUNTERS: Final = (
    "requests",
    "timeouts",
    "refused",
    "bad",
    "late",
    "repeated",
    "foreign",
    "reconnects",
)
ALIVE_CYCLES: Final = 5.0
"""A daemon without a good cycle for so many periods is not alive. A cycle may wait for the time-out
of each device."""
ALIVE_S: Final = 30.0
"""And at least for this long: half of systemd's watchdog, so that it is seen before the restart."""

Labels = tuple[tuple[str, str], ...]
Sample = tuple[str, Labels, float]
"""Suffix of the metric's name, labels, value."""


@dataclass(frozen=True)
class DaemonView:
    """A daemon at one moment."""

    site_id: str
    now: datetime
    now_s: float
    """Real time, as in `cycles`."""
    period_s: float
    """Of the control loop, real time."""
    step: Step | None
    """The last control cycle."""
    plan: PublishedPlan | None
    cycles: CycleTimes
    traffic: Mapping[str, Any]
    """Counters of the links and of the writes, see `SiteDevices.traffic`."""
    record: RecorderHealth
    resident_bytes: int | None
    read_only: bool
    standing: Mapping[str, int] | None = None
    """Alarms that are not cleared, by level, as counted within the last minute; None = not yet."""

    @property
    def level(self) -> str | None:
        """The fallback level of the last cycle; `release` where the devices are released."""
        if self.step is None:
            return None
        return self.step.intent.level if isinstance(self.step.decision, Drive) else "release"


@dataclass(frozen=True)
class Metric:
    """A metric with its samples."""

    name: str
    kind: str
    """gauge, counter or histogram."""
    help: str
    samples: tuple[Sample, ...]

    def lines(self) -> Iterator[str]:
        """As text; none where nothing is known."""
        if not self.samples:
            return
        yield f"# HELP siteems_{self.name} {self.help}"
        yield f"# TYPE siteems_{self.name} {self.kind}"
        for suffix, labels, value in self.samples:
            inside = ",".join(f'{name}="{_escaped(text)}"' for name, text in labels)
            shown = f"{{{inside}}}" if inside else ""
            yield f"siteems_{self.name}{suffix}{shown} {_number(value)}"


def metrics_text(view: DaemonView) -> str:
    """All metrics of a daemon."""
    return "".join(f"{line}\n" for metric in metrics(view) for line in metric.lines())


def metrics(view: DaemonView) -> Iterator[Metric]:
    """All metrics of a daemon, in the order in which they are shown."""
    labels = (("site", view.site_id), ("version", __version__))
    yield Metric("info", "gauge", "the site and the version of siteems", (("", labels, 1.0),))
    if view.step is not None:
        yield from _of_step(view.step)
    levels = LEVELS if view.level is not None else ()
    yield _by_label(
        "control_level",
        "gauge",
        "1 for what decides: the plan, the last plan, the rules; or the devices are released",
        "level",
        {level: float(level == view.level) for level in levels},
    )
    if view.plan is not None:
        yield from _of_plan(view.plan, view.now)
    yield from _of_cycles(view.cycles)
    yield from _of_traffic(view.traffic)
    record = view.record
    yield _one("record_waiting", "gauge", "entries that are not yet written", record.waiting)
    yield _one(
        "record_unwritten_seconds",
        "gauge",
        "for how long nothing could be written",
        record.unwritten_s,
    )
    yield _by_label(
        "record_invalid_rows", "gauge", "rows that are skipped, by table", "table", record.invalid
    )
    yield _by_label(
        "alarms_standing", "gauge", "alarms that are not cleared", "level", view.standing or {}
    )
    yield _one("dr_events_open", "gauge", "DR events that are not over", record.open_events)
    yield _one(
        "resident_memory_bytes", "gauge", "memory of the daemon's process", view.resident_bytes
    )


def alive(view: DaemonView) -> tuple[bool, str]:
    """Whether cycles succeed, and a sentence about it."""
    age_s = view.now_s - view.cycles.last_s
    limit_s = max(ALIVE_S, ALIVE_CYCLES * view.period_s)
    if age_s > limit_s:
        return False, f"no control cycle has succeeded for {age_s:.0f} s"
    return True, f"the last control cycle was {max(0.0, age_s):.1f} s ago"


def ready(view: DaemonView) -> tuple[bool, str]:
    """Whether the site is controlled by a fresh plan, and a sentence about it."""
    is_alive, text = alive(view)
    if not is_alive:
        return False, text
    if view.read_only:
        return False, "read-only: no device is written to"
    if view.level != "plan":
        return False, f"not controlled by a fresh plan, but by: {view.level or 'nothing yet'}"
    return True, "controlled by a fresh plan"


def _of_step(step: Step) -> Iterator[Metric]:
    image, limits = step.image, step.limits
    for name, meaning in MEASURED.items():
        yield _one(name, "gauge", f"measured: {meaning}", image.value(name))
    ages = {
        name: (since - measured.time).total_seconds()
        for name, measured in image.measured.items()
        if measured.time is not None and (since := image.steady or image.time) >= measured.time
    }
    yield _by_label("age_seconds", "gauge", "age of the last good value", "field", ages)
    yield _one("reserve_soc", "gauge", "backup reserve in force", limits.reserve_soc)
    yield _one("dr_cap_kw", "gauge", "import cap of the DR events in force", limits.dr_cap_kw)
    yield _one("month_peak_kw", "gauge", "billed import not to be exceeded", limits.peak_kw)
    if isinstance(step.decision, Drive):
        yield _one(
            "battery_setpoint_kw", "gauge", "requested: + charging", step.decision.battery_kw
        )


def _of_plan(plan: PublishedPlan, now: datetime) -> Iterator[Metric]:
    index = plan.step_at(now)
    if index is not None:
        price = plan.prices[index]
        yield _one("price_per_kwh", "gauge", "price of import in the plan", price)
    age_s = (now - plan.issued).total_seconds()
    yield _one("plan_age_seconds", "gauge", f"fresh up to {FRESH.total_seconds():g}", age_s)
    yield _one("plan_solve_seconds", "gauge", "time in the solver", plan.solve_s)


def _of_cycles(cycles: CycleTimes) -> Iterator[Metric]:
    yield _histogram(
        "cycle_seconds", "duration of control cycles", UPPER_S, cycles.by_class, cycles.total_s
    )
    yield _histogram(
        "cycle_delay_seconds",
        "how long after its time a cycle began",
        DELAY_UPPER_S,
        cycles.delayed_by_class,
        cycles.delay_total_s,
    )
    yield _one("cycles_late_total", "counter", "cycles longer than their period", cycles.late)
    yield _one("cycles_failed_total", "counter", "cycles that failed", cycles.failed)


def _of_traffic(traffic: Mapping[str, Any]) -> Iterator[Metric]:
    links: Mapping[str, Mapping[str, float]] = traffic.get("links", {})
    for counter in LINK_COUNTERS:
        values = {name: link[counter] for name, link in links.items() if counter in link}
        yield _by_label(
            f"link_{counter}_total", "counter", "of the link since the start", "link", values
        )
    writes = {name: each["writes"] for name, each in traffic.get("writes_today", {}).items()}
    yield _by_label("writes_today", "gauge", "writes of setpoints today", "device", writes)


def _histogram(
    name: str, text: str, upper: Sequence[float], by_class: Sequence[int], total: float
) -> Metric:
    counts = list(accumulate(by_class))
    edges = [*map(_number, upper), "+Inf"]
    samples: list[Sample] = [
        ("_bucket", (("le", edge),), float(count))
        for edge, count in zip(edges, counts, strict=True)
    ]
    samples += [("_sum", (), total), ("_count", (), float(counts[-1]))]
    return Metric(name, "histogram", text, tuple(samples))


def _one(name: str, kind: str, text: str, value: float | None) -> Metric:
    known = value is not None and math.isfinite(value)
    samples = (("", (), float(value)),) if known and value is not None else ()
    return Metric(name, kind, text, samples)


def _by_label(
    name: str, kind: str, text: str, label: str, values: Mapping[str, float | None]
) -> Metric:
    return Metric(name, kind, text, tuple(_labelled(label, values.items())))


def _labelled(label: str, values: Iterable[tuple[str, float | None]]) -> Iterator[Sample]:
    for key, value in values:
        if value is not None and math.isfinite(value):
            yield "", ((label, key),), float(value)


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(float(value))


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
