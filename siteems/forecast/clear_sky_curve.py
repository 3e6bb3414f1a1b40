"""The clear-sky power of a plant at each quarter hour of some days: pvlib's simplified Solis model
(Ineichen 2008) on the plane of the modules.

pvlib brings 120 MB of libraries with it. A daemon has the curve computed in a process that then
ends; a replay computes it in its own.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Final

import numpy as np
import numpy.typing as npt
import structlog

from siteems.site.model import Identity, Pv

log = structlog.get_logger()

Array = npt.NDArray[np.float64]

STEP: Final = timedelta(minutes=15)
CHILD_WITHIN_S: Final = 60.0
"""A process that imports pvlib takes a second or two, on a slow memory card several times that."""


@dataclass(frozen=True)
class Plant:
    """What the curve depends on."""

    latitude_deg: float
    longitude_deg: float
    altitude_m: float
    tilt_deg: float
    azimuth_deg: float
    rated_kwp: float
    performance_ratio: float


Compute = Callable[[Plant, datetime, int], Array]
"""Powers in kW at the quarter hours of so many days from a UTC midnight on, first and last midnight
included.
"""


def plant_of(where: Identity, pv: Pv) -> Plant:
    """The plant of a site."""
    return Plant(
        latitude_deg=where.latitude_deg,
        longitude_deg=where.longitude_deg,
        altitude_m=where.altitude_m,
        tilt_deg=pv.tilt_deg,
        azimuth_deg=pv.azimuth_deg,
        rated_kwp=pv.rated_kwp,
        performance_ratio=pv.performance_ratio,
    )


def compute(plant: Plant, midnight: datetime, days: int) -> Array:
    """Compute a curve in this process."""
    import pandas as pd
    from pvlib.irradiance import get_total_irradiance
    from pvlib.location import Location

    times = pd.date_range(midnight, midnight + timedelta(days=days), freq=STEP)
    location = Location(plant.latitude_deg, plant.longitude_deg, altitude=plant.altitude_m)
    position = location.get_solarposition(times)
    sky = location.get_clearsky(times, model="simplified_solis", solar_position=position)
    plane = get_total_irradiance(
        plant.tilt_deg,
        plant.azimuth_deg,
        position["apparent_zenith"],
        position["azimuth"],
        sky["dni"],
        sky["ghi"],
        sky["dhi"],
    )
    irradiance_kw_m2 = np.nan_to_num(plane["poa_global"].to_numpy(dtype=np.float64)) / 1000.0
    return np.asarray(
        np.clip(irradiance_kw_m2, 0.0, None) * plant.rated_kwp * plant.performance_ratio
    )


def compute_in_child(plant: Plant, midnight: datetime, days: int) -> Array:
    """Compute a curve in a process of its own; in this one where that fails."""
    request = json.dumps({"midnight": midnight.isoformat(), "days": days} | asdict(plant))
    try:
        answer = subprocess.run(
            [sys.executable, "-m", "siteems.forecast.clear_sky_curve"],
            input=request.encode(),
            capture_output=True,
            timeout=CHILD_WITHIN_S,
            check=True,
        ).stdout
        curve = np.frombuffer(answer, dtype=np.float64)
        if len(curve) != days * (timedelta(days=1) // STEP) + 1:
            raise ValueError(f"it gave {len(curve)} values")
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        log.warning("clear-sky-child-failed", error=str(error))
        return compute(plant, midnight, days)
    return curve


def _main() -> None:
    """Answer one request on stdin."""
    request = json.load(sys.stdin)
    midnight, days = datetime.fromisoformat(request.pop("midnight")), request.pop("days")
    sys.stdout.buffer.write(compute(Plant(**request), midnight, days).tobytes())


if __name__ == "__main__":
    _main()
