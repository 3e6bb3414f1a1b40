"""Programmes in files: by name those that come with siteems, others as a `.toml` file."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pydantic
from pydantic import TypeAdapter

from drivers.toml_text import TomlError, read_toml
from siteems.config.schema_messages import validation_errors
from siteems.config.seeds import seeds_folder
from siteems.config.validation_error import choices
from siteems.demand_response.programme import Programme, programme_errors
from siteems.errors import UserError

FOLDER = "programmes"


def known_programmes() -> tuple[str, ...]:
    """Names of the programmes that come with siteems, sorted."""
    return tuple(sorted(path.stem for path in (seeds_folder() / FOLDER).glob("*.toml")))


def find_programme(name: str, folder: Path = Path()) -> Programme:
    """The programme of a name, or of a `.toml` file in `folder`.

    Raises `UserError` for an unknown name, and for a file that cannot be used.
    """
    if name.endswith(".toml"):
        return load_programme(folder / name)
    if name not in known_programmes():
        allowed = f"{choices(name, known_programmes())}, or a .toml file"
        raise UserError(f"{name!r} is no demand-response programme; {allowed}")
    return load_programme(seeds_folder() / FOLDER / f"{name}.toml")


def load_programme(file: Path) -> Programme:
    """The programme in a file.

    Raises `UserError` with one line for each error: `file: key = value: what is wrong; what is
    allowed`.
    """
    data = _read(file)
    try:
        # Through JSON, because there strict means: a list is a tuple, text is never a number.
        programme = _adapter().validate_json(json.dumps(data, default=str), strict=True)
    except pydantic.ValidationError as error:
        found = validation_errors(error.errors(include_url=False), _adapter().json_schema())
        raise UserError(*(each.line(str(file), data) for each in found)) from error
    errors = [each.line(str(file), data) for each in programme_errors(programme)]
    if errors:
        raise UserError(*errors)
    return programme


@cache
def _adapter() -> TypeAdapter[Programme]:
    return TypeAdapter(Programme)


def _read(file: Path) -> dict[str, Any]:
    try:
        return read_toml(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise UserError(
            f"{file}: cannot be read ({error.strerror}); give the .toml file of a programme"
        ) from error
    except UnicodeDecodeError as error:
        raise UserError(f"{file}: is not UTF-8 text; save it as UTF-8") from error
    except TomlError as error:
        raise UserError(
            f"{file}: is not TOML: {error}; see https://toml.io for how to write it"
        ) from error
