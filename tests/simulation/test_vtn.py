"""The simulated VTN, by a client that is not ours (openadr3) and the official API description."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from openadr3 import OpenADRClient, fetch_token
from openadr_schema import check

from siteems.simulation.vtn import SimulatedVtn

PROGRAM = {"programName": "summer"}


def event(programme: str, value: float = 1.5) -> dict[str, Any]:
    return {
        "programID": programme,
        "intervalPeriod": {"start": "2026-07-15T10:00:00Z", "duration": "PT1H"},
        "intervals": [
            {"id": 0, "payloads": [{"type": "IMPORT_CAPACITY_LIMIT", "values": [value]}]}
        ],
    }


@pytest.fixture
def vtn() -> Iterator[SimulatedVtn]:
    with SimulatedVtn() as vtn:
        yield vtn


@pytest.fixture
def client(vtn: SimulatedVtn) -> Iterator[OpenADRClient]:
    with OpenADRClient(vtn.url, token=fetch_token(vtn.url, "ven", "secret")) as client:
        yield client


def test_the_life_of_an_event(client: OpenADRClient) -> None:
    programme = client.create_program(PROGRAM).json()["id"]
    made = client.create_event(event(programme)).json()
    [read] = client.events(programID=programme)
    assert read.intervals[0].payloads[0].values == [1.5]
    changed = client.update_event(made["id"], event(programme, 2.5)).json()
    assert changed["modificationDateTime"] > made["modificationDateTime"]
    assert client.event(made["id"]).intervals[0].payloads[0].values == [2.5]
    assert client.delete_event(made["id"]).status_code == 200
    assert client.get_event_by_id(made["id"]).status_code == 404


def test_a_ven_and_its_resource(client: OpenADRClient) -> None:
    made = client.create_ven({"objectType": "VEN_VEN_REQUEST", "venName": "site-1"}).json()
    assert (
        client.create_ven({"objectType": "VEN_VEN_REQUEST", "venName": "site-1"}).status_code == 409
    )
    found = client.find_ven_by_name("site-1")
    assert found is not None
    assert str(found.id) == made["id"]


def test_without_a_token_nothing_is_shown(vtn: SimulatedVtn) -> None:
    with OpenADRClient(vtn.url, token="wrong") as client:
        assert client.get_events().status_code == 401


def test_what_it_serves_is_as_the_standard_says(client: OpenADRClient) -> None:
    programme = client.create_program(PROGRAM).json()
    check("program", programme)
    check("event", client.create_event(event(programme["id"])).json())
    check("authServerInfo", client.get_auth_server().json())
    with pytest.raises(jsonschema.ValidationError):
        check("event", {"id": "x"})
