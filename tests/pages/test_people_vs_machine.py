"""People vs. machine: nothing made up, every share with its uncertainty, covers with their pictures."""

from __future__ import annotations

from types import SimpleNamespace
from unittest.mock import Mock
from uuid import UUID

import pytest
from streamlit.testing.v1 import AppTest

from albumjudge.domain.emotions import EMOTIONS
from albumjudge.inference.exhibit import Exhibit
from albumjudge.statistics import findings
from albumjudge.statistics.agreement import Share
from albumjudge.statistics.findings import FEWEST_VOTES
from albumjudge.ui.charts import theme
from albumjudge.ui.rooms import results
from albumjudge.ui.words import percent
from albumjudge.voting.curation import CurationStore
from albumjudge.voting.duels import DuelStore, left_for
from albumjudge.voting.votes import VoteStore
from tests.page_voting import put_up
from tests.pages_fixtures import *  # noqa: F403
from tests.pages_fixtures import Visit, query, text
from tests.vote_fixtures import judged

PAGE = "people_vs_machine"
SECTIONS = ("agree", "emotions", "emotion", "covers", "percentages", "dialogue", "left-out")


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
    felt = findings.Findings(box.votes()).same
    assert (felt.successes, felt.trials) == (2, 4)
    assert "<b>50 %</b> of the votes" in page and "2 of 4" in page
    assert f"between {percent(felt.interval.low)} and {percent(felt.interval.high)}" in page
    assert "they would meet in 50 % of the cases" in page and "cannot be told from chance" in page
    assert "people agreed in 75 % of 4 answers" in page
    assert "first glimpse" in page
    assert "Needs 30 votes, has 4." in page and "Needs 20 answers to the machine’s label, has 4." in page
    opened = {name: visit(PAGE, all=name) for name in SECTIONS}
    assert [charts_on(app) - 1 for app in opened.values()] == [0, 2, 1, 0, 1, 0, 0]
    whole = "".join(map(text, opened.values()))
    assert whole.count('class="figure faint"') == whole.count('<section class="figure') == 6
    for title in (
        *("How sure is that?", "Who feels what, how often", "Who feels what, cover by cover"),
        *("Emotion by emotion", "One emotion, and its covers", "Most agreed on"),
        *("Most disputed", "Said and felt", "Does the dialogue work?", "What is left out, and why"),
    ):
        assert whole.count(f"<h2>{title}</h2>") == 1


@pytest.mark.parametrize("votes", [FEWEST_VOTES - 1, FEWEST_VOTES])
def test_below_thirty_votes_no_chart_has_colour(
    visit: Visit, box: VoteStore, exhibit: Exhibit, votes: int
) -> None:
    vote(box, exhibit, 1, *("amusement" if n % 2 else "fear" for n in range(votes)))
    for app in (visit(PAGE, all="emotions"), visit(PAGE, all="emotion")):
        drawn = "".join(chart.proto.spec for chart in app.get("vega_lite_chart"))
        hues = {theme.ACCENT, *(emotion.colour for emotion in EMOTIONS)}
        assert any(hue in drawn for hue in hues) is (votes >= FEWEST_VOTES)


