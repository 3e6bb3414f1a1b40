"""The web application of one site: pages, API, and what keeps strangers out.

It has no users yet: it listens on loopback, answers only to names of this machine, and everything
in it reads. So a page of another site that a browser has open can neither read it (no CORS) nor
change anything.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Final

from fastapi import FastAPI, Query, Request, Response
from fastapi.responses import FileResponse, JSONResponse, PlainTextResponse
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel
from starlette.middleware.trustedhost import TrustedHostMiddleware

from siteems import __version__
from siteems.errors import UserError
from siteems.history.records import RecordError
from siteems.messages.json_text import json_text
from siteems.platform.site_record import SiteRecord

PAGES: Final = Path(__file__).parent / "pages"
OWN_NAMES: Final = ["127.0.0.1", "localhost", "[::1]"]
"""A name of another site that is made to point here (DNS rebinding) is refused."""
HEADERS: Final = {
    # Plotly sets styles on elements, and draws pictures from data.
    "Content-Security-Policy": "default-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
A_DAY: Final = "public, max-age=86400"
DAY: Final = timedelta(days=1)
EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)
LATEST: Final = datetime(2100, 1, 1, tzinfo=UTC)


class ValidJson(JSONResponse):
    """JSON as every command writes it: what is not a finite number is null."""

    def render(self, content: Any) -> bytes:
        """The bytes of an answer."""
        return json_text(content, indent=None).encode()


class Trouble(BaseModel):
    """Why there is no answer, in one sentence."""

    error: str


TROUBLES: Final[dict[int | str, dict[str, Any]]] = {
    400: {"model": Trouble, "description": "a value that cannot be"},
    503: {"model": Trouble, "description": "the record cannot be read now"},
}

Columns = Annotated[
    str | None, Query(max_length=2000, description="Names, separated by commas; default: all.")
]
Every = Annotated[str, Query(max_length=10, description="5min, 10min, 15min, 30min, 1h or 1d.")]
Time = Annotated[datetime, Query(description="ISO 8601, with an offset.")]


def make_app(record: SiteRecord) -> FastAPI:
    """The application for one site's record."""
    app = FastAPI(
        title="siteems, one site",
        version=__version__,
        docs_url=None,  # its page loads scripts from elsewhere
        redoc_url=None,
        openapi_url="/api/v1/openapi.json",
        default_response_class=ValidJson,
    )
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=OWN_NAMES)

    @app.middleware("http")
    async def with_headers(
        request: Request, follow: Callable[[Request], Awaitable[Response]]
    ) -> Response:
        response = await follow(request)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    @app.exception_handler(UserError)
    async def not_allowed(request: Request, error: UserError) -> JSONResponse:
        return JSONResponse({"error": error.lines[0]}, 400)

    @app.exception_handler(RecordError)
    async def not_readable(request: Request, error: RecordError) -> JSONResponse:
        return JSONResponse({"error": " ".join(str(error).split())}, 503)

    _add_api(app, record)
    _add_pages(app)
    return app


def _add_api(app: FastAPI, record: SiteRecord) -> None:
    """All of it reads. Functions without `async` run in threads, as they wait for a file."""

    @app.get("/api/v1/site", responses=TROUBLES)
    def site() -> dict[str, Any]:
        """Names and sizes of the site."""
        return record.site()

    @app.get("/api/v1/state", responses=TROUBLES)
    def state() -> dict[str, Any]:
        """What `siteems status --json` shows, with the price of now."""
        return record.state()

    @app.get("/api/v1/day", responses=TROUBLES)
    def day(day: date | None = None) -> dict[str, Any]:
        """A local day: what was measured, what is planned, prices, events."""
        if day is not None and not EARLIEST.date() < day < LATEST.date():
            raise UserError(f"day: {day}; allowed: 2000 to 2099")
        return record.day(day)

    @app.get("/api/v1/plan", responses=TROUBLES)
    def plan() -> dict[str, Any] | None:
        """The newest usable plan."""
        return record.plan()

    @app.get("/api/v1/alarms", responses=TROUBLES)
    def alarms() -> list[dict[str, Any]]:
        """The alarms of the last 90 days."""
        return record.alarms()

    @app.get("/api/v1/events", responses=TROUBLES)
    def events() -> list[dict[str, Any]]:
        """DR events of the last 30 days, and those to come."""
        return record.events()

    @app.get("/api/v1/history", responses=TROUBLES)
    def history(
        start: Time, end: Time, columns: Columns = None, every: Every = "15min"
    ) -> dict[str, Any]:
        """Means of recorded samples over intervals; unknown values are null."""
        return record.history(columns, _checked(start), _checked(end), every)

    @app.get("/api/v1/history.csv", responses=TROUBLES, response_class=PlainTextResponse)
    def history_csv(
        start: Time, end: Time, columns: Columns = None, every: Every = "15min"
    ) -> Response:
        """The same as a CSV file."""
        text = record.history_csv(columns, _checked(start), _checked(end), every)
        headers = {"Content-Disposition": 'attachment; filename="history.csv"'}
        return Response(text, media_type="text/csv; charset=utf-8", headers=headers)


def _add_pages(app: FastAPI) -> None:
    @app.get("/", include_in_schema=False)
    async def page() -> FileResponse:
        return FileResponse(PAGES / "index.html")

    @app.get("/plotly.js", include_in_schema=False)
    def plotly() -> FileResponse:
        """The drawing library as it comes with its Python package; no other server is asked."""
        import plotly as package

        file = Path(package.__file__).parent / "package_data" / "plotly.min.js"
        return FileResponse(file, media_type="text/javascript", headers={"Cache-Control": A_DAY})

    app.mount("/pages", StaticFiles(directory=PAGES), name="pages")


def _checked(time: datetime) -> datetime:
    """A time with an offset that a record may hold. Raises `UserError`."""
    if time.tzinfo is None:
        raise UserError(f"{time.isoformat()}: has no offset; such as 2026-07-15T18:00+08:00")
    if not EARLIEST <= time < LATEST:
        raise UserError(f"{time.isoformat()}: allowed: the years 2000 to 2099")
    return time
