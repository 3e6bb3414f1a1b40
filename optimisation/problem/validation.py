"""Checks of numbers: each refusal is one sentence with the field, its value and what is allowed."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from optimisation.arrays import Floats, read_only

LARGEST = 1e9
"""No sound power, energy or price of a site is larger; the solver treats 1e20 as infinite without
a warning.
"""


class ProblemError(ValueError):
    """A number that no plan can be made from.

    The message has the field, its index, the value and what is allowed.
    """


def number(
    name: str, value: Any, *, low: float = -LARGEST, above: float = -math.inf, high: float = LARGEST
) -> None:
    """Raise `ProblemError` unless `value` is a number of low..high, and above `above`."""
    try:
        sound = above < float(value) and low <= float(value) <= high  # False for NaN
    except (TypeError, ValueError):
        sound = False
    if not sound:
        floor = f"above {above:g}" if above > -math.inf else f"{low:g}"
        raise ProblemError(f"{name} is {value}; allowed is {floor} to {high:g}")


def series(name: str, values: npt.ArrayLike, low: float, high: float) -> Floats:
    """Return one number per step, shape (n,), read-only, each within low..high.

    Raises `ProblemError` for anything else.
    """
    try:
        array = read_only(values)
    except (TypeError, ValueError):
        raise ProblemError(
            f"{name} holds something that is not a number; allowed is one number per step"
        ) from None
    if array.ndim != 1:
        raise ProblemError(f"{name} has shape {array.shape}; allowed is one number per step")
    sound = (array >= low) & (array <= high)  # False for NaN
    if not sound.all():
        i = int(np.argmin(sound))
        raise ProblemError(f"{name}[{i}] is {array[i]:g}; allowed is {low:g} to {high:g}")
    return array


def flags(name: str, values: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    """Return one yes or no per step, shape (n,), read-only.

    Raises `ProblemError` for anything but 0, 1, False and True.
    """
    array = series(name, values, 0.0, 1.0)
    yes: npt.NDArray[np.bool_] = array == 1.0
    if not (yes | (array == 0.0)).all():
        i = int(np.argmin(yes | (array == 0.0)))
        raise ProblemError(f"{name}[{i}] is {array[i]:g}; allowed is false or true")
    yes.flags.writeable = False
    return yes
