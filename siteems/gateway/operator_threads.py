"""The threads of a daemon through which grid operators reach the site, as its file states them."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from importlib.util import find_spec
from typing import Final

from siteems.clock import Clock
from siteems.controller import Controller
from siteems.demand_response.timeline import import_cap_kw
from siteems.errors import UserError
from siteems.gateway.loop_thread import LoopThread
from siteems.history.recorder import Recorder
from siteems.history.records import AlarmRecord
from siteems.site.model import Site

HOUR: Final = timedelta(hours=1)
SURELY: Final = 0.9
"""The probability of the availability that a control room reads."""
AVAILABLE_EVERY: Final = timedelta(minutes=1)


def operator_threads(
    site: Site,
    clock: Clock,
    recorder: Recorder,
    report: Callable[[AlarmRecord], None],
    controller: Controller,
) -> Sequence[LoopThread]:
    """Those of the site file; not started yet. Raises `UserError` for what cannot be used."""
    check_operators(site)
    threads: list[LoopThread] = []
    values = LiveValues(controller, clock)
    # Imported here, because HTTP, TLS and the protocols take memory that most sites need not spend.
    if site.openadr is not None:
        from siteems.gateway.openadr_thread import OpenAdrThread

        threads.append(
            OpenAdrThread(
                site,
                site.openadr,
                clock,
                recorder,
                report,
                controller.opt_outs,
                lambda: values()[1],
            )
        )
    if site.iec104 is not None:
        from siteems.gateway.iec104_thread import Iec104Thread

        threads.append(Iec104Thread(site, site.iec104, clock, recorder, report, values))
    return threads


def check_operators(site: Site) -> None:
    """Raises `UserError` for credentials and tables that cannot be used, and missing libraries."""
    if site.openadr is not None:
        from siteems.gateway.openadr_sessions import check_credentials

        check_credentials(site.openadr)
    if site.iec104 is not None:
        if find_spec("hat") is None:
            raise UserError("iec104: needs the library hat-drivers; install siteems[grid104]")
        from siteems.demand_response.iec104.objects import read_objects

        read_objects(site.iec104.objects)


class LiveValues:
    """What a control room reads: the newest image, the cap in force, and what can be given.

    An image is frozen, so another thread may read it. What can be given is computed in the loop of
    the daemon, now and then.
    """

    def __init__(self, controller: Controller, clock: Clock) -> None:
        self._controller, self._clock = controller, clock
        self._loop = asyncio.get_running_loop()
        self._available: Mapping[str, float | None] = {}
        self._asked: datetime | None = None

    def __call__(self) -> tuple[datetime, Mapping[str, float | None]]:
        now = self._clock.steady()
        if self._asked is None or now - self._asked >= AVAILABLE_EVERY:
            self._asked = now
            self._loop.call_soon_threadsafe(self._compute)
        image = self._controller.image
        cap_kw = import_cap_kw(self._controller.events, image.time)
        caps = {"import_cap_kw": None if math.isinf(cap_kw) else cap_kw}
        return image.time, dict(image.values) | caps | dict(self._available)

    def _compute(self) -> None:
        try:
            found = self._controller.availability(self._clock.now(), HOUR)
        except UserError:
            self._available = {}
            return
        self._available = {
            "reduction_kw": found.reduction_kw.get(SURELY),
            "increase_kw": found.increase_kw.get(SURELY),
        }
