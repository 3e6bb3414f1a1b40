"""Frames and numbers, encoded and decoded; noise never becomes a frame."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.dlt645.frame import ANYONE, READ, REPLY, Frame, encode_frame, take_frames
from drivers.dlt645.numbers import Decimal645, decode_number, encode_number

frames = st.builds(
    Frame,
    address=st.from_regex(r"[0-9]{12}", fullmatch=True),
    control=st.integers(0, 255),
    data=st.binary(max_size=200),
)
forms = st.builds(
    Decimal645, size=st.integers(1, 5), decimals=st.integers(0, 4), signed=st.booleans()
)


def test_the_printed_example_of_a_read() -> None:
    # 012345678901 asked for its total active power: address and identifier lowest byte first, 33H
    # added to the data.
    sent = encode_frame(Frame("012345678901", READ, bytes.fromhex("00000302")))
    assert sent.hex(" ") == "fe fe fe fe 68 01 89 67 45 23 01 68 11 04 33 33 36 35 10 16"


@given(
    frame=frames,
    noise=st.binary(max_size=20).filter(lambda b: 0x68 not in b),
    cut=st.integers(0, 40),
)
def test_a_frame_survives_noise_and_pieces(frame: Frame, noise: bytes, cut: int) -> None:
    stream = noise + encode_frame(frame)
    received = bytearray(stream[:cut])
    found = list(take_frames(received))
    received += stream[cut:]
    assert [*found, *take_frames(received)] == [frame]
    assert not received


@given(frame=frames, index=st.integers(0), flip=st.integers(1, 255))
def test_a_frame_with_a_changed_byte_is_never_taken_for_the_original(
    frame: Frame, index: int, flip: int
) -> None:
    sent = bytearray(encode_frame(frame))
    sent[4 + index % (len(sent) - 4)] ^= flip
    assert all(found != frame for found in take_frames(sent))


@given(frame=frames, length=st.integers(0, 230))
def test_an_incomplete_frame_is_not_taken(frame: Frame, length: int) -> None:
    sent = encode_frame(frame)
    assert list(take_frames(bytearray(sent[: min(length, len(sent) - 1)]))) in ([], [frame][:0])


@pytest.mark.parametrize("address", ["", "1234", "01234567890A", "AAAAAAAAAAA1", "0123456789012"])
def test_an_address_has_twelve_digits(address: str) -> None:
    with pytest.raises(ValueError, match="12 digits"):
        encode_frame(Frame(address, READ, b""))
    assert encode_frame(Frame(ANYONE, REPLY, b""))


@given(form=forms, share=st.floats(-1, 1))
def test_numbers_round_trip(form: Decimal645, share: float) -> None:
    value = round(share * form.largest, form.decimals)
    if value < 0 and not form.signed:
        with pytest.raises(ValueError, match="does not fit"):
            encode_number(form, value)
        return
    assert decode_number(form, encode_number(form, value)) == pytest.approx(
        value, abs=0.1**form.decimals / 2
    )


@given(form=forms)
def test_numbers_at_their_limits(form: Decimal645) -> None:
    for value in (0.0, form.largest, -form.largest if form.signed else 0.0):
        assert decode_number(form, encode_number(form, value)) == pytest.approx(value)
    with pytest.raises(ValueError, match="does not fit"):
        encode_number(form, form.largest * 1.01 + 1)


@pytest.mark.parametrize("data", ["ffffff", "eeeeee", "00000a", "00a000", "ffff7f"])
def test_a_number_with_a_nibble_that_is_not_a_digit_is_unknown(data: str) -> None:
    assert decode_number(Decimal645(3, 4, signed=True), bytes.fromhex(data)) is None


def test_the_sign_is_the_highest_bit() -> None:
    assert decode_number(Decimal645(3, 4, signed=True), bytes.fromhex("452381")) == -1.2345
