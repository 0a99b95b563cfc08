"""The painters' duel: blind until the choice is stored, kept where it cannot be, ranked once there are votes."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from albumjudge.inference.exhibit import Exhibit
from albumjudge.voting.curation import CurationStore
from albumjudge.voting.database import VoteError
from albumjudge.voting.painter_duels import PainterDuelStore
from albumjudge.voting.votes import VoteStore
from tests.pages_fixtures import *  # noqa: F403
from tests.pages_fixtures import OTHER_VISITOR, Visit, press, text

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


def test_a_choice_that_cannot_be_stored_is_kept(
    visit: Visit, store: PainterDuelStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = visit(PAGE)

    def fail(*_: object, **__: object) -> object:
        raise VoteError("The database is away.")

    with monkeypatch.context() as broken:
        broken.setattr(PainterDuelStore, "cast", fail)
        assert "Your choice is kept here." in text(press(app, "hang-right"))
        assert not offered(app)
    press(app, "try-hanging-again")
    assert [vote.picked for vote in store.votes()] == ["right"] and "You chose" in text(app)


def test_a_closed_exhibit_takes_no_choice(visit: Visit, store: PainterDuelStore, box: VoteStore) -> None:
    app = visit(PAGE)
    CurationStore(box.engine).close()
    page = text(press(app, "hang-left"))
    assert "Your choice was not stored" in page and not offered(app) and not store.votes()
    assert "takes no votes" in text(visit(PAGE, visitor=OTHER_VISITOR))


def test_one_painter_alone_has_no_duel(
    visit: Visit, box: VoteStore, exhibit: Exhibit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exhibit, "_guests", ())
    assert "Only one painter is here" in text(visit(PAGE))
