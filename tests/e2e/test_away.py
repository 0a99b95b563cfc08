"""What a visitor reads while the server is away, and that the page comes back by itself."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.conftest import served
from tests.e2e.visits import enter, open_page, settled

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


def test_while_the_server_is_away_a_visitor_reads_a_sentence_and_the_page_comes_back(
    browser: Browser, tmp_path: Path
) -> None:
    with served(tmp_path) as app:
        port = int(app.url.rpartition(":")[2])
        page = open_page(enter(browser), f"{app.url}/?wall=5")
    expect(page.get_by_text("The exhibit is catching its breath.")).to_be_visible()
    expect(page.get_by_text("streamlit run")).not_to_be_visible()
    with served(tmp_path, port=port):
        expect(page.get_by_text("The exhibit is catching its breath.")).to_be_hidden()
        settled(page)
        expect(page.locator(".print.wall")).to_have_count(12)
        page.context.close()
