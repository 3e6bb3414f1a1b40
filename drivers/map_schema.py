"""What the map files of all protocols have in common: their schema base and how errors are worded.

A wrong map raises MapError with one sentence: file, key, value, what is wrong, what is allowed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from drivers.errors import MapError
from drivers.roles import Role, missing_points
from drivers.toml_text import TomlError, read_toml

Evidence = Literal["captured", "documented", "manual", "simulated"]
"""How the facts of a map are known: seen on a real unit, taken from public documents or drivers,
from the maker's manual, or made up here for the simulator.
"""
Finite = Annotated[float, Field(allow_inf_nan=False)]
MapName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=64)]
Text = Annotated[str, Field(min_length=1)]


class MapPart(BaseModel):
    """Base of all parts of a map: frozen, and without unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)


M = TypeVar("M", bound=MapPart)


def parse_toml(text: str, file: str, model: type[M], parts: Mapping[str, type[MapPart]]) -> M:
    """The map in a TOML text, checked against the types and ranges of its model.

    `parts` has the model of each table, by its key; `file` is named in errors. Raises MapError.
    """
    try:
        return model.model_validate(read_toml(text))
    except TomlError as exc:
        raise MapError(f"{file}: not a TOML file: {exc}") from None
    except ValidationError as exc:
        raise MapError(f"{file}: {_sentence(exc, parts, model)}") from None


def role_faults(roles: Iterable[Role], points: Mapping[str, object]) -> Iterable[str]:
    """A sentence for each role of a map whose points are incomplete."""
    for role in roles:
        if missing := missing_points(role, points):
            yield f"roles = {role!r}: this role needs the points {', '.join(missing)}"


def _sentence(
    error: ValidationError, parts: Mapping[str, type[MapPart]], whole: type[MapPart]
) -> str:
    """The first error of the validator, as "key = value: what is wrong; what is allowed"."""
    first = error.errors(include_url=False)[0]
    steps = [f"[{step}]" if isinstance(step, int) else f".{step}" for step in first["loc"]]
    key = "".join(steps).lstrip(".")
    if first["type"] == "missing":
        return f"{key}: is missing"
    if first["type"] == "extra_forbidden":
        part = parts[str(first["loc"][0])] if len(first["loc"]) > 1 else whole
        return f"{key} = {first['input']!r}: unknown key; known are {', '.join(part.model_fields)}"
    message = first["msg"][0].lower() + first["msg"][1:]
    return f"{key} = {_short(first['input'])}: {message}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
