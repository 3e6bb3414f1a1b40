"""Checks of tariffs against the grid connection and the planning steps."""

from __future__ import annotations

from collections.abc import Iterator

from siteems.config.validation_error import ValidationError
from siteems.site.model import GridConnection, Planning
from siteems.tariff.check import tariff_errors
from siteems.tariff.hours import clock, parse_hours
from siteems.tariff.model import DemandTerm, TariffVersion

BILLED_ON = {"capacity": ("transformer_kva",), "contract": ("contract_kw",), "measured": ()}
"""Keys of [grid] that a demand charge of each mode needs."""


def check_tariffs(
    tariffs: tuple[TariffVersion, ...], grid: GridConnection
) -> Iterator[ValidationError]:
    """Every hour has exactly one price, and [grid] has what the demand charges are billed on."""
    yield from tariff_errors(tariffs)
    for index, version in enumerate(tariffs):
        for number, term in enumerate(version.demand):
            for name in _needed_of_grid(term):
                if getattr(grid, name) is None:
                    yield ValidationError(
                        ("grid", name),
                        "is missing",
                        f"tariffs[{index}].demand[{number}] is billed on it",
                    )


def _needed_of_grid(term: DemandTerm) -> tuple[str, ...]:
    needed = BILLED_ON[term.mode]
    return (*needed, "transformer_kva") if term.least_contract_share else needed


def check_steps(
    tariffs: tuple[TariffVersion, ...], planning: Planning
) -> Iterator[ValidationError]:
    """Prices change only between planning steps. `check_tariffs` reports hours with errors."""
    changes: set[int] = set()
    for version in tariffs:
        for calendar in version.calendars:
            for period_hours in calendar.periods.values():
                for hours in period_hours:
                    try:
                        changes.update(parse_hours(hours))
                    except ValueError:
                        continue
    within_step = sorted(minute for minute in changes if minute % planning.step_min)
    if within_step:
        yield ValidationError(
            ("planning", "step_min"),
            f"the price changes within a step, at {clock(within_step[0])}",
            "a shorter step, and tariff hours on quarter hours",
        )
