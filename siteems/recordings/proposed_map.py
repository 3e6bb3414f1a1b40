"""What each column of a recording probably is, and the map file that says so."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from siteems.recordings.findings import Finding
from siteems.recordings.table import Column, Table

WORDS = (
    ("mains_available", r"mains|grid_ok|outage"),
    ("import_price_per_kwh", r"price|pricing|tariff"),
    ("carbon_kg_per_kwh", r"carbon|co2"),
    ("ghi_w_m2", r"ghi|global.horizontal|irradiance"),
    ("outdoor_temp_c", r"outdoor|ambient|air_temp|temp_air|drybulb|temperature"),
    ("pv_kw", r"^pv|solar_(power|kw)|ac_power|power_mw|generation"),
    ("ac_load_kw", r"ac_load|aircon|site_load"),
    ("dc_load_kw", r"dc_load|load|telecom|usage|consumption"),
)
"""Our column by a pattern in the file's name for it; the first that fits."""
UNITS = (
    (r"w_per_kw", None), (r"_mwh\b", "MWh"), (r"_kwh\b", "kWh"), (r"_wh\b", "Wh"), (r"_mw\b", "MW"), (r"_kw\b", "kW"),
    (r"_w\b", "W"), (r"_f\b|fahrenheit", "degF"),
)  # fmt: skip
DEFAULT_UNIT = {"kw": "kW", "c": "degC", "kwh": "per kWh", "m2": "W/m2", "available": "0/1"}
LARGEST = {
    "dc_load_kw": (100.0, "W", "kW"),
    "ac_load_kw": (500.0, "W", "kW"),
    "pv_kw": (500.0, "W", "kW"),
    "import_price_per_kwh": (5.0, "per MWh", "per kWh"),
    "outdoor_temp_c": (48.0, "degF", "degC"),
}
"""Largest usual value at a site; beyond it, which unit it probably is, and instead of which."""
NIGHT_H = 6
NOT_SOLAR = r"temp|dni|dhi|direct|diffuse|wind"
"""Temperatures lie below 0 at night too, and clouds move the middle of the direct sun."""
RELATIVE = r"humidity|rh_pct"


@dataclass(frozen=True)
class Guess:
    """One column of ours: where it probably is, and in which unit."""

    ours: str
    column: str
    unit: str


def guess(table: Table) -> tuple[Guess, ...]:
    """At most one column for each of ours, the first that fits by its name."""
    found: dict[str, Guess] = {}
    for column in table.columns:
        name = column.name.split(" of ")[0]
        ours = next((ours for ours, pattern in WORDS if re.search(pattern, name.lower())), None)
        if ours is None or ours in found:
            continue
        end = ours.rsplit("_", 1)[-1]
        unit = DEFAULT_UNIT[end]
        if end == "kw":
            unit = next((u for pattern, u in UNITS if re.search(pattern, name.lower()) and u), unit)
        if end == "kwh" and "mwh" in name.lower():
            unit = "per MWh"
        if end == "c" and re.search(r"_f\b|fahrenheit|tempf", name.lower()):
            unit = "degF"
        found[ours] = Guess(ours, name, unit)
    return tuple(found.values())


def solar_columns(table: Table) -> set[str]:
    """Names of the columns that rest at night: in at least `NIGHT_H` hours on end of the mean day
    next to nothing.
    """
    solar = set()
    for column in table.columns:
        shape = pd.Series(np.maximum(column.values, 0.0)).groupby(column.times.hour).median()
        if len(shape) == 24 and shape.max() > 0 and not re.search(NOT_SOLAR, column.name.lower()):
            dark = np.tile(shape.to_numpy() <= 0.01 * shape.max(), 2)
            longest = max(
                (len(run) for run in "".join("x" if d else " " for d in dark).split()), default=0
            )
            if NIGHT_H <= longest <= 18:
                solar.add(column.name)
    return solar


def unit_findings(table: Table, guesses: tuple[Guess, ...]) -> tuple[Finding, ...]:
    """Sizes that no site has: another unit than the name says."""
    by_name = {column.name.split(" of ")[0]: column for column in reversed(table.columns)}
    found = []
    for each in guesses:
        span = LARGEST.get(each.ours)
        if span is None or each.unit in ("W", "MW", "degF", "per MWh", "Wh", "MWh"):
            continue
        high, other, unit = span
        column = by_name[each.column]
        size = _size(column)
        if size > high:
            text = f"is usually about {size:g}: too much for {unit} at a site; is it {other}, or a larger plant?"
            found.append(_of_all("unit", column, text))
    for column in table.columns:
        if re.search(RELATIVE, column.name.lower()) and (
            beyond := int((column.values > 110.0).sum())
        ):
            most = float(np.nanmax(column.values))
            text = (
                f"{beyond} values of relative humidity are above 110 %, up to {most:g}: a sentinel"
            )
            found.append(_of_all("sentinel", column, text, beyond))
    return tuple(found)


def _size(column: Column) -> float:
    known = column.values[~np.isnan(column.values)]
    return float(np.quantile(known, 0.9)) if known.size else 0.0


def _of_all(kind: str, column: Column, text: str, count: int | None = None) -> Finding:
    first, last = (f"{when:%Y-%m-%dT%H:%M}" for when in (column.times.min(), column.times.max()))
    return Finding(
        kind, column.name, len(column.values) if count is None else count, first, last, text
    )


def mapping_text(table: Table, guesses: tuple[Guess, ...]) -> str:
    """A map file for `siteems replay --map`, with a value to be filled in for what the file does
    not have.
    """
    lines = ["[time]", f'column = "{table.time_column}"']
    if "end" in table.time_column:
        lines.append('stands_for = "end"')
    known = {each.ours: each for each in guesses}
    for ours in ("dc_load_kw", "pv_kw", "outdoor_temp_c", *known):
        if f"[columns.{ours}]" in lines:
            continue
        lines += ["", f"[columns.{ours}]"]
        if ours in known:
            lines += [f'column = "{known[ours].column}"', f'unit = "{known[ours].unit}"']
        else:
            lines.append(
                f"value = {20.0 if ours == 'outdoor_temp_c' else 0.0}          # the file does not say it"
            )
    return "\n".join(lines) + "\n"
