"""From the errors of pydantic to messages for the person who edits the file.

Pydantic names types and rules of Python; here each error becomes what is wrong and what is allowed,
taken from the JSON schema of the file.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic_core import ErrorDetails

from siteems.config.fields import LARGEST, NAME_FORM
from siteems.config.validation_error import KeyPath, ValidationError, choices

Node = Mapping[str, Any]
"""A node of a JSON schema."""

KEY = "[key]"
"""Pydantic appends this to the key path when the key of a table itself is wrong."""

WRONG = {
    "missing": "is missing",
    "unexpected_keyword_argument": "unknown key",
    "greater_than": "too small",
    "greater_than_equal": "too small",
    "less_than": "too large",
    "less_than_equal": "too large",
    "literal_error": "not known",
    "string_pattern_mismatch": "has the wrong form",
    "string_too_long": "too long",
    "date_parsing": "no such date",
    "date_from_datetime_parsing": "no such date",
    "date_from_datetime_inexact": "has a time of day",
}
"""What is wrong, by pydantic's type of error."""
TYPE_NAMES = {
    "number": "a number",
    "integer": "a whole number",
    "string": "text",
    "array": "a list",
    "object": "a table",
}
"""By type of the JSON schema."""
LEADING_NUMBER = re.compile(r"\s*([+-]?\d+(?:\.\d+)?)")


def validation_errors(errors: Iterable[ErrorDetails], schema: Node) -> list[ValidationError]:
    """One error for each problem. An error that merely follows from another is left out."""
    kept = [error for error in errors if not _is_consequence(error)]
    unknown = {error["loc"] for error in kept if error["type"] == "unexpected_keyword_argument"}
    missing = {error["loc"] for error in kept if error["type"] == "missing"}
    mistyped = {key_path: _intended(key_path, missing, schema) for key_path in unknown}
    explained = set(mistyped.values())  # a mistyped key is reported once, as unknown
    return [
        _error(error, schema, mistyped.get(error["loc"]))
        for error in kept
        if not (error["type"] == "missing" and error["loc"] in explained)
    ]


def _is_consequence(error: ErrorDetails) -> bool:
    """Pydantic reports a list as too short also when all entries are there and some are wrong."""
    return error["type"] == "too_short" and len(error["input"]) >= error["ctx"]["min_length"]


def _intended(key_path: KeyPath, missing: set[KeyPath], schema: Node) -> KeyPath | None:
    """The key that was probably meant by an unknown one.

    A missing key of the same table is more likely than a key that has a default, so it may be less
    similar.
    """
    table = key_path[:-1]
    required = [str(other[-1]) for other in missing if other[:-1] == table]
    every = list(_node(schema, table).get("properties", {}))
    for names, cutoff in ((required, 0.5), (every, 0.6)):
        near = difflib.get_close_matches(str(key_path[-1]), names, n=1, cutoff=cutoff)
        if near:
            return (*table, near[0])
    return None


def _error(error: ErrorDetails, schema: Node, intended: KeyPath | None) -> ValidationError:
    key_path, kind, value = error["loc"], error["type"], error["input"]
    if kind == "unexpected_keyword_argument":
        if intended is not None:
            hint = f"did you mean {intended[-1]}?"
        else:
            keys = _node(schema, key_path[:-1]).get("properties", {})
            hint = choices(str(key_path[-1]), keys)
        return ValidationError(key_path, WRONG[kind], hint)
    if kind == "value_error":  # its text has what is wrong; what is allowed
        wrong, _, allowed = str(error["ctx"]["error"]).partition("; ")
        return ValidationError(key_path, wrong, allowed or "correct it")
    node = _node(schema, key_path)
    advice = None if kind == "missing" else _advice(node, value)
    return ValidationError(
        tuple(part for part in key_path if part != KEY),
        _wrong(kind, value, node),
        advice or f"allowed: {_allowed(node, schema)}",
    )


