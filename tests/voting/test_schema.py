"""Schema, migrations and engines, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, Engine, Table, create_engine, inspect, select
from sqlalchemy.exc import IntegrityError, StatementError

from albumjudge.domain.cover import LAST_SEED
from albumjudge.domain.emotions import NOTHING
from albumjudge.voting import schema
from albumjudge.voting.database import configure, engine_options
from albumjudge.voting.votes import ARMS, VoteStore
from tests.vote_fixtures import (
    GENERATOR,
    JUDGE,
    NO_ROWS,
    before_each_statement,
    cast_one,
    identity,
    rows,
    upgrade_to,
)

Engines = Callable[[str], Engine]
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


# What the database itself refuses


def _taken(connection: Connection, table: Table, values: dict[str, Any]) -> bool:
    """Whether the database would take a row; it is not kept."""
    savepoint = connection.begin_nested()
    try:
        connection.execute(table.insert().values(values))
    except IntegrityError:
        return False
    finally:
        savepoint.rollback()
    return True


def test_the_database_refuses_impossible_votes(vote_store: VoteStore, engine: Engine) -> None:
    cast_one(vote_store)
    with engine.begin() as connection:
        connection.execute(schema.covers.insert().values(id=99, generator=GENERATOR, seed=8, png=b"x"))
        connection.execute(schema.visitors.insert().values(id="bob", first_vote_at=NOON))
        stored = connection.execute(select(schema.votes)).mappings().one()
        possible = {key: value for key, value in stored.items() if key != "id"} | {"visitor": "bob"}
        assert _taken(connection, schema.votes, possible)
        for changes in (
            {"felt": "joy"},
            {"felt": None},
            {"label_shown": NOTHING},
            {"arm": "control"},
            {"seconds_to_vote": -1.0},
            {"seconds_to_vote": float("inf")},
            {"seconds_to_vote": float("nan")},
            {"voted_at": None},
            {"visitor": "ann"},
            {"visitor": "nobody"},
            {"cover_id": 98},
            {"cover_id": 99},
            {"verdict_id": 98},
        ):
            assert not _taken(connection, schema.votes, possible | changes), changes


def test_the_database_refuses_impossible_visitors_covers_verdicts_and_moments(
    vote_store: VoteStore, engine: Engine
) -> None:
    with (
        engine.begin() as connection,
        pytest.raises(StatementError, match="no time zone"),
    ):
        connection.execute(schema.visitors.insert().values(id="bob", first_vote_at=NOON.replace(tzinfo=None)))
    cast_one(vote_store)
    with engine.begin() as connection:
        verdict = connection.execute(select(schema.verdicts)).mappings().one()
        first = verdict["cover_id"]
        connection.execute(schema.covers.insert().values(id=99, generator=GENERATOR, seed=9, png=b"x"))
        possible: dict[Table, dict[str, Any]] = {
            schema.visitors: {"id": "bob", "first_vote_at": NOON},
            schema.covers: {"generator": GENERATOR, "seed": 7, "png": b"x", "recipe": "w50"},
            schema.exclusions: {"visitor": "ann", "reason": "always the same key", "excluded_at": NOON},
            schema.periods: {"name": "Night", "opened_at": NOON},
            schema.anchors: {"generator": GENERATOR, "seed": 7, "recipe": "", "set_at": NOON},
            schema.submissions: {"visitor": "ann", "png": b"x", "judge": JUDGE, "given_at": NOON},
            schema.duels: {"before_id": first, "after_id": 99, "emotion": "awe", "judge": JUDGE}
            | {"share_before": 0.1, "share_after": 0.3, "made_at": NOON},
            schema.verdicts: {**verdict, "id": None, "judge": "vgg16-later-00000000"},
        }
        for table, changes in (
            (schema.visitors, {"id": "=HYPERLINK()"}),
            (schema.visitors, {"id": ""}),
            (schema.visitors, {"id": "ann"}),
            (schema.covers, {"generator": "@dcgan"}),
            (schema.covers, {"seed": -1}),
            (schema.covers, {"seed": LAST_SEED + 1}),
            (schema.covers, {"png": b""}),
            (schema.covers, {"recipe": ""}),
            (schema.exclusions, {"reason": "=1"}),
            (schema.exclusions, {"visitor": "nobody"}),
            (schema.periods, {"name": ""}),
            (schema.anchors, {"seed": -1}),
            (schema.submissions, {"felt": "joy"}),
            (schema.submissions, {"png": b""}),
            (schema.duels, {"after_id": first}),
            (schema.duels, {"emotion": NOTHING}),
            (schema.duels, {"share_after": 1.5}),
            (schema.duels, {"after_id": 98}),
            (schema.verdicts, {"judge": "-1"}),
            (schema.verdicts, {"judge": JUDGE}),
            (schema.verdicts, {"p_awe": 0.6}),
            (schema.verdicts, {"p_awe": -0.1, "p_fear": 0.6 + 0.5 / 7}),
            (schema.verdicts, {"p_awe": None}),
            (schema.verdicts, {"cover_id": 98}),
        ):
            row = {name: value for name, value in possible[table].items() if (name, value) != ("id", None)}
            assert _taken(connection, table, row), table.name
            assert not _taken(connection, table, row | changes), (table.name, changes)


# The schema and its migrations


def _described(engine: Engine) -> dict[str, Any]:
    """All that makes up the schema, in a form that two databases of a kind can be compared by."""
    inspector = inspect(engine)
    return {
        table: {
            "columns": [
                {key: str(value) for key, value in column.items()} for column in inspector.get_columns(table)
            ],
            "key": inspector.get_pk_constraint(table),
            **{
                kind: sorted(map(str, getattr(inspector, f"get_{kind}")(table)))
                for kind in ("check_constraints", "foreign_keys", "unique_constraints", "indexes")
            },
        }
        for table in inspector.get_table_names()
        if table != "alembic_version"
    }


def test_the_migrations_lead_to_the_schema_that_the_program_knows(
    vote_store: VoteStore, engine: Engine
) -> None:
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), schema.metadata) == []
    migrated = _described(engine)
    assert migrated["votes"]["check_constraints"]
    with engine.begin() as connection:
        schema.metadata.drop_all(connection)
        schema.metadata.create_all(connection)
    assert _described(engine) == migrated


OLD_ROWS = {
    "0001": {
        "visitors": {"id": "ann", "first_vote_at": NOON},
        "covers": {"id": 1, "generator": GENERATOR, "seed": 7, "png": b"png"},
        "verdicts": {"id": 1, "cover_id": 1, "judge": JUDGE, **dict.fromkeys(schema.PROBABILITIES, 1 / 8)},
        "votes": {"id": 1, "visitor": "ann", "cover_id": 1, "verdict_id": 1, "felt": "fear", "arm": "placebo"}
        | {"label_shown": "awe", "agrees": True, "seconds_to_vote": 2.5, "voted_at": NOON},
    },
    "0002": {
        "covers": {"id": 2, "generator": GENERATOR, "seed": 7, "recipe": "jazz", "png": b"png"},
        "duels": {"id": 1, "before_id": 1, "after_id": 2, "emotion": "awe", "judge": JUDGE}
        | {"share_before": 0.1, "share_after": 0.2, "made_at": NOON},
        "duel_votes": {"duel_id": 1, "visitor": "ann", "chosen": "after", "left_shown": "before"}
        | {"seconds_to_vote": 1.0, "voted_at": NOON},
        "exclusions": {"visitor": "ann", "reason": "too fast", "excluded_at": NOON, "lifted_at": NOON},
        "anchors": {"generator": GENERATOR, "seed": 7, "recipe": "", "set_at": NOON},
        "periods": {"name": "opening night", "opened_at": NOON},
        "gifts": {"id": 1, "visitor": "ann", "png": b"png", "judge": JUDGE, "given_at": NOON},
    },
    "0003": {
        "gift_decisions": {"submission": 1, "visitor": "ann", "digest": "d", "reason": "a face"}
        | {"given_at": NOON, "hidden_at": NOON},
    },
    "0004": {
        "painter_votes": {"visitor": "ann", "first_id": 1, "second_id": 2, "chosen": "tie"}
        | {"left_shown": "first", "seconds_to_vote": 1.0, "voted_at": NOON},
    },
}
"""Schema revision -> what can be stored since then: table -> a row."""


@pytest.mark.parametrize("revision", OLD_ROWS)
def test_what_an_earlier_schema_kept_survives_the_upgrade(engine: Engine, revision: str) -> None:
    upgrade_to(engine, revision)
    vote_store = VoteStore(engine)
    rows = [
        (schema.metadata.tables[table], row)
        for since, tables in OLD_ROWS.items()
        if since <= revision
        for table, row in tables.items()
    ]
    with engine.begin() as connection:
        for table, row in rows:
            connection.execute(table.insert().values(row))
    vote_store.prepare()
    with engine.connect() as connection:
        for table, row in rows:
            found = connection.execute(select(table).order_by(*table.primary_key.columns.values())).all()
            kept = dict(zip(table.c.keys(), found[-1 if "recipe" in row else 0], strict=True))
            assert row.items() <= kept.items()
    (vote,) = vote_store.votes()
    assert (vote.felt, vote.arm, vote.agrees, vote.suspect) == ("fear", "placebo", True, False)
    assert sum(vote_store.crowd(identity()).values()) == 1
    with engine.connect() as connection, pytest.raises(IntegrityError):
        connection.exec_driver_sql("DELETE FROM covers")


def test_a_failing_upgrade_leaves_nothing_behind(engine: Engine) -> None:
    def stumble(connection: Connection, statement: str) -> None:
        if "CREATE TABLE votes" in statement:
            raise RuntimeError("power cut")

    with before_each_statement(engine, stumble), pytest.raises(RuntimeError, match="power cut"):
        VoteStore(engine).prepare()
    assert inspect(engine).get_table_names() == []
    VoteStore(engine).prepare()
    assert rows(engine) == NO_ROWS


def test_program_and_database_know_the_same_arms_and_seeds() -> None:
    assert ARMS == schema.ARMS
    assert LAST_SEED == schema.LAST_SEED


# Engines


def _settings(engine: Engine) -> dict[str, Any]:
    with engine.connect() as connection:
        return {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("foreign_keys", "journal_mode", "synchronous", "busy_timeout")
        }


def test_sqlite_is_set_up_even_for_connections_in_the_pool(sqlite_url: str, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    engine = create_engine(sqlite_url)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar_one() == 0
    configure(engine)
    configure(engine)
    VoteStore(engine).prepare()
    wanted = {"foreign_keys": 1, "journal_mode": "wal", "synchronous": 2, "busy_timeout": 5000}
    assert _settings(engine) == wanted
    engine.dispose()


def test_the_engine_of_streamlits_connection_serves(database_url: str) -> None:
    connection = st.connection(
        "votes", type="sql", url=database_url, max_entries=1, **engine_options(database_url)
    )
    box = VoteStore(connection.engine)
    box.prepare()
    stored = cast_one(box)
    assert box.find("ann", identity()) == stored
    connection.engine.dispose()
