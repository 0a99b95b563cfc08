"""The vote: blind, once per visitor and cover whatever happens, acknowledged only when it is stored."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from albumjudge import hanging
from albumjudge.charts import ON_SIDES
from albumjudge.covers import CoverIdentity
from albumjudge.exhibit import Exhibit
from albumjudge.votes import BallotBox
from frame import visitor
from tests.pages_fixtures import *  # noqa: F403
from tests.pages_fixtures import OTHER_VISITOR, VISITOR, Visit, press, query, text


def shown(app: AppTest) -> CoverIdentity:
    """The cover in the link of the vote page."""
    return CoverIdentity.parse(query(app, "cover"))


def test_the_ballot_is_blind_and_offers_nine_answers(visit: Visit, exhibit: Exhibit) -> None:
    app = visit("vote")
    labels = [button.label for button in app.button if (button.key or "").startswith("felt-")]
    assert labels == [*ON_SIDES, "nothing, or something else"]
    page = text(app)
    assert "amusement" not in page and "%" not in page and "machine feels" not in page
    assert not app.get("vega_lite_chart")
    assert shown(app).seed in hanging.ballot_pool(exhibit.painter.revision)


def test_a_vote_is_stored_and_then_the_machine_is_revealed(visit: Visit, box: BallotBox) -> None:
    app = press(visit("vote"), "felt-awe")
    (vote,) = box.votes()
    assert (vote.visitor, vote.cover, vote.felt, vote.label_shown) == (
        VISITOR,
        shown(app),
        "awe",
        "amusement",
    )
    assert vote.arm == "judge" and vote.agrees is None and 0 < vote.seconds_to_vote < 60
    page = text(app)
    assert page.index("You felt") < page.index("The machine feels mostly amusement")
    assert "You are the first to vote on this cover." in page
    assert not [button for button in app.button if (button.key or "").startswith("felt-")]


def test_nothing_is_an_answer(visit: Visit, box: BallotBox) -> None:
    app = press(visit("vote"), "felt-nothing")
    assert box.votes()[0].felt == "nothing"
    assert "You felt nothing, or something else." in text(app)


@pytest.mark.parametrize(
    ("button", "agrees", "words"), [("yes", True, "You agree"), ("no", False, "You do not agree")]
)
def test_the_answer_to_the_label_is_stored_once(
    visit: Visit, box: BallotBox, button: str, agrees: bool, words: str
) -> None:
    app = press(press(visit("vote"), "felt-awe"), f"agree-{button}")
    assert box.votes()[0].agrees is agrees
    assert words in text(app)
    assert not [b for b in app.button if (b.key or "").startswith("agree-")]


def test_next_brings_another_cover_and_its_own_ballot(visit: Visit, box: BallotBox) -> None:
    app = press(visit("vote"), "felt-awe")
    first = shown(app)
    press(app, "next")
    assert shown(app) != first
    press(app, "felt-fear")
    assert [vote.felt for vote in box.votes()] == ["awe", "fear"]


def test_a_reload_shows_the_stored_vote_and_no_second_ballot(visit: Visit) -> None:
    app = press(visit("vote"), "felt-awe")
    again = visit("vote", cover=str(shown(app)))
    assert "You felt" in text(again)
    assert not [button for button in again.button if (button.key or "").startswith("felt-")]


def test_a_second_tab_that_still_shows_the_ballot_does_not_vote_twice(visit: Visit, box: BallotBox) -> None:
    first = visit("vote")
    second = visit("vote", cover=str(shown(first)))
    press(first, "felt-awe")
    press(second, "felt-fear")
    assert [vote.felt for vote in box.votes()] == ["awe"]
    assert "awe" in text(second) and "fear</b>" not in text(second)


def test_an_answer_given_before_the_link_has_arrived_counts_for_the_cover_on_show(
    visit: Visit, box: BallotBox
) -> None:
    app = visit("vote")
    seen = shown(app)
    app.query_params.clear()
    press(app, "felt-awe")
    assert [vote.cover for vote in box.votes()] == [seen]


def test_the_others_are_told_only_after_the_vote(visit: Visit, box: BallotBox, exhibit: Exhibit) -> None:
    app = visit("vote")
    judged = exhibit.show_identity(shown(app))
    box.cast(visitor=OTHER_VISITOR, judged=judged, felt="awe", label_shown="amusement", seconds_to_vote=1)
    assert "visitor" not in text(app.run())
    press(app, "felt-awe")
    assert "One other visitor has voted on it; 1 felt as you did. They felt: 1 awe." in text(app)


@pytest.mark.parametrize("link", ["nonsense", "gone-12345678.4711"])
def test_a_link_to_no_ballot_brings_a_cover_that_is_due(visit: Visit, exhibit: Exhibit, link: str) -> None:
    app = visit("vote", cover=link)
    assert shown(app).seed in hanging.ballot_pool(exhibit.painter.revision)


def test_a_cover_outside_the_pool_cannot_be_voted_on(visit: Visit, exhibit: Exhibit) -> None:
    outside = next(s for s in range(100) if s not in hanging.ballot_pool(exhibit.painter.revision))
    app = visit("vote", cover=str(CoverIdentity(exhibit.painter.revision, outside)))
    assert shown(app).seed != outside


def test_who_has_seen_all_is_thanked(visit: Visit, box: BallotBox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hanging, "ballot_pool", lambda revision: (4711,))
    app = press(press(visit("vote"), "felt-awe"), "next")
    assert "You have voted on every cover" in text(app)
    assert box.count() == 1


def test_while_the_database_is_locked_the_choice_is_kept_and_can_be_sent_again(
    visit: Visit, box: BallotBox, tmp_path: Path
) -> None:
    app = visit("vote")
    other = sqlite3.connect(tmp_path / "votes.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    press(app, "felt-awe")
    assert "Your vote was not stored" in text(app) and "Your choice, awe, is kept" in text(app)
    assert "You felt" not in text(app)
    press(app, "try-casting-again")
    assert "Your vote was not stored" in text(app)
    other.execute("ROLLBACK")
    other.close()
    press(app, "try-casting-again")
    assert "You felt" in text(app)
    assert [vote.felt for vote in box.votes()] == ["awe"]


def test_a_database_that_cannot_be_opened_gets_a_sentence(
    visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALBUMJUDGE_DATABASE_URL", "sqlite:////proc/nowhere/votes.db")
    app = visit("vote")
    assert 'role="alert"' in text(app) and "cannot be" in text(app)
    assert not [button for button in app.button if (button.key or "").startswith("felt-")]


def test_time_to_vote_runs_from_the_first_sight_and_forgets_the_oldest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 100.0
    monkeypatch.setattr("frame.visitor.time.monotonic", lambda: now)
    sights = visitor.FirstSights(kept=2)
    assert sights.seconds("a", "x") == 0
    now = 103.5
    assert sights.seconds("a", "x") == 3.5
    assert sights.seconds("b", "x") == 0
    assert sights.seconds("b", "y") == 0
    assert sights.seconds("a", "x") == 0


@pytest.mark.parametrize(
    ("text_", "fits"),
    [
        (VISITOR, True),
        (OTHER_VISITOR, True),
        (VISITOR.upper(), False),
        ("", False),
        (None, False),
        ("0" * 32, False),
    ],
)
def test_only_random_ids_are_taken_from_a_cookie(text_: str | None, fits: bool) -> None:
    assert visitor.is_visitor_id(text_) is fits
