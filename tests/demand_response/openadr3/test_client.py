"""HTTP with a VTN on a real socket: tokens, errors, slow and cut answers."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from random import Random

import pytest

from siteems.demand_response.openadr3 import client as client_module
from siteems.demand_response.openadr3.client import LONGEST_RETRY_S, VtnClient, poll_pause_s
from siteems.demand_response.openadr3.secrets import Secrets
from siteems.demand_response.openadr3.wire import VenRequest, WireProgram, WireVen
from siteems.demand_response.vtn_error import VtnError
from siteems.simulation.vtn import Fault, SimulatedVtn

SECRETS = Secrets("ven", "secret")


@pytest.fixture
def vtn() -> Iterator[SimulatedVtn]:
    with SimulatedVtn() as vtn:
        vtn.add_programme("summer")
        yield vtn


@pytest.fixture
async def client(vtn: SimulatedVtn) -> AsyncIterator[VtnClient]:
    client = VtnClient(vtn.url, SECRETS)
    yield client
    await client.close()


async def names(client: VtnClient) -> list[str]:
    found, wrong = await client.get_list("/programs", WireProgram)
    assert wrong == []
    return [each.programName for each in found]


async def failure(client: VtnClient) -> VtnError:
    with pytest.raises(VtnError) as error:
        await names(client)
    assert "\n" not in str(error.value)
    return error.value


def tokens(vtn: SimulatedVtn) -> int:
    return vtn.requests.count(("POST", "/auth/token"))


class TestToken:
    async def test_one_is_used_for_many_requests(
        self, vtn: SimulatedVtn, client: VtnClient
    ) -> None:
        for _ in range(5):
            assert await names(client) == ["summer"]
        assert tokens(vtn) == 1
        assert vtn.requests.count(("GET", "/auth/server")) == 1

    async def test_it_is_renewed_before_it_expires(self, vtn: SimulatedVtn) -> None:
        now_s = 0.0
        client = VtnClient(vtn.url, SECRETS, now_s=lambda: now_s)
        await names(client)
        for now_s, count in ((3500.0, 1), (3541.0, 2), (7000.0, 2)):  # noqa: B007
            await names(client)
            assert tokens(vtn) == count
        await client.close()

    async def test_a_refused_one_is_renewed_once(
        self, vtn: SimulatedVtn, client: VtnClient
    ) -> None:
        await names(client)
        vtn.revoke_tokens()
        assert await names(client) == ["summer"]
        assert tokens(vtn) == 2

    async def test_one_that_is_refused_again_is_an_error(
        self, vtn: SimulatedVtn, client: VtnClient
    ) -> None:
        await names(client)
        vtn.faults = [Fault(status=401), Fault(count=1), Fault(status=401)]
        assert "401, also with a new token" in str(await failure(client))
        assert await names(client) == ["summer"]

    async def test_wrong_credentials(self, vtn: SimulatedVtn) -> None:
        client = VtnClient(vtn.url, Secrets("ven", "wrong"))
        text = str(await failure(client))
        assert "/auth/token: 401 invalid_client" in text
        assert "wrong" not in text, "the secret is never shown"
        assert "wrong" not in repr(Secrets("ven", "wrong"))
        await client.close()

    async def test_the_secret_is_not_sent_to_another_machine_without_tls(
        self, vtn: SimulatedVtn, client: VtnClient
    ) -> None:
        vtn.faults = [Fault(raw=b'{"tokenURL": "http://evil.example/token"}')]
        assert "is not https" in str(await failure(client))
        assert tokens(vtn) == 0


class TestAnswers:
    async def test_errors_state_how_long_the_server_asks_to_wait(
        self, vtn: SimulatedVtn, client: VtnClient
    ) -> None:
        await names(client)
        vtn.faults = [Fault(status=429, retry_after="7"), Fault(status=500), Fault(status=503)]
        error = await failure(client)
        assert ("429 a fault" in str(error), error.retry_after_s) == (True, 7.0)
        assert "500 a fault" in str(await failure(client))
        assert "503 a fault" in str(await failure(client))
        assert await names(client) == ["summer"]

    @pytest.mark.parametrize("retry_after", ["soon", "-1", "inf", "nan", ""])
    async def test_a_wait_that_is_none(
        self, vtn: SimulatedVtn, client: VtnClient, retry_after: str
    ) -> None:
        await names(client)
        vtn.faults = [Fault(status=429, retry_after=retry_after)]
        assert (await failure(client)).retry_after_s is None

    async def test_a_cut_answer(self, vtn: SimulatedVtn, client: VtnClient) -> None:
        await names(client)
        vtn.faults = [Fault(cut=True)]
        assert "GET /openadr3/3.1.0/programs: " in str(await failure(client))
        assert await names(client) == ["summer"]

    async def test_an_answer_in_drops_ends_in_time(
        self, vtn: SimulatedVtn, client: VtnClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await names(client)
        monkeypatch.setattr(client_module, "WHOLE_S", 0.3)
        vtn.faults = [Fault(trickle_s=0.05)]
        assert "no whole answer within" in str(await failure(client))

    async def test_an_endless_answer(
        self, vtn: SimulatedVtn, client: VtnClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await names(client)
        monkeypatch.setattr(client_module, "LARGEST_BODY", 1000)
        vtn.faults = [Fault(raw=b" " * 5000)]
        assert "more than 1000 bytes" in str(await failure(client))

    @pytest.mark.parametrize(
        ("raw", "text"),
        [
            (b"", "no JSON"),
            (b"<html>", "no JSON"),
            (b"\xff\xfe", "no JSON"),
            (b"[" * 100_000, "no JSON"),
            (b"{}", "no list"),
            (b"null", "no list"),
        ],
    )
    async def test_what_is_no_listing(
        self, vtn: SimulatedVtn, client: VtnClient, raw: bytes, text: str
    ) -> None:
        await names(client)
        vtn.faults = [Fault(raw=raw or b" ")]
        assert text in str(await failure(client))

    async def test_of_a_listing_what_is_valid(self, vtn: SimulatedVtn, client: VtnClient) -> None:
        await names(client)
        vtn.faults = [Fault(raw=b'[{"id": "a", "programName": "x"}, {"id": "b"}, 7, {"id": 3}]')]
        found, wrong = await client.get_list("/programs", WireProgram)
        assert [each.id for each in found] == ["a"]
        assert [each.id for each in wrong] == ["b", None, None]
        assert wrong[0].wrong.startswith("/programs 'b': programName")

    async def test_no_server(self, client: VtnClient) -> None:
        absent = VtnClient("http://127.0.0.1:9/openadr3/3.1.0", SECRETS)
        assert "GET /openadr3/3.1.0/auth/server: " in str(await failure(absent))
        await absent.close()


async def test_a_conflict_is_an_error(client: VtnClient) -> None:
    assert (await client.post("/vens", VenRequest(venName="a"), WireVen)).venName == "a"
    with pytest.raises(VtnError, match="409 Conflict"):
        await client.post("/vens", VenRequest(venName="a"), WireVen)


async def test_a_certificate_of_another_authority_is_refused(tmp_path: Path) -> None:
    import trustme

    authority, other = trustme.CA(), trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 503 x\r\nContent-Length: 2\r\n\r\n{}")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    for signed_by, text in ((authority, "503"), (other, "CERTIFICATE_VERIFY_FAILED")):
        ca = tmp_path / "ca.pem"
        signed_by.cert_pem.write_to_path(str(ca))
        client = VtnClient(url, SECRETS, str(ca))
        assert text in str(await failure(client))
        await client.close()
    server.close()


def test_pauses_between_polls() -> None:
    random = Random(1)

    def pause_s(poll_s: float, failures: int = 0, asked_s: float | None = None) -> float:
        return poll_pause_s(poll_s, failures, asked_s, random)

    assert 30.0 <= pause_s(30.0) <= 33.0
    assert 120.0 <= pause_s(30.0, 2) <= 132.0
    assert LONGEST_RETRY_S <= pause_s(30.0, 50) <= 1.1 * LONGEST_RETRY_S
    assert 3600.0 <= pause_s(3600.0, 50) <= 3960.0
    assert 100.0 <= pause_s(30.0, 0, 100.0) <= 110.0
    assert pause_s(30.0, 0, 1e9) <= 1.1 * LONGEST_RETRY_S
    assert len({pause_s(30.0) for _ in range(100)}) > 90
