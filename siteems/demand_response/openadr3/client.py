"""HTTP with a VTN: tokens, bounded answers, retries that do not press a server in trouble."""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import httpx
from pydantic import BaseModel, TypeAdapter, ValidationError

from siteems.demand_response.openadr3.secrets import Secrets
from siteems.demand_response.openadr3.wire import AuthServer, Token
from siteems.demand_response.vtn_error import VtnError

TIMEOUT_S: Final = 10.0
"""Of each step of a request: connect, send, each part of the answer."""
WHOLE_S: Final = 30.0
"""Of a whole request. A server that sends a byte every few seconds would hold it for hours."""
LARGEST_BODY: Final = 8_000_000
"""Bytes of an answer: 50 events of a thousand intervals."""
RENEW_BEFORE_S: Final = 60.0
"""A token is renewed so long before it expires, or after half of its life if that is shorter."""
LONGEST_RETRY_S: Final = 900.0
"""Of what a server may ask for with Retry-After."""
UNAUTHORISED: Final = 401
LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")

T = TypeVar("T", bound=BaseModel)


@dataclass(frozen=True)
class Unreadable:
    """An object of a listing that is not as the standard says."""

    id: str | None
    wrong: str
    """What is wrong with it, on one line."""


class VtnClient:
    """One VTN, for tasks of one event loop; `close` it at the end."""

    def __init__(
        self,
        url: str,
        secrets: Secrets,
        ca: str | None = None,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """Raises `OSError` for an unusable `ca`."""
        self._url, self._secrets, self._now_s = url.rstrip("/"), secrets, now_s
        verify = ssl.create_default_context(cafile=ca)
        self._http = httpx.AsyncClient(
            timeout=TIMEOUT_S, verify=verify, follow_redirects=False, trust_env=False
        )
        self._token: str | None = None
        self._renew_at_s = 0.0
        self._token_url: str | None = None
        self._renewing = asyncio.Lock()

    async def close(self) -> None:
        """End all connections."""
        await self._http.aclose()

    async def get_list(
        self, path: str, kind: type[T], query: Mapping[str, str | int] | None = None
    ) -> tuple[list[T], list[Unreadable]]:
        """The objects of a listing that are valid, and the others. Raises `VtnError`."""
        data = await self._request("GET", path, query=query)
        if not isinstance(data, list):
            raise VtnError(f"GET {path}: no list")
        found: list[T] = []
        wrong: list[Unreadable] = []
        for number, each in enumerate(data):
            try:
                found.append(kind.model_validate(each))
            except ValidationError as error:
                id_ = each.get("id") if isinstance(each, dict) else None
                known = id_ if isinstance(id_, str) else None
                name = f"[{number}]" if known is None else repr(known[:100])
                wrong.append(Unreadable(known, f"{path} {name}: {_first(error)}"))
        return found, wrong

    async def get(self, path: str, kind: type[T]) -> T:
        """One object. Raises `VtnError`."""
        data = await self._request("GET", path)
        try:
            return kind.model_validate(data)
        except ValidationError as error:
            raise VtnError(f"GET {path}: {_first(error)}") from error

    async def token(self) -> str:
        """A valid access token. Raises `VtnError`."""
        async with self._renewing:
            return await self._valid_token()

    async def post(self, path: str, body: BaseModel, kind: type[T]) -> T:
        """Create an object; what the VTN made of it. Raises `VtnError`."""
        sent = body.model_dump(mode="json", exclude_none=True)
        data = await self._request("POST", path, body=sent)
        try:
            return kind.model_validate(data)
        except ValidationError as error:
            raise VtnError(f"POST {path}: {_first(error)}") from error

    # -- requests ----------------------------------------------------------------------------------

    async def _request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str | int] | None = None,
        body: Any = None,
    ) -> Any:
        """With a token; one that is refused is renewed once."""
        for attempt in range(2):
            headers = {"Authorization": f"Bearer {await self.token()}"}
            url = f"{self._url}{path}"
            status, data = await self._send(method, url, headers, query=query, body=body)
            if status != UNAUTHORISED:
                return data
            self._token = None
            if attempt:
                break
        raise VtnError(f"{method} {path}: {UNAUTHORISED}, also with a new token")

    async def _valid_token(self) -> str:
        if self._token is None or self._now_s() >= self._renew_at_s:
            url = await self._discovered_token_url()
            form = {
                "grant_type": "client_credentials",
                "client_id": self._secrets.client_id,
                "client_secret": self._secrets.client_secret,
            }
            _, data = await self._send("POST", url, {}, form=form)
            try:
                token = Token.model_validate(data)
            except ValidationError as error:
                raise VtnError(f"token: {_first(error)}") from error
            self._token = token.access_token
            early_s = min(RENEW_BEFORE_S, token.expires_in / 2.0)
            self._renew_at_s = self._now_s() + token.expires_in - early_s
        return self._token

    async def _discovered_token_url(self) -> str:
        """Where the VTN says that tokens are given. Over https, or on this machine: the secret goes
        there.
        """
        if self._token_url is None:
            _, data = await self._send("GET", f"{self._url}/auth/server", {})
            try:
                url = TypeAdapter(AuthServer).validate_python(data).tokenURL
            except ValidationError as error:
                raise VtnError(f"/auth/server: {_first(error)}") from error
            parts = urlsplit(url)
            if parts.scheme != "https" and not (
                parts.scheme == "http" and parts.hostname in LOOPBACK
            ):
                raise VtnError(f"/auth/server: {url[:100]!r} is not https")
            self._token_url = url
        return self._token_url

    async def _send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        *,
        query: Mapping[str, str | int] | None = None,
        body: Any = None,
        form: Mapping[str, str] | None = None,
    ) -> tuple[int, Any]:
        """Status and JSON. With a token, 401 is returned; every other failure is raised."""
        what = f"{method} {urlsplit(url).path}"
        request = self._http.build_request(
            method, url, headers=dict(headers), params=query, json=body, data=form
        )
        content = bytearray()
        try:
            async with asyncio.timeout(WHOLE_S):
                answer = await self._http.send(request, stream=True)
                try:
                    async for part in answer.aiter_bytes():
                        content += part
                        if len(content) > LARGEST_BODY:
                            raise VtnError(f"{what}: an answer of more than {LARGEST_BODY} bytes")
                finally:
                    await answer.aclose()
        except TimeoutError as error:
            raise VtnError(f"{what}: no whole answer within {WHOLE_S:g} s") from error
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, ssl.SSLError) as error:
            text = str(error) or type(error).__name__
            raise VtnError(f"{what}: {text}") from error
        if answer.status_code == UNAUTHORISED and headers:
            return UNAUTHORISED, None
        if not answer.is_success:
            text = f"{what}: {answer.status_code} {_problem(content)}"
            raise VtnError(text, _retry_s(answer), answer.status_code)
        try:
            return answer.status_code, json.loads(content)
        except (ValueError, RecursionError) as error:
            raise VtnError(f"{what}: no JSON") from error


