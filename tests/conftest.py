"""The seed sites, loaded once for all tests, and the settings of all property tests."""

from __future__ import annotations

import pytest
from examples import examples
from hypothesis import HealthCheck, settings

from siteems.config.seeds import seed_path
from siteems.site.model import Site
from siteems.site.read_file import load_site

# A busy machine is slow, and that is no failure: no example has a deadline.
settings.register_profile(
    "siteems",
    deadline=None,
    max_examples=examples(100),
    suppress_health_check=[HealthCheck.too_slow],
    print_blob=True,
)
settings.load_profile("siteems")


@pytest.fixture(scope="session")
def hangzhou() -> Site:
    """Lead-carbon, commanded by rectifier current limits; PV; three hours of backup."""
    return load_site(seed_path("hangzhou-macro"))


@pytest.fixture(scope="session")
def rural() -> Site:
    """Smart lithium with a power setpoint; PV; genset; eight hours of backup."""
    return load_site(seed_path("rural-lfp"))
