"""Messages: recorded as code and values, read back equal, shown as a sentence."""

import math
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from siteems.messages.message import RECORDED_TEXT, Catalogue, Message, MessageType

COLD = MessageType("too-cold", "battery at {battery_c:.0f} degC, too cold to charge")
RULES = MessageType("rules-hold", "rules, {because}: hold")
ENGLISH = Catalogue([COLD, RULES])

names = st.from_regex(r"[a-z_]{1,12}", fullmatch=True).filter(lambda name: name != "code")
plain = st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
messages = st.recursive(
    st.builds(Message, st.text(min_size=1), st.dictionaries(names, plain)),
    lambda inner: st.builds(
        Message,
        st.text(min_size=1),
        st.dictionaries(names, plain | inner | st.lists(plain | inner, max_size=3).map(tuple)),
    ),
    max_leaves=4,
)


@given(messages)
def test_a_recorded_message_is_read_back_equal(message: Message) -> None:
    assert Message.from_record(message.to_record()) == message


def test_the_text_is_made_from_the_values() -> None:
    assert ENGLISH.text(COLD(battery_c=-3.4)) == "battery at -3 degC, too cold to charge"
    nested = RULES(because=COLD(battery_c=-3.4))
    several = RULES(because=(COLD(battery_c=-3.4), "dark"))
    assert ENGLISH.text(several) == "rules, battery at -3 degC, too cold to charge, dark: hold"
    assert ENGLISH.text(nested) == "rules, battery at -3 degC, too cold to charge: hold"


@pytest.mark.parametrize("text", ["plan of 0.3 h ago", '"quoted"', "[1, 2]", '{"no": "code"}', ""])
def test_what_earlier_versions_recorded_is_shown_as_it_is(text: str) -> None:
    message = Message.from_record(text)
    assert message.code == RECORDED_TEXT.code
    assert ENGLISH.text(message) == text


def test_an_unknown_code_and_a_value_that_does_not_fit_are_shown_and_not_raised() -> None:
    assert (
        ENGLISH.text(Message("from-a-later-version", {"kw": 2.5})) == "from-a-later-version: kw 2.5"
    )
    assert ENGLISH.text(COLD(battery_c="cold")) == "too-cold: battery_c cold"
    assert ENGLISH.text(COLD()) == "too-cold"


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, np.float64("nan")])
def test_a_number_that_json_does_not_have_is_recorded_as_null(value: float) -> None:
    read_back = Message.from_record(COLD(battery_c=value).to_record())
    assert read_back.values == {"battery_c": None}
    assert ENGLISH.text(read_back) == "too-cold: battery_c None"


def test_a_value_of_another_type_is_recorded_as_its_text() -> None:
    message = Message("at", {"time": datetime(2026, 7, 15, tzinfo=UTC), "count": np.int64(3)})
    assert Message.from_record(message.to_record()).values == {
        "time": "2026-07-15 00:00:00+00:00",
        "count": "3",
    }
