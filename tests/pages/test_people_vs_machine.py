"""People vs. machine: nothing made up, every share with its uncertainty, covers with their pictures."""

from __future__ import annotations

from types import SimpleNamespace
from uuid import UUID

import pytest
from streamlit.testing.v1 import AppTest

from albumjudge.inference.exhibit import Exhibit
from albumjudge.statistics import agreement
from albumjudge.statistics.agreement import Share
from albumjudge.ui.rooms import results
from albumjudge.ui.words import percent
from albumjudge.voting.curation import CurationStore
from albumjudge.voting.duels import DuelStore, left_for
from albumjudge.voting.votes import VoteStore
from tests.page_voting import put_up
from tests.pages_fixtures import *  # noqa: F403
from tests.pages_fixtures import Visit, press, query, text
from tests.vote_fixtures import judged

PAGE = "people_vs_machine"


def vote(box: VoteStore, exhibit: Exhibit, seed: int, *felt: str, agrees: bool | None = None) -> None:
    """Let so many visitors feel something in front of one cover, of which the machine says amusement."""
    judged = exhibit.show([seed])[0]
    for number, name in enumerate(felt):
        visitor = UUID(int=number, version=4).hex
        box.cast(visitor=visitor, judged=judged, felt=name, label_shown="amusement", seconds_to_vote=2)
        if agrees is not None:
            box.answer(visitor=visitor, cover=judged.cover.identity, agrees=agrees)


def charts_on(app: AppTest) -> int:
    return len(app.get("vega_lite_chart"))


def test_an_empty_exhibit_says_so_and_invites(visit: Visit) -> None:
    app = visit(PAGE)
    assert "Nobody has voted yet" in text(app)
    assert "%" not in text(app) and not charts_on(app)
    assert "Vote on a cover" in [link.proto.label for link in app.get("page_link")]


def test_the_numbers_are_those_of_the_votes(visit: Visit, box: VoteStore, exhibit: Exhibit) -> None:
    vote(box, exhibit, 1, "amusement", "amusement", "awe", agrees=True)
    vote(box, exhibit, 2, "nothing", agrees=False)
    app = visit(PAGE, all="1")
    page = text(app)
    for words, number in (("votes", 4), ("visitors", 3), ("covers", 2)):
        assert f"<dt>{words}</dt><dd>{number}</dd>" in page
    felt = agreement.summary(box.votes()).felt_agreement
    assert (felt.successes, felt.trials) == (2, 4)
    assert "<b>50 %</b> of the votes" in page and "2 of 4" in page
    assert f"between {percent(felt.interval.low)} and {percent(felt.interval.high)}" in page
    assert "they would meet in 50 % of the cases" in page and "cannot be told from chance" in page
    assert "people agreed in 75 % of 4 answers" in page
    assert "first glimpse" in page
    assert page.count('class="figure faint"') == page.count('<section class="figure') == 6
    assert "Needs 30 votes, has 4." in page and "Needs 20 answers to the machine’s label, has 4." in page
    assert charts_on(app) == 5


def test_the_story_comes_first_and_the_statistics_when_asked_for(
    visit: Visit, box: VoteStore, exhibit: Exhibit
) -> None:
    vote(box, exhibit, 1, "amusement", "amusement", "awe")
    vote(box, exhibit, 2, "fear")
    app = visit(PAGE)
    page = text(app)
    assert (
        "People and machine feel the same in about <b>5 of 10</b> votes" in page and "first glimpse" in page
    )
    assert page.count('<section class="faint">') == 3 and "Needs 10 covers, has 2." in page
    assert charts_on(app) == 1 and "Emotion by emotion" not in page and "4 votes so far" in page
    # Nothing is touched yet: the cover that most have voted on.
    assert "No. 000001" in page and "3 of 3 votes for something pleasant" in page
    page = text(press(app, "deeper"))
    assert "Emotion by emotion" in page and query(app, "all") == "1"
    assert "Emotion by emotion" not in text(press(app, "deeper"))


def test_the_touched_cover_is_read_from_the_picture() -> None:
    state = SimpleNamespace(selection=SimpleNamespace(cover=[{"link": "tiny-00000000.1"}]))
    assert results.selected(state) == "tiny-00000000.1"
    assert results.selected(SimpleNamespace(selection=SimpleNamespace(cover=[]))) is None
    assert results.selected(None) is None


@pytest.mark.slow
def test_agreed_and_disputed_covers_hang_with_their_pictures(
    visit: Visit, box: VoteStore, exhibit: Exhibit
) -> None:
    vote(box, exhibit, 1, "amusement", "amusement")
    assert "None is so far." in text(visit(PAGE, all="1"))
    vote(box, exhibit, 1, "amusement", "amusement", "amusement")
    assert "There is no cover on which most people feel otherwise." in text(visit(PAGE, all="1"))
    vote(box, exhibit, 2, "fear", "fear", "sadness")
    page = text(visit(PAGE, all="1"))
    page = page[page.index("Emotion by emotion") :]
    agreed, disputed = page.index("Most agreed on"), page.index("Most disputed")
    assert agreed < page.index("No. 000001") < disputed < page.index("No. 000002")
    assert "3 of 3 people too" in page and "0 of 3 people too" in page
    assert page.count("data:image/png") == 2


