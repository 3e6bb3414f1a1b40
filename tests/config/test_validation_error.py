"""The line that reports a problem in a file, and its parts."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from siteems.config.validation_error import (
    LONGEST_TEXT,
    ValidationError,
    choices,
    key_text,
    value_at,
    value_text,
)

DATA: dict[str, Any] = {"devices": [{"unit": 1}, {"unit": 300}], "grid": {"import_limit_kw": 12}}


def test_the_line_has_file_key_value_problem_and_what_is_allowed() -> None:
    error = ValidationError(("devices", 1, "unit"), "too large", "allowed: 1 to 247")
    assert error.line("site.toml", DATA) == (
        "site.toml: devices[1].unit = 300: too large; allowed: 1 to 247"
    )


def test_tables_and_missing_values_are_not_shown() -> None:
    table = ValidationError(("grid",), "is incomplete", "add a key")
    assert table.line("site.toml", DATA) == "site.toml: grid: is incomplete; add a key"
    missing = ValidationError(("grid", "contract_kw"), "is missing", "a number")
    assert missing.line("a", DATA) == "a: grid.contract_kw: is missing; a number"


def test_a_message_of_several_lines_becomes_one() -> None:
    error = ValidationError(("grid",), "cannot\n be read", "correct\tit")
    assert error.line("site.toml", DATA) == "site.toml: grid: cannot be read; correct it"


@pytest.mark.parametrize(
    ("key_path", "text"),
    [
        (("devices", 1, "unit"), "devices[1].unit"),
        (("links", "Cab inet", "url"), 'links."Cab inet".url'),
        (("a", 0, 3), "a[0][3]"),
        ((), ""),
    ],
)
def test_key_text(key_path: tuple[str | int, ...], text: str) -> None:
    assert key_text(key_path) == text


@pytest.mark.parametrize(
    "key_path", [("devices", 7), ("nothing",), ("grid", "import_limit_kw", "more"), ("grid", 0)]
)
def test_there_is_no_value_at_an_unknown_key_path(key_path: tuple[str | int, ...]) -> None:
    assert value_at(DATA, key_path) is None


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (1.5, "1.5"),
        (date(2026, 7, 15), "2026-07-15"),
        ("電價", '"電價"'),
        ([1], ""),
        (None, ""),
    ],
)
def test_value_text(value: object, text: str) -> None:
    assert value_text(value) == text


def test_a_long_text_is_shortened() -> None:
    text = value_text("x" * 1000)
    assert len(text) == LONGEST_TEXT + 2
    assert text.endswith('..."')


def test_choices_are_the_most_similar_name_or_all() -> None:
    assert choices("rated_hA", ["rated_ah", "chemistry"]) == "did you mean rated_ah?"
    assert choices("colour", ["b", "a"]) == "allowed: a, b"
