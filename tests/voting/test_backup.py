"""Copies of the database and the way back, between SQLite and PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from albumjudge.voting import schema
from albumjudge.voting.__main__ import main
from albumjudge.voting.backup import backup, restore
from albumjudge.voting.curation import AdminPassword, CurationStore
from albumjudge.voting.database import VoteError
from albumjudge.voting.duels import DuelStore
from albumjudge.voting.painter_duels import PainterDuelStore
from albumjudge.voting.submissions import SubmissionStore
from albumjudge.voting.votes import VoteStore
from tests.vote_fixtures import JUDGE, cast_one, identity, judged, upgrade_to
from tests.voting.test_duels import pair
from tests.voting.test_schema import OLD_ROWS
from tests.voting.test_submissions import picture

Engines = Callable[[str], Engine]


def fill(engine: Engine) -> None:
    box, curator = VoteStore(engine), CurationStore(engine)
    for seed in range(3):
        cast_one(box, judged=judged(seed))
    cast_one(box, "bot")
    curator.exclude("bot", "too fast")
    curator.set_anchors([identity(1)])
    curator.open("tonight")
    AdminPassword(engine, "open sesame").admits("wrong")
    duel = DuelStore(engine).challenge(**pair())
    DuelStore(engine).cast(visitor="ann", duel=duel.id, picked="left", seconds_to_vote=1)
    given = SubmissionStore(engine).keep(visitor="ann", picture=picture(), judge=JUDGE)
    SubmissionStore(engine).hide(given.id, "a face")
    right = judged(8, generator="flow-test-89abcdef").cover
    PainterDuelStore(engine).cast(
        visitor="ann", left=judged().cover, right=right, picked="right", seconds_to_vote=1
    )


def content(engine: Engine) -> dict[str, list[tuple[object, ...]]]:
    with engine.connect() as connection:
        return {
            table.name: sorted(map(tuple, connection.execute(select(table))), key=repr)
            for table in schema.metadata.sorted_tables
            if table is not schema.ready_walls
        }


@pytest.mark.parametrize("target_url", ["sqlite", "postgresql"])
def test_a_copy_brings_everything_back_to_either_kind_of_database(
    vote_store: VoteStore, target_url: str, tmp_path: Path, engines: Engines, request: pytest.FixtureRequest
) -> None:
    engine = vote_store.engine
    fill(engine)
    before, file = content(engine), tmp_path / "copy.db"
    assert backup(engine, file) == 4
    assert [path.name for path in tmp_path.glob("copy.db*")] == ["copy.db"]
    if engine.dialect.name == target_url:
        target = engine
        cast_one(vote_store, "later")
        with pytest.raises(VoteError, match=r"not restored: the database holds votes .* Say --replace"):
            restore(target, file)
        assert vote_store.count() == 5
    else:
        url = request.getfixturevalue("postgresql_url") if target_url == "postgresql" else None
        target = engines(url or f"sqlite:///{tmp_path}/new/votes.db")
    assert restore(target, file, replace=True) == 4
    assert content(target) == before and all(before.values())
    box = VoteStore(target)
    assert cast_one(box, "new", judged=judged(99)) == box.votes()[-1]


def test_a_copy_made_while_people_vote_is_of_one_moment(vote_store: VoteStore, tmp_path: Path) -> None:
    done = threading.Event()

    def voting() -> None:
        number = 0
        while not done.is_set() and number < 500:
            cast_one(vote_store, f"v{number}", judged=judged(number))
            number += 1

    voter = threading.Thread(target=voting)
    voter.start()
    try:
        for _ in range(3):
            backup(vote_store.engine, tmp_path / "copy.db")
    finally:
        done.set()
        voter.join()
    # Foreign keys are checked while it is restored: no vote without its cover, verdict and visitor.
    count = restore(vote_store.engine, tmp_path / "copy.db", replace=True)
    assert count == vote_store.count() == len(vote_store.votes())


def test_a_copy_of_an_earlier_schema_is_brought_up_to_date(
    vote_store: VoteStore, sqlite_url: str, tmp_path: Path, engines: Engines
) -> None:
    old = engines(f"sqlite:///{tmp_path}/old.db")
    upgrade_to(old, "0002")
    with old.begin() as connection:
        for table, row in OLD_ROWS["0001"].items():
            connection.execute(schema.metadata.tables[table].insert().values(row))
    old.dispose()
    before = (tmp_path / "old.db").read_bytes()
    assert restore(vote_store.engine, tmp_path / "old.db") == 1
    (kept,) = vote_store.votes()
    assert (kept.visitor, kept.felt, kept.suspect) == ("ann", "fear", False)
    assert (tmp_path / "old.db").read_bytes() == before


def test_a_file_that_is_no_copy_changes_nothing(
    vote_store: VoteStore, tmp_path: Path, engines: Engines
) -> None:
    kept = cast_one(vote_store)
    letter, other, cut = (tmp_path / name for name in ("letter.db", "other.db", "cut.db"))
    letter.write_bytes(b"dear grandmother " * 100)
    with engines(f"sqlite:///{other}").begin() as connection:
        connection.exec_driver_sql("CREATE TABLE recipes (name TEXT)")
    backup(vote_store.engine, cut)
    cut.write_bytes(cut.read_bytes()[:-20_000])
    for file, words in (
        (letter, "damaged or is no database"),
        (other, "holds no votes table"),
        (cut, "damaged"),
        (tmp_path / "nowhere.db", "there is no file"),
    ):
        with pytest.raises(VoteError, match=words):
            restore(vote_store.engine, file, replace=True)
        assert vote_store.votes() == [kept]


def test_the_command_line_saves_and_restores(
    vote_store: VoteStore, database_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cast_one(vote_store)
    file, url = str(tmp_path / "copy.db"), ["--database-url", database_url]
    assert main(["backup", file, *url]) == 0
    assert capsys.readouterr().out == "Saved 1 vote.\n"
    assert main(["restore", file, *url]) == 1
    assert "Say --replace" in capsys.readouterr().err
    assert main(["restore", file, *url, "--replace"]) == 0
    assert capsys.readouterr().out == "Restored 1 vote.\n"
    for arguments, words in (
        (["backup", str(tmp_path / "no" / "copy.db"), *url], "cannot be written (No such file"),
        (["backup", file, "--database-url", f"sqlite:///{tmp_path}/missing.db"], "There is no database"),
        (["backup", file, "--database-url", "nonsense"], "no database address"),
    ):
        assert main(arguments) == 1
        assert words in capsys.readouterr().err
    assert (tmp_path / "copy.db").is_file()
