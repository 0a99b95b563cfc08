"""The painters' duel: blind until the choice is stored, kept where it cannot be, ranked once there are votes."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from albumjudge.inference.exhibit import Exhibit
from albumjudge.voting.painter_duels import PainterDuelStore
from albumjudge.voting.votes import VoteStore
from tests.pages_fixtures import *  # noqa: F403
from tests.pages_fixtures import Visit, press, text

PAGE = "painters_duel"


@pytest.fixture
def store(box: VoteStore) -> PainterDuelStore:
    return PainterDuelStore(box.engine)


def offered(app: AppTest) -> list[str]:
    return [str(button.key) for button in app.button if (button.key or "").startswith("hang-")]


def test_a_choice_is_blind_and_its_painters_are_named_after(visit: Visit, store: PainterDuelStore) -> None:
    app = visit(PAGE)
    question = text(app).rpartition("<footer")[0]
    assert "Which one would you hang?" in question and question.count("data:image/png") == 2
    assert "tiny" not in question and "orderly" not in question and len(offered(app)) == 3
    page = text(press(app, "hang-left"))
    (vote,) = store.votes()
    assert vote.picked == "left" and {vote.left.painter, vote.right.painter} == {"tiny", "orderly"}
    assert f"You chose: {vote.left.painter}." in page and not offered(app)
    assert "Who is ahead cannot be told yet." in page and "Needs 30 choices, has 1." in page
    assert len(app.get("vega_lite_chart")) == 1


def test_the_next_pair_is_another_one_and_ties_count(visit: Visit, store: PainterDuelStore) -> None:
    app = visit(PAGE)
    first = offered(app)
    press(app, "hang-tie")
    assert "You would hang either." in text(app)
    press(app, "next-pair")
    assert len(offered(app)) == 3 and offered(app) != first
    assert offered(visit(PAGE)) == offered(app)  # A reload shows the same.
    assert [vote.picked for vote in store.votes()] == ["tie"]


def test_one_painter_alone_has_no_duel(
    visit: Visit, box: VoteStore, exhibit: Exhibit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exhibit, "_guests", ())
    assert "Only one painter is here" in text(visit(PAGE))
