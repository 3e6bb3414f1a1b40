"""`make bench-outages`: 1,000 mains failures at random times over a recorded year of each ready
site. The table of docs/backup.md comes from here; the last line is one JSON object.

The year runs with the optimal policy, as in a replay. At each chosen time the process is forked:
the child continues live, with the same controller, devices and plant, but its mains fail for the
promised hours and its PV gives nothing. The promise is kept when no telecom load is left unserved;
where a full battery could not have kept it either, it does not count.

Three cases: the battery as stated; the load 60 % higher from an hour before the failure; and a
battery ten points weaker than the site file states, which reports nothing and has been learned.
The first 45 days are left out, in which load and battery are learned, and so is the day after each
recorded mains failure, since a battery that was just used cannot carry the promised hours at once.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final

import numpy as np
import structlog
from score import PROFILES, at_home

from drivers.points import Reading
from siteems.clock import ManualClock
from siteems.config.seeds import seed_path
from siteems.controller import Controller
from siteems.planning.reasons import SCHEDULE
from siteems.ports import Ports
from siteems.recordings.profile import Instant, Profile
from siteems.replay.data import read_replay_data
from siteems.replay.engine import run_replay
from siteems.replay.policy_run import CYCLE, TIMING
from siteems.replay.record import MemoryRecord, NoEvents
from siteems.replay.simulated_devices import DirectSolver, SimulatedDevices
from siteems.replay.window import INTERVAL
from siteems.simulation.plant import make_plant
from siteems.site.model import Site
from siteems.site.read_file import load_site

SITES: Final = (("hangzhou-macro", "cn_site_2019"), ("rural-lfp", "cn_northwest_2019"))
"""Ready site and recorded year."""
LEARNING: Final = timedelta(days=45)
AFTER_A_FAILURE: Final = timedelta(days=1)
STEP_FACTOR, STEP_BEFORE = 1.6, timedelta(hours=1)
WEAKER: Final = 0.10
NO_RESERVE_H: Final = 0.5
"""The shortest backup that a site file allows: what the saving is compared with."""
UNSERVED_SHARE: Final = 1e-6
"""Of the load of the promised hours; below it is rounding."""
SEED: Final = 20261126
KEPT, BROKEN, IMPOSSIBLE = b"kept", b"broken", b"impossible"
"""What a child answers."""


class Surroundings:
    """A recording, in which the mains may fail and the load may rise from a time on."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self.failed_from: datetime | None = None
        self.load_factor = 1.0

    def __call__(self, when: datetime) -> Instant:
        now = self._profile.at(when)
        if self.load_factor != 1.0:
            now = replace(now, dc_load_kw=self.load_factor * now.dc_load_kw)
        if self.failed_from is not None and when >= self.failed_from:
            now = replace(now, mains_ok=False, pv_available_kw=0.0)
        return now


class _WithoutHealth(SimulatedDevices):
    """Devices of which none reports a state of health, so that it has to be learned."""

    async def read(self) -> Sequence[Reading]:
        return [
            replace(
                reading,
                points={name: point for name, point in reading.points.items() if name != "soh"},
            )
            for reading in await super().read()
        ]


class LiveSite:
    """A site under control: the loop of a replay, which can be continued from any interval."""

    def __init__(self, site: Site, profile: Profile, actual_health: float) -> None:
        self._site, self.surroundings = site, Surroundings(profile)
        self.clock = ManualClock(profile.start)
        actual = replace(site, battery=replace(site.battery, state_of_health=actual_health))
        self.plant = make_plant(actual, self.surroundings, profile.start, site.start_soc)
        self.plant.max_step = CYCLE
        devices = _WithoutHealth(site, self.plant, self.clock, TIMING)
        ports = Ports(self.clock, devices, DirectSolver(), MemoryRecord(), NoEvents())
        self.controller = Controller(site, ports, TIMING)

    async def run_until(self, end: datetime) -> None:
        """Cycles up to `end`, with a plan each quarter of an hour and on request."""
        while self.clock.now() < end:
            if self.clock.now().minute % self._site.planning.step_min == 0:
                self.controller.replan.ask(SCHEDULE)
            await self.controller.observe()
            if self.controller.replan.is_set():
                self.controller.replan.clear()
                await self.controller.make_plan(self.controller.replan.trigger)
            await self.controller.act()
            self.clock.advance(min(CYCLE, end - self.clock.now()))
        self.plant.advance_to(end)

    def run(self, end: datetime) -> None:
        """As `run_until`."""
        asyncio.run(self.run_until(end))

    async def carries(self, hours: float) -> bool:
        """Whether the telecom load is served through a mains failure of so many hours from now."""
        begin = self.clock.now()
        self.surroundings.failed_from = begin
        before_kwh = self.plant.meters.unserved_kwh
        await self.run_until(begin + timedelta(hours=hours))
        unserved_kwh = self.plant.meters.unserved_kwh - before_kwh
        load_kwh = self.plant.flows.dc_load_kw * hours
        return unserved_kwh <= UNSERVED_SHARE * load_kwh


@dataclass(frozen=True)
class Kept:
    """How many promises were kept, broken, and could not have been kept by a full battery."""

    kept: int
    broken: int
    impossible: int

    @property
    def percent(self) -> float:
        """Share of those that could have been kept."""
        return 100.0 * self.kept / (self.kept + self.broken)


