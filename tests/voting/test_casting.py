"""What holds for votes of every kind: the first stays, nothing is lost or stored twice, and not all count."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine, Table, func, select

from albumjudge.voting import rate_limit, schema
from albumjudge.voting.curation import CurationStore
from albumjudge.voting.database import VoteError
from albumjudge.voting.duels import DuelStore
from albumjudge.voting.painter_duels import PainterDuelStore
from albumjudge.voting.store import ClosedError
from albumjudge.voting.votes import VoteStore
from tests.vote_fixtures import OTHER, before_each_statement, cast_one, count, judged, race
from tests.voting.test_duels import pair

Engines = Callable[[str], Engine]
IMPATIENT = 0.05
KINDS = (VoteStore, DuelStore, PainterDuelStore)
CHOICES: dict[type, list[str]] = {
    VoteStore: ["fear", "awe", "nothing"],
    DuelStore: ["left", "right", "neither"],
    PainterDuelStore: ["left", "right", "tie"],
}
TABLES: dict[type, Table] = {
    VoteStore: schema.votes,
    DuelStore: schema.duel_votes,
    PainterDuelStore: schema.painter_votes,
}


@pytest.fixture(params=KINDS, ids=lambda kind: str(kind.__name__))
def kind(request: pytest.FixtureRequest) -> Any:
    """A store of votes, not yet opened."""
    return request.param


def cast(store: Any, visitor: str = "ann", choice: int = 0, seed: int = 1, **more: Any) -> Any:
    """Cast a vote of the store's kind; ``choice`` and ``seed`` are numbers of what is chosen, and before what."""
    chosen = CHOICES[type(store)][choice]
    if isinstance(store, VoteStore):
        return cast_one(store, visitor, judged=judged(seed), felt=chosen, **more)
    arguments = {"visitor": visitor, "picked": chosen, "seconds_to_vote": 2.0, **more}
    if isinstance(store, DuelStore):
        with store.engine.connect() as connection:
            number = connection.scalar(select(func.max(schema.duels.c.id)))
        duel = number if seed == 0 else DuelStore(store.engine).challenge(**pair(seed)).id
        return store.cast(duel=duel, **arguments)
    return store.cast(left=judged(seed).cover, right=judged(8, generator=OTHER).cover, **arguments)


def everything(store: Any) -> list[Any]:
    found = store.votes() if isinstance(store, VoteStore) else store.votes(counted=False)
    return list(found)


def test_racing_clicks_are_one_vote_and_all_get_it(
    vote_store: VoteStore, database_url: str, engines: Engines, kind: Any
) -> None:
    stores = [kind(engines(database_url)), kind(vote_store.engine)]
    if kind is DuelStore:
        DuelStore(vote_store.engine).challenge(**pair(1))
    results = set(race(lambda runner: cast(stores[runner % 2], choice=runner % 3), range(6)))
    assert results == set(everything(stores[0])) and len(results) == 1
    assert count(vote_store.engine, TABLES[kind]) == count(vote_store.engine, schema.visitors) == 1


def test_a_locked_database_gives_a_sentence_and_a_retry_succeeds(
    vote_store: VoteStore, engine: Engine, kind: Any
) -> None:
    store = kind(engine, timeout=IMPATIENT)
    if kind is DuelStore:
        store.challenge(**pair(1))
    with engine.connect().execution_options(albumjudge_writes=True) as other, other.begin():
        if engine.dialect.name == "postgresql":
            other.exec_driver_sql(f"LOCK TABLE {TABLES[kind].name} IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(VoteError, match=r"was not stored: the database is busy\. Try again"):
            cast(store, seed=0 if kind is DuelStore else 1)
    assert everything(store) == []
    assert [cast(store)] == everything(store)


def test_a_vote_that_fails_half_way_leaves_nothing(vote_store: VoteStore, engine: Engine, kind: Any) -> None:
    store = kind(engine)
    if kind is DuelStore:
        store.challenge(**pair(1))

    def stumble(_: object, statement: str) -> None:
        if statement.startswith(f"INSERT INTO {TABLES[kind].name} "):
            raise RuntimeError("power cut")

    with before_each_statement(engine, stumble), pytest.raises(RuntimeError, match="power cut"):
        cast(store)
    assert count(engine, schema.visitors) == count(engine, TABLES[kind]) == 0
    assert [cast(store)] == everything(store)


def test_a_closed_exhibit_keeps_what_was_chosen_and_takes_no_more(
    vote_store: VoteStore, engine: Engine, kind: Any
) -> None:
    store, curator = kind(engine), CurationStore(engine)
    before = cast(store)
    curator.close()
    again: dict[str, Any] = {"seed": 0} if kind is DuelStore else {}
    assert cast(store, choice=1, **again) == before
    with pytest.raises(ClosedError, match="was not stored: the exhibit is closed at the moment"):
        cast(store, "bob", **again)
    assert everything(store) == [before] and count(engine, schema.visitors) == 1
    curator.open("second evening")
    assert cast(store, "bob").visitor == "bob"


def test_a_flood_is_stored_but_not_counted(
    vote_store: VoteStore, engine: Engine, kind: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rate_limit.is_suspect, "__defaults__", (((60.0, 2),),))
    store = kind(engine)
    quick = [cast(store, seed=seed) for seed in (1, 2, 3)]
    others = [cast(store, "eve", suspect=True), cast(store, "bot")]
    CurationStore(engine).exclude("bot", "too fast")
    assert [vote.suspect for vote in (*quick, *others)] == [False, False, True, True, False]
    assert everything(store) == [*quick, *others]
    if isinstance(store, VoteStore):
        sums = [sum(store.crowd(judged(seed).cover.identity).values()) for seed in (1, 2, 3)]
        assert sums == [1, 1, 0] and len(store.tallies(judged().cover.identity.generator)) == 2
    else:
        assert store.votes() == quick[:2]


@pytest.mark.parametrize(
    "wrong", [{"visitor": "=1+1"}, {"seconds_to_vote": -1}, {"seconds_to_vote": float("nan")}]
)
def test_what_no_page_offers_is_refused(
    vote_store: VoteStore, engine: Engine, kind: Any, wrong: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match=r"no visitor's id|no time to vote"):
        cast(kind(engine), **wrong)
    assert count(engine, schema.visitors) == count(engine, TABLES[kind]) == 0
