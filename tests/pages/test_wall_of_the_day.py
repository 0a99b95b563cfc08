"""The wall of the day: one round for everyone, its end, other days, and what may go wrong meanwhile."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from streamlit.testing.v1 import AppTest

from albumjudge.domain.cover import CoverIdentity
from albumjudge.domain.seeds import wall_of_the_day
from albumjudge.inference.exhibit import Exhibit
from albumjudge.ui.rooms import day as days
from albumjudge.voting.curation import CurationStore
from albumjudge.voting.days import day_round_id
from albumjudge.voting.rounds import CARDS, round_id
from albumjudge.voting.votes import VoteStore
from tests.page_voting import buttons, others_vote
from tests.pages_fixtures import *  # noqa: F403
from tests.pages_fixtures import VISITOR, Visit, press, query, shared, text

PAGE = "wall_of_the_day"
TODAY = date(2026, 11, 28)
YESTERDAY = TODAY - timedelta(days=1)


@pytest.fixture(autouse=True)
def today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(days, "today", lambda: TODAY)


def covers(exhibit: Exhibit, day: date = TODAY) -> list[CoverIdentity]:
    return [CoverIdentity(exhibit.painter.revision, seed) for seed in wall_of_the_day(day, CARDS)]


def play(app: AppTest, cards: int = CARDS, felt: str = "amusement") -> AppTest:
    for _ in range(cards):
        press(app, f"felt-{felt}")
    return app


def past(box: VoteStore, exhibit: Exhibit, visitor: str = "bob", felt: str = "amusement") -> None:
    """Somebody votes on the whole wall of yesterday."""
    for judged in exhibit.show_each(covers(exhibit, YESTERDAY)):
        box.cast(
            visitor=visitor,
            judged=judged,
            felt=felt,
            label_shown=judged.verdict.top,
            seconds_to_vote=1,
            round_id=day_round_id(visitor, YESTERDAY),
        )


def test_six_touches_and_the_whole_wall_is_answered(visit: Visit, box: VoteStore, exhibit: Exhibit) -> None:
    app = visit(PAGE)
    page = text(app)
    assert "1 of 6" in page and "28 November 2026" in page and query(app, "day") == "2026-11-28"
    press(app, "felt-fear")
    assert "2 of 6" in text(app) and "machine feels" not in text(app)
    page = text(play(app, 5))
    assert "You and the machine agreed on 5 of 6." in page and page.count('class="print wall"') == 6
    votes = box.votes()
    assert [vote.cover for vote in votes] == covers(exhibit)
    assert {vote.round for vote in votes} == {day_round_id(VISITOR, TODAY)}
    assert {(vote.arm, vote.agrees, vote.label_shown) for vote in votes} == {("judge", None, "amusement")}
    assert "○●●●●●" in shared(app) and "/share/day/2026-11-28" in shared(app)
    assert app.get("download_button")
    # It is over: a reload shows the end, and the vote page has a round of its own.
    assert "agreed on 5 of 6" in text(visit(PAGE)) and box.count() == 6
    assert "1 of 6" in text(visit("vote"))


@pytest.mark.slow
def test_the_crowd_is_told_where_enough_came(visit: Visit, box: VoteStore, exhibit: Exhibit) -> None:
    for cover in covers(exhibit)[:4]:
        others_vote(box, exhibit, cover, *["amusement"] * 5)
    others_vote(box, exhibit, covers(exhibit)[4], *["awe"] * 5)
    page = text(play(visit(PAGE)))
    assert "You and the machine agreed on 6 of 6, the crowd and the machine on 4 of 5." in page
    assert "4 of 5" in page and "too few yet" in page


@pytest.mark.slow
def test_a_round_goes_on_after_a_reload_and_past_midnight(
    visit: Visit, box: VoteStore, exhibit: Exhibit, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = play(visit(PAGE), 2)
    monkeypatch.setattr(days, "today", lambda: TODAY + timedelta(days=1))
    assert "4 of 6" in text(press(app, "felt-awe"))
    again = visit(PAGE, day="2026-11-28")
    assert "4 of 6" in text(again)
    play(again, 3)
    assert {vote.round for vote in box.votes()} == {day_round_id(VISITOR, TODAY)}
    assert "agreed on 5 of 6" in text(again)
    assert "1 of 6" in text(visit(PAGE))


def test_a_choice_made_before_midnight_counts_for_the_wall_that_was_seen(
    visit: Visit, box: VoteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = visit(PAGE)
    monkeypatch.setattr(days, "today", lambda: TODAY + timedelta(days=1))
    assert "2 of 6" in text(press(app, "felt-awe"))
    assert box.votes()[0].round == day_round_id(VISITOR, TODAY)


@pytest.mark.slow
def test_a_cover_that_was_voted_on_elsewhere_is_not_asked_about_again(
    visit: Visit, box: VoteStore, exhibit: Exhibit
) -> None:
    judged = exhibit.show_identity(covers(exhibit)[0])
    box.cast(
        visitor=VISITOR,
        judged=judged,
        felt="awe",
        label_shown="amusement",
        seconds_to_vote=1,
        round_id=round_id(VISITOR, 0),
    )
    app = visit(PAGE)
    assert "2 of 6" in text(app)
    assert "agreed on 5 of 6" in text(play(app, 5)) and box.count() == 6


@pytest.mark.slow
def test_past_days_stay_readable_and_take_no_votes(visit: Visit, box: VoteStore, exhibit: Exhibit) -> None:
    past(box, exhibit)
    app = visit(PAGE, day=YESTERDAY.isoformat())
    page = text(app)
    assert "The wall of 27 November 2026" in page and "Too few came" in page and not buttons(app, "felt-")
    assert page.count('class="print wall"') == 6 and "1 visitor voted." in page
    for number in range(5):
        past(box, exhibit, f"guest-{number}")
    app = visit(PAGE, day=YESTERDAY.isoformat())
    assert "The crowd and the machine agreed on 6 of 6." in text(app)
    links = {link.proto.label: link.proto.query_string for link in app.get("page_link")}
    assert links["Today’s wall"] == "day=2026-11-28" and "27 November 2026" not in links
    assert "27 November 2026" in [link.proto.label for link in play(visit(PAGE)).get("page_link")]


@pytest.mark.slow
def test_past_days_outlive_their_painter(
    visit: Visit, box: VoteStore, exhibit: Exhibit, monkeypatch: pytest.MonkeyPatch
) -> None:
    past(box, exhibit)
    play(visit(PAGE), 2)
    guest = exhibit.painters[1]
    monkeypatch.setattr(exhibit, "_loaded", replace(exhibit._pair, painter=guest))
    monkeypatch.setattr(exhibit, "_guests", ())
    page = text(visit(PAGE, day=YESTERDAY.isoformat()))
    assert page.count('class="print wall"') == 6
    # Today goes on with who is here: a new wall, for which nobody has voted yet.
    app = visit(PAGE)
    assert "1 of 6" in text(app)
    press(app, "felt-awe")
    assert box.votes()[-1].cover.generator == guest.revision


@pytest.mark.slow
@pytest.mark.parametrize("link", ["2026-11-29", "2026-11-27", "20261128", "yesterday", "' OR 1=1 --", "<b>"])
def test_a_link_to_no_day_says_so(visit: Visit, box: VoteStore, link: str) -> None:
    app = visit(PAGE, day=link)
    page = text(app)
    assert "No wall hung on that day." in page and "<b>" not in page and not buttons(app, "felt-")


@pytest.mark.slow
def test_a_closed_exhibit_asks_nothing_and_shows_what_was_done(
    visit: Visit, box: VoteStore, exhibit: Exhibit
) -> None:
    app = visit(PAGE)
    CurationStore(box.engine).close()
    page = text(press(app, "felt-awe"))
    assert "takes no votes" in page and not buttons(app, "felt-") and box.count() == 0
    CurationStore(box.engine).open("the evening")
    play(visit(PAGE))
    CurationStore(box.engine).close()
    assert "agreed on 6 of 6" in text(visit(PAGE))


def test_the_label_is_not_asked_about_afterwards(visit: Visit, box: VoteStore) -> None:
    play(visit(PAGE), 1)
    cover = box.votes()[0].cover
    app = visit("vote", cover=str(cover))
    assert not buttons(app, "agree-") and "The machine feels" in text(app)