def poll_pause_s(poll_s: float, failures: int, asked_s: float | None, random: Random) -> float:
    """Until the next poll: the interval, twice as long after each failure in a row, up to
    `LONGEST_RETRY_S`, at least what the server has asked for; with up to a tenth more, so that a
    thousand sites do not return in the same second.
    """
    pause_s = min(max(LONGEST_RETRY_S, poll_s), poll_s * 2.0 ** min(failures, 16))
    if asked_s is not None:
        pause_s = max(pause_s, min(asked_s, LONGEST_RETRY_S))
    return pause_s * (1.0 + 0.1 * random.random())


def _retry_s(answer: httpx.Response) -> float | None:
    try:
        asked_s = float(answer.headers.get("Retry-After", ""))
    except ValueError:
        return None
    return asked_s if 0.0 <= asked_s < float("inf") else None


def _problem(content: bytes | bytearray) -> str:
    """The title of an error as the standard has it; at most one short line."""
    try:
        data = json.loads(content)
        text = str(data.get("title") or data.get("detail") or data.get("error") or "")
    except (ValueError, AttributeError, RecursionError):
        text = ""
    return " ".join(text.split())[:200]


def _first(error: ValidationError) -> str:
    """The first thing that is wrong, on one line."""
    first = error.errors(include_url=False, include_context=False)[0]
    key = ".".join(str(part) for part in first["loc"])
    value = str(first.get("input"))
    shown = value if len(value) <= 60 else f"{value[:57]}..."
    return " ".join(f"{key} = {shown!r}: {first['msg']}".split())
