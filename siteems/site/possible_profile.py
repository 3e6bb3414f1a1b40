"""Whether a profile can be that of a site: powers far beyond its ratings are in another unit, or of
another site.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from siteems.errors import UserError
from siteems.recordings.profile import Profile
from siteems.site.model import Site

MOST_SHARE: Final = 0.5
"""Of the steps in which the load is more than the site can ever carry. A few such steps are an
undersized site, which a replay shows as load that is not served.
"""
TIMES_RATED: Final = 3.0
"""PV gives at most 1.2 times its rated power for moments; a rating may be stated too low."""


def refuse_impossible(profile: Profile, site: Site) -> None:
    """Raises `UserError` for a load that rectifiers and battery can never carry in most steps, and
    for PV of a much larger plant.
    """
    able_kw = site.rectifier.rated_kw + site.battery.max_discharge_kw
    load_kw = profile.dc_load_kw[~np.isnan(profile.dc_load_kw)]
    if load_kw.size and (load_kw > able_kw).mean() > MOST_SHARE:
        usual_kw = float(np.median(load_kw))
        raise UserError(
            f"{profile.source}: dc_load_kw is usually {usual_kw:g} kW, and rectifiers and battery "
            f"of the site give {able_kw:g} kW at most; {_hint(usual_kw / able_kw)}"
        )
    if site.pv is None:
        return
    pv_kw = profile.pv_kw[~np.isnan(profile.pv_kw)]
    highest_kw = float(np.quantile(pv_kw, 0.99)) if pv_kw.size else 0.0
    if highest_kw > TIMES_RATED * site.pv.rated_kwp:
        raise UserError(
            f"{profile.source}: pv_kw reaches {highest_kw:g} kW, and the site has "
            f"{site.pv.rated_kwp:g} kWp; {_hint(highest_kw / site.pv.rated_kwp)}"
        )


def _hint(times: float) -> str:
    if times > 30.0:
        return 'is it in W? Then say unit = "W" in a map (docs/data.md)'
    return "is it of another site? A map can scale it (docs/data.md)"