def _wrong(kind: str, value: object, node: Node) -> str:
    if isinstance(value, float) and not math.isfinite(value):
        return "not a finite number"
    if kind in ("too_short", "too_long") and isinstance(value, list | dict):
        return f"has {len(value)} entries"
    return WRONG.get(kind) or f"is {_type_of(value)}, not {_type_name(node)}"


def _node(schema: Node, key_path: KeyPath) -> Node:
    """The part of the schema that describes the value at a key path."""
    node = schema
    for part in key_path:
        if part == KEY:
            node = {"type": "string", "description": NAME_FORM}
        elif isinstance(part, int):
            listed = node.get("prefixItems", [])
            node = listed[part] if part < len(listed) else node.get("items", {})
        elif part in node.get("properties", {}):
            node = node["properties"][part]
        else:
            node = next(iter(node.get("patternProperties", {}).values()), {})
        node = _resolved(node, schema)
    return node


def _resolved(node: Node, schema: Node) -> Node:
    if "anyOf" in node:
        node = next(option for option in node["anyOf"] if option.get("type") != "null")
    if "$ref" in node:
        node = schema["$defs"][node["$ref"].rsplit("/", 1)[-1]]
    return node


def _type_of(value: object) -> str:
    if isinstance(value, bool):  # first, because a bool is an int in Python
        return "true or false"
    for kind, name in (
        (str, "text"),
        (int | float, "a number"),
        (list, "a list"),
        (dict, "a table"),
    ):
        if isinstance(value, kind):
            return name
    return "a value"


def _type_name(node: Node) -> str:
    if node.get("format") == "date":
        return "a date"
    return TYPE_NAMES.get(node.get("type", ""), "something else")


def _advice(node: Node, value: object) -> str | None:
    """Advice for the most frequent slips: a unit written after the number, percent for a share."""
    if node.get("type") not in ("number", "integer") or isinstance(value, bool):
        return None
    if isinstance(value, str):
        number = LEADING_NUMBER.match(value)
        if number is None:
            return None
        return f"write {number[1]} without quotes; the unit is in the key's name"
    if isinstance(value, int | float) and LARGEST < abs(value) < math.inf:
        return f"allowed: at most {LARGEST:g} in size"
    if isinstance(value, int | float) and _is_share(node) and 1 < value <= 100:
        return f"this is a share from 0 to 1: write {value / 100:g} for {value:g} %"
    return None


def _is_share(node: Node) -> bool:
    return node.get("type") == "number" and 0 < node.get("maximum", math.inf) <= 1


def _allowed(node: Node, schema: Node) -> str:
    if "const" in node:
        return f"{node['const']}"
    if "enum" in node:
        return " or ".join(str(choice) for choice in node["enum"])
    kind = node.get("type")
    if kind in ("number", "integer"):
        return _type_name(node) + _bounds(node)
    if kind == "array":
        return _allowed_list(node, schema)
    if kind == "object":
        keys = node.get("required") or list(node.get("properties", {}))
        return f"a table with {', '.join(keys)}" if keys else "a table with at least one entry"
    if kind == "string":
        if node.get("format") == "date":
            return "a date such as 2026-07-01"
        return str(node.get("description", "text in quotes"))
    return "see the example sites in seeds/"


def _allowed_list(node: Node, schema: Node) -> str:
    least, most = node.get("minItems", 0), node.get("maxItems")
    count = ""
    if least:
        count = f"{least} " if least == most else f"at least {least} "
    if "items" not in node:
        return f"a list of {count}values"
    return f"a list of {count}entries, each {_allowed(_resolved(node['items'], schema), schema)}"


def _bounds(node: Node) -> str:
    low, high = node.get("minimum"), node.get("maximum")
    low = None if low == -LARGEST else low
    high = None if high == LARGEST else high
    if low is not None and high is not None:
        return f" from {low:g} to {high:g}"
    bounds = (
        ("above", node.get("exclusiveMinimum")),
        ("of at least", low),
        ("below", node.get("exclusiveMaximum")),
        ("of at most", high),
    )
    parts = [f"{relation} {bound:g}" for relation, bound in bounds if bound is not None]
    return f" {' and '.join(parts)}" if parts else ""
