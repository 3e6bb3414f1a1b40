"""Requests as a server takes them out of received bytes: compared with frames and checksums of
another library.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymodbus.framer import FramerRTU, FramerSocket
from pymodbus.pdu import DecodePDU, ModbusPDU
from pymodbus.pdu.register_message import (
    ReadHoldingRegistersRequest,
    ReadInputRegistersRequest,
    WriteMultipleRegistersRequest,
    WriteSingleRegisterRequest,
)

from drivers.modbus.rtu_frames import crc16
from drivers.simulated.modbus_frames import Framing, Request, reply_frame, take_requests

FRAMERS = {"tcp": FramerSocket(DecodePDU(True)), "rtu": FramerRTU(DecodePDU(True))}
FUNCTIONS = {1, 2, 3, 4, 5, 6, 15, 16, 22, 23, 43}
FRAMINGS = pytest.mark.parametrize("framing", ["tcp", "rtu"])

units, words = st.integers(1, 247), st.integers(0, 0xFFFF)
reads = st.sampled_from([ReadHoldingRegistersRequest, ReadInputRegistersRequest])
theirs = st.one_of(
    st.builds(
        lambda kind, u, at, n: kind(address=at, count=n, dev_id=u),
        reads,
        units,
        words,
        st.integers(1, 125),
    ),
    st.builds(
        lambda u, at, w: WriteSingleRegisterRequest(address=at, registers=[w], dev_id=u),
        units,
        words,
        words,
    ),
    st.builds(
        lambda u, at, ws: WriteMultipleRegistersRequest(address=at, registers=ws, dev_id=u),
        units,
        words,
        st.lists(words, min_size=1, max_size=123),
    ),
)


def as_ours(framing: Framing, pdu: ModbusPDU) -> Request:
    return Request(
        pdu.dev_id, pdu.function_code, pdu.encode(), pdu.transaction_id if framing == "tcp" else 0
    )


@FRAMINGS
@given(pdus=st.lists(theirs, min_size=1, max_size=4), cut=st.integers(0, 300), number=words)
def test_requests_of_another_library_are_taken_whole_and_in_pieces(
    framing: Framing, pdus: list[ModbusPDU], cut: int, number: int
) -> None:
    for pdu in pdus:
        pdu.transaction_id = number
    stream = b"".join(FRAMERS[framing].buildFrame(pdu) for pdu in pdus)
    received = bytearray(stream[:cut])
    found = list(take_requests(framing, received))
    received += stream[cut:]
    found += take_requests(framing, received)
    assert found == [as_ours(framing, pdu) for pdu in pdus]
    assert not received


@given(
    pdu=theirs.filter(lambda pdu: pdu.dev_id not in FUNCTIONS),
    noise=st.binary(max_size=8).filter(lambda noise: not FUNCTIONS & set(noise)),
)
def test_an_rtu_request_is_found_behind_noise(pdu: ModbusPDU, noise: bytes) -> None:
    """Noise that looks like the beginning of a request may hide the one behind it; in the server,
    silence on the line ends that.
    """
    received = bytearray(noise + FRAMERS["rtu"].buildFrame(pdu))
    assert list(take_requests("rtu", received)) == [as_ours("rtu", pdu)]


@given(pdu=theirs, index=st.integers(0), flip=st.integers(1, 255))
def test_a_changed_byte_is_no_rtu_request(pdu: ModbusPDU, index: int, flip: int) -> None:
    frame = bytearray(FRAMERS["rtu"].buildFrame(pdu))
    frame[index % len(frame)] ^= flip
    assert as_ours("rtu", pdu) not in list(take_requests("rtu", frame))


@given(data=st.binary(max_size=260))
def test_the_checksum_equals_that_of_another_library(data: bytes) -> None:
    assert crc16(data) == FramerRTU.compute_CRC(data).to_bytes(2, "big")


@given(data=st.binary(max_size=600))
@FRAMINGS
def test_any_bytes_are_tolerated(framing: Framing, data: bytes) -> None:
    received = bytearray(data)
    for request in take_requests(framing, received):
        assert reply_frame(framing, request, b"\x83\x02")
    assert len(received) <= 264


def test_bytes_that_are_not_modbus_are_discarded() -> None:
    received = bytearray(b"GET / HTTP/1.1\r\n\r\n")
    assert list(take_requests("tcp", received)) == []
    assert not received
