"""`siteems simulate`: the simulated site as a process."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import date, datetime
from pathlib import Path

import structlog

from drivers.catalogue import load_map
from siteems.clock import Clock, FileClock
from siteems.operations.logs import configure_logs
from siteems.recordings.profile import Instant
from siteems.simulation.control_port import ControlPort
from siteems.simulation.plant import make_plant
from siteems.simulation.scenario import Scenario, ScheduledFault, demo_scenario
from siteems.simulation.server import SimulatedSite
from siteems.site.model import Site

log = structlog.get_logger()


def run_simulator(
    site: Site,
    folder: Path,
    clock: Clock,
    profile: Path | None,
    day: date | None,
    control: int | None = None,
    credentials: tuple[Path, Path] | None = None,
) -> None:
    """Serve the site until SIGTERM or SIGINT.

    On a clock file the scenario's day runs once, with its mains failures and faults. On the wall
    clock it is repeated every day without them. Faults are taken at port `control`, if there is
    one. `credentials` are certificate and key of the devices behind tls links.
    """
    configure_logs(site.site.id)
    scenario = demo_scenario(site, folder, profile, day)
    on_that_day = isinstance(clock, FileClock)
    surroundings = scenario.at if on_that_day else _every_day(scenario)
    faults = scenario.faults if on_that_day else ()
    asyncio.run(_serve(site, clock, scenario.start_soc, surroundings, faults, control, credentials))


def _every_day(scenario: Scenario) -> Callable[[datetime], Instant]:
    """The surroundings of the scenario's day, repeated every day, without its mains failures."""
    length = scenario.end - scenario.start
    return lambda when: scenario.profile.at(scenario.start + (when - scenario.start) % length)


async def _serve(
    site: Site,
    clock: Clock,
    start_soc: float,
    surroundings: Callable[[datetime], Instant],
    faults: Sequence[ScheduledFault],
    control: int | None,
    credentials: tuple[Path, Path] | None,
) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    # The weather does not follow a clock that is set.
    time = clock.steady if isinstance(clock, FileClock) else clock.now
    plant = make_plant(site, surroundings, time(), start_soc)
    simulated = SimulatedSite(site, plant, time, credentials)
    urls = await simulated.start()
    for entry in site.devices:
        device_map = load_map(entry.map)
        log.info(
            "serving",
            device=entry.name,
            title=device_map.title,
            url=urls[entry.link],
            where=entry.where,
        )
    port = None if control is None else ControlPort(simulated, control)
    if port is not None:
        log.info("faults-at", port=await port.start())
    log.info("ready")
    ticking = asyncio.create_task(simulated.run(faults=faults))
    await stop.wait()
    if port is not None:
        await port.stop()
    ticking.cancel()
    with suppress(asyncio.CancelledError):
        await ticking
    await simulated.stop()
    log.info(
        "stopped",
        import_kwh=round(plant.meters.import_kwh, 3),
        unserved_kwh=round(plant.meters.unserved_kwh, 3),
        lease_fallbacks=plant.meters.fallbacks,
        soc=round(plant.soc, 4),
    )
