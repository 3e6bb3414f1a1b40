"""What a sound plan claims, as a table: in every step a sum of series is at most a limit, or is 0.

The table of a site is one matrix, so that all steps of all claims are judged by one product of
matrices.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from operator import attrgetter
from typing import NamedTuple

import numpy as np

from optimisation.arrays import Floats
from optimisation.plan.series import WORTH, rows_of
from optimisation.problem.site_problem import SiteProblem


class Store(NamedTuple):
    """What of a battery does not change from plan to plan."""

    n_segments: int
    capacity_kwh: float
    charge_efficiency: float
    discharge_efficiency: float
    max_charge_kw: float
    max_discharge_kw: float
    has_acceptance: bool


class Outline(NamedTuple):
    """What of a site decides its claims; None = the site has no such component."""

    stores: tuple[Store, ...]
    rectifier_dc_kw: float
    inverter_efficiency: float | None
    sleep: bool
    genset_kw: tuple[float, float] | None
    """Minimum and maximum."""
    cooling_kw: float | None


@dataclass(frozen=True)
class Claim:
    """In every step, the sum of coefficient x series is at most `limit`; with `equal` it is 0.

    What is beyond counts from `kw` times the tolerance of a power, plus `kwh` times that of an
    energy, plus `k` times that of a temperature.
    """

    what: str
    sum_of: Mapping[str, float]
    limit: float = 0.0
    equal: bool = False
    kw: float = 0.0
    kwh: float = 0.0
    k: float = 0.0


@dataclass(frozen=True, eq=False)
class ConstraintTable:
    """The claims of one site. `rows` gives the rows of each series in the block that they are
    judged on.

    The block holds the series of the plan but for its marginal values, then those of the problem,
    then what the checker derives from both, and last a row of ones, by which the limits are part of
    the sums.
    """

    plan_rows: Mapping[str, slice]
    """Of all series of a plan for this site, as it should have them."""
    n_plan_rows: int
    rows: Mapping[str, slice]
    n_rows: int
    problem_rows: slice
    claims: tuple[Claim, ...]
    charge_efficiency: Floats
    """One row per battery, then one per wear segment, like the next."""
    kwh_out_per_kwh: Floats

    @cached_property
    def first_row(self) -> Mapping[str, int]:
        """Number of the first row of each series."""
        return {name: place.start for name, place in self.rows.items()}

    @cached_property
    def matrix(self) -> Floats:
        """Coefficients, one row per claim, the equalities first."""
        matrix = np.zeros((len(self.claims), self.n_rows))
        for row, claim in zip(matrix, self.claims, strict=True):
            row[self.first_row["one"]] = -claim.limit
            for name, coefficient in claim.sum_of.items():
                series, _, number = name.partition("[")
                row[self.first_row[series] + int(number[:-1] or 0 if number else 0)] += coefficient
        return matrix

    @cached_property
    def n_equal(self) -> int:
        """Number of equalities."""
        return sum(claim.equal for claim in self.claims)

    @cached_property
    def tolerances(self) -> Floats:
        """Of each claim, in tolerances of power, energy and temperature; shape (claims, 3)."""
        return np.array([(claim.kw, claim.kwh, claim.k) for claim in self.claims], dtype=np.float64)

    @cached_property
    def least_tolerance(self) -> float:
        """Of any claim, where those of power, energy and temperature are 1; they may be larger and
        not smaller.
        """
        return float(self.tolerances.sum(axis=1).min())

    def beyond(self, block: Floats) -> Floats:
        """How far every claim is off on `block`, shape (rows, n), in each step; shape (claims, n)."""
        beyond: Floats = self.matrix.dot(block)
        equalities = beyond[: self.n_equal]
        np.abs(equalities, out=equalities)
        return beyond

    def broken(self, beyond: Floats, kw: float, kwh: float, k: float) -> list[str]:
        """Judge with these tolerances what `beyond` has found; one sentence for each claim that
        fails.
        """
        holds = beyond.max(axis=1) <= self.tolerances @ (kw, kwh, k)  # False for NaN
        steps = beyond.argmax(axis=1)
        return [
            f"{self.claims[i].what} in step {steps[i]} by {beyond[i, steps[i]]:.3g}"
            for i in np.flatnonzero(~holds).tolist()
        ]


_kept = attrgetter(
    "capacity_kwh", "charge_efficiency", "discharge_efficiency", "max_charge_kw", "max_discharge_kw"
)


def table_of(problem: SiteProblem) -> ConstraintTable:
    """Return the table of a problem's site; made once for all problems of the site."""
    export, genset, cooling = problem.export, problem.genset, problem.cooling
    stores = [
        Store._make((len(battery.wear_per_kwh), *_kept(battery), bool(battery.acceptance)))
        for battery in problem.batteries
    ]
    return _table(
        Outline(
            tuple(stores),
            min(problem.rectifier_max_dc_kw, sum(problem.rectifier.segment_dc_kw)),
            None if export is None else export.inverter_efficiency,
            problem.sleep is not None,
            None if genset is None else (genset.min_kw, genset.max_kw),
            None if cooling is None else cooling.max_kw,
        )
    )


