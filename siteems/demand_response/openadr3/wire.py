"""The objects of OpenADR 3.1 that a VEN reads and sends, as they are on the wire.

What is read may have more fields and nulls; it is bounded, because it comes from outside. What is
sent has no nulls: the official schema forbids most of them. Field names are those of the
standard.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictFloat, StrictInt, StrictStr

MOST_WIRE_INTERVALS: Final = 1000
"""As of a neutral event."""
MOST_LISTED: Final = 100
"""Payloads, values, targets and descriptors of one object."""

Id = Annotated[str, Field(min_length=1, max_length=128)]
Text = Annotated[str, Field(max_length=256)]
Value = StrictBool | StrictInt | StrictFloat | StrictStr | dict[str, Any]


class _Wire(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)

    def body(self) -> dict[str, Any]:
        """As it is sent."""
        return self.model_dump(mode="json", exclude_none=True)


class IntervalPeriod(_Wire):
    """When intervals are; each field may be missing, and then holds what is around it."""

    start: Text | None = None
    duration: Text | None = None
    randomizeStart: Text | None = None


class ValuesMap(_Wire):
    """Values of a type."""

    type: Text
    values: Annotated[tuple[Value, ...], Field(max_length=MOST_LISTED)]


class WireInterval(_Wire):
    """What holds in an interval."""

    id: int
    intervalPeriod: IntervalPeriod | None = None
    payloads: Annotated[tuple[ValuesMap, ...], Field(max_length=MOST_LISTED)]


class PayloadDescriptor(_Wire):
    """Units and currency of a payload type."""

    payloadType: Text
    units: Text | None = None
    currency: Text | None = None


class ReportDescriptor(_Wire):
    """A report that the VTN asks for."""

    payloadType: Text
    readingType: Text | None = None
    units: Text | None = None
    startInterval: int = -1
    numIntervals: int = -1
    historical: bool = True
    frequency: int = -1
    repeat: int = 1


class WireEvent(_Wire):
    """An event as the VTN has it."""

    id: Id
    programID: Id
    createdDateTime: Text
    modificationDateTime: Text
    eventName: Text | None = None
    duration: Text | None = None
    priority: Annotated[int, Field(ge=0)] | None = None
    targets: Annotated[tuple[Text, ...], Field(max_length=MOST_LISTED)] | None = None
    payloadDescriptors: (
        Annotated[tuple[PayloadDescriptor, ...], Field(max_length=MOST_LISTED)] | None
    ) = None
    reportDescriptors: (
        Annotated[tuple[ReportDescriptor, ...], Field(max_length=MOST_LISTED)] | None
    ) = None
    intervalPeriod: IntervalPeriod | None = None
    intervals: Annotated[tuple[WireInterval, ...], Field(max_length=MOST_WIRE_INTERVALS)] | None = (
        None
    )


class WireProgram(_Wire):
    """A programme; its descriptors hold for all its events."""

    id: Id
    programName: Text
    payloadDescriptors: (
        Annotated[tuple[PayloadDescriptor, ...], Field(max_length=MOST_LISTED)] | None
    ) = None


class WireVen(_Wire):
    """A VEN as the VTN has it."""

    id: Id
    venName: Text


class WireResource(_Wire):
    """A resource as the VTN has it."""

    id: Id
    resourceName: Text


class VenRequest(_Wire):
    """A VEN that registers itself."""

    objectType: Literal["VEN_VEN_REQUEST"] = "VEN_VEN_REQUEST"
    venName: Text


class ResourceRequest(_Wire):
    """A resource of a VEN that the VEN registers."""

    objectType: Literal["VEN_RESOURCE_REQUEST"] = "VEN_RESOURCE_REQUEST"
    resourceName: Text
    venID: Id


class ReportResource(_Wire):
    """The values of one resource in a report."""

    resourceName: Text
    intervals: tuple[WireInterval, ...]


class ReportPayloadDescriptor(_Wire):
    """What a report contains."""

    objectType: Literal["REPORT_PAYLOAD_DESCRIPTOR"] = "REPORT_PAYLOAD_DESCRIPTOR"
    payloadType: Text
    readingType: Text | None = None
    units: Text | None = None


class ReportRequest(_Wire):
    """A report."""

    eventID: Id
    clientName: Text
    reportName: Text
    payloadDescriptors: tuple[ReportPayloadDescriptor, ...]
    resources: tuple[ReportResource, ...]


class WireReport(_Wire):
    """A report as the VTN has it."""

    id: Id
    eventID: Id


class AuthServer(_Wire):
    """Where tokens are given."""

    tokenURL: Annotated[str, Field(min_length=2, max_length=8000)]


class Token(_Wire):
    """An access token."""

    access_token: Annotated[str, Field(min_length=1, max_length=4096)]
    expires_in: Annotated[int, Field(ge=1)] = 3600


class MqttAuthentication(_Wire):
    """How a client shows the broker who it is."""

    method: Literal["ANONYMOUS", "OAUTH2_BEARER_TOKEN", "CERTIFICATE"]
    username: Text | None = None


class MqttBinding(_Wire):
    """The broker of a VTN."""

    URIS: Annotated[tuple[Text, ...], Field(max_length=MOST_LISTED)]
    authentication: MqttAuthentication


class Notifiers(_Wire):
    """How a VTN notifies its clients."""

    MQTT: MqttBinding | None = None


class Topics(_Wire):
    """Names of topics by operation: CREATE, UPDATE, DELETE, ALL."""

    topics: Annotated[dict[Text, Annotated[str, Field(max_length=1024)]], Field(max_length=10)]
