"""Scenarios of `make score` that change the site, the tariff or the recording: where a rule that
fits one site can do worse than doing nothing.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from siteems.config.seeds import seeds_folder
from siteems.recordings.profile import Profile
from siteems.site.model import Site
from siteems.tariff.model import TariffVersion

SURPLUS = 2.5
"""Factor on the PV of the lithium site: then there is more PV on most days than it can use."""
STEP_DAY, STEP = 3, 1.6
"""Day from which the load is so many times what was recorded."""
CLOUDS = 0.15
"""What is left of the recorded PV below a closed cover of clouds."""


def _same(value: Site) -> Site:
    return value


def _recorded(value: Profile) -> Profile:
    return value


class Variant(NamedTuple):
    """A scenario that begins on a day of a recorded profile at a ready site."""

    name: str
    seed: str
    source: str
    day: str
    days: int = 5
    site: Callable[[Site], Site] = _same
    profile: Callable[[Profile], Profile] = _recorded


def flat_price(site: Site) -> Site:
    """One price at all hours, the flat one of the tariff."""
    return replace(
        site,
        tariffs=tuple(
            replace(version, ratios=dict.fromkeys(version.ratios, 1.0)) for version in site.tariffs
        ),
    )


def hubei(site: Site) -> Site:
    """The two-part tariff of Hubei: 42 CNY for each kW of the month's highest quarter hour."""
    path = seeds_folder() / "tariffs" / "hubei-two-part-1-10kv.toml"
    record = tomllib.loads(path.read_text(encoding="utf-8"))
    return replace(site, tariffs=tuple(TariffVersion(**each) for each in record["tariffs"]))


def more_pv(site: Site) -> Site:
    assert site.pv is not None
    return replace(site, pv=replace(site.pv, rated_kwp=SURPLUS * site.pv.rated_kwp))


def brighter(profile: Profile) -> Profile:
    return replace(profile, pv_kw=SURPLUS * profile.pv_kw)


def without_pv(site: Site) -> Site:
    return replace(site, pv=None)


def dark(profile: Profile) -> Profile:
    return replace(profile, pv_kw=0.0 * profile.pv_kw)


def load_step(profile: Profile) -> Profile:
    days = np.arange(len(profile.dc_load_kw)) * (profile.step.total_seconds() / 86_400.0)
    factor = np.where(days >= STEP_DAY, STEP, 1.0)
    return replace(profile, dc_load_kw=factor * profile.dc_load_kw)


def clouds(profile: Profile) -> Profile:
    return replace(profile, pv_kw=CLOUDS * profile.pv_kw)


HANGZHOU, RURAL = "hangzhou-macro", "rural-lfp"
VARIANTS = (
    Variant("flat price", HANGZHOU, "cn_site_2020", "05-18", site=flat_price),
    Variant("flat price, lithium", RURAL, "cn_northwest_2019", "04-08", site=flat_price),
    Variant("demand charge", HANGZHOU, "cn_site_2020", "03-01", 14, site=hubei),
    Variant("demand charge, more PV", HANGZHOU, "cn_northwest_2019", "06-01", 14, site=hubei),
    # The simulated sites have no inverter to the grid: a surplus earns nothing.
    Variant(
        "large PV, export of 0", RURAL, "cn_northwest_2019", "06-10", site=more_pv, profile=brighter
    ),
    Variant("no PV", HANGZHOU, "cn_site_2019", "07-15", site=without_pv, profile=dark),
    Variant("load step in mid-year", HANGZHOU, "cn_site_2019", "07-01", 8, profile=load_step),
    Variant("a month of clouds", HANGZHOU, "cn_northwest_2019", "09-01", 30, profile=clouds),
)
