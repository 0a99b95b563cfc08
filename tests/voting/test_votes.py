"""The vote store, on SQLite and on PostgreSQL."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from albumjudge.domain.cover import Cover, CoverIdentity
from albumjudge.domain.emotions import NAMES, NOTHING
from albumjudge.domain.verdict import JudgedCover
from albumjudge.voting.curation import CurationStore
from albumjudge.voting.database import VoteError
from albumjudge.voting.votes import StoredVote, VoteStore
from tests.vote_fixtures import GENERATOR, NO_ROWS, ONE_VOTE, cast_one, identity, judged, race, rows

Engines = Callable[[str], Engine]
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def test_a_vote_comes_back_as_it_was_cast(engine: Engine) -> None:
    box = VoteStore(engine, clock=lambda: NOON.astimezone())
    box.prepare()
    cover = judged()
    stored = cast_one(box, judged=cover)
    verdict = cover.verdict
    assert stored == StoredVote("ann", identity(), "fear", verdict, "awe", "judge", None, 2.5, NOON)
    assert str(stored.voted_at.tzinfo) == "UTC"
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


def test_an_empty_box_has_nothing_and_votes_of_a_round_are_found_by_its_id(vote_store: VoteStore) -> None:
    assert vote_store.find("ann", identity()) is None and vote_store.stored_cover(identity()) is None
    assert vote_store.votes() == [] and vote_store.count() == 0
    assert vote_store.crowd(identity()) == dict.fromkeys((*NAMES, NOTHING), 0)
    one = cast_one(vote_store, judged=judged(1), round_id="a1b2c3d4")
    other = cast_one(vote_store, judged=judged(2), round_id="a1b2c3d4")
    cast_one(vote_store, judged=judged(3))
    cast_one(vote_store, "bob", judged=judged(3), round_id="e5f6a7b8")
    assert one.round == "a1b2c3d4"
    assert vote_store.votes(round_id="a1b2c3d4") == [one, other]
    with pytest.raises(ValueError, match="no round's id"):
        cast_one(vote_store, round_id="1 OR 1")


def test_a_repeat_changes_nothing_and_the_latest_verdict_goes_with_a_stored_cover(
    vote_store: VoteStore, engine: Engine
) -> None:
    first = cast_one(vote_store)
    assert cast_one(vote_store, felt="awe", arm="placebo", label_shown="anger", seconds_to_vote=9) == first
    other_judge = judged(judge="vgg16-later-00000000", top="sadness")
    assert cast_one(vote_store, judged=other_judge, label_shown="sadness") == first
    assert rows(engine)["votes"] == 1
    first = cast_one(vote_store, "ann")
    later = judged(judge="vgg16-later-00000000", top="sadness")
    second = cast_one(vote_store, "bob", judged=later, label_shown="sadness")
    assert (first.verdict.top, second.verdict.top) == ("awe", "sadness")
    assert vote_store.stored_cover(identity()) == (later.cover.png(), later.verdict)
    assert vote_store.votes() == [first, second]


def test_the_first_answer_stays_and_who_has_not_voted_cannot_answer(vote_store: VoteStore) -> None:
    untouched, before = cast_one(vote_store, "bob"), cast_one(vote_store)
    answers = race(
        lambda agrees: vote_store.answer(visitor="ann", cover=identity(), agrees=agrees), [False] * 2
    )
    (answered,) = set(answers)
    assert answered == replace(before, agrees=False)
    assert vote_store.answer(visitor="ann", cover=identity(), agrees=True) == answered == cast_one(vote_store)
    assert vote_store.find("bob", identity()) == untouched
    with pytest.raises(VoteError, match="You have not voted on cover 000007 yet"):
        vote_store.answer(visitor="eve", cover=identity(), agrees=True)


def test_what_no_page_offers_is_refused(vote_store: VoteStore, engine: Engine) -> None:
    impossible: list[tuple[dict[str, Any], str]] = [
        ({"felt": "joy"}, "none of the eight"),
        ({"label_shown": NOTHING, "arm": "placebo"}, "none of the eight"),
        ({"label_shown": "anger"}, "is the arm 'placebo'"),
        ({"arm": "control"}, "neither"),
        ({"visitor": ""}, "no visitor's id"),
        ({"visitor": "a" * 65}, "no visitor's id"),
        ({"visitor": "ann\n"}, "no visitor's id"),
        ({"seconds_to_vote": float("inf")}, "no time to vote"),
    ]
    for changes, words in impossible:
        with pytest.raises(ValueError, match=words):
            cast_one(vote_store, **changes)
    assert rows(engine) == NO_ROWS


def test_a_generators_votes_are_tallied_by_cover_and_feeling(vote_store: VoteStore) -> None:
    given = ("ann", 1, "awe"), ("bob", 1, "awe"), ("eve", 1, NOTHING), ("bob", 2, "fear")
    for visitor, seed, felt in given:
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
    crowd = vote_store.crowd(identity(1))
    assert list(crowd) == [*NAMES, NOTHING] and (crowd["awe"], sum(crowd.values())) == (2, 3)


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


def test_many_visitors_vote_on_the_same_covers_at_once(vote_store: VoteStore, engine: Engine) -> None:
    covers = [judged(seed) for seed in range(3)]

    def evening(visitor: int) -> None:
        for cover in random.Random(visitor).sample(covers, len(covers)):
            cast_one(vote_store, f"visitor-{visitor}", judged=cover)
            vote_store.answer(visitor=f"visitor-{visitor}", cover=cover.cover.identity, agrees=True)

    race(evening, range(5))
    assert rows(engine) == {"visitors": 5, "covers": 3, "verdicts": 3, "votes": 15}
    assert all(vote.agrees for vote in vote_store.votes())


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


@pytest.mark.slow
def test_processes_that_start_and_vote_at_once_store_one_vote(database_url: str, engine: Engine) -> None:
    (outcome,) = set(_at_once(_VOTE, database_url))
    assert outcome == f"{VoteStore(engine).find('ann', identity())}\n"
    assert rows(engine) == ONE_VOTE


def test_threads_may_prepare_at_once_and_again(database_url: str, engine: Engine, engines: Engines) -> None:
    boxes = [VoteStore(engines(database_url)) for _ in range(3)]
    for _ in range(2):
        race(VoteStore.prepare, boxes)
    assert rows(engine) == NO_ROWS
