"""Tariffs in files of their own: by name those that come with siteems, others beside the site
file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from drivers.toml_text import TomlError, read_toml
from siteems.config.named_records import NamedRecords
from siteems.config.seeds import seeds_folder
from siteems.errors import SiteFileError
from siteems.tariff.model import TariffVersion

FOLDER = "tariffs"


def known_tariffs() -> tuple[str, ...]:
    """Names of the tariffs that come with siteems, sorted."""
    return tuple(sorted(path.stem for path in (seeds_folder() / FOLDER).glob("*.toml")))


def _find(name: str, folder: Path) -> Any | None:
    """The versions of a tariff as read; None for an unknown one. Raises `SiteFileError` for a file
    that holds something else.
    """
    path = folder / name if name.endswith(".toml") else seeds_folder() / FOLDER / f"{name}.toml"
    if not path.is_file():
        return None
    try:
        record: Mapping[str, Any] = read_toml(path.read_text(encoding="utf-8-sig"))
    except (TomlError, UnicodeDecodeError, OSError) as error:
        raise SiteFileError(f"{path}: is not a tariff file: {error}") from error
    if set(record) != {"tariffs"}:
        raise SiteFileError(
            f"{path}: holds {', '.join(sorted(record)) or 'nothing'}; "
            "a tariff file holds [[tariffs]]"
        )
    return record["tariffs"]


TARIFFS = NamedRecords(
    "tariffs", "tariff", known_tariffs, _find, ", or a .toml file beside the site file"
)


def with_whole_vector(version: TariffVersion, folder: Path) -> TariffVersion:
    """The version with the whole path of its price vector's file, which is beside the site file."""
    if version.vector is None:
        return version
    return replace(
        version, vector=replace(version.vector, file=str((folder / version.vector.file).resolve()))
    )
