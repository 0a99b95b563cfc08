"""Gifts: kept once, only on request, only pixels, and given back to whoever gave them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np
import pytest
from sqlalchemy import Engine, func, select

from albumjudge.domain.cover import CoverIdentity, read_png
from albumjudge.domain.uploads import Picture
from albumjudge.voting import schema
from albumjudge.voting import submissions as gifts
from albumjudge.voting.database import VoteError
from albumjudge.voting.submissions import DeletedSubmission, SubmissionCounts, SubmissionStore
from albumjudge.voting.votes import VoteStore

ME, YOU = "0123456789abcdef" * 2, "fedcba9876543210" * 2
JUDGE = "vgg16-test-89abcdef"
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def picture(seed: int = 0) -> Picture:
    return Picture(np.random.default_rng(seed).integers(0, 256, (64, 64, 3), np.uint8))


@pytest.fixture
def shelf(vote_store: VoteStore, engine: Engine) -> SubmissionStore:
    return SubmissionStore(engine, clock=lambda: NOON)


def test_a_gift_comes_back_as_it_was_given(shelf: SubmissionStore) -> None:
    assert shelf.of(ME) == []
    given = shelf.keep(visitor=ME, picture=picture(), judge=JUDGE, felt="awe")
    assert shelf.of(ME) == [given] and shelf.of(YOU) == []
    assert (given.judge, given.felt, given.given_at) == (JUDGE, "awe", NOON)
    pixels = read_png(CoverIdentity("tiny-00000000", 0), given.png).pixels
    assert np.array_equal(pixels, picture().pixels)


def test_the_same_picture_is_kept_once_for_each_visitor(shelf: SubmissionStore) -> None:
    first = shelf.keep(visitor=ME, picture=picture(), judge=JUDGE)
    assert shelf.keep(visitor=ME, picture=picture(), judge=JUDGE, felt="fear") == first
    assert shelf.keep(visitor=YOU, picture=picture(), judge=JUDGE).id != first.id
    assert shelf.count().kept == 2


def test_two_clicks_at_once_keep_one(
    vote_store: VoteStore, database_url: str, engines: Callable[[str], Engine]
) -> None:
    shelves = [SubmissionStore(engines(database_url)) for _ in range(4)]
    start = threading.Barrier(len(shelves))

    def click(shelf: SubmissionStore) -> None:
        start.wait()
        shelf.keep(visitor=ME, picture=picture(), judge=JUDGE)

    clicks = [threading.Thread(target=click, args=(shelf,)) for shelf in shelves]
    for thread in clicks:
        thread.start()
    for thread in clicks:
        thread.join()
    assert shelves[0].count().kept == 1


def test_a_gift_can_be_taken_back_by_its_giver_alone(shelf: SubmissionStore) -> None:
    mine, more = (shelf.keep(visitor=ME, picture=picture(seed), judge=JUDGE) for seed in range(2))
    assert not shelf.give_back(visitor=YOU, submission=mine.id)
    assert shelf.of(ME) == [mine, more]
    assert shelf.give_back(visitor=ME, submission=mine.id)
    assert shelf.of(ME) == [more]
    assert not shelf.give_back(visitor=ME, submission=mine.id)


def test_nobody_fills_the_shelf(shelf: SubmissionStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gifts, "MOST_PER_VISITOR", 2)
    for seed in range(2):
        shelf.keep(visitor=ME, picture=picture(seed), judge=JUDGE)
    with pytest.raises(VoteError, match=r"was not kept: the exhibit has 2 of yours.*Take one back"):
        shelf.keep(visitor=ME, picture=picture(2), judge=JUDGE)
    shelf.keep(visitor=ME, picture=picture(1), judge=JUDGE)
    shelf.keep(visitor=YOU, picture=picture(2), judge=JUDGE)
    assert shelf.count().kept == 3


def test_a_feeling_that_does_not_exist_is_refused(shelf: SubmissionStore) -> None:
    with pytest.raises(ValueError, match="none of the eight"):
        shelf.keep(visitor=ME, picture=picture(), judge=JUDGE, felt="hunger")
    assert shelf.count().kept == 0


def test_a_database_without_the_table_gets_a_sentence(engine: Engine) -> None:
    # A SQLite file needs its folder, which only preparing it makes: either is a fault of whoever runs this.
    with pytest.raises(VoteError, match=r"^Your picture was not kept: .*Whoever runs the exhibit must"):
        SubmissionStore(engine).keep(visitor=ME, picture=picture(), judge=JUDGE)


# What a curator decides


def test_a_curator_looks_through_all_gifts_the_latest_first(shelf: SubmissionStore) -> None:
    given = [shelf.keep(visitor=who, picture=picture(n), judge=JUDGE) for n, who in enumerate((ME, YOU, ME))]
    assert [one.submission for one in shelf.latest()] == given[::-1]
    assert [(one.visitor, one.hidden) for one in shelf.latest(1, 1)] == [(YOU, None)]
    assert shelf.latest(3) == []


def test_a_gift_is_hidden_with_a_reason_and_shown_again(shelf: SubmissionStore) -> None:
    gift = shelf.keep(visitor=ME, picture=picture(), judge=JUDGE)
    shelf.hide(gift.id, "  a face ")
    shelf.hide(gift.id, "something else")
    assert shelf.latest()[0].hidden == "a face" and shelf.hidden_of(ME) == {gift.id: "a face"}
    assert shelf.hidden_of(YOU) == {} and shelf.count() == SubmissionCounts(1, 1, 0)
    assert shelf.show_again(gift.id) and not shelf.show_again(gift.id)
    assert shelf.latest()[0].hidden is None and shelf.count() == SubmissionCounts(1, 0, 0)


@pytest.mark.parametrize("reason", ["", "  ", "=1+1", "x" * 201])
def test_a_reason_is_given_in_words(shelf: SubmissionStore, reason: str) -> None:
    gift = shelf.keep(visitor=ME, picture=picture(), judge=JUDGE)
    with pytest.raises(ValueError):
        shelf.hide(gift.id, reason)
    assert shelf.count() == SubmissionCounts(1, 0, 0)


def test_only_what_is_hidden_is_deleted_and_it_stays_away(shelf: SubmissionStore, engine: Engine) -> None:
    gift, other = (shelf.keep(visitor=ME, picture=picture(n), judge=JUDGE) for n in range(2))
    assert not shelf.delete(gift.id) and shelf.of(ME) == [gift, other]
    shelf.hide(gift.id, "a face")
    assert shelf.delete(gift.id) and not shelf.delete(gift.id)
    assert shelf.of(ME) == [other] and shelf.hidden_of(ME) == {}
    assert shelf.deleted_of(ME) == [DeletedSubmission("a face", NOON)] and shelf.deleted_of(YOU) == []
    assert shelf.count() == SubmissionCounts(1, 0, 1)
    for visitor in (ME, YOU):
        with pytest.raises(VoteError, match=r"curator has deleted this one before \(a face\)"):
            shelf.keep(visitor=visitor, picture=picture(0), judge=JUDGE)
    # Nothing of its pixels is left.
    with engine.connect() as connection:
        assert connection.scalar(select(func.count()).where(schema.gifts.c.png == gift.png)) == 0


def test_a_giver_can_take_back_what_is_hidden_and_nothing_is_remembered_of_it(shelf: SubmissionStore) -> None:
    gift = shelf.keep(visitor=ME, picture=picture(), judge=JUDGE)
    shelf.hide(gift.id, "a face")
    assert not shelf.give_back(visitor=YOU, submission=gift.id) and shelf.count().hidden == 1
    assert shelf.give_back(visitor=ME, submission=gift.id)
    assert shelf.count() == SubmissionCounts(0, 0, 0)
    with pytest.raises(VoteError, match="Its giver took it back"):
        shelf.hide(gift.id, "a face")
