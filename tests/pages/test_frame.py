"""The frame around all pages: a sentence and a way on whatever breaks, colours in one place, and the kiosk."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from albumjudge.domain.emotions import EMOTIONS
from albumjudge.domain.settings import SettingsError
from albumjudge.inference.exhibit import Exhibit
from albumjudge.inference.folders import CheckpointError
from albumjudge.ui import shell
from albumjudge.voting.database import VoteError
from albumjudge.voting.votes import VoteStore
from tests.pages_fixtures import *  # noqa: F403
from tests.pages_fixtures import APP, Visit, failing, press, text

PAGES = [Path(file).stem for file in shell.ROOMS]


@pytest.mark.parametrize("page", PAGES)
def test_every_page_opens_and_says_at_its_foot_who_paints_and_judges(
    visit: Visit, exhibit: Exhibit, page: str
) -> None:
    foot = text(visit(page)).rpartition("<footer")[2]
    assert exhibit.painter.revision in foot and exhibit.judge.revision in foot


def test_the_foot_says_what_is_not_as_configured(visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Exhibit, "status", lambda self: ("The Hub is out for lunch.",))
    assert "The Hub is out for lunch." in text(visit()).rpartition("<footer")[2]


BUG = RuntimeError("secret detail")


@pytest.mark.parametrize(
    ("page", "error", "sentence"),
    [
        ("stage", CheckpointError("The weights are torn."), "The exhibit cannot open. The weights are torn."),
        ("vote", SettingsError("DATABASE_URL is soup."), "The exhibit cannot open. DATABASE_URL is soup."),
        *(
            pytest.param(page, BUG, "Something went wrong behind the wall.", marks=pytest.mark.slow)
            for page in PAGES
        ),
    ],
    ids=["checkpoint", "setting", *PAGES],
)
def test_whatever_breaks_the_visitor_reads_a_sentence(
    visit: Visit, monkeypatch: pytest.MonkeyPatch, page: str, error: Exception, sentence: str
) -> None:
    monkeypatch.setattr(shell, "exhibit", failing(error))
    monkeypatch.setattr(shell, "vote_store", failing(error))
    app = visit(page)
    assert sentence in text(app)
    assert "secret detail" not in text(app) and "Traceback" not in text(app)
    assert [button.label for button in app.button] == ["Deutsch", "Try again"]


@pytest.mark.parametrize("page", ["vote", "people_vs_machine"])
def test_a_database_that_does_not_answer_gets_its_own_sentence(
    visit: Visit, monkeypatch: pytest.MonkeyPatch, page: str
) -> None:
    sentence = "The votes cannot be read: the database is busy."
    monkeypatch.setattr(VoteStore, "votes", failing(VoteError(sentence)))
    assert sentence in text(visit(page))


def test_the_theme_has_the_emotions_colours_in_their_order() -> None:
    config = tomllib.loads((APP.parent / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    assert config["theme"]["chartCategoricalColors"] == [emotion.colour for emotion in EMOTIONS]
    assert config["client"]["showErrorDetails"] == "none"


def test_nothing_in_the_look_is_fetched_from_a_network() -> None:
    sheets = list((APP.parent / "albumjudge" / "ui" / "css").glob("*.css"))
    assert sheets
    for path in (APP.parent / ".streamlit" / "config.toml", *sheets):
        assert "://" not in path.read_text(encoding="utf-8")


def test_a_waiting_kiosk_shows_covers_and_one_thing_to_touch(visit: Visit) -> None:
    app = visit(kiosk="1", attract="1")
    assert "turn into one another" in text(app) and "Covers that no band" not in text(app)
    assert [button.key for button in app.button] == ["begin"]
    press(app, "begin")
    assert "Choose one to look closer" in text(app)


def test_a_kiosk_stays_one_and_offers_no_way_out(visit: Visit) -> None:
    app = visit(kiosk="1", wall="7")
    doors = [link.proto.label for link in app.get("page_link")]
    offered = [title for title in shell.ROOMS.values() if title != "Your picture"]
    assert doors == [*offered, *shell.GROUPS, "And you? Say what you feel", "Today’s wall"]
    press(app, "again")
    assert doors == [link.proto.label for link in app.get("page_link")]
    sheet = "".join(part.value for part in app.html if part.value.startswith("<style"))
    assert ".stDownloadButton" in sheet


def test_elsewhere_nothing_of_a_kiosk_is_seen_until_a_setting_makes_every_screen_one(
    visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = visit(attract="1")
    assert "turn into one another" not in text(app)
    assert "Your picture" in [link.proto.label for link in app.get("page_link")]
    monkeypatch.setenv("ALBUMJUDGE_KIOSK", "1")
    assert "Your picture" not in [link.proto.label for link in visit().get("page_link")]
    monkeypatch.setenv("ALBUMJUDGE_KIOSK", "perhaps")
    assert "Covers that no band ever had" in text(visit())
