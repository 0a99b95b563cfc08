"""Votes on the Hub by schedule and back again: whole, private, by one process, and never over another's copy."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from albumjudge.domain.settings import Settings
from albumjudge.export import hub_copy
from albumjudge.export.dataset import CARD, CSV_FILE, PARQUET_FILE
from albumjudge.export.hub_copy import COPY, PushTurns, main, push, push_if_due, restore_copy, storage_problem
from albumjudge.hub_upload import PublishError
from albumjudge.voting.curation import CurationStore
from albumjudge.voting.database import VoteError
from albumjudge.voting.submissions import SubmissionStore
from albumjudge.voting.votes import VoteStore
from tests.checkpoint_fixtures import Answer
from tests.export.test_dataset import DATASET, DataHub
from tests.training.fake_hub import TOKEN, Repository, at, running
from tests.vote_fixtures import JUDGE, cast_one, race
from tests.voting.test_submissions import picture

BACKUP = f"{DATASET}-backup"
NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)
Engines = Callable[[str], Engine]


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[DataHub]:
    monkeypatch.setenv("ALBUMJUDGE_HUB_DATASET", DATASET)
    monkeypatch.setenv("ALBUMJUDGE_HUB_PUSH_MINUTES", "60")
    with running(DataHub(), monkeypatch) as hub:
        yield hub


def settings() -> Settings:
    return Settings.from_environment()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_was_pushed_comes_back_without_the_pictures(
    hub: DataHub, vote_store: VoteStore, tmp_path: Path, engines: Engines
) -> None:
    stored = [cast_one(vote_store, visitor) for visitor in ("ann", "bot")]
    CurationStore(vote_store.engine).exclude("bot", "too fast")
    SubmissionStore(vote_store.engine).keep(visitor="ann", picture=picture(), judge=JUDGE)
    assert push(vote_store.engine, settings(), TOKEN) == 2
    assert {name: (one.private, set(one.head)) for name, one in hub.repositories.items()} == {
        DATASET: (True, {CARD, CSV_FILE, PARQUET_FILE}),
        BACKUP: (True, {CARD, COPY}),
    }
    assert b"license" not in hub.repositories[DATASET].head[CARD]
    assert picture().png() not in hub.repositories[BACKUP].head[COPY]

    fresh = engines(f"sqlite:///{tmp_path}/fresh.db")
    assert restore_copy(fresh, settings(), TOKEN, replace=False) == 2
    assert VoteStore(fresh).votes() == stored and CurationStore(fresh).left_out() == {"bot": "too fast"}
    assert SubmissionStore(fresh).count().kept == 0 and SubmissionStore(vote_store.engine).count().kept == 1
    cast_one(VoteStore(fresh), "eve")
    assert push(fresh, settings(), TOKEN) == 3  # It goes on where the other one stopped.


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_database_that_forgot_everything_does_not_take_the_copys_place(
    hub: DataHub, vote_store: VoteStore, tmp_path: Path, engines: Engines
) -> None:
    cast_one(vote_store)
    push(vote_store.engine, settings(), TOKEN)
    forgetful = VoteStore(engines(f"sqlite:///{tmp_path}/fresh.db"))
    forgetful.prepare()
    assert push(forgetful.engine, settings(), TOKEN) == 0
    cast_one(forgetful, "later")
    with pytest.raises(PublishError, match=r"copy of another database, so nothing was sent\. Bring it back"):
        push(forgetful.engine, settings(), TOKEN)
    assert len(hub.repositories[BACKUP].commits) == len(hub.repositories[DATASET].commits) == 1
    with pytest.raises(VoteError, match="Say --replace"):
        restore_copy(forgetful.engine, settings(), TOKEN, replace=False)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_ids_never_go_where_everyone_sees_them(hub: DataHub, vote_store: VoteStore) -> None:
    cast_one(vote_store)
    hub.repositories |= {name: Repository(private=False) for name in (DATASET, BACKUP)}
    with pytest.raises(PublishError, match=f"{BACKUP} is already on the Hub and public, so nothing was sent"):
        push(vote_store.engine, settings(), TOKEN)
    hub.repositories[BACKUP].private = True
    push(vote_store.engine, settings(), TOKEN)  # The data set names nobody and may be public.
    assert len(hub.repositories[DATASET].commits) == 1


def test_one_process_pushes_whenever_it_is_due(
    vote_store: VoteStore, database_url: str, engines: Engines
) -> None:
    now = [NOON]
    turns = [PushTurns(engine, clock=lambda: now[0]) for engine in (vote_store.engine, engines(database_url))]
    taken = race(lambda mine: mine.take(3600), turns)
    assert sorted(taken) == [False, True]
    turns[0].note(votes=7)
    assert turns[1].last() == (7, NOON)
    now[0] += timedelta(minutes=59)
    assert not any(mine.take(3600) for mine in turns)
    now[0] += timedelta(minutes=1)
    assert turns[1].take(3600) and not turns[0].take(3600)
    turns[1].note(votes=None)
    now[0] += timedelta(seconds=hub_copy.RETRY_AFTER)
    assert turns[0].take(3600)
    now[0] -= timedelta(days=2)  # A clock that is put back stops nothing.
    assert turns[0].take(3600)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_push_that_fails_is_logged_and_tried_again(
    hub: DataHub, vote_store: VoteStore, caplog: pytest.LogCaptureFixture
) -> None:
    cast_one(vote_store)
    hub.trouble = at("commit", Answer(503))
    stopped = threading.Event()
    looks = iter(range(3))

    def database() -> Engine:
        if next(looks) == 1:
            stopped.set()
        return vote_store.engine

    with caplog.at_level(logging.WARNING, "albumjudge"):
        hub_copy.keep_pushing(database, settings(), stopped, beat=0.001)
    assert "refused with 503" in caplog.text and TOKEN not in caplog.text
    assert PushTurns(vote_store.engine).last() == (0, None)
    hub.trouble = at("", Answer())
    assert not push_if_due(vote_store.engine, settings(), TOKEN)  # Not yet.
    later = datetime.now(UTC) - timedelta(days=1)
    PushTurns(vote_store.engine, clock=lambda: later).note(votes=None)
    assert push_if_due(vote_store.engine, settings(), TOKEN)
    assert PushTurns(vote_store.engine).last()[0] == 1
    PushTurns(vote_store.engine, clock=lambda: later).note(votes=None)
    assert not push_if_due(vote_store.engine, settings(), TOKEN)  # Nobody has voted since.


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_command_line_pushes_and_restores(
    hub: DataHub,
    vote_store: VoteStore,
    database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    cast_one(vote_store)
    monkeypatch.setenv("ALBUMJUDGE_DATABASE_URL", database_url)
    assert main(["push"]) == 0 and capsys.readouterr().out == "Pushed 1 votes.\n"
    assert main(["restore"]) == 1 and "Say --replace" in capsys.readouterr().err
    assert main(["restore", "--if-empty"]) == 0 and capsys.readouterr().out == ""
    monkeypatch.setenv("ALBUMJUDGE_DATABASE_URL", f"sqlite:///{tmp_path}/fresh.db")
    assert main(["restore", "--if-empty"]) == 0 and capsys.readouterr().out == "Restored 1 votes.\n"
    with sqlite3.connect(tmp_path / "fresh.db") as file:
        assert file.execute("SELECT visitor FROM votes").fetchall() == [("ann",)]
    file.close()
    monkeypatch.setenv("ALBUMJUDGE_HUB_DATASET", "")
    assert main(["push"]) == 1 and "names no data set" in capsys.readouterr().err
    monkeypatch.setenv("ALBUMJUDGE_HUB_DATASET", "museum/nothing")
    assert main(["restore", "--replace"]) == 1
    assert capsys.readouterr().err.endswith("Nothing was restored.\n")
    assert VoteStore(vote_store.engine).count() == 1


@pytest.mark.parametrize(
    ("environ", "url", "minutes", "says"),
    [
        ({}, "", 0, ""),
        ({"SPACE_ID": "museum/exhibit"}, "postgresql+psycopg://h/votes", 0, ""),
        ({"SPACE_ID": "museum/exhibit"}, "", 0, "Attach storage at /data"),
        ({"SPACE_ID": "museum/exhibit"}, "", 60, "They are pushed to museum/votes every 60 minutes."),
    ],
)
def test_the_curator_is_told_where_a_disk_does_not_last(
    environ: dict[str, str], url: str, minutes: int, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    mounted: set[Path] = set()
    monkeypatch.setattr("os.path.ismount", lambda folder: folder in mounted)
    plain = Settings(
        database_url=url or "sqlite:////data/votes.db", hub_dataset=DATASET, hub_push_minutes=minutes
    )
    told = storage_problem(plain, environ)
    assert says in told and bool(told) == bool(says)
    mounted.add(Path("/data"))
    assert storage_problem(plain, environ) == ""
