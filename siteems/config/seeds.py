"""Where the seeds are: the example sites, tariffs and emission factors that come with siteems."""

from __future__ import annotations

from pathlib import Path

from siteems.errors import UserError

PACKAGE = Path(__file__).parents[1]
SEED_FOLDERS = (PACKAGE / "_seeds", PACKAGE.parent / "seeds")
"""In an installed package, and in a checkout. The first one that exists is used."""


def seeds_folder() -> Path:
    """The folder with the example sites, and with tariffs and emission factors beside them."""
    return next((folder for folder in SEED_FOLDERS if folder.is_dir()), SEED_FOLDERS[0])


def seed_names() -> tuple[str, ...]:
    """The names of all example sites, sorted."""
    return tuple(sorted(_seeds()))


def seed_path(name: str) -> Path:
    """The folder of an example site, which holds its `site.toml`.

    Raises `UserError` with the names of all example sites if there is none of that name.
    """
    seeds = _seeds()
    if name not in seeds:
        known = ", ".join(sorted(seeds)) or "none at all"
        raise UserError(f"there is no example site {name!r}; there are {known}")
    return seeds[name]


def _seeds() -> dict[str, Path]:
    return {file.parent.name: file.parent for file in seeds_folder().glob("*/site.toml")}
