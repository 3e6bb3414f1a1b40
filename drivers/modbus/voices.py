"""What an RTU line brings besides the answers to our requests, and what follows from it.

An RTU answer carries unit and function, but neither the registers nor who asked. So a late answer,
a repeated one or the answer to another master looks like the answer to the next read of the same
unit and length, and its checksum is sound. What was heard decides when an answer can be trusted at
once, when others must be waited for, and when it must be read again. Times are seconds of the event
loop.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import Final

from drivers.counters import Counters
from drivers.modbus.request import Request
from drivers.modbus.rtu_frames import answers, frame_of, frames_in, request_of

LATEST_REPLY: Final = 2.0
"""No reply arrives later than this many times the slowest known reply of its unit (`worst_reply_ms`
of its map). A larger factor trusts the maps less, and makes each time-out cost more of the line.
"""
LINE_SILENCE_S: Final = 0.05
"""After a time-out a line counts as quiet when no byte arrived for so long: a serial server or a
USB adapter may keep a few bytes for some ten milliseconds.
"""
WARY_S: Final = 60.0
"""For so long after something was heard that was not ours, and after the line was opened, the line
is listened to after each answer. Another master is seldom silent for longer.
"""
USUAL_FACTOR: Final = 1.5
"""If the answer of another device was taken for ours, ours follows within the time of one usual
exchange: its request went out behind the other one. Half as much is for the jitter.
"""
FIRST_USUAL_S: Final = 0.05
"""Time of an exchange with a unit before one was measured; at 9600 baud most take about as long."""
REPEATED_WITHIN_S: Final = 5.0
"""Answers are remembered for so long, to recognise copies of them. Far longer than any line or
server between keeps a frame.
"""
NOISE_BYTES: Final = 3
"""So many bytes beside a frame are noise: drivers that turn around leave a byte or two, and no
frame is so short. More may be a part of another frame.
"""
USUAL_FORGOTTEN: Final = 1 / 16
"""Part of what an exchange was faster than the slowest before that is forgotten, so that one slow
answer does not make the line wait for as long ever after.
"""
MOST_REMEMBERED: Final = 64
"""Frames of others that are kept, the newest; a master repeats a few dozen at most."""
LONGEST_READ: Final = 1024
"""Of what piled up on a line while nothing was asked, only so many bytes are looked at."""


@dataclass(slots=True)
class _Timed:
    """A request of ours or of another master, until when its answer may come, and the answer."""

    request: Request
    until_s: float
    answer: bytes = b""


class Voices:
    """What is known of one RTU line, over all its connections; counts what did not fit."""

    def __init__(self, counters: Counters) -> None:
        self._counters = counters
        self._wary_until_s: float | None = None
        self._quiet_from_s = -math.inf
        self._usual_s: dict[int, float] = {}
        """About the slowest exchange with each unit lately."""
        self._answered: deque[_Timed] = deque(maxlen=MOST_REMEMBERED)
        self._given_up: deque[_Timed] = deque(maxlen=MOST_REMEMBERED)
        self._asked_by_others: list[_Timed] = []
        self._strange: deque[tuple[float, bytes]] = deque(maxlen=MOST_REMEMBERED)
        """Answers to requests that were not heard, and when they are forgotten."""
        self._disputed: deque[tuple[float, bytes]] = deque(maxlen=MOST_REMEMBERED)
        """The same, of answers that were ours or not."""

    def begin(self, now_s: float) -> None:
        """Note that the line is used; the first time, nothing is known of it yet."""
        if self._wary_until_s is None:
            self._wary_until_s = now_s + WARY_S

    def heard(self, data: bytes, now_s: float, reply_s: float) -> None:
        """Note what was heard while nothing was asked; `reply_s` is how long an answer may take."""
        recent = data[-LONGEST_READ:]
        found = frames_in(recent)
        self.noise(len(data) - len(recent) + found.noise_bytes, now_s)
        self.others(found.frames, now_s, reply_s)

    def noise(self, count: int, now_s: float) -> None:
        """Note bytes that belong to no frame."""
        self._counters.noise_bytes += count
        if count > NOISE_BYTES:
            self._beware(now_s)

    def others(
        self,
        frames: tuple[bytes, ...],
        now_s: float,
        reply_s: float,
        request: Request | None = None,
    ) -> None:
        """Note frames, in their order, that are not the answer to a request of ours.

        Those that may be the answer to `request` are not judged.
        """
        for frame in frames:
            self._beware(now_s)
            if request is not None and answers(request, frame):
                self._answers_another(frame)
            elif self.is_repeated(frame, now_s):
                self._counters.repeated += 1
            elif self._is_late(frame, now_s):
                self._counters.late += 1
            else:
                self._counters.foreign += 1
                asked = request_of(frame)
                if asked is not None:
                    self._asked_by_others.append(_Timed(asked, now_s + reply_s))
                elif not self._answers_another(frame):
                    self._strange.append((now_s + WARY_S, frame))

    def ambiguous(self, frames: tuple[bytes, ...], now_s: float) -> None:
        """Note several answers to one request: those that differ, or copies of one."""
        self._beware(now_s)
        strange = [frame for frame in frames if not self.is_repeated(frame, now_s)]
        if len(set(frames)) == 1 or len(set(strange)) < 2:
            self._counters.repeated += len(frames) - 1
            return
        self._counters.foreign += len(set(strange)) - 1
        self._disputed.append((now_s + WARY_S, strange[0]))

    def explains(self, frame: bytes, now_s: float) -> bool:
        """Whether a frame is one of ours that comes again, or late."""
        return self.is_repeated(frame, now_s) or self._is_late(frame, now_s)

    def _answers_another(self, frame: bytes) -> bool:
        """Whether a frame answers a request of another master, which is then over."""
        for each in self._asked_by_others:
            if answers(each.request, frame):
                self._asked_by_others.remove(each)
                return True
        return False

    def is_repeated(self, frame: bytes, now_s: float, request: Request | None = None) -> bool:
        """Whether a frame equals a recent answer, to another request than this one."""
        return any(
            each.answer == frame and each.request != request and now_s < each.until_s
            for each in self._answered
        )

    def _is_late(self, frame: bytes, now_s: float) -> bool:
        """Whether a frame belongs to a request of ours that was given up."""
        return any(
            answers(each.request, frame) or frame_of(each.request) == frame
            for each in self._given_up
            if now_s < each.until_s
        )

    def other_master_is_answered_s(self, now_s: float) -> float:
        """Until when another master may still get an answer; in the past when none is awaited."""
        self._asked_by_others = [each for each in self._asked_by_others if now_s < each.until_s]
        return max((each.until_s for each in self._asked_by_others), default=-math.inf)

    def answered(self, request: Request, frame: bytes, took_s: float, now_s: float) -> None:
        """Note the answer to a request of ours, and how long it took."""
        usual_s = self._usual_s.get(request.unit, 0.0)
        self._usual_s[request.unit] = max(took_s, usual_s - USUAL_FORGOTTEN * (usual_s - took_s))
        self._answered.append(_Timed(request, now_s + REPEATED_WITHIN_S, frame))

    def given_up(self, request: Request, now_s: float, reply_s: float, *, waits: bool) -> None:
        """Note that a request was given up, whose unit takes at most `reply_s` seconds to answer.

        Where its answer may still come, the line `waits` for it before anything else is asked.
        """
        latest_s = now_s + (LATEST_REPLY - 1.0) * reply_s + LINE_SILENCE_S
        self._given_up.append(_Timed(request, latest_s + reply_s))
        if waits:
            self._quiet_from_s = latest_s

    @property
    def quiet_from_s(self) -> float:
        """From when on no late answer can arrive any more."""
        return self._quiet_from_s

    def listens_s(self, request: Request, frames: tuple[bytes, ...], now_s: float) -> float:
        """How long the line must be silent after these frames, answers to a request, before they
        are trusted. 0 when they can be at once.
        """
        usual_s = USUAL_FACTOR * self._usual_s.get(request.unit, FIRST_USUAL_S)
        if any(self.is_repeated(frame, now_s, request) for frame in frames):
            return max(usual_s, LINE_SILENCE_S)
        if any(now_s < each.until_s and _alike(each.request, request) for each in self._given_up):
            return max(usual_s, LINE_SILENCE_S)
        return usual_s if self._is_wary(now_s) else 0.0

    def doubts(self, request: Request, frame: bytes, now_s: float) -> bool:
        """Whether an answer must be read again, because another may have come instead: a repeated
        one, or that to another master whose requests are not heard.
        """
        if not self._is_wary(now_s):
            return False
        unit = any(
            now_s < until_s and other[0] == request.unit
            for until_s, other in (*self._strange, *self._disputed)
        )
        return unit or self.is_repeated(frame, now_s, request)

    def belongs_to_another(self, frame: bytes, now_s: float) -> bool:
        """Whether a frame equals an answer to another master whose request was not heard."""
        return any(now_s < until_s and frame == other for until_s, other in self._strange)

    def _is_wary(self, now_s: float) -> bool:
        return self._wary_until_s is None or now_s < self._wary_until_s

    def _beware(self, now_s: float) -> None:
        self._wary_until_s = now_s + WARY_S


def _alike(one: Request, other: Request) -> bool:
    """Whether the answer to one request has the form of the answer to the other."""
    return (one.unit, one.function, one.count) == (other.unit, other.function, other.count)
