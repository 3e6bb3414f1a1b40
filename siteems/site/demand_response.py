"""Sections [demand_response], [openadr] and [iec104] of a site file: what DR events may ask of the
site, and how a grid operator sends them.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import Annotated, Literal, Self, get_args
from zoneinfo import ZoneInfo

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
    rebound_kw: NonNegative | None = None
    """Highest grid import of the whole site for `rebound_h` after an event that capped it, so that
    a thousand sites do not refill their batteries in the same minute; None = no limit.
    """
    rebound_h: Annotated[float, Field(gt=0, le=24)] = 1.0
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
                raise ValueError("certificate, key or fingerprint; they belong to version 2.0b")
        else:
            if self.secrets is not None:
                raise ValueError("secrets belong to version 3.1; 2.0b has certificate and key")
            if (self.certificate is None) != (self.key is None):
                raise ValueError("certificate or key is missing; they belong together")
            if self.certificate is not None and self.ca is None:
                raise ValueError("ca: missing; a certificate needs the authority of the VTN")
            if self.fingerprint is not None and self.certificate is None:
                raise ValueError("certificate is missing; with a fingerprint, answers are signed")
        return self


@dataclass(frozen=True, kw_only=True, config=CLOSED)
class Iec104:
    """The station of IEC 60870-5-104 that a grid operator's control room connects to."""

    host: str = "127.0.0.1"
    """The address to listen at: loopback, unless another one is stated together with `peers`."""
    port: Annotated[int, Field(ge=1, le=65535)] = 2404
    peers: tuple[str, ...] = ()
    """IP addresses of the masters that may connect."""
    common_address: Annotated[int, Field(ge=1, le=65534)] = 1
    zone: str = "UTC"
    """Of time tags: an IANA name such as "Asia/Shanghai"."""
    objects: str | None = None
    """Table of the information objects, relative to the folder of the site file; that of siteems
    where it is not stated.
    """
    command_min: Annotated[float, Field(ge=1, le=1440)] = 15.0
    """Minutes for which a command holds after it was last sent. Then the site goes on by its own
    plan, also where the master or the line is lost.
    """
    baseline: Label = "high-5-of-10"
    """Name of the rule from which the baseline of a reduction is computed."""

    @model_validator(mode="after")
    def _addresses(self) -> Self:
        for address in (self.host, *self.peers):
            try:
                ip_address(address)
            except ValueError as error:
                raise ValueError(f"{address!r} is no IP address; such as 192.0.2.7") from error
        if not ip_address(self.host).is_loopback and not self.peers:
            raise ValueError("peers: missing; a station that others can reach names its masters")
        try:
            ZoneInfo(self.zone)
        except (ValueError, OSError, LookupError) as error:
            raise ValueError(
                f"zone: {self.zone!r} is no time zone; allowed: IANA names such as UTC"
            ) from error
        return self
