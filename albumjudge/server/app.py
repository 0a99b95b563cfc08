"""The web server around the pages: what ``streamlit run streamlit_app.py`` and ``uvicorn streamlit_app:app``
start.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from importlib import import_module
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy import Connection, text
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from albumjudge.domain.settings import Settings, SettingsError
from albumjudge.inference import worker
from albumjudge.inference.folders import CheckpointError
from albumjudge.server import allocator, share, telemetry
from albumjudge.server.cookie import is_secure, known_visitor, set_cookie
from albumjudge.server.middleware import FirstPaint, Headers
from albumjudge.server.turns import TURNS
from albumjudge.ui import shell
from albumjudge.ui.visitor import is_visitor_id
from albumjudge.voting.database import VoteError, transact

_LOG = logging.getLogger("albumjudge.server")
_LOOP_BEAT = 0.5


class Models:
    """Whether the networks are loaded, and why not."""

    loaded = False
    problem = "The networks are being loaded."


def load_models() -> None:
    """Open the exhibit for all visitors, before the first one comes."""
    with suppress(SettingsError, VoteError):  # Health says so, and tries again whenever it is asked.
        shell.vote_store()
    try:
        # What the first page needs comes before PyTorch, which is imported in the networks' thread.
        import_module("albumjudge.ui.rooms.first_minute")
        import_module("albumjudge.ui.rooms.order")
        shell.exhibit().wait()
        import_module("albumjudge.ui.charts.distributions")
        shell.exhibit().fill_pool()
    except (CheckpointError, SettingsError) as error:
        Models.problem = str(error)
        _LOG.error("%s", error)
        return
    # Streamlit collects garbage after every run; what is loaded once need not be looked through each time.
    gc.collect()
    gc.freeze()
    Models.loaded = True
    _LOG.info("The exhibit is open.")


def push_votes(stopped: threading.Event) -> None:
    """Push votes to the Hub on the schedule that the settings ask for, if any; see ``albumjudge.export``."""
    try:
        settings = Settings.from_environment()
    except SettingsError:  # The pages say so.
        return
    if settings.hub_push_minutes:
        from albumjudge.export import hub_copy  # It loads much that only those need who push.

        hub_copy.keep_pushing(shell.engine, settings, stopped)


def database_problem() -> str:
    """A sentence if the database cannot be written to, else nothing."""

    def touch(connection: Connection) -> None:
        connection.execute(text("UPDATE alembic_version SET version_num = version_num"))

    try:
        transact(shell.engine(), touch, otherwise="The database cannot be written to", writes=True)
    except (SettingsError, VoteError) as error:
        return str(error)
    return ""


allocator.bound()
shell.measured = telemetry.measured_run
worker.waiting = TURNS.outside


async def healthz(_: Request) -> Response:
    """200 if visitors can be served and votes be stored, else 503, and why."""
    problem = await run_in_threadpool(database_problem)
    state = {
        "models": "ok" if Models.loaded else Models.problem,
        "database": problem or "ok",
    }
    return JSONResponse(state, 200 if set(state.values()) == {"ok"} else 503, {"Cache-Control": "no-store"})


def _count() -> bytes:
    with suppress(SettingsError, VoteError):
        telemetry.VOTES.set(shell.vote_store().count())
        if Models.loaded:
            telemetry.COVERS.set(sum(painter.painted for painter in shell.exhibit().painters))
    return generate_latest()


async def metrics(_: Request) -> Response:
    """What Prometheus reads."""
    return Response(await run_in_threadpool(_count), media_type=CONTENT_TYPE_LATEST)


async def visitor(request: Request) -> Response:
    """Keep the visitor's id in a cookie, or give a kiosk's next visitor none.

    POST with ``{"visitor": id}`` sets the cookie where there is none and answers with the id that counts; DELETE
    forgets it. A page of another site can do neither.
    """
    if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
        return JSONResponse({"error": "This is for the exhibit's own pages."}, 403)
    secure, known = is_secure(request), known_visitor(request)
    if request.method == "DELETE":
        return Response(status_code=204, headers={"Set-Cookie": set_cookie("", secure=secure)})
    if known is None:
        try:
            asked = await request.json()
        except ValueError:
            asked = None
        known = asked.get("visitor") if isinstance(asked, dict) else None
        if not is_visitor_id(known):
            return JSONResponse({"error": "This is no visitor's id."}, 400)
        telemetry.VISITORS.inc()
    headers = {"Set-Cookie": set_cookie(str(known), secure=secure), "Cache-Control": "no-store"}
    return JSONResponse({"visitor": known}, headers=headers)


@asynccontextmanager
async def lifespan(_: Any) -> AsyncIterator[dict[str, Any]]:
    """Load the networks beside the first visitors, and watch the event loop."""
    telemetry.log_as_json()
    # Networks and database are opened outside any visitor's session, which Streamlit would warn of.
    logging.getLogger("streamlit.runtime.scriptrunner_utils.script_run_context").setLevel(logging.ERROR)
    loading = asyncio.get_running_loop().run_in_executor(None, load_models)
    watching, trimming = asyncio.create_task(_watch_loop()), asyncio.create_task(_trim_memory())
    stopped = threading.Event()
    threading.Thread(target=push_votes, args=(stopped,), name="hub-push", daemon=True).start()
    yield {}
    stopped.set()
    for task in (watching, trimming):
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    await loading


async def _watch_loop() -> None:
    while True:
        began = time.perf_counter()
        await asyncio.sleep(_LOOP_BEAT)
        telemetry.LOOP_LAG.observe(max(0.0, time.perf_counter() - began - _LOOP_BEAT))


async def _trim_memory() -> None:
    while True:
        await asyncio.sleep(allocator.TRIM_EVERY)
        await run_in_threadpool(allocator.trim)


def frame_ancestors() -> str:
    """Who may show the exhibit in a frame, as Content Security Policy spells it."""
    try:
        others = Settings.from_environment().frame_ancestors
    except SettingsError:  # The pages will say so.
        others = ()
    return " ".join(("'self'", *others))


ROUTES = [
    Route("/healthz", healthz),
    Route("/metrics", metrics),
    Route("/visitor", visitor, methods=["POST", "DELETE"]),
    Route("/share/day/{day}.png", share.day_picture),
    Route("/share/day/{day}", share.day_page),
]
MIDDLEWARE = [Middleware(Headers, frame_ancestors=frame_ancestors), Middleware(FirstPaint)]
