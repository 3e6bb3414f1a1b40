"""The seed sites, loaded once for all tests."""

from __future__ import annotations

import pytest

from siteems.config.seeds import seed_path
from siteems.site.model import Site
from siteems.site.read_file import load_site


@pytest.fixture(scope="session")
def hangzhou() -> Site:
    """Lead-carbon, commanded by rectifier current limits; PV; three hours of backup."""
    return load_site(seed_path("hangzhou-macro"))


@pytest.fixture(scope="session")
def rural() -> Site:
    """Smart lithium with a power setpoint; PV; genset; eight hours of backup."""
    return load_site(seed_path("rural-lfp"))
