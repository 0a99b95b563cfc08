"""Submissions: kept once, only on request, only pixels, and given back to whoever gave them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np
import pytest
from sqlalchemy import Engine, func, select

from albumjudge.domain.cover import CoverIdentity, read_png
from albumjudge.domain.uploads import Picture
from albumjudge.voting import schema, submissions
from albumjudge.voting.database import VoteError
from albumjudge.voting.submissions import DeletedSubmission, SubmissionCounts, SubmissionStore
from albumjudge.voting.votes import VoteStore
from tests.vote_fixtures import JUDGE, race

ME, YOU = "0123456789abcdef" * 2, "fedcba9876543210" * 2
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def picture(seed: int = 0) -> Picture:
    return Picture(np.random.default_rng(seed).integers(0, 256, (64, 64, 3), np.uint8))


@pytest.fixture
def store(vote_store: VoteStore, engine: Engine) -> SubmissionStore:
    return SubmissionStore(engine, clock=lambda: NOON)


def test_a_submission_comes_back_as_it_was_given(store: SubmissionStore) -> None:
    assert store.of(ME) == []
    given = store.keep(visitor=ME, picture=picture(), judge=JUDGE)
    assert store.of(ME) == [given] and store.of(YOU) == []
    assert (given.judge, given.given_at) == (JUDGE, NOON)
    pixels = read_png(CoverIdentity("tiny-00000000", 0), given.png).pixels
    assert np.array_equal(pixels, picture().pixels)
    assert store.keep(visitor=ME, picture=picture(), judge=JUDGE) == given
    assert store.keep(visitor=YOU, picture=picture(), judge=JUDGE).id != given.id
    assert store.count().kept == 2


def test_two_clicks_at_once_keep_one(
    vote_store: VoteStore, database_url: str, engines: Callable[[str], Engine]
) -> None:
    stores = [SubmissionStore(engines(database_url)) for _ in range(4)]
    race(lambda store: store.keep(visitor=ME, picture=picture(), judge=JUDGE), stores)
    assert stores[0].count().kept == 1


def test_nobody_fills_the_store(store: SubmissionStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(submissions, "MOST_PER_VISITOR", 2)
    for seed in range(2):
        store.keep(visitor=ME, picture=picture(seed), judge=JUDGE)
    with pytest.raises(VoteError, match=r"was not kept: the exhibit has 2 of yours.*Take one back"):
        store.keep(visitor=ME, picture=picture(2), judge=JUDGE)
    store.keep(visitor=ME, picture=picture(1), judge=JUDGE)
    store.keep(visitor=YOU, picture=picture(2), judge=JUDGE)
    assert store.count().kept == 3


def test_a_database_without_the_table_gets_a_sentence(engine: Engine) -> None:
    # A SQLite file needs its folder, which only preparing it makes: either is a fault of whoever runs this.
    with pytest.raises(VoteError, match=r"^Your picture was not kept: .*Whoever runs the exhibit must"):
        SubmissionStore(engine).keep(visitor=ME, picture=picture(), judge=JUDGE)


# What a curator decides


def test_a_curator_looks_through_all_submissions_the_latest_first(store: SubmissionStore) -> None:
    given = [store.keep(visitor=who, picture=picture(n), judge=JUDGE) for n, who in enumerate((ME, YOU, ME))]
    assert [one.submission for one in store.latest()] == given[::-1]
    assert [(one.visitor, one.hidden) for one in store.latest(1, 1)] == [(YOU, None)]
    assert store.latest(3) == []


def test_a_submission_is_hidden_with_a_reason_and_shown_again(store: SubmissionStore) -> None:
    one = store.keep(visitor=ME, picture=picture(), judge=JUDGE)
    store.hide(one.id, "  a face ")
    store.hide(one.id, "something else")
    assert store.latest()[0].hidden == "a face" and store.hidden_of(ME) == {one.id: "a face"}
    assert store.hidden_of(YOU) == {} and store.count() == SubmissionCounts(1, 1, 0)
    assert store.show_again(one.id) and not store.show_again(one.id)
    assert store.latest()[0].hidden is None and store.count() == SubmissionCounts(1, 0, 0)


def test_only_what_is_hidden_is_deleted_and_it_stays_away(store: SubmissionStore, engine: Engine) -> None:
    one, other = (store.keep(visitor=ME, picture=picture(n), judge=JUDGE) for n in range(2))
    assert not store.delete(one.id) and store.of(ME) == [one, other]
    store.hide(one.id, "a face")
    assert store.delete(one.id) and not store.delete(one.id)
    assert store.of(ME) == [other] and store.hidden_of(ME) == {}
    assert store.deleted_of(ME) == [DeletedSubmission("a face", NOON)] and store.deleted_of(YOU) == []
    assert store.count() == SubmissionCounts(1, 0, 1)
    for visitor in (ME, YOU):
        with pytest.raises(VoteError, match=r"curator has deleted this one before \(a face\)"):
            store.keep(visitor=visitor, picture=picture(0), judge=JUDGE)
    # Nothing of its pixels is left.
    with engine.connect() as connection:
        assert connection.scalar(select(func.count()).where(schema.submissions.c.png == one.png)) == 0


def test_a_giver_can_take_back_what_is_hidden_and_nothing_is_remembered_of_it(store: SubmissionStore) -> None:
    one = store.keep(visitor=ME, picture=picture(), judge=JUDGE)
    store.hide(one.id, "a face")
    assert not store.give_back(visitor=YOU, submission=one.id) and store.count().hidden == 1
    assert store.give_back(visitor=ME, submission=one.id) and store.of(ME) == []
    assert not store.give_back(visitor=ME, submission=one.id)
    assert store.count() == SubmissionCounts(0, 0, 0)
    with pytest.raises(VoteError, match="Its giver took it back"):
        store.hide(one.id, "a face")
