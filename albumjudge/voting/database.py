"""The database of votes, SQLite or PostgreSQL: connections, transactions, upgrades, errors as sentences."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Generator
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

import psycopg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

MIGRATIONS = Path(__file__).parent / "migrations"
TIMEOUT = 5.0
"""Seconds that a visitor's transaction waits for another one."""
UPGRADE_TIMEOUT = 30.0
"""Seconds that a starting process waits for another one that upgrades the schema."""
STATEMENT_LIMIT = 30.0
"""Seconds after which PostgreSQL gives up on one statement of a transaction, if nobody wants it sooner."""
ANSWER = 1.2
"""Seconds within which PostgreSQL answers to a transaction's begin; else it counts as away."""

_ADVISORY_LOCK = 0x616C62756D  # "album"
_RETRY_PAUSE = 0.05
_NOT_OPENED = "The votes cannot be opened"
_ADDRESSES = "SQLite is sqlite:///FILE, PostgreSQL is postgresql+psycopg://USER:PASSWORD@HOST/DATABASE."
# Alembic keeps its current environment in module globals.
_one_upgrade, _one_search = threading.Lock(), threading.Lock()

T = TypeVar("T")

_IF_IT_LASTS = "If it keeps happening, tell whoever runs the exhibit."
_AGAIN = f"Try again in a moment. {_IF_IT_LASTS}"
_MUST = "Whoever runs the exhibit must"
_REASONS = {
    "busy": f"the database is busy. {_AGAIN}",
    "lost": f"the database cannot be reached. {_AGAIN}",
    "full": f"the disk that holds the database is full. {_MUST} make room on it.",
    "faulty": f"the disk that holds the database reports a fault. {_MUST} see that there is room on it and "
    "that it is sound.",
    "read-only": f"the database can only be read. {_MUST} give it a database, and a folder around it, that it "
    "may write to.",
    "unopened": f"the database file cannot be opened. {_MUST} see that its folder exists and may be written to.",
    "damaged": f"the database file is damaged or is no database. {_MUST} restore it or name another one.",
    "schema": f"the database lacks a table or column. {_MUST} restart it, so that the database is brought up to "
    "date.",
    "refused": f"the database refused it. Reload the page and try again. {_IF_IT_LASTS}",
    "other": f"the database reported an error. {_AGAIN}",
}
_SQLITE_KINDS = {
    "SQLITE_BUSY": "busy",
    "SQLITE_LOCKED": "busy",
    "SQLITE_PROTOCOL": "busy",
    "SQLITE_READONLY": "read-only",
    "SQLITE_FULL": "full",
    "SQLITE_IOERR": "faulty",
    "SQLITE_CANTOPEN": "unopened",
    "SQLITE_CORRUPT": "damaged",
    "SQLITE_NOTADB": "damaged",
    "SQLITE_CONSTRAINT": "refused",
    "SQLITE_ERROR": "schema",
}
# PostgreSQL's SQLSTATEs, longest prefix first.
_SQLSTATE_KINDS = {
    "25006": "read-only",
    "42501": "read-only",
    "53100": "full",
    "53300": "busy",
    "55P03": "busy",
    "57014": "busy",
    "40": "busy",
    "57P": "lost",
    "08": "lost",
    "28": "lost",
    "3D": "lost",
    "42": "schema",
    "23": "refused",
}


class VoteError(Exception):
    """Votes cannot be stored or read; the message is a sentence: what happened and what to do."""


def engine_options(url: str | URL) -> dict[str, Any]:
    """Keyword arguments for ``create_engine`` or ``st.connection`` that suit the database at ``url``."""
    options: dict[str, Any] = {"pool_pre_ping": True}
    if _parse(url).drivername == "postgresql+psycopg":
        options["connect_args"] = {
            "connect_timeout": 2,  # psycopg takes no less.
            # Routers forget, and then swallow, what has been quiet for some minutes.
            "keepalives_idle": 60,
            # Server-side prepared statements do not survive a connection pooler such as PgBouncer.
            "prepare_threshold": None,
        }
    return options


def open_engine(url: str | URL) -> Engine:
    """An engine for ``url``, configured. Nothing is connected to yet."""
    options = engine_options(url)
    try:
        engine = create_engine(url, **options)
    except (SQLAlchemyError, ImportError) as error:
        raise VoteError(
            f"The database setting {_shown(url)} cannot be used ({error}). {_ADDRESSES}"
        ) from error
    configure(engine)
    return engine


def configure(engine: Engine) -> None:
    """Make every transaction of ``engine`` start as votes need it. Doing so twice changes nothing.

    It works at the start of a transaction, so that connections that are in the pool already are served, too:
    SQLite gets foreign keys, full synchronisation, a busy time-out, and ``BEGIN IMMEDIATE`` before writing,
    PostgreSQL time-outs for locks and statements.
    """
    if not event.contains(engine, "begin", _on_begin):
        event.listen(engine, "begin", _on_begin)
        if engine.dialect.name == "postgresql":
            event.listen(engine, "do_connect", _connect)


