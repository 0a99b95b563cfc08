"""The kiosk: who waits, who begins, and what a public screen does not offer."""

from __future__ import annotations

import pytest

from albumjudge.ui import shell
from tests.pages_fixtures import *  # noqa: F403
from tests.pages_fixtures import Visit, press, text


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
    assert doors == [*offered, *shell.GROUPS, "And you? Say what you feel"]
    press(app, "again")
    assert doors == [link.proto.label for link in app.get("page_link")]
    sheet = "".join(part.value for part in app.html if part.value.startswith("<style"))
    assert ".stDownloadButton" in sheet


def test_elsewhere_nothing_of_it_is_seen(visit: Visit) -> None:
    app = visit(attract="1")
    assert "turn into one another" not in text(app)
    assert "Your picture" in [link.proto.label for link in app.get("page_link")]


def test_a_setting_makes_every_screen_a_kiosk(visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALBUMJUDGE_KIOSK", "1")
    assert "Your picture" not in [link.proto.label for link in visit().get("page_link")]


def test_a_setting_that_means_nothing_gets_a_sentence_not_a_crash(
    visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALBUMJUDGE_KIOSK", "perhaps")
    assert "Covers that no band ever had" in text(visit())
