"""Compiled models, kept in a folder of the benchmarks."""

from __future__ import annotations

from peers.environments import BUILD

from optimisation.program.model_source import ModelSource
from siteems.planning.model_cache import ModelCache

FOLDER = BUILD / "cache"


def cached_models() -> ModelSource:
    """A source of compiled models, without Pyomo once a model is on disk."""
    return ModelCache(FOLDER)
