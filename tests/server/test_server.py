"""The server's own answers: headers, the visitor's cookie, health, metrics and its log."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from albumjudge.export import hub_copy
from albumjudge.inference.folders import CheckpointError
from albumjudge.server import app as server
from albumjudge.server import telemetry
from albumjudge.ui import shell
from albumjudge.ui.visitor import COOKIE
from albumjudge.voting.database import open_engine
from albumjudge.voting.votes import VoteStore

ME = "0123456789ab4cde8f0123456789abcd"
YOU = ME[::-1].replace("edc4", "ed44", 1)[:12] + "4" + "a" * 3 + "8" + "b" * 15


async def document(_: Request) -> Response:
    return HTMLResponse("<head><title>Streamlit</title></head><p>")


async def script(_: Request) -> Response:
    return PlainTextResponse("1")


@pytest.fixture
def client() -> Iterator[TestClient]:
    routes = [*server.ROUTES, Route("/script", script), Route("/", document)]
    with TestClient(Starlette(routes=routes, middleware=server.MIDDLEWARE)) as client:
        yield client


def test_documents_have_security_headers_and_are_hidden_until_their_rules_have_come(
    client: TestClient,
) -> None:
    for path in ("/", "/script"):
        headers = client.get(path).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
        assert "camera=(self)" in headers["Permissions-Policy"]
        assert ("Content-Security-Policy" in headers) == (path == "/")
    policy = client.get("/").headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy and "frame-ancestors 'self' https://huggingface.co" in policy
    page = client.get("/")
    assert page.text.count("visibility:hidden") == 1 and page.text.endswith("</style></head><p>")
    assert page.headers["Content-Length"] == str(len(page.content))
    assert client.head("/").status_code in (200, 405) and client.get("/script").text == "1"


@pytest.mark.parametrize(
    ("headers", "attributes"),
    [
        ({}, "HttpOnly; SameSite=Lax"),
        ({"X-Forwarded-Proto": "https"}, "HttpOnly; SameSite=None; Secure; Partitioned"),
    ],
    ids=["http", "https"],
)
def test_a_new_visitor_is_given_a_cookie_that_scripts_cannot_read(
    client: TestClient, headers: dict[str, str], attributes: str
) -> None:
    before = telemetry.VISITORS._value.get()
    answer = client.post("/visitor", json={"visitor": ME}, headers=headers)
    assert answer.json() == {"visitor": ME}
    assert answer.headers["Set-Cookie"] == f"{COOKIE}={ME}; Max-Age=31536000; Path=/; {attributes}"
    assert telemetry.VISITORS._value.get() == before + 1


def test_documents_renew_a_sound_cookie_alone_the_first_counts_and_a_kiosk_forgets_it(
    client: TestClient,
) -> None:
    assert "Set-Cookie" not in client.get("/").headers
    for forged in ("forged", ME.upper(), ME + "0"):
        answer = client.get("/", headers={"Cookie": f"{COOKIE}={forged}"})
        assert "Set-Cookie" not in answer.headers
    client.cookies.set(COOKIE, ME)
    assert client.post("/visitor", json={"visitor": YOU}).json() == {"visitor": ME}
    assert f"{COOKIE}={ME}; Max-Age=31536000" in client.get("/").headers["Set-Cookie"]
    assert "Set-Cookie" not in client.get("/script").headers
    client.cookies.set(COOKIE, ME)
    answer = client.delete("/visitor")
    assert answer.status_code == 204 and f"{COOKIE}=; Max-Age=0;" in answer.headers["Set-Cookie"]


@pytest.mark.parametrize("body", ["", "[]", '{"visitor": "me"}', '{"visitor": 1}', "{}"])
def test_what_is_no_id_is_refused(client: TestClient, body: str) -> None:
    answer = client.post("/visitor", content=body)
    assert answer.status_code == 400 and "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_another_site_can_neither_set_nor_forget_a_visitor(client: TestClient, method: str) -> None:
    answer = client.request(method, "/visitor", headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403 and "Set-Cookie" not in answer.headers


@pytest.mark.parametrize(
    ("loaded", "database", "status"),
    [(True, "", 200), (False, "", 503), (True, "The disk is full.", 503)],
    ids=["well", "loading", "full"],
)
def test_health_means_that_networks_are_loaded_and_votes_can_be_stored(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, loaded: bool, database: str, status: int
) -> None:
    monkeypatch.setattr(server.Models, "loaded", loaded)
    monkeypatch.setattr(server, "database_problem", lambda: database)
    answer = client.get("/healthz")
    assert answer.status_code == status
    assert answer.json() == {
        "models": "ok" if loaded else server.Models.problem,
        "database": database or "ok",
    }


def test_a_database_that_cannot_be_written_to_is_no_health(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'votes.db'}")
    monkeypatch.setattr(shell, "engine", lambda: engine)
    assert "brought up to date" in server.database_problem()
    VoteStore(engine).prepare()
    assert server.database_problem() == ""
    engine.dispose()


def test_networks_that_cannot_be_loaded_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise CheckpointError("The weights are damaged.")

    monkeypatch.setattr(shell, "exhibit", fail)
    monkeypatch.setattr(server.Models, "problem", "")
    server.load_models()
    assert (server.Models.loaded, server.Models.problem) == (False, "The weights are damaged.")


def test_networks_are_loaded_while_the_server_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server.Models, "loaded", False)
    filled: list[bool] = []
    exhibit = SimpleNamespace(fill_pool=lambda: filled.append(True), wait=lambda: None)
    monkeypatch.setattr(shell, "exhibit", lambda: exhibit)
    monkeypatch.setattr(shell, "vote_store", lambda: None)
    monkeypatch.setattr(gc, "freeze", lambda: None)
    monkeypatch.setattr(server, "_LOOP_BEAT", 0.001)

    async def serve() -> None:
        async with server.lifespan(None):
            await asyncio.sleep(0.01)

    lag = telemetry.LOOP_LAG._sum.get()
    asyncio.run(serve())
    assert server.Models.loaded and filled
    assert telemetry.LOOP_LAG._sum.get() > lag


@pytest.mark.parametrize(("minutes", "pushes"), [("", 0), ("often", 0), ("15", 1)])
def test_votes_are_pushed_where_a_schedule_asks_for_it(
    monkeypatch: pytest.MonkeyPatch, minutes: str, pushes: int
) -> None:
    pushing: list[threading.Event] = []
    monkeypatch.setattr(hub_copy, "keep_pushing", lambda engine, settings, stopped: pushing.append(stopped))
    monkeypatch.setenv("ALBUMJUDGE_HUB_PUSH_MINUTES", minutes)
    server.push_votes(threading.Event())
    assert len(pushing) == pushes


@pytest.mark.parametrize(
    ("setting", "policy"),
    [
        ("", "'self' https://huggingface.co"),
        ("https://a.org http://b.org:80", "'self' https://a.org http://b.org:80"),
    ],
)
def test_a_setting_says_who_may_frame_the_exhibit(
    monkeypatch: pytest.MonkeyPatch, setting: str, policy: str
) -> None:
    monkeypatch.setenv("ALBUMJUDGE_FRAME_ANCESTORS", setting)
    assert server.frame_ancestors() == policy
    monkeypatch.setenv("ALBUMJUDGE_FRAME_ANCESTORS", "everyone; script-src *")
    assert server.frame_ancestors() == "'self'"


def test_metrics_count_votes_and_covers(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    painters = (SimpleNamespace(painted=30), SimpleNamespace(painted=12))
    monkeypatch.setattr(server.Models, "loaded", True)
    monkeypatch.setattr(shell, "exhibit", lambda: SimpleNamespace(painters=painters))
    monkeypatch.setattr(shell, "vote_store", lambda: SimpleNamespace(count=lambda: 7))
    text = client.get("/metrics").text
    assert "albumjudge_votes 7.0" in text and "albumjudge_covers 42.0" in text
    assert "albumjudge_run_seconds" in text


def test_runs_are_counted_and_timed_however_they_end() -> None:
    def runs(page: str) -> float:
        return float(telemetry.RUN_SECONDS.labels(page)._sum.get())

    with pytest.raises(KeyError), telemetry.measured_run() as run:
        run.page = "Stage of a test"
        assert telemetry.RUNS._value.get() >= 1
        raise KeyError
    assert runs("Stage of a test") > 0
    assert telemetry.RUNS._value.get() == 0


def test_the_log_is_json_where_no_person_reads_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    logger = logging.getLogger("albumjudge")
    before = logger.handlers[:], logger.level, logger.propagate
    try:
        logger.handlers = []
        monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
        telemetry.log_as_json()
        assert not logger.handlers
        monkeypatch.setattr(sys.stderr, "isatty", lambda: False)
        telemetry.log_as_json()
        telemetry.log_as_json()
        logging.getLogger("albumjudge.test").info("hello")
        assert [json.loads(line)["message"] for line in capsys.readouterr().err.splitlines()] == ["hello"]
    finally:
        logger.handlers, level, logger.propagate = before
        logger.setLevel(level)


def test_the_log_is_json_without_personal_data() -> None:
    try:
        raise ValueError("secret")
    except ValueError:
        record = logging.LogRecord(
            "albumjudge.x", 40, "f", 1, "%s failed", (f"vote of {ME}",), sys.exc_info()
        )
    line = json.loads(telemetry.JsonLines().format(record))
    assert line["message"] == "vote of … failed" and line["error"] == "ValueError"
    assert line["where"].startswith("test_server.py:") and "secret" not in json.dumps(line)