def _on_begin(connection: Connection) -> None:
    options = connection.get_execution_options()
    timeout = float(options.get("albumjudge_timeout", TIMEOUT))
    if connection.dialect.name == "sqlite":
        # Pragmas first: inside a transaction SQLite ignores them in silence. SQLite changes a table by building
        # it anew, which foreign keys to the old one would forbid: they are checked at the end instead.
        references = "OFF" if options.get("albumjudge_rebuilds") else "ON"
        pragmas = (
            f"foreign_keys = {references}",
            "synchronous = FULL",
            f"busy_timeout = {round(1000 * timeout)}",
        )
        if connection.info.get("albumjudge_pragmas") != pragmas:
            for pragma in pragmas:
                connection.exec_driver_sql(f"PRAGMA {pragma}")
            connection.info["albumjudge_pragmas"] = pragmas
        # A transaction that reads first and writes later fails at once, however long the time-out, when
        # another one wrote in between.
        connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get("albumjudge_writes") else "BEGIN")
    elif connection.dialect.name == "postgresql" and "albumjudge_timeout" in options:
        limit = float(options["albumjudge_limit"])
        connection.exec_driver_sql(
            f"SELECT set_config('lock_timeout', '{max(1, round(1000 * timeout))}', true), "
            f"set_config('statement_timeout', '{max(1, round(1000 * limit))}', true)"
        )
        if isinstance(ours := connection.connection.dbapi_connection, _Connection):
            ours.limit = limit + ANSWER


class _Connection(psycopg.Connection[Any]):
    """Waits for answers no longer than a transaction may take, even if the network swallows everything."""

    limit = STATEMENT_LIMIT
    is_silent: Callable[[], None]

    def wait(self, gen: Generator[Any, Any, T], interval: float = 0.1, timeout: float | None = None) -> T:
        """As psycopg does it, and closed if there was no answer."""
        # Outside a transaction the pool asks whether anyone is there, or a transaction begins.
        idle = self.pgconn.transaction_status == psycopg.pq.TransactionStatus.IDLE
        limit = timeout or (ANSWER if idle else self.limit)
        until = time.monotonic() + limit
        try:
            return super().wait(gen, interval, limit)
        except psycopg.OperationalError as error:
            if error.sqlstate is None and time.monotonic() >= until:
                self.pgconn.finish()
                self.is_silent()
            raise


_silent: set[str] = set()
"""PostgreSQL servers that did not answer lately: nobody waits for them until a thread has found them again."""


def _connect(_dialect: object, _record: object, place: list[Any], given: dict[str, Any]) -> _Connection:
    def look() -> None:
        while server in _silent:
            try:
                psycopg.connect(*place, **given).close()
                _silent.remove(server)
            except psycopg.errors.ConnectionTimeout:
                time.sleep(ANSWER)
            except psycopg.Error:
                _silent.remove(server)  # That is an answer, too.

    def is_silent() -> None:
        with _one_search:
            if server not in _silent:
                _silent.add(server)
                threading.Thread(target=look, name="database", daemon=True).start()

    server = repr(given)
    if server in _silent:
        raise psycopg.errors.ConnectionTimeout("It did not answer lately.")
    try:
        connection = _Connection.connect(*place, **given)
    except psycopg.errors.ConnectionTimeout:
        is_silent()
        raise
    connection.is_silent = is_silent
    return connection


def transact(
    engine: Engine,
    work: Callable[[Connection], T],
    *,
    otherwise: str,
    writes: bool,
    timeout: float = TIMEOUT,
    limit: float = STATEMENT_LIMIT,
    repeat: bool = True,
    rebuilds: bool = False,
) -> T:
    """Run ``work`` in one transaction and return its result once that has committed.

    After a lost connection or a deadlock ``work`` runs a second time, unless ``repeat`` forbids it.

    Args:
        work: gets the connection; whatever it raises rolls everything back.
        otherwise: how the sentence starts if it fails: "Your vote was not stored".
        writes: whether ``work`` changes anything.
        timeout: seconds to wait for others who write.
        limit: seconds after which PostgreSQL gives up on one statement.
        rebuilds: whether ``work`` changes tables that others refer to.

    Raises:
        VoteError: if the database does not do it.
    """
    options = {
        "albumjudge_writes": writes,
        "albumjudge_timeout": timeout,
        "albumjudge_limit": max(limit, timeout),
        "albumjudge_rebuilds": rebuilds,
    }
    for last_try in (False, True) if repeat else (True,):
        try:
            with engine.connect().execution_options(**options) as connection, connection.begin():
                result = work(connection)
            return result
        except SQLAlchemyError as error:
            if last_try or not _worth_repeating(error):
                raise VoteError(f"{otherwise}: {_REASONS[_kind(error)]}") from error
    raise AssertionError("unreachable")


