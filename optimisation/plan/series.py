"""The series of a plan: rows of one array, found by name, so that all steps of all series are
handled at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np

from optimisation.arrays import Floats

SERIES = (
    "grid_import_kw",
    "reserve_short_kwh",
    "cap_excess_kw",
    "rectifier_dc_kw",
    "pv_kw",
    "unserved_kw",
    "charge_kw",
    "discharge_kw",
    "stored_kwh",
)
"""Names of the series that every plan has, shape (n,)."""

COMPONENT_SERIES: Mapping[str, tuple[str, ...]] = {
    "export": ("grid_export_kw", "inverter_dc_kw"),
    "sleep": ("sleep_kw",),
    "genset": ("genset_kw", "genset_on"),
    "cooling": ("cooling_kw", "room_c"),
}
"""Names of the series, shape (n,), that a plan has where the site has the component."""

WORTH = ("stored_value_per_kwh", "import_limit_value_per_kwh", "import_cap_value_per_kwh")
"""Names of the marginal values, shape (n,); NaN if not known."""


@lru_cache(maxsize=64)
def rows_of(n_batteries: int, n_segments: int, components: tuple[str, ...]) -> Mapping[str, slice]:
    """Return the rows of each series in the block of a plan, for a site with that many batteries
    and segments in all.

    `components` may name parts that have no series. What is charged stands together, and what is
    discharged.
    """
    have = [
        name
        for component, names in COMPONENT_SERIES.items()
        if component in components
        for name in names
    ]
    sizes = dict.fromkeys(SERIES, 1)
    for kind in ("charge_kw", "discharge_kw"):
        sizes |= {f"battery_{kind}": n_batteries, f"segment_{kind}": n_segments}
    sizes |= {"battery_stored_kwh": n_batteries} | dict.fromkeys((*have, *WORTH), 1)
    ends = np.cumsum(list(sizes.values())).tolist()
    return {
        name: slice(end - size, end) for (name, size), end in zip(sizes.items(), ends, strict=True)
    }


class _Named:
    """One series, found in the block by the name that it has in the class."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name


class _Row(_Named):
    """One row, shape (n,); empty without a plan."""

    def __get__(self, of: Series, owner: type) -> Floats:
        rows = of.rows.get(self._name)
        return of.block.reshape(-1)[:0] if rows is None else of.block[rows.start]


class _RowOrNone(_Named):
    """One row, shape (n,); None where the site has not the component."""

    def __get__(self, of: Series, owner: type) -> Floats | None:
        rows = of.rows.get(self._name)
        return None if rows is None else of.block[rows.start]


class _Rows(_Named):
    """Several rows, shape (k, n); no row without a plan."""

    def __get__(self, of: Series, owner: type) -> Floats:
        return of.block[of.rows.get(self._name, _NO_ROWS)]


_NO_ROWS = slice(0, 0)


class Series:
    """All series of a plan, by name. Shape (n,), powers kW, energies kWh, values currency/kWh."""

    block: Floats
    """Shape (rows, n)."""
    rows: Mapping[str, slice]
    """Rows of each series in `block`, as `rows_of` lays them out; empty without a plan."""

    grid_import_kw = _Row()
    rectifier_dc_kw = _Row()
    pv_kw = _Row()
    """Used, not available."""
    charge_kw = _Row()
    """Of all batteries, like the next two."""
    discharge_kw = _Row()
    stored_kwh = _Row()
    """At the end of each step."""
    reserve_short_kwh = _Row()
    cap_excess_kw = _Row()
    unserved_kw = _Row()
    stored_value_per_kwh = _Row()
    """What one kWh more at the end of each step would save, in the battery and segment where it
    saves most.
    """
    import_limit_value_per_kwh = _Row()
    """What one kWh more through the connection in each step would save; 0 where the limit does not
    bind.
    """
    import_cap_value_per_kwh = _Row()
    """The same of the soft cap."""
    battery_charge_kw = _Rows()
    """By battery, shape (b, n), like the next two."""
    battery_discharge_kw = _Rows()
    battery_stored_kwh = _Rows()
    segment_charge_kw = _Rows()
    """By wear segment, shallowest first, one battery after the other, shape (all segments, n), like
    the next.
    """
    segment_discharge_kw = _Rows()
    grid_export_kw = _RowOrNone()
    inverter_dc_kw = _RowOrNone()
    """Taken from the DC bus."""
    cooling_kw = _RowOrNone()
    room_c = _RowOrNone()
    """At the end of each step."""
    sleep_kw = _RowOrNone()
    """DC load that sleeps."""
    genset_kw = _RowOrNone()
    genset_on = _RowOrNone()
    """0 or 1."""

    def __init__(self, block: Floats, rows: Mapping[str, slice]) -> None:
        self.block, self.rows = block, rows

    def __getitem__(self, name: str) -> Floats:
        """The row of a series that the site must have, shape (n,). Raises KeyError where it has
        not.
        """
        row: Floats = self.block[self.rows[name].start]
        return row
