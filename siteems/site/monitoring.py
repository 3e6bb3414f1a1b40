"""The sections of a site file about who hears of a site: metrics, and hooks for its alarms."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from siteems.config.fields import CLOSED


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Metrics:
    """Where the daemon serves metrics and its health; only on this machine (loopback)."""

    port: Annotated[int, Field(ge=1, le=65535)]


Argument = Annotated[str, Field(min_length=1, description="a program or one of its arguments")]


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class AlarmHook:
    """A program or a web address that gets each alarm, its acknowledgement and its end.

    It has either a `command` or a `url`.
    """

    command: Annotated[tuple[Argument, ...], Field(min_length=1)] | None = None
    """The program and its arguments, without a shell; the alarm is JSON on its standard input."""
    url: (
        Annotated[
            str,
            Field(
                pattern=r"^https?://[^\s/]+(/\S*)?$",
                max_length=2048,
                description="an address with http:// or https://",
            ),
        ]
        | None
    ) = None
    """The alarm is posted to it as JSON. The certificate of https is verified."""
    level: Literal["warning", "alarm"] = "warning"
    """From which level on."""
    per_minute: Annotated[int, Field(ge=1, le=60)] = 10
    """At most so many messages; what is beyond is counted in the next one."""
    timeout_s: Annotated[float, Field(ge=0.5, le=60)] = 10.0
