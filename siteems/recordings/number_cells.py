"""Cells that hold numbers in other notations than 1234.5: decimal commas, thousands, full width.

What a comma means is decided by a column itself, then by its file; where neither shows it, the
file is refused.
"""

from __future__ import annotations

import re
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

Array = npt.NDArray[np.float64]
Mark = Literal[",", "."]

FULL_WIDTH = str.maketrans(
    "０１２３４５６７８９．，－＋−　\u00a0\u202f\u2009", "0123456789.,-+-    "
)
SPACED = r"^[+-]?\d{1,3}(?:[ '’]\d{3})+(?![\d ])"
"""Thousands separated by spaces or apostrophes."""
NUMBER_LIKE = r"[+-]?[\d.,]*\d[\d.,]*(?:[eE][+-]?\d+)?"
GROUPS = {",": r"[+-]?[1-9]\d{0,2}(?:,\d{3})+", ".": r"[+-]?[1-9]\d{0,2}(?:\.\d{3})+"}
"""Numbers that may have thousands separated by a mark."""
ENOUGH = 50
"""Cells of a column that all have three digits behind a comma, with whole numbers among them: one
with decimals would have shown another number of digits by then.
"""
SHOWN = 3
WHOLE = r"[+-]?\d{1,3}"
LARGEST = 1e15
"""No meter counts beyond this, and a number that does is as wrong as an infinite one. The bytes of
a cell's traffic are below it, and the exact arithmetic of a bill has room for it.
"""


def plain_width(cells: pd.Series) -> pd.Series:
    """Cells with full-width digits, other signs and spaced thousands in plain notation."""
    texts = (
        cells if bool(cells.str.isascii().fillna(True).all()) else cells.str.translate(FULL_WIDTH)
    )
    texts = texts.str.strip()
    spaced = texts.str.contains(SPACED, regex=True, na=False)
    if not spaced.any():
        return texts
    closed = texts[spaced].str.replace(r"(?<=\d)[ '’](?=\d{3})", "", regex=True)
    return texts.where(~spaced, closed)


def number_cells(cells: pd.Series) -> pd.Series:
    """The cells that look like a number with points or commas."""
    known = cells[cells.notna()]
    return known[known.str.fullmatch(NUMBER_LIKE)]


def decimal_mark(numbers: pd.Series) -> Mark | Literal["both"] | None:
    """What cells that look like numbers use for decimals; None where they do not show it."""
    by_comma = _proves(numbers, ",") or _has_groups(numbers, ".")
    by_point = _proves(numbers, ".") or _has_groups(numbers, ",")
    if by_comma and by_point:
        return "both"
    return "," if by_comma else "." if by_point else None


def probably_thousands(numbers: pd.Series, mark: Mark = ",") -> bool:
    """Whether marks part thousands, though no cell proves it: many of them, and whole numbers."""
    grouped = numbers.str.fullmatch(GROUPS[mark])
    return int(grouped.sum()) >= ENOUGH and bool(numbers.str.fullmatch(WHOLE).any())


def may_be_thousands(numbers: pd.Series) -> bool:
    """Whether every point of a column has three digits behind it, with whole numbers of up to three
    digits among them: 980 and then 1.225.
    """
    pointed = numbers.str.contains(".", regex=False)
    grouped = numbers.str.fullmatch(GROUPS["."])
    return bool(grouped.any() and (grouped | ~pointed).all() and numbers.str.fullmatch(WHOLE).any())


def with_points(cells: pd.Series, mark: Mark) -> pd.Series:
    """Cells with a decimal point and no thousands; what does not fit the mark stays as it is."""
    other = "." if mark == "," else ","
    fits = cells.str.fullmatch(NUMBER_LIKE).fillna(False).astype(bool)
    grouped = rf"[+-]?\d{{1,3}}(?:{re.escape(other)}\d{{3}})*(?:{re.escape(mark)}\d*)?"
    bare = rf"[+-]?\d*(?:{re.escape(mark)}\d*)?(?:[eE][+-]?\d+)?"
    fits &= cells.str.fullmatch(f"{grouped}|{bare}").fillna(False).astype(bool)
    plain = cells[fits].str.replace(other, "", regex=False).str.replace(mark, ".", regex=False)
    result = cells.copy()
    result[fits] = plain
    return result


def as_numbers(cells: pd.Series) -> tuple[Array, pd.Series]:
    """Values of cells, shape (n,), NaN where one holds no number; and the cells that hold
    something else: text, or a number that is infinite or beyond `LARGEST`.
    """
    try:
        values = np.array(pd.to_numeric(cells, errors="coerce"), dtype=np.float64)
    except OverflowError:  # hundreds of digits
        values = np.array([_number(cell) for cell in cells], dtype=np.float64)
    sound = np.abs(values) <= LARGEST  # NaN is not
    return np.where(sound, values, np.nan), cells[~sound & cells.notna().to_numpy()]


def strange_note(name: str, strange: pd.Series) -> str:
    """A sentence about cells that hold no number."""
    shown = ", ".join(dict.fromkeys(repr(str(cell)) for cell in strange.iloc[:SHOWN]))
    return (
        f"{name}: {len(strange)} cells hold no number, such as {shown} in line "
        f"{strange.index[0]}: taken as missing"
    )


def _number(cell: object) -> float:
    try:
        return float(str(cell))
    except ValueError:
        return np.nan


def _proves(numbers: pd.Series, mark: Mark) -> bool:
    """Whether a cell can only be a number whose decimals begin at this mark."""
    other = "." if mark == "," else ","
    single = rf"[+-]?\d*\{mark}\d*(?:[eE][+-]?\d+)?"
    decimal = numbers.str.fullmatch(single) & ~numbers.str.fullmatch(GROUPS[mark])
    after_groups = numbers.str.fullmatch(rf"{GROUPS[other]}\{mark}\d+")
    return bool((decimal | after_groups).any())


def _has_groups(numbers: pd.Series, mark: Mark) -> bool:
    """Whether a cell has several groups of thousands separated by this mark."""
    return bool((numbers.str.fullmatch(GROUPS[mark]) & (numbers.str.count(rf"\{mark}") > 1)).any())
