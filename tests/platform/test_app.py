"""The page and API of a site: the figures of the commands, no writing, no other origin."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="needs fastapi")

from command_line import run_command
from fastapi.testclient import TestClient
from made_profiles import START, made_profile
from replay_rig import Rig

from siteems.config.seeds import seed_path
from siteems.demand_response.event import import_cap_event
from siteems.demand_response.event_log import EventLog
from siteems.history.location import history_path
from siteems.history.store import History
from siteems.operations.alarm_catalogue import CAP_OVER
from siteems.operations.status import read_status
from siteems.operations.status_json import as_data
from siteems.platform.app import PAGES, make_app
from siteems.platform.site_record import SiteRecord
from siteems.site.model import Site

HOUR = timedelta(hours=1)
UNTIL = START + 7 * HOUR
JULY_6 = date(2026, 7, 6)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The record of seven hours of a controlled site, with an event and an alarm."""
    import asyncio

    from siteems.site.read_file import load_site

    folder = tmp_path_factory.mktemp("record")
    site = load_site(seed_path("hangzhou-macro"))
    rig = Rig.make(site, made_profile(2).at, START, 0.6, folder)

    async def run() -> None:
        await rig.begin()
        await rig.run_until(UNTIL)

    asyncio.run(run())
    EventLog(rig.history).add(
        import_cap_event("e1", 0, 1.5, UNTIL - HOUR, UNTIL + HOUR, "<b>ops</b>", START)
    )
    rig.history.add_alarm(CAP_OVER.at(UNTIL - HOUR))
    rig.history.close()
    return folder


@pytest.fixture
def client(folder: Path, hangzhou: Site) -> Iterator[TestClient]:
    app = make_app(SiteRecord(hangzhou, folder))
    with TestClient(app, base_url="http://127.0.0.1") as client:
        yield client


PATHS = ("site", "state", "day", "plan", "alarms", "events")
SPAN = f"start={START.isoformat()}&end={UNTIL.isoformat()}".replace("+", "%2B")


class TestFigures:
    def test_the_state_is_that_of_the_status_command(
        self, client: TestClient, folder: Path, hangzhou: Site
    ) -> None:
        shown = client.get("/api/v1/state").json()
        history = History(history_path(folder), read_only=True)
        status = json.loads(json.dumps(as_data(read_status(hangzhou, history))))
        history.close()
        for moving in ("now",):
            status.pop(moving)
        for key, value in status.items():
            if key == "sample":
                value.pop("age_s")
                shown[key].pop("age_s")
            assert shown[key] == value, key

    def test_a_stopped_daemon_is_not_shown_as_live(self, client: TestClient) -> None:
        assert client.get("/api/v1/state").json()["live"] is False

    def test_history_is_that_of_the_history_command(self, client: TestClient, folder: Path) -> None:
        columns = "grid_kw,battery_kw,soc"
        answer = client.get(f"/api/v1/history.csv?{SPAN}&columns={columns}&every=15min")
        code, output, messages = run_command(
            "history", seed_path("hangzhou-macro"), f"--state={folder}", "--every=15min",
            f"--columns={columns}", "--from=2026-07-06", "--to=2026-07-07",
        )  # fmt: skip
        assert code == 0, messages
        assert answer.text.splitlines()[:20] == output.splitlines()[:20]
        table = client.get(f"/api/v1/history?{SPAN}&columns={columns}&every=15min").json()
        assert len(table["time"]) == 28
        assert set(table["columns"]) == {*columns.split(","), "coverage"}

    def test_a_day_has_what_was_measured_and_what_is_planned(self, client: TestClient) -> None:
        day = client.get(f"/api/v1/day?day={JULY_6}").json()
        assert len(day["measured"]["time"]) == 7 * 12 + 1, "with the sample at the end"
        assert day["plan"] is None or len(day["plan"]["time"]) == len(day["plan"]["columns"]["soc"])
        assert [each["id"] for each in day["events"]] == ["e1"]
        prices = {each["from"][11:]: each["per_kwh"] for each in day["prices"][:9]}
        assert prices["18:00"] == pytest.approx(1.23176)

    def test_a_plan_was_recorded(self, client: TestClient, folder: Path) -> None:
        plan = client.get("/api/v1/plan").json()
        assert plan is None or plan["status"] == "optimal"

    def test_events_and_alarms_are_listed(self, client: TestClient) -> None:
        events = client.get("/api/v1/events")
        assert events.status_code == 200
        assert all("text" in event for event in events.json())
        assert client.get("/api/v1/alarms").status_code == 200