def test_only_what_is_open_is_worked_out(
    visit: Visit, box: VoteStore, exhibit: Exhibit, monkeypatch: pytest.MonkeyPatch
) -> None:
    vote(box, exhibit, 1, "amusement", "awe")
    calibrate = Mock(wraps=findings.calibrate)
    monkeypatch.setattr(findings, "calibrate", calibrate)
    app = visit(PAGE)
    questions = app.button_group[0]
    questions.set_value("agree").run()
    assert not calibrate.called and "How sure is that?" in text(app)
    app.button_group[0].set_value("percentages").run()
    app.run()
    assert calibrate.call_count == 1 and "Said and felt" in text(app) and "How sure is that?" not in text(app)


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
    page = text(app.button_group[0].set_value("emotions").run())
    assert "Emotion by emotion" in page and query(app, "all") == "emotions"
    assert "Emotion by emotion" not in text(app.button_group[0].set_value(None).run())
    assert "all" not in app.query_params


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
    assert "None is so far." in text(visit(PAGE, all="covers"))
    vote(box, exhibit, 1, "amusement", "amusement", "amusement")
    assert "There is no cover on which most people feel otherwise." in text(visit(PAGE, all="covers"))
    vote(box, exhibit, 2, "fear", "fear", "sadness")
    page = text(visit(PAGE, all="covers"))
    page = page[page.index("How far is the crowd") :]
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
    app = visit(PAGE, all="emotion")
    page = text(app)
    chosen = page[page.index("Both felt it most") : page.index("<footer")]
    both, only_people, only_machine = chosen.split("Only ")
    # Two each; the unpleasant one comes first.
    assert "On no cover" in both and "No. 000002" in only_people and "people: 2 of 3" in only_people
    assert "On no cover" in only_machine
    _, choice = app.button_group
    assert len(choice.options) == 8
    page = text(choice.set_value("amusement").run())
    assert query(app, "emotion") == "amusement"
    chosen = page[page.index("Both felt it most") : page.index("<footer")]
    both, only_people, only_machine = chosen.split("Only ")
    assert "No. 000001" in both and "On no cover" in only_people and "No. 000002" in only_machine


@pytest.mark.slow
def test_a_link_leads_to_an_emotion(visit: Visit, box: VoteStore, exhibit: Exhibit) -> None:
    vote(box, exhibit, 1, "awe")
    assert 'class="hue-amusement">◠ amusement</b> in front of it' in text(
        visit(PAGE, all="emotion", emotion="amusement")
    )
    assert 'class="hue-awe">△ awe</b> in front of it' in text(visit(PAGE, all="emotion", emotion="hunger"))


@pytest.mark.slow
def test_what_is_left_out_is_counted_and_earlier_generators_can_be_let_in(
    visit: Visit, box: VoteStore, exhibit: Exhibit
) -> None:
    old = judged(5, "amusement")
    box.cast(visitor="a" * 32, judged=old, felt="awe", label_shown="amusement", seconds_to_vote=2)
    vote(box, exhibit, 1, "awe", "nothing")
    app = visit(PAGE, all="left-out")
    page = text(app)
    assert "2 votes so far" in page
    assert "<dt>1 on covers by an earlier generator</dt>" in page
    assert "<dt>1 for “nothing, or something else”</dt>" in page
    assert "<dt>0 shown a label drawn at random, the placebo</dt>" in page
    (switch,) = app.toggle
    page = text(switch.set_value(True).run())
    assert "3 votes so far" in page and "by an earlier generator</dt>" not in page


@pytest.mark.slow
def test_whether_the_dialogue_works_is_told_with_its_interval(
    visit: Visit, box: VoteStore, exhibit: Exhibit
) -> None:
    app = visit(PAGE, all="dialogue")
    assert "Does the dialogue work?" not in text(app)
    book, duel = DuelStore(box.engine), put_up(box).id
    book.cast(visitor="a" * 32, duel=duel, picked="neither", seconds_to_vote=1)
    page = text(visit(PAGE, all="dialogue"))
    assert "Nobody has voted yet" in page and "Does the dialogue work?" in page
    for number in range(5):
        visitor = UUID(int=number, version=4).hex
        left = left_for(visitor, duel)
        chosen = "before" if number == 4 else "after"
        book.cast(visitor=visitor, duel=duel, picked="left" if left == chosen else "right", seconds_to_vote=1)
    page = text(visit(PAGE, all="dialogue"))
    shown = page[page.index("Does the dialogue work?") :]
    interval = Share(4, 5).interval
    assert "<b>80 %</b>" in shown and f"{percent(interval.low)} to {percent(interval.high)}" in shown
    assert "figure faint" in shown and "Needs 30 choices, has 5." in shown
    CurationStore(box.engine).exclude(UUID(int=4, version=4).hex, "too fast")
    book.cast(visitor="b" * 32, duel=duel, picked="left", seconds_to_vote=1, suspect=True)
    shown = text(visit(PAGE, all="dialogue"))
    shown = shown[shown.index("Does the dialogue work?") :]
    assert "<b>100 %</b>" in shown
    assert "Left out: 1 by visitors whom the curator leaves out (too fast)." in shown
    assert "Left out: 1 that came faster than anyone can look." in shown
