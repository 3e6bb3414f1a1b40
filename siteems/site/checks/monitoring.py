"""Checks of the hooks for alarms."""

from __future__ import annotations

from collections.abc import Iterator

from siteems.config.validation_error import ValidationError
from siteems.site.monitoring import AlarmHook


def check_hooks(alarm_hooks: tuple[AlarmHook, ...]) -> Iterator[ValidationError]:
    """Each hook has one of `command` and `url`."""
    for number, hook in enumerate(alarm_hooks):
        if (hook.command is None) == (hook.url is None):
            has = "neither" if hook.command is None else "both"
            yield ValidationError(
                ("alarm_hooks", number), f"has {has} of command and url", "allowed: one of them"
            )