def chosen_times(profile: Profile, end: datetime, count: int, backup_h: float) -> list[datetime]:
    """Random quarter hours before `end` at which the mains fail, in order."""
    steps = round(profile.step / INTERVAL)
    mains = np.repeat(np.asarray(profile.mains_ok, dtype=np.bool_), steps)
    recovering = np.zeros(len(mains), dtype=np.bool_)
    for failed in np.flatnonzero(~mains):
        recovering[failed : failed + AFTER_A_FAILURE // INTERVAL] = True
    last = (end - timedelta(hours=backup_h) - profile.start) // INTERVAL
    allowed = np.flatnonzero(~recovering[:last])
    allowed = allowed[allowed >= LEARNING // INTERVAL]
    rng = np.random.default_rng(SEED)
    chosen = np.sort(rng.choice(allowed, min(count, len(allowed)), replace=False))
    return [profile.start + int(index) * INTERVAL for index in chosen]


def in_child(work: Callable[[], bytes]) -> bytes:
    """What `work` answers in a copy of this process; nothing here changes."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(writing, work())
        finally:
            os._exit(0)  # neither handlers nor buffers of the parent
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        answer = pipe.read()
    os.waitpid(child, 0)
    if not answer:
        raise RuntimeError("a forked mains failure ended without an answer")
    return answer


def fail_mains(live: LiveSite, backup_h: float) -> bytes:
    """The mains fail now. Where the promise is broken: would a full battery have kept it?"""

    def carries() -> bytes:
        kept = asyncio.run(live.carries(backup_h))
        return KEPT if kept else BROKEN

    if in_child(carries) == KEPT:
        return KEPT
    live.plant.soc = 1.0
    return BROKEN if carries() == KEPT else IMPOSSIBLE


def fail_mains_after_a_step(live: LiveSite, backup_h: float) -> bytes:
    """The load rises now, and the mains fail an hour later."""
    live.surroundings.load_factor = STEP_FACTOR
    live.run(live.clock.now() + STEP_BEFORE)
    return fail_mains(live, backup_h)


def outages(
    site: Site, profile: Profile, times: list[datetime], *, load_step: bool, weaker: float = 0.0
) -> Kept:
    """Run the year and try each failure from it."""
    live = LiveSite(site, profile, site.battery.state_of_health - weaker)
    answers: Counter[bytes] = Counter()
    happening = fail_mains_after_a_step if load_step else fail_mains
    for done, time in enumerate(times, start=1):
        live.run(time - STEP_BEFORE if load_step else time)
        answers[in_child(partial(happening, live, site.backup.hours))] += 1
        if done % 50 == 0:
            print(f"\r{site.site.id}: {done} of {len(times)}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return Kept(answers[KEPT], answers[BROKEN], answers[IMPOSSIBLE])


def price_of_the_promise(site: Site, profile: Profile, end: datetime) -> tuple[float, float]:
    """Savings until `end` against no control, with the reserve and with the least one."""
    least = replace(site, backup=replace(site.backup, hours=NO_RESERVE_H))
    saved = []
    for each in (site, least):
        policies = run_replay(each, profile, ("idle", "optimal"), end=end).policies
        saved.append(policies["idle"].cost - policies["optimal"].cost)
    return saved[0], saved[1]


def rows(count: int, days: int | None) -> Iterator[tuple[str, dict[str, object]]]:
    for name, source in SITES:
        path = PROFILES / f"{source}.csv.gz"
        if not path.is_file():
            print(f"skipped: no {path.name} beside this project", file=sys.stderr)
            continue
        site = at_home(load_site(seed_path(name)), source)
        profile = read_replay_data(path, site.site.zone, site.tariffs, None).profile
        end = profile.end if days is None else profile.start + timedelta(days=days)
        times = chosen_times(profile, end, count, site.backup.hours)
        healthy = outages(site, profile, times, load_step=False)
        stepped = outages(site, profile, times, load_step=True)
        weak = outages(site, profile, times, load_step=False, weaker=WEAKER)
        with_reserve, without = price_of_the_promise(site, profile, end)
        yield (
            name,
            {
                "outages": len(times),
                "backup_h": site.backup.hours,
                "kept_percent": healthy.percent,
                "kept_percent_load_step": stepped.percent,
                "impossible_load_step": stepped.impossible,
                "kept_percent_weaker_battery": weak.percent,
                "saved": round(with_reserve, 1),
                "saved_without_reserve": round(without, 1),
            },
        )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--outages", type=int, default=1000, help="mains failures for each site")
    parser.add_argument("--days", type=int, help="only the first days of the year")
    args = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    print(
        f"{'':16}{'outages':>9}{'hours':>7}{'kept':>9}{'load +60 %':>12}{'10 weaker':>11}"
        f"{'saved':>9}{'no reserve':>12}"
    )
    found = {}
    for name, row in rows(args.outages, args.days):
        found[name] = row
        print(
            f"{name:16}{row['outages']:9}{row['backup_h']:7}{row['kept_percent']:8.1f}%"
            f"{row['kept_percent_load_step']:11.1f}%{row['kept_percent_weaker_battery']:10.1f}%"
            f"{row['saved']:9}{row['saved_without_reserve']:12}",
            flush=True,
        )
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
