"""What goes wrong on any page: links that lead nowhere, choices that cannot be stored, an exhibit that closes."""

from __future__ import annotations

from typing import Any

import pytest

from albumjudge.inference.exhibit import Exhibit
from albumjudge.voting.curation import CurationStore
from albumjudge.voting.database import VoteError
from albumjudge.voting.duels import DuelStore
from albumjudge.voting.painter_duels import PainterDuelStore
from albumjudge.voting.votes import VoteStore
from tests.page_voting import buttons, put_up
from tests.pages_fixtures import *  # noqa: F403
from tests.pages_fixtures import OTHER_VISITOR, Visit, failing, press, text

GONE = "gone-12345678.7"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("page", "link", "sentence"),
    [
        *(("stage", {"cover": cover}, "does not hang here") for cover in ("", "<script>", "\x00", GONE)),
        *(("dialogue", {"cover": cover}, "cannot be led") for cover in ("", "<script>", GONE)),
        *(("jury_room", {"cover": cover}, "cannot come before the jury") for cover in ("<script>", GONE)),
        *(("vote", {"round": link}, "leads to no round") for link in ("0123456789abcdef", "' OR 1=1 --")),
        ("breed", {"a": "nonsense", "b": "{here}"}, "names no cover"),
        ("breed", {"a": "{here}", "b": GONE}, "Only covers by the same painter"),
        ("breed", {"a": GONE, "b": GONE + "7"}, "does not paint here any more"),
        ("breed", {"a": "{here}", "b": "{here}7", "line": "<script>"}, "tells of no line"),
    ],
)
def test_a_link_that_leads_nowhere_gets_a_sentence_and_a_way_on(
    visit: Visit, exhibit: Exhibit, page: str, link: dict[str, str], sentence: str
) -> None:
    here = f"{exhibit.painter.revision}.7"
    app = visit(page, **{name: value.replace("{here}", here) for name, value in link.items()})
    assert sentence in text(app) and "<script>" not in text(app)
    next(b for b in app.button if not (b.key or "").startswith("language-")).click().run()
    assert sentence not in text(app) and "data:image/png" in text(app)


CHOICES: dict[str, tuple[dict[str, Any], str]] = {
    "first": ({"first": True}, "felt-fear"),
    "vote": ({"page": "vote"}, "felt-fear"),
    "pair": ({"page": "dialogue", "duel": "next"}, "pick-left"),
    "painters": ({"page": "painters_duel"}, "hang-right"),
    "day": ({"page": "wall_of_the_day"}, "felt-fear"),
}
"""What to visit and what to press, wherever something is chosen."""


def stored(box: VoteStore) -> int:
    return box.count() + len(DuelStore(box.engine).votes()) + len(PainterDuelStore(box.engine).votes())


@pytest.mark.parametrize(
    ("where", "broken"),
    [
        ("first", (VoteStore, "cast")),
        ("vote", (VoteStore, "cast")),
        ("vote", (VoteStore, "votes")),
        ("pair", (DuelStore, "cast")),
        ("painters", (PainterDuelStore, "cast")),
        ("day", (VoteStore, "cast")),
    ],
)
def test_a_choice_that_cannot_be_stored_is_kept_and_can_be_sent_again(
    visit: Visit, box: VoteStore, monkeypatch: pytest.MonkeyPatch, where: str, broken: tuple[type, str]
) -> None:
    put_up(box)
    asked, choice = CHOICES[where]
    app = visit(**asked)
    with monkeypatch.context() as away:
        away.setattr(*broken, failing(VoteError("The database is away.")))
        for start in (choice, "try-"):
            page = text(press(app, start))
            assert "The database is away." in page and "kept here" in page and "You felt" not in page
    assert stored(box) == 0
    press(app, "try-")
    assert stored(box) == 1 and not buttons(app, "try-")
    assert ("2 of 6" if where == "day" else "You ") in text(app)


@pytest.mark.parametrize("where", [where for where in CHOICES if where != "day"])
def test_a_choice_that_comes_after_the_closing_is_not_taken(visit: Visit, box: VoteStore, where: str) -> None:
    put_up(box)
    asked, choice = CHOICES[where]
    app = visit(**asked)
    CurationStore(box.engine).close()
    page = text(press(app, choice))
    assert stored(box) == 0 and not buttons(app, choice) and not buttons(app, "try-")
    if where == "first":
        assert "Covers that no band ever had" in page
        return
    assert "not stored" in page and "closed at the moment and takes no votes" in page
    assert "takes no votes" in text(visit(**asked, visitor=OTHER_VISITOR))
    CurationStore(box.engine).open("second evening")
    assert "kept here" not in text(app.run())
    if where == "vote":
        press(app, choice)
        assert stored(box) == 1


def test_the_wall_hangs_without_a_database(visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(VoteStore, "votes", failing(VoteError("The votes cannot be read.")))
    assert "Covers that no band ever had" in text(visit(first=True))
