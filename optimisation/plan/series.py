"""The series of a plan: rows of one array, found by name, so that all of them can be handled at
once.
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

SIGNED_SERIES = frozenset({"room_c"})
"""Names of the series that may be below 0."""

MARGINAL_VALUES = (
    "stored_value_per_kwh",
    "import_limit_value_per_kwh",
    "import_cap_value_per_kwh",
)
"""Names of the marginal values, shape (n,); NaN where not known."""


@lru_cache(maxsize=64)
def rows_of(n_batteries: int, n_segments: int, components: tuple[str, ...]) -> Mapping[str, slice]:
    """Return the rows of each series in the block of a plan.

    `n_segments` counts the wear segments of all batteries; `components` may name parts of a problem
    that have no series. The marginal values come last.
    """
    sizes = dict.fromkeys(SERIES, 1)
    for kind in ("charge_kw", "discharge_kw"):
        sizes[f"battery_{kind}"] = n_batteries
        sizes[f"segment_{kind}"] = n_segments
    sizes["battery_stored_kwh"] = n_batteries
    for component, names in COMPONENT_SERIES.items():
        if component in components:
            sizes |= dict.fromkeys(names, 1)
    sizes |= dict.fromkeys(MARGINAL_VALUES, 1)
    ends = np.cumsum(list(sizes.values())).tolist()
    return {
        name: slice(end - size, end) for (name, size), end in zip(sizes.items(), ends, strict=True)
    }


class _Named:
    """A series, found in the block by the name of the attribute."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name


class _Row(_Named):
    """One row, shape (n,); shape (0,) without a plan."""

    def __get__(self, of: Series, owner: type) -> Floats:
        rows = of.rows.get(self._name)
        return of.block.reshape(-1)[:0] if rows is None else of.block[rows.start]


class _RowOrNone(_Named):
    """One row, shape (n,); None where the site does not have the component."""

    def __get__(self, of: Series, owner: type) -> Floats | None:
        rows = of.rows.get(self._name)
        return None if rows is None else of.block[rows.start]


class _Rows(_Named):
    """Several rows, shape (k, n); k is 0 without a plan."""

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
    """PV power that is used; the rest of what is available is curtailed."""
    charge_kw = _Row()
    """Of all batteries, like the next two."""
    discharge_kw = _Row()
    stored_kwh = _Row()
    """At the end of each step."""
    reserve_short_kwh = _Row()
    """Energy missing from the backup reserve."""
    cap_excess_kw = _Row()
    """Import above the soft cap."""
    unserved_kw = _Row()
    """Telecom load that is not served."""
    stored_value_per_kwh = _Row()
    """Marginal value of stored energy: the saving if the batteries held one kWh more at the end of
    the step, in the battery and wear segment where it saves most.
    """
    import_limit_value_per_kwh = _Row()
    """Marginal value of the import limit: the saving if one kWh more could be imported in the step;
    0 where the limit does not bind.
    """
    import_cap_value_per_kwh = _Row()
    """The same for the soft cap."""
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
    """DC load of radio layers that sleep."""
    genset_kw = _RowOrNone()
    genset_on = _RowOrNone()
    """0 or 1."""

    def __init__(self, block: Floats, rows: Mapping[str, slice]) -> None:
        self.block, self.rows = block, rows

    def __getitem__(self, name: str) -> Floats:
        """The row of a series that the site has, shape (n,). Raises KeyError where it does not."""
        row: Floats = self.block[self.rows[name].start]
        return row

    @property
    def quantities(self) -> Floats:
        """All rows but the marginal values, shape (k, n)."""
        return self.block[: self.rows[MARGINAL_VALUES[0]].start]

    @property
    def quantity_names(self) -> tuple[str, ...]:
        """Names of all series but the marginal values."""
        return tuple([name for name in self.rows if name not in MARGINAL_VALUES])
