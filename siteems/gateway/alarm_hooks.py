"""Hands alarms to the programs and web addresses of the site file, in a thread of its own.

Control never waits for a hook: alarms go into a bounded queue. A hook that is slow or fails keeps
back only itself. A storm of alarms is counted: what is beyond the rate is summed up in one message.
"""

from __future__ import annotations

import json
import subprocess
import threading
import time
import urllib.request
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from queue import Empty, Full, Queue
from typing import Any, Final

import structlog

from drivers.backoff import growing_pauses
from siteems.history.recorder import Recorder
from siteems.history.records import AlarmRecord
from siteems.operations.alarm_message import alarm_message
from siteems.site.monitoring import AlarmHook

log = structlog.get_logger()

MOST_WAITING: Final = 200
"""Messages of one hook. A site raises a few alarms a day."""
TRIES_S: Final = (0.0, *growing_pauses(1.0, 10.0))
"""Pauses before the first try and the next ones: a network that restarts is back within 20 s."""
CLOSE_WITHIN_S: Final = 2.0
"""How long a stop waits for what is under way."""
WINDOW_S: Final = 60.0

Message = Mapping[str, Any]


class RateLimit:
    """At most `count` messages in a minute."""

    def __init__(self, count: int, now_s: Callable[[], float] = time.monotonic) -> None:
        self._count, self._now_s = count, now_s
        self._sent: deque[float] = deque()

    def allows(self) -> bool:
        """Whether one more may go now; it then counts."""
        now_s = self._now_s()
        while self._sent and now_s - self._sent[0] >= WINDOW_S:
            self._sent.popleft()
        if len(self._sent) >= self._count:
            return False
        self._sent.append(now_s)
        return True


class HookThread:
    """One hook with its queue."""

    def __init__(self, hook: AlarmHook, site_id: str) -> None:
        self._hook, self._site_id = hook, site_id
        self._queue: Queue[Message] = Queue(MOST_WAITING)
        self._limit = RateLimit(hook.per_minute)
        self._held_back = 0
        self._works = True
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="alarm-hook", daemon=True)
        self._thread.start()

    def take(self, alarm: AlarmRecord) -> None:
        """Queue an alarm, unless it is below the level of the hook. Returns at once."""
        message = alarm_message(alarm, self._site_id, self._hook.level)
        if message is not None:
            try:
                self._queue.put_nowait(message)
            except Full:
                self._held_back += 1

    def close(self) -> None:
        """Send what is waiting, as far as there is time."""
        self._stop.set()
        self._thread.join(CLOSE_WITHIN_S)

    def _run(self) -> None:
        while True:
            try:
                message = self._queue.get(timeout=0.2)
            except Empty:
                if self._stop.is_set():
                    return
                if not self._held_back or not self._limit.allows():
                    continue
                message = {"site": self._site_id, "state": "summary"}
            else:
                if not self._limit.allows():
                    self._held_back += 1
                    continue
            held_back, self._held_back = self._held_back, 0
            self._send(json.dumps(dict(message) | {"held_back": held_back}, ensure_ascii=False))

    def _send(self, text: str) -> None:
        """Try a few times. A failure is logged once, until the hook works again."""
        for pause_s in TRIES_S:
            if self._stop.wait(pause_s) and pause_s:
                return
            try:
                self._hand_over(text)
            except (OSError, ValueError, subprocess.SubprocessError) as error:
                if self._works:
                    log.error("alarm-hook-failed", hook=self._name, error=str(error))
                self._works = False
            else:
                if not self._works:
                    log.info("alarm-hook-works", hook=self._name)
                self._works = True
                return

    @property
    def _name(self) -> str:
        return self._hook.url or (self._hook.command or ("",))[0]

    def _hand_over(self, text: str) -> None:
        hook = self._hook
        if hook.command is not None:
            subprocess.run(
                hook.command,
                input=text.encode(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=hook.timeout_s,
                check=True,
            )
        if hook.url is not None:
            headers = {"Content-Type": "application/json"}
            request = urllib.request.Request(hook.url, text.encode(), headers, method="POST")
            with urllib.request.urlopen(request, timeout=hook.timeout_s):
                pass


class HookedRecorder(Recorder):
    """A recorder that hands each alarm to the hooks as well, written or not."""

    hooks: Sequence[HookThread] = ()

    def add_alarm(self, alarm: AlarmRecord) -> None:
        """Record an alarm, or its end."""
        super().add_alarm(alarm)
        for hook in self.hooks:
            hook.take(alarm)
