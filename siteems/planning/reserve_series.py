"""The backup reserve over the horizon of a plan."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from siteems.planning.time_grid import TimeGrid
from siteems.site.model import Site
from siteems.site.reserve import reserve_kwh

Array = npt.NDArray[np.float64]


def reserve_series_kwh(
    site: Site, grid: TimeGrid, longer: TimeGrid, load_p95_kw: Array, battery_c: float | None
) -> Array:
    """Reserve in kWh for each step of `grid`, shape (n,): what carries the 95 % load through the
    backup hours that follow, without PV. At most the battery's capacity.

    `longer` is `grid` extended by at least the backup hours, and `load_p95_kw` the 95 % quantile of
    the load on it. A step asks for the larger of the reserves at its start and at its end, because
    the LP checks the stored energy only at the end of a step.
    """
    hours = site.backup.hours
    edges_h, n_edges = longer.edges_h, len(grid.starts) + 1
    load_until_kwh = np.concatenate(([0.0], np.cumsum(load_p95_kw * longer.step_h)))
    load_after_kwh = np.interp(edges_h[:n_edges] + hours, edges_h, load_until_kwh)
    mean_kw_at_edge = (load_after_kwh - load_until_kwh[:n_edges]) / hours
    mean_kw = np.maximum(mean_kw_at_edge[:-1], mean_kw_at_edge[1:])
    wanted_kwh = reserve_kwh(site.battery, site.backup, mean_kw, battery_c)
    return np.minimum(wanted_kwh, site.battery.capacity_kwh)