@lru_cache(maxsize=256)
def _table(site: Outline) -> ConstraintTable:
    stores, cells = site.stores, sum(store.n_segments for store in site.stores)
    has = {
        "export": site.inverter_efficiency is not None,
        "sleep": site.sleep,
        "genset": site.genset_kw is not None,
        "cooling": site.cooling_kw is not None,
    }
    plan_rows = rows_of(
        len(stores), cells, tuple(name for name, is_there in has.items() if is_there)
    )
    of_problem = dict.fromkeys(("dc_load", "pv_available", "ac_load", "import_limit"), 1)
    derived = dict.fromkeys(("conversion", "ac_base", "reserve_missing", "cap_beyond"), 1)
    derived |= {"at_once": len(stores), "run": len(stores), "held": cells, "accepted": len(stores)}
    if has["export"]:
        derived |= dict.fromkeys(("export_limit", "inverter_limit", "both_ways", "loop"), 1)
    if has["sleep"]:
        derived |= {"sleep_available": 1}
    if has["genset"]:
        derived |= dict.fromkeys(("genset_extra", "genset_between", "genset_available"), 1)
    if has["cooling"]:
        derived |= {"room_expected": 1}
    derived |= {"one": 1}
    rows, end = (
        {name: place for name, place in plan_rows.items() if name not in WORTH},
        plan_rows[WORTH[0]].start,
    )
    for name, count in (of_problem | derived).items():
        rows[name] = slice(end, end + count)
        end += count
    claims = [*_supply(site), *_storage(site), *_components(site)]
    segments = [store for store in stores for _ in range(store.n_segments)]
    return ConstraintTable(
        plan_rows=plan_rows,
        n_plan_rows=plan_rows[WORTH[-1]].stop,
        rows=rows,
        n_rows=end,
        problem_rows=slice(rows["dc_load"].start, rows["import_limit"].stop),
        claims=tuple(sorted(claims, key=lambda claim: not claim.equal)),
        charge_efficiency=np.array([[store.charge_efficiency] for store in (*stores, *segments)]),
        kwh_out_per_kwh=np.array(
            [[1.0 / store.discharge_efficiency] for store in (*stores, *segments)]
        ),
    )


def _supply(site: Outline) -> Iterator[Claim]:
    """The two buses and what bounds them."""
    sleep = {"sleep_kw": 1.0} if site.sleep else {}
    dc_taken, ac_fed = {"dc_load": -1.0, "charge_kw": -1.0}, {"grid_import_kw": 1.0}
    ac_drawn = {"ac_base": -1.0, "conversion": -1.0}
    if site.inverter_efficiency is not None:
        dc_taken["inverter_dc_kw"] = -1.0
        ac_fed["inverter_dc_kw"], ac_drawn["grid_export_kw"] = site.inverter_efficiency, -1.0
    if site.genset_kw is not None:
        ac_fed["genset_kw"], ac_drawn["genset_extra"] = 1.0, -1.0
    if site.cooling_kw is not None:
        ac_drawn["cooling_kw"] = -1.0
    dc_fed = {"rectifier_dc_kw": 1.0, "pv_kw": 1.0, "discharge_kw": 1.0, "unserved_kw": 1.0} | sleep
    yield Claim("the DC bus is out of balance", dc_fed | dc_taken, equal=True, kw=1)
    yield Claim("the AC side is out of balance", ac_fed | ac_drawn, equal=True, kw=1)
    yield Claim("PV is above what is available", {"pv_kw": 1.0, "pv_available": -1.0}, kw=1)
    yield Claim(
        "unserved load is above the load", {"unserved_kw": 1.0, "dc_load": -1.0} | sleep, kw=1
    )
    yield Claim(
        "import is above the connection's limit",
        {"grid_import_kw": 1.0, "import_limit": -1.0},
        kw=1,
    )
    yield Claim(
        "the rectifier is above its limit", {"rectifier_dc_kw": 1.0}, site.rectifier_dc_kw, kw=1
    )
    excess = {"cap_excess_kw": 1.0, "cap_beyond": -1.0}
    yield Claim("excess over the cap is misstated", excess, equal=True, kw=1)


