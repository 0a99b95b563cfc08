"""Your portrait: after enough votes, one's own alone, claiming no more than the intervals do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from uuid import UUID

import pytest

from albumjudge.domain import seeds
from albumjudge.domain.cover import HasPixels
from albumjudge.domain.emotions import NAMES
from albumjudge.domain.verdict import Juror, Verdict
from albumjudge.inference.exhibit import Exhibit
from albumjudge.statistics.portrait import FEWEST_VOTES
from albumjudge.voting.votes import VoteStore
from tests.pages_fixtures import *  # noqa: F403
from tests.pages_fixtures import OTHER_VISITOR, VISITOR, Visit, text


def feels(name: str) -> tuple[float, ...]:
    return tuple(0.65 if other == name else 0.05 for other in NAMES)


@pytest.fixture
def jury(exhibit: Exhibit, monkeypatch: pytest.MonkeyPatch) -> Iterator[Exhibit]:
    """Two jurors: one feels fear before every cover, the other awe."""
    jurors = (Juror("the timid", feels("fear")), Juror("the devout", feels("awe")))

    def judge(covers: Sequence[HasPixels]) -> list[Verdict]:
        return [Verdict((0.125,) * 8, exhibit.judge.revision, jurors) for _ in covers]

    monkeypatch.setattr(exhibit.judge, "judge", judge)
    exhibit._cache.clear()
    yield exhibit
    exhibit._cache.clear()


def vote(box: VoteStore, exhibit: Exhibit, who: str, felt: str, covers: int) -> None:
    pool = seeds.ballot_pool(exhibit.painter.revision)
    for judged in exhibit.show(pool[:covers]):
        box.cast(visitor=who, judged=judged, felt=felt, label_shown=judged.verdict.top, seconds_to_vote=2)


def test_before_enough_votes_it_says_how_many_are_missing(
    visit: Visit, box: VoteStore, exhibit: Exhibit
) -> None:
    vote(box, exhibit, VISITOR, "awe", FEWEST_VOTES - 1)
    page = text(visit("portrait"))
    assert "One is missing." in page and f"{FEWEST_VOTES - 1} of {FEWEST_VOTES}" in page
    assert f"{FEWEST_VOTES} are missing." in text(visit("portrait", visitor=OTHER_VISITOR))


def test_alone_with_the_jury_there_is_a_juror_and_no_crowd(
    visit: Visit, box: VoteStore, jury: Exhibit
) -> None:
    vote(box, jury, VISITOR, "fear", FEWEST_VOTES)
    app = visit("portrait")
    page = text(app)
    assert "once others have voted on enough of your covers" in page
    assert "Of all jurors, the timid feels most as you do. It gave 65 % to what you felt" in page
    assert 'class="portrait" src="data:image/png' in page
    assert not app.get("vega_lite_chart") and len(app.get("download_button")) == 1


@pytest.mark.slow
def test_against_a_crowd_what_is_clear_is_said(visit: Visit, box: VoteStore, jury: Exhibit) -> None:
    vote(box, jury, VISITOR, "fear", 20)
    for number in range(6):
        vote(box, jury, UUID(int=number, version=4).hex, "awe", 20)
    app = visit("portrait")
    page = text(app)
    assert "moves you" in page and "100 %" in page
    assert "Where you stood alone" in page and "most others: awe; 0 of 6 with you" in page
    assert len(app.get("vega_lite_chart")) == 1
