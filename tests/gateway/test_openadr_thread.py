"""The real daemon, the real simulator and a VTN on loopback: what the operator's server publishes
is measured at the site, and handed back.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from broker_rig import running_broker
from gateway_rig import RunningSite, simulated_site, wait_for

from siteems.clock import Clock
from siteems.demand_response.event_log import EventLog
from siteems.demand_response.openadr3.times import time_text
from siteems.history.records import Sample
from siteems.messages.message import Message
from siteems.simulation.vtn import Fault, SimulatedVtn

SPEED = 200.0
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


class SiteTime:
    """The site's clock, once there is one."""

    clock: Clock | None = None

    def __call__(self) -> datetime:
        assert self.clock is not None
        return self.clock.now()


@contextmanager
def connected_site(folder: Path, **settings: object) -> Iterator[tuple[RunningSite, SimulatedVtn]]:
    secrets = folder / "secrets.toml"
    secrets.write_text('client_id = "ven"\nclient_secret = "secret"\n', encoding="utf-8")
    secrets.chmod(0o600)
    now = SiteTime()
    with SimulatedVtn(now=now) as vtn:
        keys = {"url": vtn.url, "ven_name": "site-1", "secrets": str(secrets), "poll_s": 20}
        keys |= settings
        lines = "".join(
            f"{key} = {value if isinstance(value, int | float) else repr(value)}\n".replace(
                "'", '"'
            )
            for key, value in keys.items()
        )
        extra = f"\n[openadr]\n{lines}"
        with simulated_site(folder, speed=SPEED, begin_h=12.0, extra=extra) as running:
            now.clock = running.clock
            yield running, vtn


def body(value: Any, start: datetime, kind: str = "IMPORT_CAPACITY_LIMIT") -> dict[str, Any]:
    payload = {"type": kind, "values": [value]}
    return {
        "intervalPeriod": {"start": time_text(start), "duration": "PT1H"},
        "intervals": [{"id": 0, "payloads": [payload]}],
    }


def open_events(running: RunningSite) -> list[float]:
    history = running.history()
    try:
        return [e.intervals[0].value for e in EventLog(history).open(running.clock.now())]
    finally:
        history.close()


def imports_kw(running: RunningSite, since: datetime) -> list[float]:
    history = running.history()
    samples = history.samples(since, running.clock.now())
    history.close()
    return [sample.values["grid_kw"] for sample in samples if "grid_kw" in sample.values]


def planned_for_events(running: RunningSite) -> int:
    history = running.history()
    plans = history.plan_log(running.scenario.start, running.clock.now() + HOUR)
    history.close()
    return [trigger for _, _, trigger in plans].count("dr-event-changed")


def alarms(running: RunningSite) -> list[str]:
    history = running.history()
    found = history.alarms(running.scenario.start, running.clock.now() + HOUR)
    history.close()
    return [alarm.code for alarm in found]


def test_an_event_is_followed_changed_and_withdrawn(tmp_path: Path) -> None:
    with connected_site(tmp_path) as (running, vtn):
        daemon = running.start_daemon()
        running.clock.start()
        programme = vtn.add_programme("summer")
        begin = running.clock.now() + 5 * MINUTE
        event = vtn.add_event(programme, **body(2.0, begin))
        wait_for(lambda: open_events(running) == [2.0], "the event")
        wait_for(lambda: running.clock.now() > begin + 12 * MINUTE, "ten minutes of the event")
        held = imports_kw(running, begin + 2 * MINUTE)
        if len(held) < 5:
            pytest.skip("the machine is too busy for 200 times real speed: cycles are missing")
        assert max(held) <= 2.0 * 1.02
        vtn.modify_event(event, **body(3.0, begin))
        wait_for(lambda: open_events(running) == [3.0], "the modification")
        vtn.delete_event(event)
        wait_for(lambda: open_events(running) == [], "the withdrawal")
        wait_for(lambda: planned_for_events(running) >= 3, "a plan after each change")
        assert daemon.stop() == 0


