"""A message is a code with typed values. It is decided, compared and recorded as such.

Text is made only where a person reads it (`Catalogue.text`), so that a page in another language
needs another catalogue and nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Message:
    """A code and its values. A value may be a message itself, such as why a plan does not hold."""

    code: str
    values: Mapping[str, Any] = field(default_factory=dict)

    def to_record(self) -> str:
        """One line of JSON: `{"code": ..., value names: ...}`; nested messages are objects too."""
        return json.dumps(
            self.as_dict(), separators=(",", ":"), allow_nan=False, ensure_ascii=False
        )

    @classmethod
    def from_record(cls, text: str) -> Message:
        """Reads `to_record`; any other text, as older versions recorded, is kept as it is."""
        try:
            data = json.loads(text)
        except ValueError:
            data = None
        if not isinstance(data, dict) or not isinstance(data.get("code"), str):
            return recorded_text(text)
        return cls._of(data)

    def as_dict(self) -> dict[str, Any]:
        """Code and values in one flat dictionary; nested messages are dictionaries too."""
        values = {
            name: value.as_dict() if isinstance(value, Message) else value
            for name, value in self.values.items()
        }
        return {"code": self.code} | values

    @classmethod
    def _of(cls, data: Mapping[str, Any]) -> Message:
        values = {
            name: cls._of(value) if isinstance(value, dict) and "code" in value else value
            for name, value in data.items()
            if name != "code"
        }
        return cls(data["code"], values)


@dataclass(frozen=True, slots=True)
class MessageType:
    """One kind of message: its code and its English text, with `{name:format}` for each value."""

    code: str
    template: str

    def __call__(self, **values: Any) -> Message:
        """A message of this type."""
        return Message(self.code, values)


RECORDED_TEXT: Final = MessageType("recorded-text", "{recorded_text}")
"""A sentence as it was recorded before messages had codes."""


def recorded_text(text: str, code: str = RECORDED_TEXT.code) -> Message:
    """A message for a sentence as an earlier version recorded it, under the code it had, if any."""
    return Message(code, {"recorded_text": text})


class Catalogue:
    """The text of messages in one language."""

    def __init__(self, types: Iterable[MessageType]) -> None:
        self._templates = {each.code: each.template for each in (RECORDED_TEXT, *types)}

    def text(self, message: Message) -> str:
        """The sentence; of a code or value that this version does not know, the code and values."""
        values = {
            name: self.text(value) if isinstance(value, Message) else value
            for name, value in message.values.items()
        }
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
