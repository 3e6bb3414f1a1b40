"""One open RTU line: sends a request into silence, and hears its answer among all other frames.

An answer is accepted if the line brought it alone: after the echo of the request, where the line
has one, and before a silence. What else was heard is left to `voices.py`.
"""

from __future__ import annotations

import asyncio
from typing import Final

from drivers.address import Address
from drivers.modbus.protocol import WRITE_ONE
from drivers.modbus.request import Answer, Disturbed, Request
from drivers.modbus.rtu_frames import (
    Heard,
    answer_of,
    answers,
    answers_otherwise,
    frame_of,
    frames_in,
)
from drivers.modbus.voices import NOISE_BYTES, Voices
from drivers.wire import Wire

GAP_CHARACTERS: Final = 3.5
"""Silence between two frames (MODBUS over Serial Line V1.02, section 2.5.1.1)."""
CHARACTER_BITS: Final = 11
"""Start, data, parity and stop bits."""
SHORTEST_GAP_S: Final = 0.00175
"""The same section: above 19200 baud the silence does not become shorter."""
FIXED_GAP_ABOVE: Final = 19200
UNKNOWN_BAUD: Final = 9600
"""Assumed behind a serial server, whose URL has no rate: the rate of most devices."""
BUSY_REPLIES: Final = 2.0
"""A line that was not silent for so many times the slowest reply is given up for now, so that one
that never falls silent costs a bounded time.
"""


MOST_HEARD: Final = 640
"""Bytes of one exchange. Echo, answer and a copy of it are fewer; more are noise without an end."""


class LineBusy(Exception):
    """The line was never silent, so nothing was sent."""


def gap_s(address: Address) -> float:
    """Silence between two frames on a line."""
    baud = address.baud or UNKNOWN_BAUD
    if baud > FIXED_GAP_ABOVE:
        return SHORTEST_GAP_S
    return GAP_CHARACTERS * CHARACTER_BITS / baud


