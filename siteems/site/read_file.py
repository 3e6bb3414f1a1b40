"""Read `site.toml` into a `Site`, or report each error in it on one line."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import MISSING, fields, replace
from datetime import date, datetime, time
from functools import cache
from pathlib import Path
from typing import Any, get_type_hints

import pydantic
from pydantic import TypeAdapter
from pydantic_core import ErrorDetails

from drivers.catalogue import is_map_file
from drivers.toml_text import TomlError, read_toml
from siteems.config.schema_messages import validation_errors
from siteems.config.validation_error import ValidationError
from siteems.errors import SiteFileError
from siteems.site.checks.all_checks import site_errors
from siteems.site.checks.links import CREDENTIALS
from siteems.site.demand_response import Iec104, OpenAdr
from siteems.site.emission_factors import FACTORS
from siteems.site.former_keys import with_current_keys
from siteems.site.model import DeviceEntry, Link, Site
from siteems.tariff.files import TARIFFS, with_whole_vector

SITE_FILE = "site.toml"


def load_site(path: Path, *, read_only: bool = False) -> Site:
    """The site that a file describes; `path` may also be a folder with a `site.toml`.

    A site that is `read_only` need not have devices that can be driven.

    Raises `SiteFileError` with one line for each error: `file: key.path = value: what is wrong;
    what is allowed`. Indices of lists count from 0: `devices[1]` is the second device.
    """
    file = path / SITE_FILE if path.is_dir() else path
    data = FACTORS.resolve(TARIFFS.resolve(with_current_keys(_read(file)), file), file)
    site, sections, details = _validate(data)
    if "devices" in sections:
        sections["devices"] = tuple(_absolute_map(entry, file) for entry in sections["devices"])
    errors = validation_errors(details, _adapter().json_schema()) if details else []
    errors += site_errors(sections, read_only=read_only)
    errors += _profile_errors(sections, file)
    errors += _credential_errors(sections, file)
    errors += _operator_errors(sections, file)
    if site is None or errors:
        raise SiteFileError(*(error.line(str(file), data) for error in errors))
    links = {name: _absolute_credentials(link, file) for name, link in site.links.items()}
    tariffs = tuple(with_whole_vector(version, file.parent) for version in site.tariffs)
    openadr = None if site.openadr is None else _absolute_openadr(site.openadr, file)
    iec104 = None if site.iec104 is None else _absolute_iec104(site.iec104, file)
    return replace(
        site,
        links=links,
        devices=sections["devices"],
        tariffs=tariffs,
        openadr=openadr,
        iec104=iec104,
    )


def _read(file: Path) -> dict[str, Any]:
    try:
        return read_toml(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise SiteFileError(
            f"{file}: cannot be read ({error.strerror}); give a site.toml or its folder"
        ) from error
    except UnicodeDecodeError as error:
        raise SiteFileError(f"{file}: is not UTF-8 text; save it as UTF-8") from error
    except TomlError as error:
        raise SiteFileError(
            f"{file}: is not TOML: {error}; see https://toml.io for how to write it"
        ) from error


@cache
def _adapter() -> TypeAdapter[Site]:
    return TypeAdapter(Site)


def _validate(data: Mapping[str, Any]) -> tuple[Site | None, dict[str, Any], list[ErrorDetails]]:
    """The site if it is valid, its valid sections by name, and the errors that pydantic found.

    The data go through JSON, because only there does pydantic's strict mode mean what we want: text
    is never converted to a number, but a list is accepted as a tuple.
    """
    try:
        site = _adapter().validate_json(_json(data), strict=True)
    except pydantic.ValidationError as error:
        errors = error.errors(include_url=False)
        invalid = {str(each["loc"][0]) for each in errors if each["loc"]}
        return None, _valid_sections(data, invalid), errors
    return site, {field.name: getattr(site, field.name) for field in fields(Site)}, []


def _valid_sections(data: Mapping[str, Any], invalid: set[str]) -> dict[str, Any]:
    """The sections that have no error of their own, each read separately."""
    hints = get_type_hints(Site, include_extras=True)
    sections: dict[str, Any] = {}
    for field in fields(Site):
        if field.name in invalid:
            continue
        if field.name in data:
            adapter: TypeAdapter[Any] = TypeAdapter(hints[field.name])
            sections[field.name] = adapter.validate_json(_json(data[field.name]), strict=True)
        else:
            sections[field.name] = (
                field.default if field.default_factory is MISSING else field.default_factory()
            )
    return sections


def _json(value: object) -> str:
    return json.dumps(value, default=_iso)


def _iso(value: object) -> str:
    if isinstance(value, date | datetime | time):
        return value.isoformat()
    raise TypeError(f"TOML has no values of type {type(value).__name__}")


def _profile_errors(sections: Mapping[str, Any], file: Path) -> list[ValidationError]:
    demo = sections.get("demo")
    if demo is None or (file.parent / demo.profile).is_file():
        return []
    allowed = f"a CSV file in the folder of {file.name}"
    return [ValidationError(("demo", "profile"), "no such file", allowed)]


def _credential_errors(sections: Mapping[str, Any], file: Path) -> list[ValidationError]:
    errors = []
    for name, link in (sections.get("links") or {}).items():
        for key in CREDENTIALS:
            path = getattr(link, key)
            if path is not None and not (file.parent / path).is_file():
                allowed = f"a PEM file; paths are relative to the folder of {file.name}"
                errors.append(ValidationError(("links", name, key), "no such file", allowed))
    return errors


FILES_OF_OPERATORS = (
    ("openadr", "secrets", "a TOML file"),
    ("openadr", "ca", "a PEM file"),
    ("openadr", "certificate", "a PEM file"),
    ("openadr", "key", "a PEM file"),
    ("iec104", "objects", "a TOML file"),
)
"""Section, key, and what the file is."""


def _operator_errors(sections: Mapping[str, Any], file: Path) -> list[ValidationError]:
    """Files that the sections of grid operators' protocols name, and that are missing."""
    found = []
    for section, key, what in FILES_OF_OPERATORS:
        path = getattr(sections.get(section), key, None)
        if path is not None and not (file.parent / path).is_file():
            allowed = f"{what}; paths are relative to the folder of {file.name}"
            found.append(ValidationError((section, key), "no such file", allowed))
    return found


# Paths in a site file are relative to its folder. They are made absolute once, here, so that the
# working directory of a command does not matter.


def _absolute_map(entry: DeviceEntry, file: Path) -> DeviceEntry:
    if not is_map_file(entry.map):
        return entry
    return replace(entry, map=str((file.parent / entry.map).resolve()))


def _absolute_credentials(link: Link, file: Path) -> Link:
    return replace(
        link,
        ca=_absolute(link.ca, file),
        certificate=_absolute(link.certificate, file),
        key=_absolute(link.key, file),
    )


def _absolute_openadr(openadr: OpenAdr, file: Path) -> OpenAdr:
    return replace(
        openadr,
        secrets=_absolute(openadr.secrets, file),
        ca=_absolute(openadr.ca, file),
        certificate=_absolute(openadr.certificate, file),
        key=_absolute(openadr.key, file),
    )


def _absolute_iec104(iec104: Iec104, file: Path) -> Iec104:
    return replace(iec104, objects=_absolute(iec104.objects, file))


def _absolute(path: str | None, file: Path) -> str | None:
    return None if path is None else str((file.parent / path).resolve())
