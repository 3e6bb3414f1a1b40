"""What each site of a fleet can give, as arrays: the input of every split."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Fleet:
    """Power and energy of n sites, both of shape (n,) and not negative.

    For a request to discharge: the power below what the site would import anyway, and the energy
    above its backup reserve. For a request to charge: likewise, and the room in its battery. A site
    that may not be touched has a power of 0.
    """

    power_kw: Array
    energy_kwh: Array

    def __post_init__(self) -> None:
        """Raises ValueError for arrays that are none of a fleet."""
        if self.power_kw.shape != self.energy_kwh.shape or self.power_kw.ndim != 1:
            raise ValueError("power and energy are two arrays of the same sites")
        for name, values in (("power", self.power_kw), ("energy", self.energy_kwh)):
            if not np.isfinite(values).all() or (values < 0.0).any():
                raise ValueError(f"{name} is negative or not finite at some site")

    @property
    def hours(self) -> Array:
        """How long each site can give its power, its time to go, shape (n,); 0 without power."""
        held = np.zeros_like(self.power_kw)
        np.divide(self.energy_kwh, self.power_kw, out=held, where=self.power_kw > 0.0)
        return held

    def after(self, power_kw: Array, step_h: float) -> Fleet:
        """The fleet when its sites have given `power_kw`, shape (n,), for a step."""
        left_kwh = self.energy_kwh - power_kw * step_h
        return Fleet(self.power_kw, np.maximum(left_kwh, 0.0))


@dataclass(frozen=True, eq=False)
class Split:
    """A request that was split."""

    power_kw: Array
    """By site, shape (n,)."""
    missing_kw: float
    """What the fleet cannot give of the request."""
