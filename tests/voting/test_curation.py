"""A curator's decisions: reversible, counted, in force; who may make them; and what went wrong lately."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from sqlalchemy import Engine

from albumjudge.domain.cover import CoverIdentity
from albumjudge.domain.emotions import NAMES, NOTHING
from albumjudge.statistics import exclusions
from albumjudge.statistics.exclusions import FEWEST_FAST, FEWEST_SAME, suspects
from albumjudge.ui import health
from albumjudge.ui.health import Troubles, without_persons
from albumjudge.voting.curation import BEFORE, CurationStore
from albumjudge.voting.database import VoteError
from albumjudge.voting.duels import Chosen, DuelVote, Side
from albumjudge.voting.votes import VoteStore
from tests.vote_fixtures import GENERATOR, cast_one, identity, race, vote

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.fixture
def store(vote_store: VoteStore, engine: Engine) -> CurationStore:
    for visitor in ("ada", "bob"):
        cast_one(vote_store, visitor)
    ticks = count(1)
    return CurationStore(engine, clock=lambda: NOON + timedelta(minutes=next(ticks)))


def test_a_visitor_is_left_out_and_let_in_again(store: CurationStore) -> None:
    done = store.exclude("ada", "  too   fast ")
    assert (done.visitor, done.reason, done.lifted_at) == ("ada", "too fast", None)
    assert store.left_out() == {"ada": "too fast"}
    assert store.lift("ada") and not store.lift("ada") and not store.lift("bob")
    assert store.left_out() == {}
    (past,) = store.exclusions()
    assert past.excluded_at == done.excluded_at and past.lifted_at and past.lifted_at > past.excluded_at
    store.exclude("ada", "a child at the keyboard")
    assert store.left_out() == {"ada": "a child at the keyboard"} and len(store.exclusions()) == 2


def test_two_curators_at_once_leave_nobody_out_twice_and_the_first_reason_stays(
    store: CurationStore, database_url: str, engines: Callable[[str], Engine]
) -> None:
    race(lambda one: one.exclude("ada", "too fast"), [CurationStore(engines(database_url)) for _ in range(4)])
    (first,) = store.exclusions()
    assert store.exclude("ada", "another reason") == first and store.exclusions() == [first]


@pytest.mark.parametrize("reason", ["", "   ", "x" * 201, "=1+1", " -x", "@x"])
def test_a_reason_is_given_in_words(store: CurationStore, reason: str) -> None:
    with pytest.raises(ValueError, match=r"\.$"):
        store.exclude("ada", reason)
    with pytest.raises(VoteError, match="Nobody with this id has voted"):
        store.exclude("eve", "too fast")
    assert store.exclusions() == []


def test_exclusions_take_votes_out_of_the_results_and_are_counted_by_reason() -> None:
    votes = [vote(visitor=who, seed=seed) for seed, who in enumerate("aabbbc")]
    left_out = {"a": "too fast", "b": "a child at the keyboard", "gone": "too fast"}
    sifted = exclusions.sift(votes, exclusions.reasons_now(votes, left_out))
    assert [v.visitor for v in sifted.counted] == ["c"]
    words = exclusions.BY_CURATOR
    assert {k: n for k, n in sifted.left_out.items() if n} == {
        words.format(reason="too fast"): 2,
        words.format(reason="a child at the keyboard"): 3,
    }
    assert exclusions.sift(votes, exclusions.reasons_now(votes, {})).counted == tuple(votes)
    # Who is left out does not decide which generator is the current one, either.
    odd = vote(visitor="b", cover=identity(1, "dcgan-old-00000000"))
    assert (
        exclusions.sift([*votes, odd], exclusions.reasons_now([*votes, odd], left_out)).counted
        == sifted.counted
    )


def test_anchors_are_chosen_in_an_order_replaced_and_cleared_and_nothing_deletes_a_vote(
    store: CurationStore, vote_store: VoteStore
) -> None:
    steered = CoverIdentity.of(identity().generator, 5, "w120")
    assert store.anchors() == []
    store.set_anchors([identity(9), steered, identity(2), identity(9)])
    assert store.anchors() == [identity(9), steered, identity(2)]
    store.set_anchors([identity(2)])
    assert store.anchors() == store.anchors(GENERATOR) == [identity(2)] and store.anchors("other") == []
    store.set_anchors([])
    assert store.anchors() == []
    before = vote_store.votes()
    store.exclude("ada", "too fast")
    store.lift("ada")
    store.set_anchors([])
    store.close()
    assert vote_store.votes() == before


def test_periods_open_and_close(store: CurationStore) -> None:
    assert store.is_open() and store.periods() == []
    store.open("Long Night")
    store.open("Another one")
    assert store.is_open() and [p.name for p in store.periods()] == ["Long Night"]
    store.close()
    store.close()
    assert not store.is_open()
    store.open("Second evening")
    second, first = store.periods()
    assert store.is_open() and (second.name, second.closed_at) == ("Second evening", None)
    assert first.closed_at and first.opened_at < first.closed_at < second.opened_at


def test_an_exhibit_that_never_had_a_period_can_be_closed(
    store: CurationStore, vote_store: VoteStore
) -> None:
    store.close()
    assert not store.is_open()
    (period,) = store.periods()
    assert period.name == BEFORE and period.opened_at == min(v.voted_at for v in vote_store.votes())


def test_a_book_that_cannot_be_read_says_so(engine: Engine) -> None:
    with pytest.raises(VoteError, match=r"^The curator's decisions cannot be read: "):
        CurationStore(engine).is_open()


def test_who_votes_without_looking_is_suggested_and_who_votes_like_a_person_is_not() -> None:
    fast = [vote(NAMES[i % 8], visitor="fast", seed=i, seconds_to_vote=0.4) for i in range(FEWEST_FAST)]
    same = [vote(visitor="same", seed=i) for i in range(FEWEST_SAME)]
    both = [vote(NOTHING, visitor="both", seed=i, seconds_to_vote=0.3) for i in range(FEWEST_SAME + 1)]
    found = {suspect.visitor: suspect for suspect in suspects([*fast, *same, *both])}
    assert list(found) == ["both", "same", "fast"]
    assert found["fast"].reason == "too fast: half of the votes took less than 0.4 seconds"
    assert found["same"].reason == "always the same answer: awe"
    assert found["both"].reason == (
        "too fast: half of the votes took less than 0.3 seconds; always the same answer: nothing, or something "
        "else"
    )
    assert (found["both"].votes, found["both"].seconds) == (FEWEST_SAME + 1, 0.3)
    assert [s.visitor for s in suspects([*fast, *same], known={"same"})] == ["fast"]
    one_slip = [
        vote(visitor="a", seed=i, seconds_to_vote=0.1 if i < 3 else 4) for i in range(FEWEST_FAST + 1)
    ]
    too_few = [vote(visitor="b", seed=i, seconds_to_vote=0.1) for i in range(FEWEST_FAST - 1)]
    nearly_same = [vote("fear" if i == 0 else "awe", visitor="c", seed=i) for i in range(3 * FEWEST_SAME)]
    few_same = [vote(visitor="d", seed=i) for i in range(FEWEST_SAME - 1)]
    assert suspects([*one_slip, *too_few, *nearly_same, *few_same]) == []
    assert suspects([]) == []


def test_who_chooses_between_pairs_without_looking_is_suggested() -> None:
    def choose(
        visitor: str, chosen: Chosen, left: Side, seconds: float = 4, times: int = 10
    ) -> list[DuelVote]:
        return [DuelVote(n, "awe", visitor, chosen, left, seconds, NOON) for n in range(times)]

    choices = [
        *choose("lefty", "after", "after", times=5),
        *choose("lefty", "before", "before", times=5),
        *choose("hasty", "after", "before", 0.3, times=6),
        *choose("doubter", "neither", "before"),
        *choose("new", "after", "before", times=9),
        *choose("eyes", "after", "after", times=6),
        *choose("eyes", "after", "before", times=6),
    ]
    found = suspects([], choices=choices)
    assert [(s.visitor, s.reason, s.votes) for s in found] == [
        ("lefty", "always the left cover of a pair", 10),
        ("hasty", "too fast: half of the votes took less than 0.3 seconds", 6),
    ]
    assert suspects([], {"lefty", "hasty"}, choices) == []
    # Haste is told from votes of both kinds together.
    votes = [vote(visitor="both", seed=n, seconds_to_vote=0.2) for n in range(3)]
    assert [s.visitor for s in suspects(votes, (), choose("both", "after", "after", 0.2, 3))] == ["both"]


def test_the_last_warnings_are_remembered_the_latest_first(capsys: pytest.CaptureFixture[str]) -> None:
    troubles = Troubles(kept=2)
    log = logging.getLogger("albumjudge.test")
    log.addHandler(troubles)
    try:
        log.info("All is well.")
        log.warning("The first.")
        log.error("The second, %s.", "with more")
        try:
            raise RuntimeError("secret detail")
        except RuntimeError:
            log.exception("The third.")
    finally:
        log.removeHandler(troubles)
    assert [(t.level, t.where, t.message) for t in troubles.latest()] == [
        ("ERROR", "test", "The third. (RuntimeError)"),
        ("ERROR", "test", "The second, with more."),
    ]


def test_remembering_does_not_silence_standard_error(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    record = logging.LogRecord("albumjudge.x", logging.WARNING, "", 0, "Mind the gap.", None, None)
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    Troubles().emit(record)
    assert capsys.readouterr().err == "Mind the gap.\n"
    monkeypatch.setattr(logging.getLogger(), "handlers", [logging.NullHandler()])
    Troubles().emit(record)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("message", "kept"),
    [
        ("There is no cover 'Ada Lovelace, 12 Rose Lane'.", "There is no cover …."),
        ("Visitor 0123456789abcdef0123456789abcdef failed.", "Visitor … failed."),
        ("postgresql://ada:secret@host/votes is down", "postgresql://…host/votes is down"),
        ("ada@example.org and 192.168.0.17 called", "… and … called"),
        (
            "The judge tiny-judge-89abcdef is being fetched.",
            "The judge tiny-judge-89abcdef is being fetched.",
        ),
    ],
)
def test_what_may_be_about_a_person_is_not_remembered(message: str, kept: str) -> None:
    assert without_persons(message) == kept


def test_listening_twice_hears_everything_once() -> None:
    assert health.listen() is health.listen()
    before = len(health.listen().latest())
    logging.getLogger("albumjudge.once").warning("Just once.")
    now = health.listen().latest()
    assert now[0].message == "Just once." and [t.message for t in now].count("Just once.") == 1
    assert len(now) in (before + 1, health.KEPT)