def test_a_silent_server_an_absurd_one_and_restarts(tmp_path: Path) -> None:
    with connected_site(tmp_path) as (running, vtn):
        daemon = running.start_daemon()
        running.clock.start()
        programme = vtn.add_programme("summer")
        begin = running.clock.now()
        vtn.add_event(programme, **body(2.0, begin + HOUR))
        wait_for(lambda: open_events(running) == [2.0], "the event")
        vtn.faults = [Fault(status=500, count=10**6)]
        wait_for(lambda: "dr-server-lost" in alarms(running), "the alarm of a silent server")
        assert open_events(running) == [2.0], "what is known goes on"
        assert daemon.stop() == 0
        daemon = running.start_daemon()
        assert open_events(running) == [2.0]
        vtn.faults = []
        vtn.objects["events"].clear()
        wait_for(lambda: open_events(running) == [], "what the server withdrew meanwhile")
        vtn.add_event(programme, **body(-1.0, begin + 2 * HOUR))
        vtn.add_event(programme, **body("lots", begin + 2 * HOUR))
        vtn.add_event(programme, **body(0.0, begin + 2 * HOUR))
        vtn.add_event(programme, **(body(2.0, begin) | {"intervals": [{}] * 500}))
        wait_for(lambda: alarms(running).count("dr-event-refused") >= 4, "four refusals")
        assert open_events(running) == []
        assert not daemon.events("cycle-failed")
        assert daemon.stop() == 0


def test_credentials_that_others_can_read_are_refused(tmp_path: Path) -> None:
    with connected_site(tmp_path) as (running, _):
        (tmp_path / "secrets.toml").chmod(0o644)
        with pytest.raises(AssertionError, match="has mode 644, so others may use it"):
            running.start_daemon()
        assert running.processes[-1].popen.wait(10.0) == 2


def test_a_reduction_has_the_baseline_of_the_record(tmp_path: Path) -> None:
    """The record has three weeks of 4 kW; the operator asks for 1.5 kW less."""
    with connected_site(tmp_path, baseline="similar-5-days") as (running, vtn):
        history = running.history()
        begin = running.clock.now()
        samples = [
            Sample(begin - n * 15 * MINUTE, {"grid_kw": 4.0}, "plan", Message("r"))
            for n in range(1, 21 * 96)
        ]
        history.add_samples(samples)
        history.close()
        daemon = running.start_daemon()
        running.clock.start()
        programme = vtn.add_programme("summer")
        vtn.add_event(programme, **body(-1.5, begin + HOUR, "DISPATCH_SETPOINT_RELATIVE"))
        wait_for(lambda: open_events(running) == [1.5], "the reduction")
        history = running.history()
        [event] = EventLog(history).open(running.clock.now())
        history.close()
        assert event.intervals[0].baseline_kw == pytest.approx(4.0)
        assert daemon.stop() == 0


def test_an_event_is_notified_long_before_the_next_poll(tmp_path: Path) -> None:
    """An hour lies between two polls; the broker notifies the daemon of the event and of its
    withdrawal.
    """
    with (
        running_broker(tmp_path) as broker,
        connected_site(tmp_path, poll_s=3600) as (running, vtn),
    ):
        vtn.broker, vtn.publish = broker.url, broker.publish
        programme = vtn.add_programme("summer")
        daemon = running.start_daemon()
        wait_for(lambda: daemon.events("openadr-notified"), "the connection to the broker")
        connected = running.clock.now()
        event = vtn.add_event(programme, **body(2.0, connected + 10 * HOUR))
        wait_for(lambda: open_events(running) == [2.0], "the event")
        vtn.delete_event(event)
        wait_for(lambda: open_events(running) == [], "the withdrawal")
        if running.clock.now() - connected > HOUR:
            pytest.skip("the machine is too busy for 200 times real speed: a poll was due")
        assert daemon.stop() == 0
