"""Registers to values and back."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.modbus.codec import Codec, decode, encode

GOLDEN = [
    # SDM630: 230.0 V as it stands in the meter's two registers
    (Codec("f32"), (0x4366, 0x0000), 230.0),
    (Codec("f32", scale=0.001), (0x44BB, 0x8000), 1.5),
    (Codec("f32", word_order="little"), (0x0000, 0x4366), 230.0),
    (Codec("u16", scale=0.1), (3,), 0.3),
    (Codec("i16", scale=0.1), (0xFFFF,), -0.1),
    (Codec("u32", scale=0.01), (0x0001, 0x0000), 655.36),
    (Codec("i32", word_order="little"), (0xFFFE, 0xFFFF), -2.0),
    (Codec("u64"), (0, 1, 0, 0), 4294967296.0),
    (Codec("u16", offset=-40.0), (15,), -25.0),
    (Codec("u16", scale=0.1, byte_order="little"), (0x2C01,), 30.0),
    (Codec("u32", byte_order="little"), (0x0100, 0x0200), 65538.0),
    (
        Codec("i32", word_order="little", byte_order="little"),
        (0xFEFF, 0xFFFF),
        -2.0,
    ),  # all bytes the other way
    (Codec("f32", byte_order="little"), (0x6643, 0x0000), 230.0),
    (Codec("u16", codes=((0xAA, 1.0), (0xBB, 2.0))), (0xBB,), 2.0),
]


@pytest.mark.parametrize(("codec", "registers", "value"), GOLDEN)
def test_golden_registers(codec: Codec, registers: tuple[int, ...], value: float) -> None:
    assert decode(codec, registers) == pytest.approx(value, abs=0 if codec.type != "f32" else 1e-6)
    assert encode(codec, value) == registers


@pytest.mark.parametrize(
    ("codec", "registers"),
    [
        (Codec("u16", nan=(0xFFFF,)), (0xFFFF,)),
        (Codec("i16", nan=(0x7FFF, 0x8000)), (0x7FFF,)),
        (Codec("u32", word_order="little", nan=(0xFFFF0000,)), (0x0000, 0xFFFF)),
        (Codec("f32"), (0x7FC0, 0x0000)),
        (Codec("u16", nan=(0x00FF,), byte_order="little"), (0xFF00,)),
    ],
)
def test_not_available_round_trips(codec: Codec, registers: tuple[int, ...]) -> None:
    assert decode(codec, registers) is None
    assert encode(codec, None) == registers


def test_every_marker_counts() -> None:
    assert decode(Codec("i16", nan=(0x7FFF, 0x8000)), (0x8000,)) is None


@pytest.mark.parametrize(
    ("codec", "value"),
    [
        (Codec("u16"), -1.0),
        (Codec("u16"), 65536.0),
        (Codec("i16", scale=0.1), 3276.8),
        (Codec("u16", nan=(0xFFFF,)), 65535.0),
        (Codec("f32"), 1e39),
        (Codec("u16"), math.nan),
        (Codec("f32"), math.inf),
        (Codec("u16"), None),
    ],
)
def test_a_value_that_cannot_be_encoded_is_an_error(codec: Codec, value: float | None) -> None:
    with pytest.raises(ValueError, match=r"fit|available|finite"):
        encode(codec, value)


def test_an_unknown_code_is_not_available() -> None:
    codec = Codec("u16", codes=((0xAA, 1.0), (0xBB, 2.0)))
    assert decode(codec, (0xCC,)) is None
    with pytest.raises(ValueError, match="3 has no code; there are 1, 2"):
        encode(codec, 3.0)


def test_wrong_number_of_registers() -> None:
    with pytest.raises(ValueError, match="u32 takes 2 registers, not 1"):
        decode(Codec("u32"), (1,))


@given(
    st.sampled_from(["u16", "i16", "u32", "i32", "u64"]),
    st.sampled_from(["big", "little"]),
    st.sampled_from(["big", "little"]),
    st.sampled_from([0.001, 0.01, 0.1, 1.0, 2.5]),
    st.integers(-32768, 65535),
)
def test_integers_round_trip(kind: str, order: str, bytes_: str, scale: float, raw: int) -> None:
    codec = Codec(kind, order, scale, byte_order=bytes_)  # type: ignore[arg-type]
    low, high = (-32768, 32767) if kind[0] == "i" else (0, 65535)
    raw = max(low, min(raw, high))
    value = decode(codec, encode(codec, raw * scale))
    assert value == pytest.approx(raw * scale, abs=1e-9)
    assert encode(codec, value) == encode(codec, raw * scale)
