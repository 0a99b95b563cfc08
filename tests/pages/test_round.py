"""A round: six covers, its link and its summary, labels drawn at random, and what may change meanwhile."""

from __future__ import annotations

from dataclasses import replace

import pytest

from albumjudge.domain import seeds
from albumjudge.inference.exhibit import Exhibit
from albumjudge.inference.judge import Judge
from albumjudge.voting import rounds
from albumjudge.voting.curation import CurationStore
from albumjudge.voting.rounds import CARDS
from albumjudge.voting.votes import VoteStore
from tests.page_voting import *  # noqa: F403
from tests.page_voting import PLACEBO, buttons, others_vote, play, shown
from tests.pages_fixtures import *  # noqa: F403
from tests.pages_fixtures import OTHER_VISITOR, VISITOR, Visit, press, query, shared, text


def test_a_round_is_six_covers_ends_in_a_summary_for_all_to_see_and_goes_on_anew(
    visit: Visit, box: VoteStore, exhibit: Exhibit
) -> None:
    app = visit("vote")
    play(app, 5)
    assert "6 of 6" in text(app)
    press(press(app, "felt-amusement"), "agree-no")
    page = text(app)
    assert "Your round" in page and "You and the machine felt the same on one of six covers." in page
    assert page.count('class="met"') == page.count('class="card same"') == 1
    assert page.count('class="print wall"') == 6
    first = rounds.round_id(VISITOR, 0)
    assert query(app, "round") == first and "cover" not in app.query_params
    votes = box.votes(visitor=VISITOR)
    assert [vote.round for vote in votes] == [first] * 6
    pool = seeds.ballot_pool(exhibit.painter.revision)
    assert {vote.cover.seed for vote in votes} > set(pool[:2])
    assert app.get("vega_lite_chart")
    assert f"round={first}" in shared(app)
    assert app.get("download_button")

    theirs = visit("vote", OTHER_VISITOR, round=first)
    page = text(theirs)
    assert "A visitor’s round" in page and VISITOR not in page + str(theirs.query_params)
    assert not buttons(theirs, "felt-") and box.count() == 6
    press(theirs, "another")
    assert "1 of 6" in text(theirs)
    press(theirs, "felt-awe")
    assert box.votes()[-1].round == rounds.round_id(OTHER_VISITOR, 0)

    press(app, "another")
    assert "1 of 6" in text(app) and "round" not in app.query_params
    press(app, "felt-fear")
    votes = box.votes(visitor=VISITOR)
    assert len({vote.cover for vote in votes}) == 7
    assert votes[-1].round == rounds.round_id(VISITOR, 1)


def test_a_round_goes_on_after_a_reload_with_the_cover_that_was_on_show(visit: Visit) -> None:
    app = play(visit("vote"), 2)
    again = visit("vote", cover=str(shown(app)))
    assert shown(again) == shown(app) and "3 of 6" in text(again)
    assert "3 of 6" in text(visit("vote"))


def test_a_round_that_is_not_over_tells_nothing(visit: Visit, placebo: None) -> None:
    play(visit("vote"), 3)
    for who in (VISITOR, OTHER_VISITOR):
        page = text(visit("vote", who, round=rounds.round_id(VISITOR, 0)))
        assert "still being played: 3 of 6" in page and "random" not in page and PLACEBO not in page


@pytest.mark.slow
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


def test_a_random_label_is_asked_about_like_any_other_and_stored_as_such(
    visit: Visit, box: VoteStore, placebo: None
) -> None:
    app = press(visit("vote"), "felt-awe")
    page, cover = text(app), str(shown(app))
    assert PLACEBO in page and "amusement" not in page and "random" not in page
    # A reload draws nothing anew, whatever would be drawn now.
    again = visit("vote", cover=cover)
    assert PLACEBO in text(again) and "amusement" not in text(again)
    press(app, "agree-yes")
    (vote,) = box.votes()
    assert (vote.arm, vote.label_shown, vote.verdict.top, vote.agrees) == (
        "placebo",
        PLACEBO,
        "amusement",
        True,
    )
    for page in (text(app), text(visit("vote", cover=cover))):
        assert "random" not in page and "The end of the round explains." in page


@pytest.mark.slow
def test_the_end_of_the_round_tells_which_labels_were_random(
    visit: Visit, box: VoteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = play(visit("vote"), 4)
    monkeypatch.setattr(rounds, "draw_label", lambda top: (PLACEBO, "placebo"))
    press(press(app, "felt-awe"), "agree-yes")
    monkeypatch.setattr(rounds, "draw_label", lambda top: (top, "judge"))
    page = text(play(app, 1))
    fifth = box.votes()[4].cover
    assert "Not all: one was drawn at random." in page
    assert f"Card 5, No. {fifth.number}: the label said" in page and "You agreed." in page
    assert page.count("the machine itself feels") == 1
    again = text(visit("vote", cover=str(fifth)))
    assert "That label was drawn at random" in again and "would have been “amusement”" in again


@pytest.mark.slow
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


@pytest.mark.slow
def test_a_round_that_the_closing_cuts_short_keeps_its_votes_and_is_summed_up(
    visit: Visit, box: VoteStore
) -> None:
    app = play(visit("vote"), 2)
    press(app, "felt-awe")
    CurationStore(box.engine).close()
    # The label of a vote that was cast in time can still be answered.
    page = text(press(app, "agree-no"))
    assert [vote.agrees for vote in box.votes()] == [True, True, False]
    assert "takes no votes" in page and not buttons(app, "felt-")
    page = text(press(app, "so-far"))
    assert "Your round" in page and page.count("data:image/png") >= 3
    assert not buttons(app, "felt-")


def test_a_new_painter_and_a_new_judge_in_mid_round_cost_no_vote(
    visit: Visit, box: VoteStore, exhibit: Exhibit, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = play(visit("vote"), 2)
    old, guest = exhibit.painter, exhibit.painters[1]
    begun = shown(app)
    # What a download from the Hub does: one switch of both, the earlier painter staying as a guest.
    new_judge = Judge(exhibit.judge.network, "vgg16-new-0123abcd")
    monkeypatch.setattr(exhibit, "_loaded", replace(exhibit._pair, painter=guest, judge=new_judge))
    monkeypatch.setattr(exhibit, "_guests", (old,))
    press(press(app, "felt-fear"), "agree-no")
    cast_on = box.votes()[-1]
    assert cast_on.cover == begun and cast_on.verdict.revision == "vgg16-new-0123abcd"
    assert cast_on.agrees is False
    play(app, 3)
    votes = box.votes()
    assert [vote.cover.generator for vote in votes] == [old.revision] * 3 + [guest.revision] * 3
    assert len({vote.round for vote in votes}) == 1
    page = text(app)
    assert "Your round" in page and "Something went wrong" not in page
