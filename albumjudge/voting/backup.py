"""A copy of the whole database in one SQLite file, and the way back, from and to SQLite and PostgreSQL."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, func, insert, select, text

from albumjudge.voting import schema
from albumjudge.voting.database import UPGRADE_TIMEOUT, VoteError, open_engine, transact, upgrade

_NOT_SAVED = "The backup was not made"
_NOT_RESTORED = "The backup was not restored"
_ROWS_AT_ONCE = 500
_TABLES = [table for table in schema.metadata.sorted_tables if table is not schema.ready_walls]


def backup(engine: Engine, file: Path) -> int:
    """Copy a database, as it is at one moment and while others may vote, and return how many votes it has.

    The SQLite file is replaced only when the copy is whole.

    Raises:
        VoteError: if the database cannot be read.
        OSError: if the file cannot be written.
    """
    unfinished = file.with_name(f"{file.name}.part")
    unfinished.unlink(missing_ok=True)
    # Fails with a sentence of its own, where SQLite would only say that it cannot open the file.
    unfinished.touch()
    try:
        if engine.dialect.name == "sqlite":
            _copy_file(engine, unfinished)
        else:
            with _opened(unfinished) as target:
                upgrade(target)
                transact(
                    engine.execution_options(isolation_level="REPEATABLE READ"),
                    lambda source: _write(target, lambda connection: _copy_rows(source, connection)),
                    otherwise=_NOT_SAVED,
                    writes=False,
                    repeat=False,
                )
        with _opened(unfinished) as copy:
            count = _votes(copy)
        unfinished.replace(file)
    finally:
        for leftover in file.parent.glob(f"{unfinished.name}*"):
            leftover.unlink()
    return count


def restore(engine: Engine, file: Path, *, replace: bool = False) -> int:
    """Put a copy into a database, all or nothing, and return how many votes it has then.

    Both are brought up to date; the file itself, a copy or a database of the exhibit, is not changed.

    Raises:
        VoteError: if the file is no such copy or damaged, or the database holds votes that may not go, which
            ``replace`` allows.
    """
    if not file.is_file():
        raise VoteError(f"{_NOT_RESTORED}: there is no file {file}. Name the one that a backup wrote.")
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "votes.db"
        shutil.copyfile(file, copy)
        with _opened(copy) as source:
            if not _is_ours(source):
                raise VoteError(
                    f"{_NOT_RESTORED}: {file} holds no votes table. Name the file that a backup wrote."
                )
            upgrade(source)
            upgrade(engine)
            with source.connect() as rows:
                _write(engine, lambda connection: _replace(rows, connection, replace))
    return _votes(engine)


def _copy_file(engine: Engine, file: Path) -> None:
    """SQLite's own online backup: it waits for no one, and starts anew if someone writes meanwhile."""
    database = engine.url.database or ""
    try:
        source = sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=UPGRADE_TIMEOUT)
        with closing(source), closing(sqlite3.connect(file)) as target:
            source.backup(target)
            target.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.Error as error:
        raise VoteError(f"{_NOT_SAVED}: {database} cannot be copied ({error}).") from error


def is_empty(engine: Engine) -> bool:
    """Whether a database holds neither votes nor pictures nor decisions."""
    return transact(engine, _is_empty, otherwise="The votes cannot be read", writes=False)


def _is_empty(connection: Connection) -> bool:
    kept = (table for table in _TABLES if table is not schema.deployment_state)
    return not any(connection.execute(select(table).limit(1)).first() for table in kept)


def _replace(source: Connection, target: Connection, allowed: bool) -> None:
    if not allowed and not _is_empty(target):
        raise VoteError(
            f"{_NOT_RESTORED}: the database holds votes or decisions already. Say --replace to throw them away, "
            "or name an empty one."
        )
    for table in reversed(_TABLES):
        target.execute(table.delete())
    _copy_rows(source, target)


def _copy_rows(source: Connection, target: Connection) -> None:
    for table in _TABLES:
        rows = source.execution_options(yield_per=_ROWS_AT_ONCE).execute(select(table))
        for some in rows.partitions():
            target.execute(insert(table), [dict(zip(table.c.keys(), row, strict=True)) for row in some])
        if target.dialect.name == "postgresql" and "id" in table.c and table is not schema.visitors:
            # Rows came with their numbers, of which the sequence for the next ones knows nothing.
            last = f"(SELECT coalesce(max(id), 0) + 1 FROM {table.name})"
            target.execute(
                text(f"SELECT setval(pg_get_serial_sequence('{table.name}', 'id'), {last}, false)")
            )


def _write(engine: Engine, work: Callable[[Connection], None]) -> None:
    transact(engine, work, otherwise=_NOT_RESTORED, writes=True, timeout=UPGRADE_TIMEOUT, repeat=False)


def _votes(engine: Engine) -> int:
    def count(connection: Connection) -> int:
        return connection.scalar(select(func.count()).select_from(schema.votes)) or 0

    return transact(engine, count, otherwise=_NOT_SAVED, writes=False)


def _is_ours(engine: Engine) -> bool:
    def known(connection: Connection) -> bool:
        query = "SELECT count(*) FROM sqlite_master WHERE name IN ('votes', 'alembic_version')"
        return bool(connection.exec_driver_sql(query).scalar_one() == 2)

    return transact(engine, known, otherwise=_NOT_RESTORED, writes=False)


@contextmanager
def _opened(file: Path) -> Iterator[Engine]:
    engine = open_engine(URL.create("sqlite", database=str(file)))
    try:
        yield engine
    finally:
        engine.dispose()
