"""All checks of a site file, and how they are run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from inspect import signature
from typing import Any

from siteems.config.validation_error import ValidationError
from siteems.site.checks.demo import check_demo, check_faults
from siteems.site.checks.devices import check_drivable, check_maps, check_roles
from siteems.site.checks.links import check_addresses, check_links, check_protocols
from siteems.site.checks.monitoring import check_hooks
from siteems.site.checks.power import (
    check_battery,
    check_genset,
    check_load,
    check_rectifier,
    check_wear,
)
from siteems.site.checks.tariffs import check_steps, check_tariffs
from siteems.site.checks.timing import check_cycle_times, check_retention, check_zone

CHECKS: tuple[Callable[..., Iterator[ValidationError]], ...] = (
    check_zone,
    check_rectifier,
    check_battery,
    check_wear,
    check_load,
    check_genset,
    check_tariffs,
    check_steps,
    check_links,
    check_addresses,
    check_protocols,
    check_maps,
    check_roles,
    check_drivable,
    check_cycle_times,
    check_retention,
    check_hooks,
    check_demo,
    check_faults,
)
"""In the order in which errors are reported. The parameters of a check are sections of the site
file, by name.
"""


def site_errors(
    sections: Mapping[str, Any], *, read_only: bool = False
) -> Iterator[ValidationError]:
    """All errors between the values of a site file; those of a site that is only read where it is
    `read_only`.

    `sections` holds only the sections without errors of their own. A check that needs another one
    is skipped.
    """
    for check in CHECKS:
        if read_only and check is check_drivable:
            continue
        needed = signature(check).parameters
        if needed.keys() <= sections.keys():
            yield from check(**{name: sections[name] for name in needed})
