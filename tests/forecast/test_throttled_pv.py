"""When PV beside resting rectifiers is curtailed, and when it shows the sky as it is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from siteems.forecast.learning_forecaster import LearningForecaster
from siteems.site.model import Site

NOON = datetime(2026, 7, 15, 4, 0, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def taught(forecaster: LearningForecaster, start: datetime, values: dict[str, float]) -> float:
    """PV forecast after an hour of these values, one sample a minute, kW."""
    for minute in range(60):
        forecaster.learn(start + minute * MINUTE, values)
    end = start + HOUR
    return float(forecaster.forecast(end, [end], np.array([0.25])).pv_kw[0])


@pytest.mark.parametrize(
    ("battery_kw", "soc", "darkens"),
    [(-1.0, 0.6, True), (0.5, 0.6, True), (0.5, 0.95, False), (0.0, 0.6, False)],
)
def test_beside_a_battery_that_takes_it_all_pv_is_not_curtailed(
    hangzhou: Site, battery_kw: float, soc: float, darkens: bool
) -> None:
    """The rectifiers are at rest for as long as the battery carries the load."""
    forecaster = LearningForecaster(hangzhou)
    before = taught(forecaster, NOON - HOUR, {"pv_kw": 3.5, "rectifier_dc_kw": 1.0})
    dark = {"pv_kw": 0.5, "rectifier_dc_kw": 0.0, "battery_kw": battery_kw, "soc": soc}
    assert (taught(forecaster, NOON, dark) < 0.7 * before) == darkens