def make_folder(url: URL) -> None:
    """Make the folder that a SQLite file is going to lie in; for other databases there is nothing to do."""
    if url.get_backend_name() != "sqlite" or not url.database or url.database.startswith((":", "file:")):
        return
    folder = Path(url.database).parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise VoteError(
            f"{_NOT_OPENED}: the folder {folder} for it cannot be made ({error.strerror}). "
            "Whoever runs the exhibit must make it or name another one."
        ) from error


def upgrade(engine: Engine, *, timeout: float = UPGRADE_TIMEOUT) -> None:
    """Bring the schema up to date, whatever other processes and threads do at the same time.

    A SQLite database is made where it is missing, with write-ahead logging, so that readers and a writer do not
    wait for each other. A database that is up to date is only read.

    Raises:
        VoteError: if the database cannot be opened or upgraded, is damaged, or is newer than this program.
    """
    scripts = ScriptDirectory(str(MIGRATIONS))
    make_folder(engine.url)
    revision = transact(engine, _checked_revision, otherwise=_NOT_OPENED, writes=False, timeout=timeout)
    if revision == scripts.get_current_head():
        return
    if engine.dialect.name == "sqlite":
        _use_write_ahead_log(engine, timeout)

    def to_head(connection: Connection) -> None:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})")
        command.upgrade(_alembic(connection), "head")
        _check_references(connection)

    try:
        with _one_upgrade:
            transact(engine, to_head, otherwise=_NOT_OPENED, writes=True, timeout=timeout, rebuilds=True)
    except CommandError as error:
        raise VoteError(
            f"{_NOT_OPENED}: its schema ({revision}) is not known to this version of the program, so a newer "
            "one made it. Update the program or name another database."
        ) from error


def _check_references(connection: Connection) -> None:
    if connection.dialect.name != "sqlite":
        return
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    if broken:
        raise VoteError(
            f"{_NOT_OPENED}: {len(broken)} rows of {broken[0][0]} refer to what is not there. "
            "Whoever runs the exhibit must restore the database from a copy."
        )


def _checked_revision(connection: Connection) -> str | None:
    if connection.dialect.name == "sqlite":
        # A damaged page would otherwise come to light in the middle of a vote.
        faults = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one()
        if faults != "ok":
            raise VoteError(f"{_NOT_OPENED}: {_REASONS['damaged']}")
    return MigrationContext.configure(connection).get_current_revision()


def _alembic(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _use_write_ahead_log(engine: Engine, timeout: float) -> None:
    deadline = time.monotonic() + timeout
    while True:
        try:
            # Past SQLAlchemy's transactions: the journal mode cannot change inside one.
            with closing(engine.raw_connection()) as connection:
                connection.cursor().execute("PRAGMA journal_mode = WAL")
            return
        except (SQLAlchemyError, sqlite3.Error) as error:
            # When several processes switch, SQLite answers "locked" at once, without waiting its time-out.
            if _kind(error) != "busy" or time.monotonic() >= deadline:
                raise VoteError(f"{_NOT_OPENED}: {_REASONS[_kind(error)]}") from error
            time.sleep(_RETRY_PAUSE)


def _worth_repeating(error: SQLAlchemyError) -> bool:
    state = _sqlstate(error)
    return (isinstance(error, DBAPIError) and error.connection_invalidated) or state in ("40001", "40P01")


def _sqlstate(error: Exception) -> str:
    return getattr(getattr(error, "orig", error), "sqlstate", None) or ""


def _kind(error: Exception) -> str:
    if isinstance(error, PoolTimeoutError):
        return "busy"
    original = getattr(error, "orig", error)
    name = getattr(original, "sqlite_errorname", None)
    if name is not None:
        return _SQLITE_KINDS.get("_".join(name.split("_")[:2]), "other")
    state = _sqlstate(error)
    for prefix, kind in _SQLSTATE_KINDS.items():
        if state.startswith(prefix):
            return kind
    # Without an SQLSTATE it was not the server that spoke, so there is none.
    return "lost" if isinstance(error, DBAPIError) and hasattr(original, "sqlstate") else "other"


def _parse(url: str | URL) -> URL:
    try:
        return make_url(url)
    except (ArgumentError, ValueError) as error:
        raise VoteError(
            f"The database setting {_shown(url)} is no address of a database. {_ADDRESSES}"
        ) from error


def _shown(url: str | URL) -> str:
    """The address without its password, as far as there is one to be seen."""
    if isinstance(url, URL):
        return repr(url.render_as_string(hide_password=True))
    scheme, separator, rest = url.partition("://")
    return repr(scheme + separator + rest.rpartition("@")[2])
