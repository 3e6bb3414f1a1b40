"""The proposed column map: what each column of a recording probably is, by its name and size."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import pandas as pd

from siteems.recordings.column_map import ENERGY, POWER
from siteems.recordings.counted_power import is_counter
from siteems.recordings.finding import Finding, stamp
from siteems.recordings.plant_size import fits, highest_power
from siteems.recordings.profile import COLUMNS
from siteems.recordings.series_table import Column, SeriesTable
from siteems.recordings.timestamps import usual_step

NAME_PATTERNS = (
    ("mains_available", r"mains|grid_ok|outage"),
    ("import_price_per_kwh", r"price|pricing|tariff"),
    ("carbon_kg_per_kwh", r"carbon|co2"),
    ("ghi_w_m2", r"ghi|global.horizontal|irradiance"),
    ("outdoor_temp_c", r"outdoor|ambient|drybulb|(?<![a-z])temp(?!late|o)"),
    ("grid_import_kw", r"grid_import|energy_import|import_(kw|kwh|energy)"),
    ("pv_kw", r"^pv|solar_(power|kw)|ac_power|power_mw|generation"),
    ("ac_load_kw", r"ac_load|aircon|site_load"),
    ("dc_load_kw", r"dc_load|load|telecom|usage|consumption"),
)
"""Target column by a pattern in the file's name for it; the first that fits."""
POWER_UNIT_PATTERNS = (
    (r"(?<![a-z])w_per_kw", "W"),
    *(
        (rf"(?<![a-z]){unit.lower()}(?![a-z])", unit)
        for unit in ("MWh", "kWh", "Wh", "MW", "kW", "W")
    ),
)
"""Unit of a power or energy column by a pattern in its name; the first that fits."""
DEFAULT_UNIT = {"kw": "kW", "c": "degC", "kwh": "per kWh", "m2": "W/m2", "available": "0/1"}
"""By the last part of a target's name."""
LARGEST = {
    "dc_load_kw": (100.0, "W", "kW"),
    "ac_load_kw": (500.0, "W", "kW"),
    "pv_kw": (500.0, "W", "kW"),
    "import_price_per_kwh": (5.0, "per MWh", "per kWh"),
    "outdoor_temp_c": (48.0, "degF", "degC"),
}
"""Largest usual value at a site; beyond it, the probable unit, and the one in its name."""
OF_ENERGY = r"energy|yield|generation|usage|consumption"
"""A name without unit that is one of energy."""
REPLACED_BY = {"pv_kw": 0.0, "outdoor_temp_c": 20.0}
"""Values of columns that a recording may lack: a site without PV, a mild day."""
HOUR = pd.Timedelta(hours=1)
NIGHT_H, LONGEST_NIGHT_H = 6, 18
"""A solar series rests for so many hours on end; one that rests longer is not in use."""
DARK_SHARE = 0.01
"""Of the best hour: less than this counts as rest."""
NOT_SOLAR = r"temp|dni|dhi|direct|diffuse|wind|batt|charge|soc|import|export|load|price"
"""Temperatures are below 0 at night too, and clouds move the middle of direct irradiance. A battery
that is charged at noon and what a site exchanges with the grid follow the PV, but are none.
"""
RELATIVE_HUMIDITY = r"humidity|rh_pct"
MOST_HUMIDITY = 110.0
"""Percent. Sensors reach a little over 100 in fog."""


@dataclass(frozen=True)
class Guess:
    """A target column of siteems: which column of the file it probably is, and in which unit."""

    target: str
    column: str
    unit: str
    remark: str = ""
    """Why the unit is not certain."""


def guess_columns(table: SeriesTable) -> tuple[Guess, ...]:
    """At most one column for each target, the first that fits by its name."""
    found: dict[str, Guess] = {}
    for column in table.columns:
        name = column.name.split(" of ")[0]
        lower = name.lower()
        target = next(
            (target for target, pattern in NAME_PATTERNS if re.search(pattern, lower)), None
        )
        if target is not None and target not in found:
            found[target] = _guess(target, name, column)
    return tuple(found.values())


def is_own_unit(guess: Guess) -> bool:
    """Whether a column is in a unit that physics can be applied to: any power, degC, W/m2, 0/1."""
    return guess.unit in (*POWER, *ENERGY, "degC", "W/m2", "0/1")


def _guess(target: str, name: str, column: Column) -> Guess:
    """The unit in the name; without one, that of a site's size."""
    quantity, lower = target.rsplit("_", 1)[-1], name.lower()
    if quantity == "kwh" and "mwh" in lower:
        return Guess(target, name, "per MWh")
    if quantity == "c" and re.search(r"_f\b|fahrenheit|tempf", lower):
        return Guess(target, name, "degF")
    if quantity != "kw":
        return Guess(target, name, DEFAULT_UNIT[quantity])
    counts = is_counter(column.values[np.argsort(column.times.asi8, kind="stable")])
    for pattern, unit in POWER_UNIT_PATTERNS:
        if re.search(pattern, lower):
            if counts and unit in ENERGY:
                unit = f"{unit} counter"
            return Guess(target, name, unit)
    if counts:
        return Guess(target, name, "kWh counter", "its name has no unit")
    large = target in LARGEST and _usual_size(column, target) > LARGEST[target][0]
    unit = ("Wh" if large else "kWh") if re.search(OF_ENERGY, lower) else "W" if large else "kW"
    return Guess(target, name, unit, "its name has no unit; this one is of a site's size")


