"""How tests vote on pages; every label is the jury's own, unless a test says otherwise."""

from __future__ import annotations

from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from albumjudge.domain.cover import CoverIdentity
from albumjudge.domain.verdict import JudgedCover
from albumjudge.inference.exhibit import Exhibit
from albumjudge.voting import rounds
from albumjudge.voting.duels import Duel, DuelStore
from albumjudge.voting.rounds import CARDS
from albumjudge.voting.votes import VoteStore
from tests.pages_fixtures import press, query
from tests.vote_fixtures import judged, verdict

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
    """Vote on some covers, beginning with the one on show; the answer to a label leads on."""
    for _ in range(cards):
        press(press(app, f"felt-{felt}"), answer)
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


def put_up(box: VoteStore, seed: int = 7, emotion: str = "sadness") -> Duel:
    """A pair that somebody else put to the vote."""
    before = judged(seed)
    cover = replace(before.cover, identity=replace(before.cover.identity, drift=b"\x01"))
    return DuelStore(box.engine).challenge(
        before=before, after=JudgedCover(cover, verdict(emotion)), emotion=emotion
    )