class RtuLine:
    """A line of one connection. `echoes` is how often it repeats each request to its sender, as a
    read has shown; None = not known yet.
    """

    def __init__(self, wire: Wire, voices: Voices, gap_s: float) -> None:
        self._wire, self._voices, self._gap_s = wire, voices, gap_s
        self.echoes: int | None = None
        self.last_byte_s = _now()

    @property
    def connected(self) -> bool:
        """Whether nothing has shown yet that the line is gone."""
        return self._wire.is_open

    def close(self) -> None:
        """Close the line."""
        self._wire.close()

    async def ask(self, request: Request, reply_s: float) -> Answer:
        """The answer to a request, within `reply_s` seconds from when it is sent.

        Raises TimeoutError, LineBusy, Disturbed; EOFError or OSError when the line is gone.
        """
        frame = await self._exchange(request, reply_s)
        if request.is_read and self._voices.doubts(request, frame, _now()):
            again = await self._exchange(request, reply_s)
            if again != frame:
                raise Disturbed("it was read twice, with two results", answered=True)
        return answer_of(frame)

    async def _exchange(self, request: Request, reply_s: float) -> bytes:
        self._voices.begin(_now())
        await self._wait_for_silence(reply_s)
        self._wire.send(frame_of(request))
        sent_s, data = _now(), bytearray()
        try:
            async with asyncio.timeout_at(sent_s + reply_s):
                while not self._is_answered(request, data):
                    data += await self._wire.receive()
                    self._refuse_endless(data)
        except TimeoutError:
            # What arrived while this process was not running counts too.
            data += await self._wire.arrived()
            if not self._is_answered(request, data):
                self._note_unanswered(request, frames_in(data, request), reply_s)
                raise
        took_s = _now() - sent_s
        await self._listen(request, data)
        frame = self._judged(request, frames_in(data, request), reply_s)
        self._voices.answered(request, frame, took_s, _now())
        return frame

    async def _wait_for_silence(self, reply_s: float) -> None:
        """Return when the line is silent, and no other master waits for an answer."""
        patience_s = _now() + BUSY_REPLIES * reply_s
        heard = bytearray(await self._wire.arrived())
        while True:
            awaited_s = self._voices.other_master_is_answered_s(_now()) - _now()
            if not heard and awaited_s <= 0.0:
                return
            if _now() > patience_s:
                self._voices.heard(bytes(heard), _now(), reply_s)
                raise LineBusy
            more = await self._within(self._gap_s if heard else awaited_s)
            heard += more
            if len(heard) > MOST_HEARD:
                self._voices.noise(len(heard) - 1, _now())
                del heard[:-1]  # what is left keeps this waiting for a silence
            if not more and heard:
                self._voices.heard(bytes(heard), _now(), reply_s)
                heard.clear()

    async def _listen(self, request: Request, data: bytearray) -> None:
        """Add to `data` what follows the answer, until there is enough silence."""
        while True:
            frames = tuple(
                frame for frame in frames_in(data, request).frames if answers(request, frame)
            )
            self.last_byte_s = _now()
            listens_s = self._voices.listens_s(request, frames, _now())
            more = await self._within(max(self._gap_s, listens_s))
            if not more:
                return
            data += more
            self._refuse_endless(data)

    def _refuse_endless(self, data: bytearray) -> None:
        if len(data) > MOST_HEARD:
            self._voices.noise(len(data), _now())
            raise Disturbed("noise was heard without an end", answered=False)

    async def _within(self, seconds: float) -> bytes:
        """The next bytes; none if there are none for so long."""
        try:
            async with asyncio.timeout(seconds):
                return await self._wire.receive()
        except TimeoutError:
            return await self._wire.arrived()

    def _is_answered(self, request: Request, data: bytearray) -> bool:
        """Whether an answer of the unit is among the frames, be it the right one or not."""
        frames = frames_in(data, request).frames
        if request.function == WRITE_ONE:
            copies = frames.count(frame_of(request))
            if copies and copies <= (self.echoes or 0):
                frames = tuple(frame for frame in frames if frame != frame_of(request))
        return any(
            answers(request, frame)
            or (answers_otherwise(request, frame) and not self._voices.explains(frame, _now()))
            for frame in frames
            if request.function == WRITE_ONE or frame != frame_of(request)
        )

    def _note_unanswered(self, request: Request, heard: Heard, reply_s: float) -> None:
        echoes, others = _without_echo(request, heard.frames)
        if echoes and request.function != WRITE_ONE:
            self.echoes = echoes
        self._voices.noise(heard.noise_bytes, _now())
        self._voices.others(others, _now(), reply_s)

    def _judged(self, request: Request, heard: Heard, reply_s: float) -> bytes:
        """The frame that answers the request. Raises `Disturbed` where it cannot be trusted."""
        echoes, rest = _without_echo(request, heard.frames)
        if request.function == WRITE_ONE:
            # Its confirmation equals its echo: as many copies as the line has echoes prove nothing.
            rest = (*rest, *(frame_of(request),) * max(0, echoes - (self.echoes or 0)))
        now_s = _now()
        fitting = tuple(frame for frame in rest if answers(request, frame))
        others = tuple(frame for frame in rest if not answers(request, frame))
        unknown = [frame for frame in others if not self._voices.explains(frame, now_s)]
        self._voices.noise(heard.noise_bytes, now_s)
        if not fitting and len(unknown) == 1 and answers_otherwise(request, unknown[0]):
            return unknown[0]  # the unit answered something else; the link says what
        self._voices.others(rest if unknown else others, now_s, reply_s, request)
        if unknown:
            raise Disturbed("another master was heard", answered=bool(fitting))
        if len(fitting) > 1:
            self._voices.ambiguous(fitting, now_s)
        if len(set(fitting)) > 1:
            raise Disturbed("two different answers were heard", answered=True)
        if heard.noise_bytes > NOISE_BYTES or not fitting:
            raise Disturbed("noise was heard", answered=bool(fitting))
        if self._voices.belongs_to_another(fitting[0], now_s):
            raise Disturbed("another master got the same answer", answered=True)
        if request.function != WRITE_ONE and self.echoes != echoes:
            known, self.echoes = self.echoes, echoes if self.echoes is None else None
            if known is not None:
                raise Disturbed("the line began or ceased to repeat requests", answered=True)
        return fitting[0]


def _without_echo(request: Request, frames: tuple[bytes, ...]) -> tuple[int, tuple[bytes, ...]]:
    """How many frames at the beginning equal the request, and the frames after them."""
    own, echoes = frame_of(request), 0
    while echoes < len(frames) and frames[echoes] == own:
        echoes += 1
    return echoes, frames[echoes:]


def _now() -> float:
    return asyncio.get_running_loop().time()