def solar_columns(table: SeriesTable) -> set[str]:
    """Names of the columns that rest at night: the median day has next to nothing for hours."""
    solar = set()
    for column in table.columns:
        if re.search(NOT_SOLAR, column.name.lower()):
            continue
        day = pd.Series(np.maximum(column.values, 0.0)).groupby(column.times.hour).median()
        if len(day) < 24 or not day.max() > 0:
            continue
        dark = np.tile(day.to_numpy() <= DARK_SHARE * day.max(), 2)  # a night passes midnight
        longest = max(sum(1 for _ in run) if rests else 0 for rests, run in groupby(dark))
        if NIGHT_H <= longest <= LONGEST_NIGHT_H:
            solar.add(column.name)
    return solar


def unit_findings(table: SeriesTable, guesses: tuple[Guess, ...]) -> tuple[Finding, ...]:
    """Sizes that no site has, so that the unit is probably not the one in the name."""
    by_name = {column.name.split(" of ")[0]: column for column in reversed(table.columns)}
    found = []
    for guess in guesses:
        if guess.target not in LARGEST or guess.unit not in ("kW", "kWh", "per kWh", "degC"):
            continue
        largest, other_unit, unit = LARGEST[guess.target]
        column = by_name[guess.column]
        size = _usual_size(column, guess.target)
        if size > largest:
            text = (
                f"is usually about {size:g}: too much for {unit} at a site; "
                f"is it {other_unit}, or a larger plant?"
            )
            found.append(_of_all("unit", column, len(column.values), text))
    for column in table.columns:
        too_humid = int((column.values > MOST_HUMIDITY).sum())
        if too_humid and re.search(RELATIVE_HUMIDITY, column.name.lower()):
            text = (
                f"{too_humid} values of relative humidity are above {MOST_HUMIDITY:g} %, "
                f"up to {np.nanmax(column.values):g}: a sentinel"
            )
            found.append(_of_all("sentinel", column, too_humid, text))
    return tuple(found)


def rated_findings(
    table: SeriesTable, guesses: tuple[Guess, ...], rated_kwp: float
) -> Iterator[Finding]:
    """PV that is too large for the site's modules, or far too small."""
    guess = next((guess for guess in guesses if guess.target == "pv_kw"), None)
    if guess is None:
        return
    column = next(each for each in table.columns if each.name.split(" of ")[0] == guess.column)
    highest = highest_power(column.values, column.times.max() - column.times.min())
    if highest is None:
        return
    hours = usual_step(column.times) / HOUR
    parts = {unit: highest * factor / rated_kwp for unit, factor in POWER.items()}
    parts |= {unit: highest * factor / hours / rated_kwp for unit, factor in ENERGY.items()}
    if guess.unit not in parts:
        return
    part = parts.pop(guess.unit)
    if fits(part):
        return
    fitting = [f"in {unit} {p:.0%}" for unit, p in parts.items() if fits(p)]
    other = " or ".join((*fitting, "another plant" if part > 1.0 else "a part of the plant"))
    text = (
        f"comes to {part * rated_kwp:.3g} kW in {guess.unit}, {part:.0%} of the site's "
        f"{rated_kwp:g} kWp: {other}?"
    )
    yield _of_all("size", column, len(column.values), text)


def map_text(table: SeriesTable, guesses: tuple[Guess, ...]) -> str:
    """A map file for `siteems replay --map`, with a value to be filled in for what is missing."""
    source = table.times_from
    lines = ["[time]", f"column = {_quoted(source.column)}"]
    if source.clock_column is not None:
        lines.append(f"clock_column = {_quoted(source.clock_column)}")
    if source.steps_per_day is not None:
        lines.append(f"steps_per_day = {source.steps_per_day}")
    if source.stands_for == "end":
        lines.append('stands_for = "end"')
    if source.zone is not None:
        lines.append(f'zone = "{source.zone}"')
    if table.day_order == "guessed":  # left open: the map has to say it
        lines.append("# day_first = true   # or false: the file does not show which")
    elif source.day_first is not None:
        remark = "   # its steps are even" if table.day_order == "even-steps" else ""
        lines.append(f"day_first = {str(source.day_first).lower()}{remark}")
    if table.key is not None:
        name, value = table.key
        shown = _quoted(value) if isinstance(value, str) else value
        lines += ["", "[only]", f"{_quoted(name)} = {shown}   # the first of several"]
    known = {guess.target: guess for guess in guesses}
    for target in dict.fromkeys((*COLUMNS, *known)):
        lines.append("")
        if target in known:
            guess = known[target]
            remark = f"          # {guess.remark}" if guess.remark else ""
            lines += [
                f"[columns.{target}]",
                f"column = {_quoted(guess.column)}",
                f'unit = "{guess.unit}"{remark}',
            ]
        elif target in REPLACED_BY:
            remark = "not recognised; the value to use instead"
            lines += [f"[columns.{target}]", f"value = {REPLACED_BY[target]}   # {remark}"]
        else:
            # An unknown load is not 0: who uses the map has to say which column it is.
            used = {guess.column for guess in guesses}
            names = dict.fromkeys(column.name.split(" of ")[0] for column in table.columns)
            left = ", ".join(name for name in names if name not in used)
            lines += [
                f"# {target} was not recognised. Not assigned: {left or 'no column'}.",
                f"# [columns.{target}]",
                '# column = "?"',
                '# unit = "kW"',
            ]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    """A TOML string; JSON quotes the same characters."""
    return json.dumps(text, ensure_ascii=False)


def _usual_size(column: Column, target: str) -> float:
    """A size that is often reached; of PV, which rests at night, on most days."""
    known = column.values[~np.isnan(column.values)]
    quantile = 0.98 if target == "pv_kw" else 0.9
    return float(np.quantile(known, quantile)) if known.size else 0.0


def _of_all(kind: str, column: Column, count: int, text: str) -> Finding:
    first, last = stamp(column.times.min()), stamp(column.times.max())
    return Finding(kind, column.name, count, first, last, text)
