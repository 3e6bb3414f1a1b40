"""Where the seeds are: example sites that come with siteems."""

from __future__ import annotations

from pathlib import Path

from siteems.errors import UserError

PACKAGE = Path(__file__).parents[1]
HOMES = (PACKAGE / "_seeds", PACKAGE.parent / "seeds")
"""In an installed package, and beside the packages in a checkout."""


def seed_names() -> tuple[str, ...]:
    """The names of all example sites."""
    return tuple(sorted(_seeds()))


def seed_path(name: str) -> Path:
    """The directory of an example site, with its `site.toml`; UserError that lists the seeds for
    any other name.
    """
    seeds = _seeds()
    if name not in seeds:
        raise UserError(
            f"there is no seed {name!r}; there are {', '.join(sorted(seeds)) or 'none at all'}"
        )
    return seeds[name]


def seeds_folder() -> Path:
    """Where they all are; beside the sites, the tariffs."""
    return next((home for home in HOMES if home.is_dir()), HOMES[0])


def _seeds() -> dict[str, Path]:
    return {file.parent.name: file.parent for file in seeds_folder().glob("*/site.toml")}
