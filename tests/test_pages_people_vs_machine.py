"""People vs. machine: nothing made up, every share with its uncertainty, covers with their pictures."""

from __future__ import annotations

from uuid import UUID

from streamlit.testing.v1 import AppTest

from albumjudge import agreement
from albumjudge.charts import percent
from albumjudge.exhibit import Exhibit
from albumjudge.votes import BallotBox
from tests.pages_fixtures import *  # noqa: F403
from tests.pages_fixtures import Visit, text

PAGE = "people_vs_machine"


def vote(box: BallotBox, exhibit: Exhibit, seed: int, *felt: str, agrees: bool | None = None) -> None:
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


def test_the_numbers_are_those_of_the_votes(visit: Visit, box: BallotBox, exhibit: Exhibit) -> None:
    vote(box, exhibit, 1, "amusement", "amusement", "awe", agrees=True)
    vote(box, exhibit, 2, "nothing", agrees=False)
    app = visit(PAGE)
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
    assert charts_on(app) == 4


def test_covers_are_ranked_only_once_enough_people_voted(
    visit: Visit, box: BallotBox, exhibit: Exhibit
) -> None:
    vote(box, exhibit, 1, "amusement", "amusement")
    assert "None is so far." in text(visit(PAGE))


def test_agreed_and_disputed_covers_hang_with_their_pictures(
    visit: Visit, box: BallotBox, exhibit: Exhibit
) -> None:
    vote(box, exhibit, 1, "amusement", "amusement", "amusement")
    vote(box, exhibit, 2, "fear", "fear", "sadness")
    page = text(visit(PAGE))
    page = page[page.index("Emotion by emotion") :]
    agreed, disputed = page.index("Most agreed on"), page.index("Most disputed")
    assert agreed < page.index("No. 000001") < disputed < page.index("No. 000002")
    assert "3 of 3 people too" in page and "0 of 3 people too" in page
    assert page.count("data:image/png") == 2


def test_without_a_disputed_cover_the_page_says_so(visit: Visit, box: BallotBox, exhibit: Exhibit) -> None:
    vote(box, exhibit, 1, "amusement", "amusement", "amusement")
    assert "There is no cover on which most people feel otherwise." in text(visit(PAGE))


def test_curators_get_the_votes_as_csv_with_a_dictionary(
    visit: Visit, box: BallotBox, exhibit: Exhibit
) -> None:
    vote(box, exhibit, 1, "awe")
    app = visit(PAGE)
    assert len(app.get("download_button")) == 1
    assert "<dt>seconds_to_vote</dt>" in text(app)
