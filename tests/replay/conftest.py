"""A made-up profile of four days."""

import pytest
from made_profiles import made_profile

from siteems.recordings.profile import Profile


@pytest.fixture(scope="session")
def profile() -> Profile:
    return made_profile(4)
