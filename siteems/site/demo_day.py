"""The demo day of a site, section [demo] of its file: a profile, and what happens on that day."""

from __future__ import annotations

from datetime import date

from pydantic.dataclasses import dataclass

from drivers.simulated.fault_kinds import FaultKind
from siteems.config.fields import CLOSED, LocalTime, Name, NonNegative, Positive, Share


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class DemoDrEvent:
    """A demand-response event: an import limit for the whole site."""

    limit_kw: NonNegative
    start: LocalTime
    hours: Positive


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class MainsFailure:
    """A mains failure."""

    start: LocalTime
    minutes: Positive


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class DemoFault:
    """A fault of a simulated device (docs/faults.md)."""

    device: Name
    kind: FaultKind
    start: LocalTime
    minutes: Positive = 1.0
    point: str | None = None
    value: float | None = None


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class DemoDay:
    """The day that `siteems demo` and `siteems simulate` run."""

    date: date
    profile: str
    """CSV file in the folder of the site file."""
    start_soc: Share
    dr_event: DemoDrEvent | None = None
    mains_failure: MainsFailure | None = None
    faults: tuple[DemoFault, ...] = ()