def _storage(site: Outline) -> Iterator[Claim]:
    """Batteries with their net power, and each wear segment as a store of its own."""
    batteries = range(len(site.stores))
    for name in ("charge_kw", "discharge_kw", "stored_kwh"):
        parts = {f"battery_{name}[{b}]": -1.0 for b in batteries}
        yield Claim(
            f"{name} is not the sum of the batteries", {name: 1.0} | parts, equal=True, kwh=1
        )
    missing = {"reserve_short_kwh": 1.0, "reserve_missing": -1.0}
    yield Claim("reserve shortage is misstated", missing, equal=True, kwh=1)
    first = 0
    for b, store in enumerate(site.stores):
        charge, stored = f"battery_charge_kw[{b}]", f"battery_stored_kwh[{b}]"
        yield Claim("charging is above its limit", {charge: 1.0}, store.max_charge_kw, kw=1)
        yield Claim(
            "discharging is above its limit",
            {f"battery_discharge_kw[{b}]": 1.0},
            store.max_discharge_kw,
            kw=1,
        )
        yield Claim("charging and discharging at once", {f"at_once[{b}]": 1.0}, kw=1)
        run = {stored: 1.0, f"run[{b}]": -1.0}
        yield Claim("stored energy does not follow from net power", run, equal=True, kwh=1)
        yield Claim("stored energy is above the capacity", {stored: 1.0}, store.capacity_kwh, kwh=1)
        if store.has_acceptance:
            beyond = {charge: 1.0, f"accepted[{b}]": -1.0}
            # The SoC itself is only good to the tolerance, and the table may be steep.
            yield Claim("charging is above what the battery accepts", beyond, kw=10, kwh=1)
        cells = range(first, first := first + store.n_segments)
        for kind, doing in (("charge_kw", "charging"), ("discharge_kw", "discharging")):
            parts = {f"segment_{kind}[{cell}]": -1.0 for cell in cells}
            whole = {f"battery_{kind}[{b}]": 1.0}
            yield Claim(f"{doing} is not the sum of the segments", whole | parts, equal=True, kw=1)
        for cell in cells if store.n_segments > 1 else ():
            width = store.capacity_kwh / store.n_segments
            yield Claim("a wear segment is emptied below 0", {f"held[{cell}]": -1.0}, kwh=1)
            yield Claim(
                "a wear segment is filled above its size", {f"held[{cell}]": 1.0}, width, kwh=1
            )


def _components(site: Outline) -> Iterator[Claim]:
    if site.inverter_efficiency is not None:
        yield Claim(
            "export is above its limit", {"grid_export_kw": 1.0, "export_limit": -1.0}, kw=1
        )
        given = {"inverter_dc_kw": site.inverter_efficiency, "inverter_limit": -1.0}
        yield Claim("the inverter is above its limit", given, kw=1)
        yield Claim("import and export at once", {"both_ways": 1.0}, kw=1)
        yield Claim("rectifier and inverter at once", {"loop": 1.0}, kw=1)
    if site.sleep:
        yield Claim("more sleeps than may", {"sleep_kw": 1.0, "sleep_available": -1.0}, kw=1)
    if site.genset_kw is not None:
        least, most = site.genset_kw
        yield Claim("the genset is neither on nor off", {"genset_between": 1.0})
        yield Claim(
            "the genset runs where it may not", {"genset_on": 1.0, "genset_available": -1.0}
        )
        yield Claim("the genset is above its maximum", {"genset_kw": 1.0, "genset_on": -most}, kw=1)
        yield Claim(
            "the genset is below its minimum", {"genset_kw": -1.0, "genset_on": least}, kw=1
        )
    if site.cooling_kw is not None:
        yield Claim("cooling is above its maximum", {"cooling_kw": 1.0}, site.cooling_kw, kw=1)
        heat = {"room_c": 1.0, "room_expected": -1.0}
        yield Claim("the room does not follow from its heat", heat, equal=True, k=1)
