"""The same day without control: the battery floats, PV feeds the bus first."""

from __future__ import annotations

from datetime import timedelta

from drivers.points import Point, Quality, Reading
from siteems.control.reasons import NOT_CONTROLLED
from siteems.estimation.image_builder import ImageBuilder
from siteems.history.records import Sample
from siteems.simulation.devices import readings
from siteems.simulation.plant import make_plant
from siteems.simulation.scenario import Scenario
from siteems.site.assets import rectifier_curve
from siteems.site.model import Site

SAMPLE = timedelta(minutes=1)


def idle_day(site: Site, scenario: Scenario) -> list[Sample]:
    """Simulate the day with every device at its safe value; one sample a minute, as a daemon
    records it.
    """
    plant = make_plant(site, scenario.at, scenario.start, scenario.start_soc)
    builder = ImageBuilder(rectifier_curve(site), SAMPLE)
    image = builder.first(scenario.start)
    samples = []
    now = scenario.start
    while now <= scenario.end:
        plant.advance_to(now)
        points = {
            name: Point(value, Quality.GOOD)
            for name, value in readings(plant).items()
            if value is not None
        }
        image = builder.next(image, [Reading("plant", now, points)], now)
        samples.append(Sample(now, dict(image.values), "idle", NOT_CONTROLLED()))
        now += SAMPLE
    return samples
