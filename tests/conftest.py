"""The seed sites, loaded once for all tests."""

from __future__ import annotations

import pytest

from siteems.config import load_site
from siteems.seeds import seed_path
from siteems.site import Site


@pytest.fixture(scope="session")
def hangzhou() -> Site:
    """Lead-carbon, moved by rectifier levers; photovoltaics; three hours of backup."""
    return load_site(seed_path("hangzhou-macro"))


@pytest.fixture(scope="session")
def rural() -> Site:
    """Smart lithium with a power setpoint; photovoltaics; genset; eight hours of backup."""
    return load_site(seed_path("rural-lfp"))
