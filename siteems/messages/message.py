"""A message is a code with typed values. It is decided, compared and recorded as such.

Text is made only where a person reads it (`Catalogue.text`), so that a page in another language
needs another catalogue and nothing else.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

DEEPEST: Final = 10
"""Levels of messages within messages; ours have three."""


@dataclass(frozen=True, slots=True)
class Message:
    """A code and its values.

    A value is a number, a text, a truth value, `None`, another message (such as why a plan does not
    hold), or a tuple of these.
    """

    code: str
    values: Mapping[str, Any] = field(default_factory=dict)

    def to_record(self) -> str:
        """One line of JSON: `{"code": ..., value names: ...}`; nested messages are objects too.

        It never fails, because the control cycle records a reason each time: a number that JSON
        does not have (NaN, infinity) becomes null, and a value of another type its text.
        """
        return json.dumps(
            self.as_dict(), separators=(",", ":"), allow_nan=False, ensure_ascii=False, default=str
        )

    @classmethod
    def from_record(cls, text: str) -> Message:
        """Reads `to_record`; any other text, as earlier versions recorded, is kept as it is."""
        try:
            data = json.loads(text)
            if not isinstance(data, dict) or not isinstance(data.get("code"), str):
                return recorded_text(text)
            return _message(data)
        except (ValueError, RecursionError):  # the second for brackets that are nested too deeply
            return recorded_text(text)

    def as_dict(self) -> dict[str, Any]:
        """Code and values in one flat dictionary; nested messages are dictionaries too."""
        return {"code": self.code} | {name: _plain(value) for name, value in self.values.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, Message):
        return value.as_dict()
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _message(data: Mapping[str, Any], depth: int = 0) -> Message:
    """Raises ValueError for values that are nested deeper than any of ours."""
    values = {name: _value(value, depth) for name, value in data.items() if name != "code"}
    return Message(data["code"], values)


def _value(value: Any, depth: int) -> Any:
    if depth > DEEPEST:
        raise ValueError("nested too deeply")
    if isinstance(value, dict) and isinstance(value.get("code"), str):
        return _message(value, depth + 1)
    if isinstance(value, list):
        return tuple(_value(each, depth + 1) for each in value)
    return value


@dataclass(frozen=True, slots=True)
class MessageType:
    """One kind of message: its code and its English text, with `{name:format}` for each value."""

    code: str
    template: str
    _without_values: Message = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_without_values", Message(self.code))

    def __call__(self, **values: Any) -> Message:
        """A message of this type. Those without values are made only once: the control cycle makes
        several, and a replay runs it millions of times.
        """
        return Message(self.code, values) if values else self._without_values


RECORDED_TEXT: Final = MessageType("recorded-text", "{recorded_text}")
"""A sentence as it was recorded before messages had codes."""


def recorded_text(text: str, code: str = RECORDED_TEXT.code) -> Message:
    """A message for a sentence as an earlier version recorded it, under the code it had, if any."""
    return Message(code, {"recorded_text": text})


class Catalogue:
    """The text of messages in one language."""

    def __init__(self, types: Iterable[MessageType]) -> None:
        """Raises ValueError when two types have the same code."""
        self._templates: dict[str, str] = {}
        for each in (RECORDED_TEXT, *types):
            if each.code in self._templates:
                raise ValueError(f"two message types have the code {each.code}")
            self._templates[each.code] = each.template

    def text(self, message: Message) -> str:
        """The text; for a code or values that this version does not know, the code and values."""
        values = {name: self._shown(value) for name, value in message.values.items()}
        if values.keys() == {"recorded_text"}:
            return str(values["recorded_text"])
        template = self._templates.get(message.code)
        if template is not None:
            try:
                return template.format(**values)
            except (KeyError, IndexError, ValueError, TypeError):
                pass
        shown = ", ".join(f"{name} {value}" for name, value in values.items())
        return f"{message.code}: {shown}" if shown else message.code

    def _shown(self, value: Any) -> Any:
        if isinstance(value, Message):
            return self.text(value)
        if isinstance(value, tuple):
            return ", ".join(str(self._shown(each)) for each in value)
        return value
