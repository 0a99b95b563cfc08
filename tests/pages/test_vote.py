"""The vote: blind, once per visitor and cover whatever happens, acknowledged only when it is stored."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from albumjudge.domain import seeds as hanging
from albumjudge.domain.cover import CoverIdentity
from albumjudge.inference.exhibit import Exhibit
from albumjudge.inference.judge import Judge
from albumjudge.ui import visitor
from albumjudge.ui.charts import ON_SIDES
from albumjudge.voting import rounds
from albumjudge.voting.curation import CurationStore
from albumjudge.voting.database import VoteError
from albumjudge.voting.rounds import CARDS
from albumjudge.voting.votes import StoredVote, VoteStore
from tests.pages_fixtures import *  # noqa: F403
from tests.pages_fixtures import OTHER_VISITOR, VISITOR, Visit, press, query, text

PLACEBO = "sadness"


@pytest.fixture(autouse=True)
def own_labels(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every label is the jury's own, unless a test says otherwise."""
    monkeypatch.setattr(rounds, "draw_label", lambda top: (top, "judge"))


@pytest.fixture
def placebo(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every label is drawn at random, and it is always the same one."""
    monkeypatch.setattr(rounds, "draw_label", lambda top: (PLACEBO, "placebo"))


def play(app: AppTest, cards: int = CARDS, felt: str = "awe", answer: str = "agree-yes") -> AppTest:
    """Vote on some covers, beginning with the one on show, and go on from the last."""
    for _ in range(cards):
        press(press(press(app, f"felt-{felt}"), answer), "next")
    return app


def others_vote(box: VoteStore, exhibit: Exhibit, cover: CoverIdentity, *felt: str) -> None:
    """As many other visitors vote on a cover."""
    judged = exhibit.show_identity(cover)
    for number, feeling in enumerate(felt):
        box.cast(
            visitor=f"other-{number}",
            judged=judged,
            felt=feeling,
            label_shown=judged.verdict.top,
            seconds_to_vote=1,
        )


def buttons(app: AppTest, start: str) -> list[str]:
    return [button.label for button in app.button if (button.key or "").startswith(start)]


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
    others_vote(box, exhibit, shown(app), *["fear"] * 5)
    press(app, "felt-awe")
    page = text(app)
    assert "machine feels" not in page and "%" not in page and "others" not in page
    assert not app.get("vega_lite_chart")
    press(app, "agree-no")
    page = text(app)
    assert page.index("You felt") < page.index("The machine feels mostly amusement") < page.index("5 fear")
    assert 'class="meeting apart"' in page
    assert "You do not agree with the label “amusement”." in page
    assert app.get("vega_lite_chart")


def test_nothing_is_an_answer(visit: Visit, box: VoteStore) -> None:
    app = press(visit("vote"), "felt-nothing")
    assert box.votes()[0].felt == "nothing"
    assert "You felt nothing, or something else." in text(app)


@pytest.mark.parametrize(
    ("button", "agrees", "words"), [("yes", True, "You agree"), ("no", False, "You do not agree")]
)
def test_the_answer_to_the_label_is_stored_once(
    visit: Visit, box: VoteStore, button: str, agrees: bool, words: str
) -> None:
    app = press(press(visit("vote"), "felt-awe"), f"agree-{button}")
    assert box.votes()[0].agrees is agrees
    assert words in text(app) and "You are the first to vote on this cover." in text(app)
    assert not buttons(app, "agree-")


def test_who_cannot_say_goes_on_without_an_answer(visit: Visit, box: VoteStore) -> None:
    app = press(press(visit("vote"), "felt-awe"), "skip")
    assert box.votes()[0].agrees is None
    assert "2 of 6" in text(app) and len(buttons(app, "felt-")) == 9


def test_next_brings_another_cover_and_its_own_ballot(visit: Visit, box: VoteStore) -> None:
    app = press(press(visit("vote"), "felt-awe"), "agree-yes")
    first = shown(app)
    press(app, "next")
    assert shown(app) != first
    assert "2 of 6" in text(app)
    press(app, "felt-fear")
    assert [vote.felt for vote in box.votes()] == ["awe", "fear"]


def test_a_reload_shows_the_stored_vote_and_no_second_ballot(visit: Visit) -> None:
    app = press(visit("vote"), "felt-awe")
    again = visit("vote", cover=str(shown(app)))
    assert "You felt" in text(again)
    assert not [button for button in again.button if (button.key or "").startswith("felt-")]


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
    press(press(app, "felt-awe"), "agree-yes")
    page = text(app)
    assert "Four other visitors have voted on it so far. What they felt is shown once they are five." in page
    assert "They felt" not in page
    others_vote(box, exhibit, shown(app), "awe", "fear", "fear", "nothing", "anger")
    page = text(app.run())
    assert "5 other visitors have voted on it; 1 felt as you did." in page
    assert "They felt: 2 fear, 1 anger, 1 awe, 1 nothing or something else." in page


@pytest.mark.parametrize("link", ["nonsense", "gone-12345678.4711"])
def test_a_link_to_no_ballot_brings_a_cover_that_is_due(visit: Visit, exhibit: Exhibit, link: str) -> None:
    app = visit("vote", cover=link)
    assert shown(app).seed in hanging.ballot_pool(exhibit.painter.revision)


def test_a_cover_outside_the_pool_cannot_be_voted_on(visit: Visit, exhibit: Exhibit) -> None:
    outside = next(s for s in range(100) if s not in hanging.ballot_pool(exhibit.painter.revision))
    app = visit("vote", cover=str(CoverIdentity(exhibit.painter.revision, outside)))
    assert shown(app).seed != outside


def test_who_has_seen_all_is_thanked(visit: Visit, box: VoteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hanging, "ballot_pool", lambda revision: (4711,))
    app = press(press(press(visit("vote"), "felt-awe"), "agree-yes"), "next")
    assert "Your round" in text(app) and not buttons(app, "another")
    app = visit("vote")
    assert "Your round" in text(app)
    assert box.count() == 1


def test_who_saw_all_before_there_were_rounds_is_thanked(
    visit: Visit, box: VoteStore, exhibit: Exhibit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hanging, "ballot_pool", lambda revision: (4711,))
    (judged,) = exhibit.show([4711])
    box.cast(visitor=VISITOR, judged=judged, felt="awe", label_shown="amusement", seconds_to_vote=1)
    assert "You have voted on every cover" in text(visit("vote"))


def test_a_steered_cover_of_a_seed_in_the_pool_is_not_up_for_a_vote(visit: Visit, exhibit: Exhibit) -> None:
    revision = exhibit.painter.revision
    steered = CoverIdentity(revision, hanging.ballot_pool(revision)[0], wildness=50)
    app = visit("vote", cover=str(steered))
    assert shown(app) != steered and shown(app).recipe == ""


def test_a_friends_link_brings_that_cover_as_a_card_of_the_round(
    visit: Visit, box: VoteStore, exhibit: Exhibit
) -> None:
    cover = CoverIdentity(exhibit.painter.revision, hanging.ballot_pool(exhibit.painter.revision)[-1])
    app = visit("vote", cover=str(cover))
    assert shown(app) == cover and "1 of 6" in text(app)
    press(press(press(app, "felt-awe"), "agree-yes"), "next")
    assert box.votes()[0].cover == cover and "2 of 6" in text(app)


# The round


def test_a_round_is_six_covers_with_two_anchors_and_ends_in_a_summary(
    visit: Visit, box: VoteStore, exhibit: Exhibit
) -> None:
    app = visit("vote")
    assert "1 of 6" in text(app)
    play(app, 5)
    assert "6 of 6" in text(app)
    press(press(app, "felt-amusement"), "agree-no")
    assert buttons(app, "next") == ["See your round"]
    press(app, "next")
    page = text(app)
    assert "Your round" in page and "You and the machine felt the same on one of six covers." in page
    assert page.count('class="met"') == page.count('class="card same"') == 1
    assert page.count('class="print wall"') == 6
    first = rounds.round_id(VISITOR, 0)
    assert query(app, "round") == first and "cover" not in app.query_params
    votes = box.votes(visitor=VISITOR)
    assert [vote.round for vote in votes] == [first] * 6
    pool = hanging.ballot_pool(exhibit.painter.revision)
    assert {vote.cover.seed for vote in votes} > set(pool[:2])
    assert app.get("vega_lite_chart")
    assert f"round={first}" in app.code[0].value
    assert app.get("download_button")


def test_another_round_goes_on_with_new_covers(visit: Visit, box: VoteStore) -> None:
    app = press(play(visit("vote")), "another")
    assert "1 of 6" in text(app) and "round" not in app.query_params
    press(app, "felt-fear")
    votes = box.votes()
    assert len({vote.cover for vote in votes}) == 7
    assert votes[-1].round == rounds.round_id(VISITOR, 1)


def test_a_round_goes_on_after_a_reload_with_the_cover_that_was_on_show(visit: Visit) -> None:
    app = play(visit("vote"), 2)
    again = visit("vote", cover=str(shown(app)))
    assert shown(again) == shown(app) and "3 of 6" in text(again)
    assert "3 of 6" in text(visit("vote"))


def test_anyone_can_see_a_finished_round_by_its_link_and_change_nothing(visit: Visit, box: VoteStore) -> None:
    play(visit("vote"))
    link = rounds.round_id(VISITOR, 0)
    theirs = visit("vote", OTHER_VISITOR, round=link)
    page = text(theirs)
    assert "A visitor’s round" in page and "This visitor and the machine never felt the same." in page
    assert VISITOR not in page + str(theirs.query_params)
    assert not buttons(theirs, "felt-") and box.count() == 6
    press(theirs, "another")
    assert "1 of 6" in text(theirs)
    press(theirs, "felt-awe")
    assert box.votes()[-1].round == rounds.round_id(OTHER_VISITOR, 0)


def test_a_round_that_is_not_over_tells_nothing(visit: Visit, placebo: None) -> None:
    play(visit("vote"), 3)
    for who in (VISITOR, OTHER_VISITOR):
        page = text(visit("vote", who, round=rounds.round_id(VISITOR, 0)))
        assert "still being played: 3 of 6" in page and "random" not in page and PLACEBO not in page


@pytest.mark.parametrize("link", ["0123456789abcdef", "nonsense", "' OR 1=1 --"])
def test_a_link_to_no_round_says_so_and_offers_one(visit: Visit, link: str) -> None:
    app = visit("vote", round=link)
    assert "leads to no round" in text(app)
    assert "1 of 6" in text(press(app, "another"))


def test_the_crowd_stands_in_the_summary_where_enough_have_voted(
    visit: Visit, box: VoteStore, exhibit: Exhibit
) -> None:
    app = play(visit("vote"))
    first = box.votes()[0].cover
    others_vote(box, exhibit, first, *["fear"] * 6)
    page = text(app.run())
    assert f"You stood alone before No. {first.number}: none of 6 others felt awe." in page
    assert "<dt>you and the crowd</dt><dd>0 of 1</dd>" in page
    assert page.count("too few yet") == 5
    assert "Everyone else appears beside them once they have cast 30 votes; so far it is 6." in page


# The placebo


def test_a_random_label_is_asked_about_like_any_other_and_stored_as_such(
    visit: Visit, box: VoteStore, placebo: None
) -> None:
    app = press(visit("vote"), "felt-awe")
    page = text(app)
    assert PLACEBO in page and "amusement" not in page and "random" not in page
    # A reload draws nothing anew, whatever would be drawn now.
    again = visit("vote", cover=str(shown(app)))
    assert PLACEBO in text(again) and "amusement" not in text(again)
    press(app, "agree-yes")
    (vote,) = box.votes()
    assert (vote.arm, vote.label_shown, vote.verdict.top, vote.agrees) == (
        "placebo",
        PLACEBO,
        "amusement",
        True,
    )
    assert "random" not in text(app) and "The end of the round explains." in text(app)


def test_the_end_of_the_round_tells_which_labels_were_random(
    visit: Visit, box: VoteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = play(visit("vote"), 4)
    monkeypatch.setattr(rounds, "draw_label", lambda top: (PLACEBO, "placebo"))
    press(press(press(app, "felt-awe"), "agree-yes"), "next")
    monkeypatch.setattr(rounds, "draw_label", lambda top: (top, "judge"))
    page = text(play(app, 1))
    fifth = box.votes()[4].cover
    assert "Not all: one was drawn at random." in page
    assert f"Card 5, No. {fifth.number}: the label said" in page and "You agreed." in page
    assert page.count("the machine itself feels") == 1
    again = text(visit("vote", cover=str(fifth)))
    assert "That label was drawn at random" in again and "would have been “amusement”" in again


def test_a_round_of_the_machines_own_labels_says_so(visit: Visit) -> None:
    assert "This time, yes: all six were the machine’s own." in text(play(visit("vote")))


def test_once_told_nobody_is_asked_about_a_label_any_more(
    visit: Visit, box: VoteStore, placebo: None
) -> None:
    app = visit("vote")
    for _ in range(CARDS):
        press(press(app, "felt-awe"), "skip")
    assert "Not all: six were drawn at random." in text(app) and "You gave no answer." in text(app)
    for vote in (box.votes()[0], box.votes()[-1]):
        app.query_params.clear()
        app.query_params["cover"] = str(vote.cover)
        app.run()
        assert "You felt" in text(app) and not buttons(app, "agree-")


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


def test_a_choice_survives_a_database_that_cannot_even_be_read(
    visit: Visit, box: VoteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = visit("vote")

    def fail(*_: object, **__: object) -> object:
        raise VoteError("The votes cannot be read: the database is away.")

    with monkeypatch.context() as broken:
        broken.setattr(VoteStore, "votes", fail)
        press(app, "felt-fear")
        assert "the database is away" in text(app) and "Your choice, fear, is kept" in text(app)
        press(app, "try-casting-again")
        assert "Your choice, fear, is kept" in text(app)
    assert box.count() == 0
    press(app, "try-casting-again")
    assert [vote.felt for vote in box.votes()] == ["fear"]
    assert "You felt" in text(app) and not buttons(app, "try-")


def test_a_vote_that_is_stored_is_not_called_unstored_when_reading_fails(
    visit: Visit, box: VoteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = visit("vote")
    cast = VoteStore.cast

    def cast_and_break(self: VoteStore, **vote: Any) -> StoredVote:
        stored = cast(self, **vote)
        monkeypatch.setattr(VoteStore, "anchors", fail)
        return stored

    def fail(*_: object, **__: object) -> object:
        raise VoteError("The votes cannot be read.")

    monkeypatch.setattr(VoteStore, "cast", cast_and_break)
    press(app, "felt-fear")
    assert "The votes cannot be read." in text(app) and "is kept" not in text(app)
    assert [vote.felt for vote in box.votes()] == ["fear"]


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
    monkeypatch.setattr("albumjudge.ui.visitor.time.monotonic", lambda: now)
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


# The doors close, networks change, while someone plays


def test_a_round_that_the_closing_cuts_short_keeps_its_votes_and_is_summed_up(
    visit: Visit, box: VoteStore
) -> None:
    app = play(visit("vote"), 2)
    press(app, "felt-awe")
    CurationStore(box.engine).close()
    # The label of a vote that was cast in time can still be answered.
    page = text(press(app, "agree-no"))
    assert "You do not agree with the label" in page
    assert [vote.agrees for vote in box.votes()] == [True, True, False]
    page = text(press(app, "next"))
    assert "takes no votes" in page and not buttons(app, "felt-")
    page = text(press(app, "so-far"))
    assert "Your round" in page and page.count("data:image/png") >= 3
    assert not buttons(app, "felt-")


def test_a_choice_that_comes_after_the_closing_is_not_taken_and_that_is_said(
    visit: Visit, box: VoteStore
) -> None:
    app = visit("vote")
    CurationStore(box.engine).close()
    page = text(press(app, "felt-fear"))
    assert "Your vote was not stored: the exhibit is closed at the moment and takes no votes." in page
    assert box.count() == 0 and not buttons(app, "try-casting")
    CurationStore(box.engine).open("second evening")
    page = text(app.run())
    assert buttons(app, "felt-") and "kept here" not in page
    press(app, "felt-fear")
    assert [vote.felt for vote in box.votes()] == ["fear"]


def test_the_crowd_at_the_reveal_is_without_whoever_the_curator_leaves_out(
    visit: Visit, box: VoteStore, exhibit: Exhibit
) -> None:
    app = visit("vote")
    others_vote(box, exhibit, shown(app), *["fear"] * 3, *["awe"] * 3)
    CurationStore(box.engine).exclude("other-5", "too fast")
    page = text(press(press(app, "felt-awe"), "agree-yes"))
    assert "5 other visitors have voted on it; 2 felt as you did. They felt: 3 fear, 2 awe." in page
    CurationStore(box.engine).exclude("other-4", "too fast")
    assert "Four other visitors have voted on it so far." in text(app.run())


def test_a_new_painter_and_a_new_judge_in_mid_round_cost_no_vote(
    visit: Visit, box: VoteStore, exhibit: Exhibit, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = play(visit("vote"), 2)
    old, guest = exhibit.painter, exhibit.painters[1]
    begun = shown(app)
    # What a download from the Hub does: one switch of both, the earlier painter staying as a guest.
    new_judge = Judge(exhibit.judge.network, "vgg16-new-0123abcd")
    monkeypatch.setattr(exhibit, "_pair", replace(exhibit._pair, painter=guest, judge=new_judge))
    monkeypatch.setattr(exhibit, "_guests", (old,))
    press(press(app, "felt-fear"), "agree-no")
    cast_on = box.votes()[-1]
    assert cast_on.cover == begun and cast_on.verdict.revision == "vgg16-new-0123abcd"
    assert cast_on.agrees is False
    press(app, "next")
    play(app, 3)
    votes = box.votes()
    assert [vote.cover.generator for vote in votes] == [old.revision] * 3 + [guest.revision] * 3
    assert len({vote.round for vote in votes}) == 1
    page = text(app)
    assert "Your round" in page and "Something went wrong" not in page
