"""The vote: blind, once per visitor and cover whatever happens, acknowledged only when it is stored."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from albumjudge.domain import seeds
from albumjudge.domain.cover import CoverIdentity
from albumjudge.inference.exhibit import Exhibit
from albumjudge.ui.charts import ON_SIDES
from albumjudge.voting import rounds
from albumjudge.voting.curation import CurationStore
from albumjudge.voting.database import VoteError
from albumjudge.voting.votes import StoredVote, VoteStore
from tests.page_voting import *  # noqa: F403
from tests.page_voting import buttons, others_vote, shown
from tests.pages_fixtures import *  # noqa: F403
from tests.pages_fixtures import VISITOR, Visit, failing, press, text


def test_the_ballot_is_blind_and_offers_nine_answers(visit: Visit, exhibit: Exhibit) -> None:
    app = visit("vote")
    labels = [button.label for button in app.button if (button.key or "").startswith("felt-")]
    assert labels == [*ON_SIDES, "nothing, or something else"]
    page = text(app)
    assert "amusement" not in page and "%" not in page and "machine feels" not in page
    assert not app.get("vega_lite_chart")
    assert shown(app).seed in seeds.ballot_pool(exhibit.painter.revision)


def test_a_vote_is_stored_and_then_the_machine_is_revealed(visit: Visit, box: VoteStore) -> None:
    app = press(visit("vote"), "felt-awe")
    (vote,) = box.votes()
    assert (vote.visitor, vote.cover, vote.felt, vote.label_shown) == (
        VISITOR,
        shown(app),
        "awe",
        "amusement",
    )
    assert vote.arm == "judge" and vote.agrees is None and 0 < vote.seconds_to_vote < 60
    assert vote.round == rounds.round_id(VISITOR, 0)
    page = text(app)
    assert page.index("You felt") < page.index("The machine’s label") < page.index("◠ amusement")
    assert not buttons(app, "felt-")


def test_before_the_label_is_answered_nothing_else_of_machine_and_crowd_is_shown(
    visit: Visit, box: VoteStore, exhibit: Exhibit
) -> None:
    app = visit("vote")
    cover = shown(app)
    others_vote(box, exhibit, cover, *["fear"] * 5)
    press(app, "felt-awe")
    page = text(app)
    assert "machine feels" not in page and "%" not in page and "others" not in page
    assert not app.get("vega_lite_chart")
    # The answer leads on; beside the next question, still blind, stands the reveal, small.
    press(app, "agree-no")
    page = text(app)
    assert (
        page.index("You felt")
        < page.index("The machine feels mostly amusement")
        < page.index("0 of 5 others")
    )
    assert 'class="meeting apart"' in page and not app.get("vega_lite_chart")
    due = shown(app)
    assert due != cover and len(buttons(app, "felt-")) == 9 and "2 of 6" in page
    # Touched, it is whole; the cover that was on show before comes next.
    page = text(press(app, "look-again"))
    assert shown(app) == cover and not buttons(app, "felt-")
    assert page.index("You felt") < page.index("The machine feels mostly amusement") < page.index("5 fear")
    assert "You do not agree with the label “amusement”." in page
    assert app.get("vega_lite_chart")
    press(app, "next")
    assert shown(app) == due and len(buttons(app, "felt-")) == 9


@pytest.mark.parametrize(
    ("button", "agrees", "words"), [("yes", True, "You agree"), ("no", False, "You do not agree")]
)
def test_the_answer_to_the_label_is_stored_once(
    visit: Visit, box: VoteStore, button: str, agrees: bool, words: str
) -> None:
    press(press(visit("vote"), "felt-awe"), f"agree-{button}")
    (vote,) = box.votes()
    assert vote.agrees is agrees
    app = visit("vote", cover=str(vote.cover))
    assert words in text(app) and "You are the first to vote on this cover." in text(app)
    assert not buttons(app, "agree-")


def test_a_second_tab_that_still_shows_the_ballot_does_not_vote_twice(visit: Visit, box: VoteStore) -> None:
    first = visit("vote")
    second = visit("vote", cover=str(shown(first)))
    press(first, "felt-awe")
    press(second, "felt-fear")
    assert [vote.felt for vote in box.votes()] == ["awe"]
    assert "awe" in text(second) and "fear</b>" not in text(second)


def test_an_answer_given_before_the_link_has_arrived_counts_for_the_cover_on_show(
    visit: Visit, box: VoteStore
) -> None:
    app = visit("vote")
    seen = shown(app)
    app.query_params.clear()
    press(app, "felt-awe")
    assert [vote.cover for vote in box.votes()] == [seen]


def test_what_others_felt_is_told_after_the_vote_and_once_they_are_five(
    visit: Visit, box: VoteStore, exhibit: Exhibit
) -> None:
    app = visit("vote")
    others_vote(box, exhibit, shown(app), "awe", "fear", "fear", "nothing")
    assert "other visitors" not in text(app.run())
    page = text(press(press(app, "felt-awe"), "agree-yes"))
    assert "others felt as you did" not in page
    page = text(press(app, "look-again"))
    assert "Four other visitors have voted on it so far. What they felt is shown once they are five." in page
    assert "They felt" not in page
    others_vote(box, exhibit, shown(app), "awe", "fear", "fear", "nothing", "anger")
    page = text(app.run())
    assert "5 other visitors have voted on it; one felt as you did." in page
    assert "They felt: 2 fear, 1 anger, 1 awe, 1 nothing or something else." in page


def test_who_has_seen_all_is_thanked(visit: Visit, box: VoteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seeds, "ballot_pool", lambda revision: (4711,))
    app = press(press(visit("vote"), "felt-awe"), "agree-yes")
    assert "Your round" in text(app) and not buttons(app, "another")
    app = visit("vote")
    assert "Your round" in text(app)
    assert box.count() == 1


def test_a_friends_link_brings_that_cover_as_a_card_of_the_round(
    visit: Visit, box: VoteStore, exhibit: Exhibit
) -> None:
    cover = CoverIdentity(exhibit.painter.revision, seeds.ballot_pool(exhibit.painter.revision)[-1])
    app = visit("vote", cover=str(cover))
    assert shown(app) == cover and "1 of 6" in text(app)
    press(press(app, "felt-awe"), "agree-yes")
    assert box.votes()[0].cover == cover and "2 of 6" in text(app)


def test_while_the_database_is_locked_the_choice_is_kept_and_can_be_sent_again(
    visit: Visit, box: VoteStore, tmp_path: Path
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


def test_a_vote_that_is_stored_is_not_called_unstored_when_reading_fails(
    visit: Visit, box: VoteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = visit("vote")
    cast = VoteStore.cast

    def cast_and_break(self: VoteStore, **vote: Any) -> StoredVote:
        stored = cast(self, **vote)
        monkeypatch.setattr(VoteStore, "votes", failing(VoteError("The votes cannot be read.")))
        return stored

    monkeypatch.setattr(VoteStore, "cast", cast_and_break)
    press(app, "felt-fear")
    assert "The votes cannot be read." in text(app) and "is kept" not in text(app)
    assert box.count() == 1


def test_a_database_that_cannot_be_opened_gets_a_sentence(
    visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALBUMJUDGE_DATABASE_URL", "sqlite:////proc/nowhere/votes.db")
    app = visit("vote")
    assert 'role="alert"' in text(app) and "cannot be" in text(app)
    assert not [button for button in app.button if (button.key or "").startswith("felt-")]


def test_the_crowd_at_the_reveal_is_without_whoever_the_curator_leaves_out(
    visit: Visit, box: VoteStore, exhibit: Exhibit
) -> None:
    app = visit("vote")
    others_vote(box, exhibit, shown(app), *["fear"] * 3, *["awe"] * 3)
    CurationStore(box.engine).exclude("other-5", "too fast")
    page = text(press(press(press(app, "felt-awe"), "agree-yes"), "look-again"))
    assert "5 other visitors have voted on it; 2 felt as you did. They felt: 3 fear, 2 awe." in page
    CurationStore(box.engine).exclude("other-4", "too fast")
    assert "Four other visitors have voted on it so far." in text(app.run())


@pytest.mark.slow
@pytest.mark.parametrize(
    "link", ["nonsense", "gone-12345678.4711", "{painter}.{outside}", "{painter}.{inside}.w50"]
)
def test_a_link_to_no_ballot_brings_a_cover_that_is_due(visit: Visit, exhibit: Exhibit, link: str) -> None:
    painter = exhibit.painter.revision
    pool = seeds.ballot_pool(painter)
    outside = next(seed for seed in range(100) if seed not in pool)
    asked = link.format(painter=painter, outside=outside, inside=pool[0])
    app = visit("vote", cover=asked)
    assert str(shown(app)) != asked and shown(app).seed in pool and shown(app).recipe == ""


def test_another_cover_comes_whether_the_label_was_answered_or_not(visit: Visit, box: VoteStore) -> None:
    app = press(press(visit("vote"), "felt-awe"), "skip")
    first = box.votes()[0].cover
    assert (
        shown(app) != first
        and "2 of 6" in text(app)
        and 'class="lately"' not in text(app)
        and len(buttons(app, "felt-")) == 9
    )
    press(app, "felt-nothing")
    assert "You felt nothing, or something else." in text(app)
    press(app, "agree-yes")
    assert "3 of 6" in text(app)
    assert [(vote.felt, vote.agrees) for vote in box.votes()] == [("awe", None), ("nothing", True)]
