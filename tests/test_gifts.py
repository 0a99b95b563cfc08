"""Gifts: kept once, only on request, only pixels, and given back to whoever gave them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np
import pytest
from sqlalchemy import Engine

from albumjudge import gifts
from albumjudge.covers import CoverIdentity, read_png
from albumjudge.database import VoteError
from albumjudge.gifts import GiftShelf
from albumjudge.uploads import Picture
from albumjudge.votes import BallotBox

ME, YOU = "0123456789abcdef" * 2, "fedcba9876543210" * 2
JUDGE = "vgg16-test-89abcdef"
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def picture(seed: int = 0) -> Picture:
    return Picture(np.random.default_rng(seed).integers(0, 256, (64, 64, 3), np.uint8))


@pytest.fixture
def shelf(ballot_box: BallotBox, engine: Engine) -> GiftShelf:
    return GiftShelf(engine, clock=lambda: NOON)


def test_a_gift_comes_back_as_it_was_given(shelf: GiftShelf) -> None:
    assert shelf.of(ME) == []
    given = shelf.keep(visitor=ME, picture=picture(), judge=JUDGE, felt="awe")
    assert shelf.of(ME) == [given] and shelf.of(YOU) == []
    assert (given.judge, given.felt, given.given_at) == (JUDGE, "awe", NOON)
    pixels = read_png(CoverIdentity("tiny-00000000", 0), given.png).pixels
    assert np.array_equal(pixels, picture().pixels)


def test_the_same_picture_is_kept_once_for_each_visitor(shelf: GiftShelf) -> None:
    first = shelf.keep(visitor=ME, picture=picture(), judge=JUDGE)
    assert shelf.keep(visitor=ME, picture=picture(), judge=JUDGE, felt="fear") == first
    assert shelf.keep(visitor=YOU, picture=picture(), judge=JUDGE).id != first.id
    assert shelf.count() == 2


def test_two_clicks_at_once_keep_one(
    ballot_box: BallotBox, database_url: str, engines: Callable[[str], Engine]
) -> None:
    shelves = [GiftShelf(engines(database_url)) for _ in range(4)]
    start = threading.Barrier(len(shelves))

    def click(shelf: GiftShelf) -> None:
        start.wait()
        shelf.keep(visitor=ME, picture=picture(), judge=JUDGE)

    clicks = [threading.Thread(target=click, args=(shelf,)) for shelf in shelves]
    for thread in clicks:
        thread.start()
    for thread in clicks:
        thread.join()
    assert shelves[0].count() == 1


def test_a_gift_can_be_taken_back_by_its_giver_alone(shelf: GiftShelf) -> None:
    mine, more = (shelf.keep(visitor=ME, picture=picture(seed), judge=JUDGE) for seed in range(2))
    assert not shelf.give_back(visitor=YOU, gift=mine.id)
    assert shelf.of(ME) == [mine, more]
    assert shelf.give_back(visitor=ME, gift=mine.id)
    assert shelf.of(ME) == [more]
    assert not shelf.give_back(visitor=ME, gift=mine.id)


def test_nobody_fills_the_shelf(shelf: GiftShelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gifts, "MOST_GIFTS", 2)
    for seed in range(2):
        shelf.keep(visitor=ME, picture=picture(seed), judge=JUDGE)
    with pytest.raises(VoteError, match=r"was not kept: the exhibit has 2 of yours.*Take one back"):
        shelf.keep(visitor=ME, picture=picture(2), judge=JUDGE)
    shelf.keep(visitor=ME, picture=picture(1), judge=JUDGE)
    shelf.keep(visitor=YOU, picture=picture(2), judge=JUDGE)
    assert shelf.count() == 3


def test_a_feeling_that_does_not_exist_is_refused(shelf: GiftShelf) -> None:
    with pytest.raises(ValueError, match="none of the eight"):
        shelf.keep(visitor=ME, picture=picture(), judge=JUDGE, felt="hunger")
    assert shelf.count() == 0


def test_a_database_without_the_table_gets_a_sentence(engine: Engine) -> None:
    # A SQLite file needs its folder, which only preparing it makes: either is a fault of whoever runs this.
    with pytest.raises(VoteError, match=r"^Your picture was not kept: .*Whoever runs the exhibit must"):
        GiftShelf(engine).keep(visitor=ME, picture=picture(), judge=JUDGE)
