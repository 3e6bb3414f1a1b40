"""The result of a proof in the record: of which battery it is, and what becomes of it."""

from __future__ import annotations

import pytest
from control_cases import image, limits

from siteems.control import reasons
from siteems.control.intent import Intent
from siteems.history.records import AlarmRecord, RecordError
from siteems.operations.battery_sign import BatterySign, kept_result, kept_text
from siteems.site.model import Site

PLAN = Intent(-6.0, "plan", reasons.FOLLOW_PLAN())
NAME = "it some-map 0a0b 1111 2222"


@pytest.mark.parametrize(
    ("name", "result"),
    [
        (NAME, "proved"),
        ("it some-map 0a0b 1111 ?", "proved"),  # a part that was not read
        ("it some-map 0a0b 1111 3333", None),  # another firmware
        ("it some-map ffff 1111 2222", None),  # the map reads it differently
        ("it some-map 0a0b 1111", None),
        ("it some-map 0a0b 1111 2222 other map 1", None),
    ],
)
def test_a_result_is_that_of_one_battery(name: str, result: str | None) -> None:
    assert kept_result(kept_text(NAME, "proved", image().time), name) == result
    unread = kept_text("it some-map 0a0b ? 2222", "proved", image().time)
    assert kept_result(unread, NAME) == "proved"


@pytest.mark.parametrize(
    "kept",
    [None, "", "{", "[]", "3", '{"battery": 3, "result": "proved"}', '{"result": "proved"}',
     '{"battery": "it some-map 0a0b 1111 2222", "result": "perhaps"}'],
)  # fmt: skip
def test_what_is_no_result_proves_nothing(kept: str | None) -> None:
    assert kept_result(kept, NAME) is None


class Facts:
    def __init__(self) -> None:
        self.kept: dict[str, str] = {}
        self.full = False

    def set_fact(self, key: str, value: str) -> None:
        if self.full:
            raise RecordError("the disk is full")
        self.kept[key] = value


class Bench:
    def __init__(self, site: Site) -> None:
        self.name: str | None = NAME
        self.reported: list[AlarmRecord] = []
        self.facts = Facts()
        self.sign = BatterySign(site, lambda: self.name, self.facts, self.reported.append)

    def intent(self) -> Intent:
        return self.sign.intent(PLAN, image(), limits())


@pytest.mark.parametrize(
    ("result", "follows"), [("proved", True), ("doubted", False), ("contradicted", True)]
)
def test_a_restart_takes_up_the_result(hangzhou: Site, result: str, follows: bool) -> None:
    """What is contradicted is released after the decision; a doubt is decided by a step."""
    bench = Bench(hangzhou)
    bench.sign.recall(kept_text(NAME, result, image().time))  # type: ignore[arg-type]  # a result
    assert (bench.intent() == PLAN) is follows


@pytest.mark.parametrize(("name", "follows"), [("", True), (None, False), (NAME, False)])
def test_a_simulated_battery_has_nothing_to_prove_and_an_unknown_one_is_held(
    hangzhou: Site, name: str | None, follows: bool
) -> None:
    bench = Bench(hangzhou)
    bench.name = name
    assert (bench.intent() == PLAN) is follows
    assert bench.intent().level == PLAN.level


def test_another_battery_is_proved_anew_and_one_that_is_silent_is_the_same(hangzhou: Site) -> None:
    bench = Bench(hangzhou)
    bench.sign.recall(kept_text(NAME, "proved", image().time))
    assert bench.intent() == PLAN
    bench.name = None
    assert bench.intent() == PLAN
    bench.name = NAME.replace("2222", "3333")
    assert bench.intent() != PLAN
