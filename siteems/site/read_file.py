"""From `site.toml` to a `Site`, or to one line for each error in it."""

from __future__ import annotations

import json
import tomllib
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
from siteems.config.schema_messages import errors_of
from siteems.config.validation_error import ValidationError
from siteems.errors import SiteFileError
from siteems.site.checks import site_errors
from siteems.site.emission_factors import FACTORS
from siteems.site.model import DeviceEntry, Link, Site
from siteems.tariff.files import TARIFFS, with_whole_vector

CREDENTIALS = ("ca", "certificate", "key")
SITE_FILE = "site.toml"


def load_site(path: Path) -> Site:
    """The site that a file, or a directory with a `site.toml`, describes.

    SiteFileError carries one line for each error, `file: key.path = value: what is wrong; what is
    allowed`. Places in lists are counted from 0: `devices[1]` is the second device.
    """
    file = path / SITE_FILE if path.is_dir() else path
    data = FACTORS.in_place(TARIFFS.in_place(_read(file), file), file)
    site, sections, details = _validate(data)
    if "devices" in sections:
        sections["devices"] = tuple(_with_whole_map(entry, file) for entry in sections["devices"])
    errors = errors_of(details, _adapter().json_schema()) if details else []
    errors += site_errors(sections)
    errors += _profile_errors(sections, file)
    errors += _credential_errors(sections, file)
    if site is None or errors:
        raise SiteFileError(*(error.line(str(file), data) for error in errors))
    links = {name: _with_whole_paths(link, file) for name, link in site.links.items()}
    tariffs = tuple(with_whole_vector(version, file.parent) for version in site.tariffs)
    return replace(site, links=links, devices=sections["devices"], tariffs=tariffs)


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise SiteFileError(
            f"{file}: cannot be read ({error.strerror}); give a site.toml or its directory"
        ) from error
    except UnicodeDecodeError as error:
        raise SiteFileError(f"{file}: is not UTF-8 text; save it as UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise SiteFileError(
            f"{file}: is not TOML: {error}; see https://toml.io for how to write it"
        ) from error


@cache
def _adapter() -> TypeAdapter[Site]:
    return TypeAdapter(Site)


def _validate(data: Mapping[str, Any]) -> tuple[Site | None, dict[str, Any], list[ErrorDetails]]:
    """The site, its sound sections, and what the validator found.

    By way of JSON, because there strict means what we want: no number out of a text, yet lists for
    tuples.
    """
    try:
        site = _adapter().validate_json(_json(data), strict=True)
    except pydantic.ValidationError as error:
        errors = error.errors(include_url=False)
        return None, _sound(data, {str(each["loc"][0]) for each in errors if each["loc"]}), errors
    return site, {field.name: getattr(site, field.name) for field in fields(Site)}, []


def _sound(data: Mapping[str, Any], bad: set[str]) -> dict[str, Any]:
    """The sections without an error of their own, read one by one."""
    hints = get_type_hints(Site, include_extras=True)
    sections: dict[str, Any] = {}
    for field in fields(Site):
        if field.name in bad:
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
    raise TypeError(f"{type(value).__name__} does not come from TOML")


def _profile_errors(sections: Mapping[str, Any], file: Path) -> list[ValidationError]:
    demo = sections.get("demo")
    if demo is None or (file.parent / demo.profile).is_file():
        return []
    return [ValidationError(("demo", "profile"), "no such file", f"a CSV file beside {file.name}")]


def _credential_errors(sections: Mapping[str, Any], file: Path) -> list[ValidationError]:
    return [
        ValidationError(
            ("links", name, key), "no such file", f"a PEM file, from the folder of {file.name}"
        )
        for name, link in (sections.get("links") or {}).items()
        for key in CREDENTIALS
        if getattr(link, key) is not None and not (file.parent / getattr(link, key)).is_file()
    ]


def _with_whole_map(entry: DeviceEntry, file: Path) -> DeviceEntry:
    """A map file stands beside the site file, wherever the command was started."""
    return (
        replace(entry, map=str((file.parent / entry.map).resolve()))
        if is_map_file(entry.map)
        else entry
    )


def _with_whole_paths(link: Link, file: Path) -> Link:
    """The files of a link stand beside the site file, wherever the command was started."""

    def whole(name: str | None) -> str | None:
        return None if name is None else str((file.parent / name).resolve())

    return replace(
        link, ca=whole(link.ca), certificate=whole(link.certificate), key=whole(link.key)
    )
