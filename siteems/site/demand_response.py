"""Sections [demand_response] and [openadr] of a site file: what DR events may ask of the site, and
the server of a grid operator that sends them.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self, get_args

from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from siteems.config.fields import CLOSED, NonNegative, Positive

EventKind = Literal[
    "import-cap",
    "export-cap",
    "reduction",
    "battery-power",
    "charge-state",
    "price",
    "emergency",
]
"""What a DR event asks for; `siteems/demand_response/event.py` has the meaning of each."""

Label = Annotated[str, Field(min_length=1, max_length=128)]


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class DemandResponse:
    """What a DR event may ask of the site. An operator may confirm one that asks for more; one that
    a grid operator's server sends is then refused.
    """

    lowest_limit_kw: NonNegative = 0.1
    """A lower import limit is more likely a slip than what a grid operator asks for: the standby of
    the rectifiers alone draws more.
    """
    longest_h: Positive = 24.0
    """Events of the grid operators that are known last up to some hours."""
    kinds: Annotated[tuple[EventKind, ...], Field(min_length=1)] = get_args(EventKind)
    """Of events that a grid operator's server may send; all of them unless stated."""
    events_a_day: Annotated[int, Field(ge=1, le=96)] = 8
    """Events of one server that begin on one local day. Programmes send one or two a day; a
    server that sends more has an error, or asks for more than was agreed.
    """


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class OpenAdr:
    """The server of a grid operator or an aggregator, its VTN, and this site as its VEN."""

    url: Annotated[
        str,
        Field(
            pattern=r"^(https://[^\s/]+|http://(127\.0\.0\.1|localhost|\[::1\])(:\d+)?)(/\S*)?$",
            max_length=2048,
            description="an address with https://; http:// only on this machine",
        ),
    ]
    """Of 3.1, what stands before `/programs`; of 2.0b, up to `/OpenADR2/Simple/2.0b`."""
    version: Literal["3.1", "2.0b"] = "3.1"
    ven_name: Label
    """Under which the site registers."""
    secrets: str | None = None
    """3.1: TOML file with `client_id` and `client_secret`, relative to the folder of the site file;
    not readable by others.
    """
    programmes: tuple[Label, ...] = ()
    """Names of the programmes that the site takes part in; empty = all that the VTN shows."""
    targets: tuple[Label, ...] = ()
    """Events for other targets are not for this site; empty = the VTN decides."""
    poll_s: Annotated[float, Field(ge=1, le=3600)] = 30.0
    """How often the VTN is asked for events. An event that is sent at less notice begins late."""
    notification: bool = True
    """Whether to listen to the broker of a VTN that offers MQTT. Then an event begins without
    waiting for the next poll.
    """
    simple_caps_kw: Annotated[tuple[NonNegative, ...], Field(max_length=3)] = ()
    """Import caps of the levels 1, 2, 3 of SIMPLE events; without them such events are refused."""
    baseline: Label = "high-5-of-10"
    """Name of the rule from which the baseline of a reduction is computed when it is accepted."""
    ca: str | None = None
    """PEM file with the authority that signed the server's certificate, relative to the folder of
    the site file; the system's authorities where it is not stated.
    """
    certificate: str | None = None
    """2.0b: PEM file with the certificate of this site, by which the VTN knows it."""
    key: str | None = None
    """2.0b: PEM file with its key."""
    fingerprint: str | None = None
    """2.0b: of the VTN's certificate, where messages are signed."""

    @model_validator(mode="after")
    def _credentials_of_version(self) -> Self:
        of_2 = (self.certificate, self.key, self.fingerprint)
        if self.version == "3.1":
            if self.secrets is None:
                raise ValueError("secrets: missing; version 3.1 needs client_id and client_secret")
            if any(each is not None for each in of_2):
                raise ValueError("certificate, key and fingerprint belong to version 2.0b")
        else:
            if self.secrets is not None:
                raise ValueError("secrets belong to version 3.1; 2.0b has certificate and key")
            if (self.certificate is None) != (self.key is None):
                raise ValueError("certificate and key belong together")
            if self.certificate is not None and self.ca is None:
                raise ValueError("ca: missing; a certificate needs the authority of the VTN")
            if self.fingerprint is not None and self.certificate is None:
                raise ValueError("fingerprint needs certificate and key, which sign the answers")
        return self
