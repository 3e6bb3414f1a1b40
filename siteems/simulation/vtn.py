"""A grid operator's server as it is simulated: an OpenADR 3.1 VTN on loopback, for demo and tests.

It keeps programmes, events, VENs, resources and reports in memory, gives tokens that expire, pages
its listings, and has the faults of real servers: refusals, errors, slow and cut answers.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, cast
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

BASE: Final = "/openadr3/3.1.0"
LARGEST_REQUEST: Final = 1_000_000
OBJECT_TYPES: Final[Mapping[str, str]] = {
    "programs": "PROGRAM",
    "events": "EVENT",
    "vens": "VEN",
    "resources": "RESOURCE",
    "reports": "REPORT",
}

OWNED: Final = ("vens", "resources", "reports")
"""Objects that carry the client that made them."""


@dataclass
class Fault:
    """How the next answers go wrong."""

    status: int | None = None
    """An error with this status."""
    retry_after: str | None = None
    delay_s: float = 0.0
    """Before the answer."""
    trickle_s: float = 0.0
    """Between two bytes of the answer."""
    cut: bool = False
    """The connection ends within the answer."""
    raw: bytes | None = None
    """This, in place of the answer's body."""
    count: int = 1
    """So many answers."""


class SimulatedVtn:
    """The server, in threads of this process. Use it as a context."""

    def __init__(
        self,
        client_id: str = "ven",
        client_secret: str = "secret",
        token_s: int = 3600,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.client_id, self.client_secret, self.token_s = client_id, client_secret, token_s
        self.objects: dict[str, dict[str, dict[str, Any]]] = {name: {} for name in OBJECT_TYPES}
        self.requests: list[tuple[str, str]] = []
        """Method and path of each request, in order."""
        self.bodies: list[tuple[str, Any]] = []
        """Path and body of each object that a client has sent."""
        self.faults: list[Fault] = []
        """Of the next answers, in order."""
        self.broker: str | None = None
        """Address of an MQTT broker, such as mqtt://127.0.0.1:1883, that notifies clients."""
        self.publish: Callable[[str, str], None] = lambda topic, message: None
        """Gives the broker a message."""
        self._now = now
        self._tokens: dict[str, float] = {}
        self._lock = threading.RLock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.daemon_threads = True
        self._server.vtn = self  # type: ignore[attr-defined]  # the handler finds it there
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        """What stands before `/events`."""
        return f"http://127.0.0.1:{self._server.server_address[1]}{BASE}"

    def __enter__(self) -> SimulatedVtn:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5.0)

    def revoke_tokens(self) -> None:
        """From now on no token is valid that was given before."""
        with self._lock:
            self._tokens.clear()

    # -- the operator ------------------------------------------------------------------------------

    def add_programme(self, name: str, **more: Any) -> str:
        """A new programme; its id."""
        return self._add("programs", {"programName": name, **more})

    def add_event(self, programme: str, **more: Any) -> str:
        """A new event of a programme's id; its own id."""
        with self._lock:
            id_ = self._add("events", {"programID": programme, **more})
            self._notify("CREATE", self.objects["events"][id_])
            return id_

    def modify_event(self, event: str, **changes: Any) -> None:
        """Change fields of an event."""
        with self._lock:
            self._update("events", event, self.objects["events"][event] | changes)
            self._notify("UPDATE", self.objects["events"][event])

    def delete_event(self, event: str) -> None:
        """Withdraw an event."""
        with self._lock:
            gone = self.objects["events"].pop(event)
            self._notify("DELETE", gone)

    def _notify(self, operation: str, event: Mapping[str, Any]) -> None:
        message = {"objectType": "EVENT", "operation": operation, "object": event}
        self.publish(f"programs/{event['programID']}/events/{operation}", json.dumps(message))

    def _add(self, name: str, body: Mapping[str, Any]) -> str:
        with self._lock:
            id_ = uuid4().hex[:12]
            now = self._time()
            times = {"createdDateTime": now, "modificationDateTime": now}
            fixed = {"id": id_, "objectType": OBJECT_TYPES[name]}
            self.objects[name][id_] = {**body, **times, **fixed}
            return id_

    def _time(self, after: str = "") -> str:
        """The time now as text, at least a millisecond after another one."""
        time = self._now()
        if after:
            time = max(time, datetime.fromisoformat(after) + timedelta(milliseconds=1))
        return f"{time:%Y-%m-%dT%H:%M:%S.%f}Z"

    # -- requests ----------------------------------------------------------------------------------

    def take_fault(self) -> Fault | None:
        """The fault of this answer."""
        with self._lock:
            if not self.faults:
                return None
            fault = self.faults[0]
            fault.count -= 1
            if fault.count <= 0:
                self.faults.pop(0)
            return fault

    def answer(self, method: str, target: str, token: str | None, body: bytes) -> tuple[int, Any]:
        """Status and JSON of a request."""
        parts = urlsplit(target)
        path = parts.path.removeprefix(BASE)
        with self._lock:
            self.requests.append((method, path))
            if (method, path) == ("GET", "/auth/server"):
                return 200, {"tokenURL": f"{self.url}/auth/token"}
            if (method, path) == ("POST", "/auth/token"):
                return self._give_token(body)
            if token is None or self._tokens.get(token, 0.0) < time.monotonic():
                return 401, {"title": "Unauthorized", "status": 401}
            if path.startswith("/notifiers"):
                return self._notifiers(method, path)
            name, _, id_ = path.strip("/").partition("/")
            if name not in self.objects or (id_ and id_ not in self.objects[name]):
                return 404, {"title": "Not Found", "status": 404}
            match method, bool(id_):
                case "GET", False:
                    return 200, self._page(name, parse_qs(parts.query))
                case "GET", True:
                    return 200, self.objects[name][id_]
                case "POST", False:
                    return self._create(name, path, body)
                case "PUT", True:
                    return self._update(name, id_, json.loads(body))
                case "DELETE", True:
                    return 200, self.objects[name].pop(id_)
            return 405, {"title": "Method Not Allowed", "status": 405}

    def _notifiers(self, method: str, path: str) -> tuple[int, Any]:
        if method != "GET":
            return 405, {"title": "Method Not Allowed", "status": 405}
        if path == "/notifiers":
            binding = {
                "URIS": [self.broker],
                "serialization": "JSON",
                "authentication": {"method": "ANONYMOUS"},
            }
            return 200, {"WEBHOOK": True} | ({} if self.broker is None else {"MQTT": binding})
        owner = path.removeprefix("/notifiers/mqtt/topics/").removesuffix("/events")
        kind, _, id_ = owner.partition("/")
        if self.broker is None or kind != "programs" or id_ not in self.objects["programs"]:
            return 404, {"title": "Not Found", "status": 404}
        names = {each: f"{owner}/events/{each}" for each in ("CREATE", "UPDATE", "DELETE")}
        return 200, {"topics": names}

    def _give_token(self, body: bytes) -> tuple[int, Any]:
        form = {key: values[0] for key, values in parse_qs(body.decode()).items()}
        given = (form.get("grant_type"), form.get("client_id"), form.get("client_secret"))
        if given != ("client_credentials", self.client_id, self.client_secret):
            return 401, {"error": "invalid_client"}
        token = uuid4().hex
        self._tokens[token] = time.monotonic() + self.token_s
        return 200, {"access_token": token, "token_type": "Bearer", "expires_in": self.token_s}

    def _page(self, name: str, query: Mapping[str, list[str]]) -> list[dict[str, Any]]:
        skip, limit = int(query.get("skip", ["0"])[0]), int(query.get("limit", ["50"])[0])
        found = list(self.objects[name].values())
        for key in ("venName", "resourceName", "venID", "programID"):
            if key in query:
                found = [each for each in found if each.get(key) == query[key][0]]
        return found[skip : skip + min(limit, 50)]

    def _create(self, name: str, path: str, body: bytes) -> tuple[int, Any]:
        data = json.loads(body)
        self.bodies.append((path, data))
        if name == "vens" and any(
            each["venName"] == data["venName"] for each in self.objects[name].values()
        ):
            return 409, {"title": "Conflict", "status": 409}
        owned = {"clientID": self.client_id} if name in OWNED else {}
        id_ = self._add(name, {**data, **owned})
        return 201, self.objects[name][id_]

    def _update(self, name: str, id_: str, data: Mapping[str, Any]) -> tuple[int, Any]:
        """The new content of an object; its id and times are the server's."""
        stored = self.objects[name][id_]
        kept = {key: stored[key] for key in ("id", "createdDateTime", "objectType")}
        modified = {"modificationDateTime": self._time(after=stored["modificationDateTime"])}
        self.objects[name][id_] = {**data, **kept, **modified}
        return 200, self.objects[name][id_]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_PUT(self) -> None:
        self._serve()

    def do_DELETE(self) -> None:
        self._serve()

    def log_message(self, format: str, *args: Any) -> None:
        """No lines on the terminal."""

    def _serve(self) -> None:
        vtn = cast("SimulatedVtn", self.server.vtn)  # type: ignore[attr-defined]  # by SimulatedVtn
        length = min(int(self.headers.get("Content-Length") or 0), LARGEST_REQUEST)
        body = self.rfile.read(length)
        scheme, _, token = (self.headers.get("Authorization") or "").partition(" ")
        status, data = vtn.answer(
            self.command, self.path, token if scheme == "Bearer" else None, body
        )
        content = json.dumps(data).encode()
        fault = vtn.take_fault()
        if fault is None:
            self._send(status, content)
            return
        time.sleep(fault.delay_s)
        if fault.status is not None:
            status, content = fault.status, json.dumps({"title": "a fault"}).encode()
        self._send(status, fault.raw or content, fault)

    def _send(self, status: int, content: bytes, fault: Fault | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        if fault is not None and fault.retry_after is not None:
            self.send_header("Retry-After", fault.retry_after)
        self.end_headers()
        try:
            if fault is not None and fault.cut:
                self.wfile.write(content[: len(content) // 2])
                self.close_connection = True
            elif fault is not None and fault.trickle_s:
                for byte in content:
                    self.wfile.write(bytes([byte]))
                    self.wfile.flush()
                    time.sleep(fault.trickle_s)
            else:
                self.wfile.write(content)
        except OSError:
            self.close_connection = True  # the client has given up
