"""The first minute: one cover, one question, the answer, the wall; and whom it is spared."""

from __future__ import annotations

import pytest

from albumjudge.ui import shell
from albumjudge.voting.curation import CurationStore
from albumjudge.voting.rounds import round_id
from albumjudge.voting.votes import VoteStore
from tests.pages_fixtures import *  # noqa: F403
from tests.pages_fixtures import VISITOR, Visit, press, text

WALL = "Covers that no band ever had"


def test_one_cover_one_touch_the_answer_and_the_wall(visit: Visit, box: VoteStore) -> None:
    app = visit(first=True)
    page = text(app)
    assert "What do you feel?" in page and page.count("data:image/png") == 1 and WALL not in page
    assert "amusement" not in page  # Blind.
    page = text(press(app, "felt-fear"))
    (vote,) = box.votes()
    assert (vote.visitor, vote.felt, vote.label_shown, vote.arm, vote.agrees) == (
        VISITOR,
        "fear",
        "amusement",
        "judge",
        None,
    )
    assert vote.round == round_id(VISITOR, 0)
    assert "You felt" in page and "The machine feels mostly amusement" in page
    assert "You are the first to vote on this cover." in page and "You gave no answer" not in page
    assert WALL in text(press(app, "to-the-wall"))


def test_the_vote_page_goes_on_with_the_round_and_asks_nothing_that_was_answered(
    visit: Visit, box: VoteStore
) -> None:
    app = press(visit(first=True), "felt-fear")
    cover = box.votes()[0].cover
    app.switch_page(shell.VOTE).run()
    assert "2 of 6" in text(app)
    app.query_params["cover"] = str(cover)
    app.run()
    assert not [button for button in app.button if (button.key or "").startswith("agree-")]
    assert "The machine feels mostly amusement" in text(app)


def test_the_wall_is_one_touch_away(visit: Visit, box: VoteStore) -> None:
    assert WALL in text(press(visit(first=True), "skip-first"))
    assert box.count() == 0


@pytest.mark.parametrize("query", [{"wall": "5"}, {"painter": "both"}])
def test_a_link_leads_where_it_leads(visit: Visit, query: dict[str, str]) -> None:
    assert WALL in text(visit(first=True, **query))


def test_who_has_voted_before_meets_the_wall(visit: Visit, box: VoteStore) -> None:
    press(visit(first=True), "felt-awe")
    assert WALL in text(visit(first=True))


def test_a_closed_exhibit_begins_with_the_wall(visit: Visit, box: VoteStore) -> None:
    CurationStore(box.engine).close()
    assert WALL in text(visit(first=True))
