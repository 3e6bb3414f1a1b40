"""What the validator found against the shape of a site, in the words of someone who edits the file."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic_core import ErrorDetails

from siteems.config.fields import NAME_FORM
from siteems.config.validation_error import Loc, ValidationError, choices

Node = Mapping[str, Any]
"""A node of the JSON schema of a site."""

KEY = "[key]"
"""How the validator marks that a table's key itself is wrong."""

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
LEADING_NUMBER = re.compile(r"\s*([+-]?\d+(?:\.\d+)?)")


def errors_of(errors: Iterable[ErrorDetails], schema: Node) -> list[ValidationError]:
    """One error for each that was made: what merely follows from another is left out."""
    kept = [error for error in errors if not _only_follows(error)]
    unknown = {error["loc"] for error in kept if error["type"] == "unexpected_keyword_argument"}
    missing = {error["loc"] for error in kept if error["type"] == "missing"}
    mistyped = {loc: _meant(loc, missing, schema) for loc in unknown}
    explained = set(mistyped.values())
    return [
        _error(error, schema, mistyped.get(error["loc"]))
        for error in kept
        if not (error["type"] == "missing" and error["loc"] in explained)
    ]


def _only_follows(error: ErrorDetails) -> bool:
    """A list is called too short also when its entries are there but wrong."""
    return error["type"] == "too_short" and len(error["input"]) >= error["ctx"]["min_length"]


def _meant(loc: Loc, missing: set[Loc], schema: Node) -> Loc | None:
    """The key that was meant by an unknown one: a missing key of the same table if one is near,
    else any near one.
    """
    table = loc[:-1]
    wanted = [str(other[-1]) for other in missing if other[:-1] == table]
    for names, cutoff in ((wanted, 0.5), (list(_node(schema, table).get("properties", {})), 0.6)):
        near = difflib.get_close_matches(str(loc[-1]), names, n=1, cutoff=cutoff)
        if near:
            return (*table, near[0])
    return None


def _error(error: ErrorDetails, schema: Node, meant: Loc | None) -> ValidationError:
    loc, kind, value = error["loc"], error["type"], error["input"]
    if kind == "unexpected_keyword_argument":
        known = _node(schema, loc[:-1]).get("properties", {})
        return ValidationError(
            loc,
            WRONG[kind],
            f"did you mean {meant[-1]}?" if meant else choices(str(loc[-1]), known),
        )
    node = _node(schema, loc)
    if isinstance(value, float) and not math.isfinite(value):
        wrong = "not a finite number"
    elif kind in ("too_short", "too_long"):
        wrong = f"has {len(value)} entries"
    else:
        wrong = WRONG.get(kind) or f"{_kind(value)} where {_wanted(node)} belongs"
    hint = None if kind == "missing" else _hint(node, value)
    return ValidationError(
        tuple(part for part in loc if part != KEY),
        wrong,
        hint or f"allowed is {_allowed(node, schema)}",
    )


def _node(schema: Node, loc: Loc) -> Node:
    """The part of the schema that speaks of a place."""
    node = schema
    for part in loc:
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


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "true or false"
    for kind, word in (
        (str, "text"),
        (int | float, "a number"),
        (list, "a list"),
        (dict, "a table"),
    ):
        if isinstance(value, kind):
            return word
    return "a value"


def _wanted(node: Node) -> str:
    if node.get("format") == "date":
        return "a date"
    words = {
        "number": "a number",
        "integer": "a whole number",
        "string": "text",
        "array": "a list",
        "object": "a table",
    }
    return words.get(node.get("type", ""), "something else")


def _hint(node: Node, value: object) -> str | None:
    """Advice for what people write most often instead."""
    if node.get("type") not in ("number", "integer") or isinstance(value, bool):
        return None
    if isinstance(value, str):
        number = LEADING_NUMBER.match(value)
        return (
            f"write {number[1]} without quotes; the unit is in the key's name" if number else None
        )
    if isinstance(value, int | float) and _is_share(node) and 1 < value <= 100:
        return f"a share 0..1, not percent: {value:g} % is {value / 100:g}"
    return None


def _is_share(node: Node) -> bool:
    return node.get("type") == "number" and 0 < node.get("maximum", math.inf) <= 1


def _allowed(node: Node, schema: Node) -> str:
    """What may stand at a place, in words."""
    if "const" in node:
        return f"{node['const']}"
    if "enum" in node:
        return " or ".join(str(choice) for choice in node["enum"])
    kind = node.get("type")
    if kind in ("number", "integer"):
        return _wanted(node) + _bounds(node)
    if kind == "array":
        return _list_words(node, schema)
    if kind == "object":
        keys = node.get("required") or list(node.get("properties", {}))
        return f"a table with {', '.join(keys)}" if keys else "a table with at least one entry"
    if kind == "string":
        return (
            "a date such as 2026-07-01"
            if node.get("format") == "date"
            else node.get("description", "text in quotes")
        )
    return "nothing else than what the examples show"


def _list_words(node: Node, schema: Node) -> str:
    least, most = node.get("minItems", 0), node.get("maxItems")
    count = f"{least} " if least == most else f"at least {least} " if least else ""
    if "items" not in node:
        return f"a list of {count}values"
    return f"a list of {count}entries, each {_allowed(_resolved(node['items'], schema), schema)}"


def _bounds(node: Node) -> str:
    low, above = node.get("minimum"), node.get("exclusiveMinimum")
    high, below = node.get("maximum"), node.get("exclusiveMaximum")
    parts = [
        f"{word} {bound:g}"
        for word, bound in (
            ("above", above),
            ("at least", low),
            ("below", below),
            ("at most", high),
        )
        if bound is not None
    ]
    if low is not None and high is not None:
        return f" from {low:g} to {high:g}"
    return f" {' and '.join(parts)}" if parts else ""
