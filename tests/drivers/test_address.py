"""Every form of a link's URL, and the message for an invalid one."""

import pytest

from drivers.address import FORMS, Address, parse_address


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("tcp://10.0.0.7:502", Address("tcp", host="10.0.0.7", port=502)),
        ("tls://gateway:802", Address("tls", host="gateway", port=802)),
        ("rtu+tcp://10.0.0.7:4001", Address("rtu+tcp", host="10.0.0.7", port=4001)),
        ("rtu:///dev/ttyS1", Address("rtu", device="/dev/ttyS1", baud=9600, parity="N")),
        (
            "rtu:///dev/ttyS1?baud=19200&parity=E&stop=2",
            Address("rtu", device="/dev/ttyS1", baud=19200, parity="E", stop_bits=2),
        ),
        ("dlt645+tcp://10.0.0.7:4001", Address("dlt645+tcp", host="10.0.0.7", port=4001)),
        ("dlt645:///dev/ttyS1", Address("dlt645", device="/dev/ttyS1", baud=2400, parity="E")),
    ],
)
def test_the_parts_of_a_url(url: str, parts: Address) -> None:
    assert parse_address(url) == parts


def test_the_forms_in_the_messages_are_valid() -> None:
    for protocol, form in FORMS.items():
        assert parse_address(form.replace("port", "502")).protocol == protocol


@pytest.mark.parametrize(
    "url",
    [
        "10.0.0.7:502",
        "http://10.0.0.7:502",
        "tcp://10.0.0.7",
        "tcp://10.0.0.7:0",
        "tcp://10.0.0.7:65536",
        "tcp://10.0.0.7:0x1",
        "tcp://10.0.0.7:502/path",
        "tcp://user@10.0.0.7:502",
        "tls://:802",
        "rtu://ttyS1",
        "rtu:///dev/ttyS1?baud=1000",
        "rtu:///dev/ttyS1?parity=X",
        "rtu:///dev/ttyS1?stop=3",
        "rtu:///dev/ttyS1?speed=9600",
        "dlt645://host:1/dev/ttyS1",
    ],
)
def test_an_invalid_url_is_explained(url: str) -> None:
    with pytest.raises(ValueError, match="must look like"):
        parse_address(url)