@pytest.mark.slow
def test_numbers_on_many_votes_stand_firm(visit: Visit, box: VoteStore, exhibit: Exhibit) -> None:
    for seed in range(12):
        vote(box, exhibit, seed, *(["amusement"] * (seed % 3 + 2)), "fear", "awe", agrees=True)
    page = text(visit(PAGE, all="1"))
    assert "by 6 visitors on 12 covers." in page
    firm = page.index("Do people and machine feel the same?")
    assert page.rindex("<section", 0, firm) == page.rindex('<section class="figure">', 0, firm)
    # The judge of these tests says amusement whatever it sees, so chance says so, too.
    assert "That is not clearly more than chance" in page
    assert "Needs 20 answers to a random label, has 0." in page


@pytest.mark.slow
def test_an_answer_makes_the_numbers_new(visit: Visit, box: VoteStore, exhibit: Exhibit) -> None:
    vote(box, exhibit, 1, "awe")
    assert "has 0. Needs 20 answers to a random label" in text(visit(PAGE, all="1"))
    vote(box, exhibit, 1, "awe", agrees=True)
    assert "Needs 20 answers to the machine’s label, has 1." in text(visit(PAGE, all="1"))


@pytest.mark.slow
def test_choosing_an_emotion_shows_its_covers(visit: Visit, box: VoteStore, exhibit: Exhibit) -> None:
    vote(box, exhibit, 1, "amusement", "amusement")
    vote(box, exhibit, 2, "fear", "fear", "sadness")
    app = visit(PAGE, all="1")
    page = text(app)
    chosen = page[page.index("Both felt it most") : page.index("Emotion by emotion")]
    both, only_people, only_machine = chosen.split("Only ")
    # Two each; the unpleasant one comes first.
    assert "On no cover" in both and "No. 000002" in only_people and "people: 2 of 3" in only_people
    assert "On no cover" in only_machine
    (choice,) = app.button_group
    assert len(choice.options) == 8
    page = text(choice.set_value("amusement").run())
    assert query(app, "emotion") == "amusement"
    chosen = page[page.index("Both felt it most") : page.index("Emotion by emotion")]
    both, only_people, only_machine = chosen.split("Only ")
    assert "No. 000001" in both and "On no cover" in only_people and "No. 000002" in only_machine


@pytest.mark.slow
def test_a_link_leads_to_an_emotion(visit: Visit, box: VoteStore, exhibit: Exhibit) -> None:
    vote(box, exhibit, 1, "awe")
    assert 'class="hue-amusement">◠ amusement</b> in front of it' in text(
        visit(PAGE, all="1", emotion="amusement")
    )
    assert 'class="hue-awe">△ awe</b> in front of it' in text(visit(PAGE, all="1", emotion="hunger"))


@pytest.mark.slow
def test_what_is_left_out_is_counted_and_earlier_generators_can_be_let_in(
    visit: Visit, box: VoteStore, exhibit: Exhibit
) -> None:
    old = judged(5, "amusement")
    box.cast(visitor="a" * 32, judged=old, felt="awe", label_shown="amusement", seconds_to_vote=2)
    vote(box, exhibit, 1, "awe", "nothing")
    app = visit(PAGE, all="1")
    page = text(app)
    assert "<dt>votes</dt><dd>2</dd>" in page
    assert "<dt>1 on covers by an earlier generator</dt>" in page
    assert "<dt>1 for “nothing, or something else”</dt>" in page
    assert "<dt>0 shown a label drawn at random, the placebo</dt>" in page
    (switch,) = app.toggle
    page = text(switch.set_value(True).run())
    assert "<dt>votes</dt><dd>3</dd>" in page and "by an earlier generator</dt>" not in page


@pytest.mark.slow
def test_whether_the_dialogue_works_is_told_with_its_interval(
    visit: Visit, box: VoteStore, exhibit: Exhibit
) -> None:
    app = visit(PAGE, all="1")
    assert "Does the dialogue work?" not in text(app)
    book, duel = DuelStore(box.engine), put_up(box).id
    book.cast(visitor="a" * 32, duel=duel, picked="neither", seconds_to_vote=1)
    page = text(visit(PAGE, all="1"))
    assert "Nobody has voted yet" in page and "Does the dialogue work?" in page
    for number in range(5):
        visitor = UUID(int=number, version=4).hex
        left = left_for(visitor, duel)
        chosen = "before" if number == 4 else "after"
        book.cast(visitor=visitor, duel=duel, picked="left" if left == chosen else "right", seconds_to_vote=1)
    page = text(visit(PAGE, all="1"))
    shown = page[page.index("Does the dialogue work?") :]
    interval = Share(4, 5).interval
    assert "<b>80 %</b>" in shown and f"{percent(interval.low)} to {percent(interval.high)}" in shown
    assert "figure faint" in shown and "Needs 30 choices, has 5." in shown
    CurationStore(box.engine).exclude(UUID(int=4, version=4).hex, "too fast")
    book.cast(visitor="b" * 32, duel=duel, picked="left", seconds_to_vote=1, suspect=True)
    shown = text(visit(PAGE, all="1"))
    shown = shown[shown.index("Does the dialogue work?") :]
    assert "<b>100 %</b>" in shown
    assert "Left out: 1 by visitors whom the curator leaves out (too fast)." in shown
    assert "Left out: 1 that came faster than anyone can look." in shown