class TestEdges:
    @pytest.mark.parametrize(
        ("query", "says"),
        [
            (f"{SPAN}&every=7min", "allowed: 5min"),
            (f"{SPAN}&columns=nonsense", "is no column"),
            ("start=2026-07-06T00:00&end=2026-07-07T00:00", "has no offset"),
            ("start=1900-01-01T00:00Z&end=2026-07-07T00:00Z", "2000 to 2099"),
        ],
    )
    def test_what_cannot_be_is_one_sentence(
        self, client: TestClient, query: str, says: str
    ) -> None:
        answer = client.get(f"/api/v1/history?{query}")
        assert answer.status_code == 400
        assert says in answer.json()["error"]

    @pytest.mark.parametrize("query", ["", "start=soon&end=later", f"{SPAN}&every={'x' * 99}"])
    def test_what_is_no_value_is_refused(self, client: TestClient, query: str) -> None:
        assert client.get(f"/api/v1/history?{query}").status_code == 422

    @pytest.mark.parametrize("path", ["day?day=1900-01-01", "day?day=2999-01-01"])
    def test_a_day_that_no_record_has(self, client: TestClient, path: str) -> None:
        assert client.get(f"/api/v1/{path}").status_code == 400

    def test_an_empty_span_and_a_backward_one(self, client: TestClient) -> None:
        span = "start=2020-01-01T00:00Z&end=2020-01-02T00:00Z"
        assert client.get(f"/api/v1/history?{span}").json()["time"] == []
        back = "start=2026-07-07T00:00Z&end=2026-07-06T00:00Z"
        assert client.get(f"/api/v1/history?{back}").json()["time"] == []

    def test_a_record_that_is_missing_or_damaged(self, tmp_path: Path, hangzhou: Site) -> None:
        app = make_app(SiteRecord(hangzhou, tmp_path))
        with TestClient(app, base_url="http://127.0.0.1") as client:
            for path in PATHS[1:]:
                answer = client.get(f"/api/v1/{path}")
                assert answer.status_code in (400, 503), path
                assert "\n" not in answer.json()["error"]
            history_path(tmp_path).write_bytes(b"not a database" * 1000)
            for path in PATHS[1:]:
                assert client.get(f"/api/v1/{path}").status_code in (400, 503), path


class TestStrangers:
    def test_another_name_is_refused(self, client: TestClient) -> None:
        for host in ("evil.example", "127.0.0.1.evil.example", "10.0.0.7"):
            assert client.get("/", headers={"Host": host}).status_code == 400

    def test_nothing_can_be_written(self, client: TestClient) -> None:
        schema = client.get("/api/v1/openapi.json").json()
        assert {method for path in schema["paths"].values() for method in path} == {"get"}
        for path in (*schema["paths"], "/", "/pages/app.js"):
            for method in ("post", "put", "patch", "delete"):
                assert client.request(method, path).status_code == 405, (method, path)

    def test_headers(self, client: TestClient) -> None:
        for path in ("/", "/pages/app.js", "/api/v1/site", "/api/v1/nothing", "/api/v1/day?day=x"):
            headers = client.get(path, headers={"Origin": "https://evil.example"}).headers
            assert "default-src 'self'" in headers["content-security-policy"]
            assert headers["x-content-type-options"] == "nosniff"
            assert "access-control-allow-origin" not in headers

    @pytest.mark.parametrize(
        "path", ["/pages/../app.py", "/pages/%2e%2e/app.py", "/pages//etc/passwd", "/pages/x"]
    )
    def test_only_the_pages_are_served(self, client: TestClient, path: str) -> None:
        assert client.get(path).status_code == 404


class TestPages:
    def test_nothing_is_fetched_from_elsewhere(self) -> None:
        for file in PAGES.iterdir():
            found = set(re.findall(r"https?://[^\s\"'`]+", file.read_text(encoding="utf-8")))
            assert found <= {"http://www.w3.org/2000/svg"}, file.name

    def test_every_text_is_there_in_both_languages(self) -> None:
        source = (PAGES / "texts.js").read_text(encoding="utf-8")
        english, chinese = (
            set(re.findall(r"(\w+): \"", part))
            for part in re.split(r"\n  zh: \{", source.split("\n  en: {")[1])
        )
        assert english == chinese
        used: set[str] = set()
        for file in PAGES.glob("*.js"):
            used |= set(re.findall(r"\btext\(\"(\w+)\"\)", file.read_text(encoding="utf-8")))
        html = (PAGES / "index.html").read_text(encoding="utf-8")
        used |= set(re.findall(r"data-text=\"(\w+)\"", html)) - {"theme"}
        assert used <= english
        assert len(used) > 50

    def test_text_is_never_html(self) -> None:
        for file in PAGES.glob("*.js"):
            source = file.read_text(encoding="utf-8")
            for way in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
                assert way not in source, file.name


def test_times_are_of_the_record(client: TestClient) -> None:
    state = client.get("/api/v1/state").json()
    assert datetime.fromisoformat(state["sample"]["time"]) <= UNTIL
