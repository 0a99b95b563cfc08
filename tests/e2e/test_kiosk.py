"""A kiosk in a real browser: it waits, begins, forgets its visitor, and survives the loss of its network."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.conftest import served
from tests.e2e.visits import known_visitor, visitor


@pytest.mark.slow
def test_a_kiosk_forgets_its_visitor_and_finds_its_way_back(browser: Browser, tmp_path: Path) -> None:
    with served(tmp_path, {"ALBUMJUDGE_KIOSK_IDLE": "8"}) as app:
        context = browser.new_context(viewport={"width": 820, "height": 1180}, has_touch=True)
        page = context.new_page()
        begin = page.get_by_role("button", name="Touch to begin")
        question = page.get_by_role("heading", name="What do you feel?")
        page.goto(f"{app.url}/?kiosk=1&attract=1")
        begin.tap()
        expect(question).to_be_visible()
        first = known_visitor(page)

        # A reload in the middle of a visit changes nothing.
        page.reload()
        expect(question).to_be_visible()
        assert visitor(context) == first
        expect(page.get_by_role("link", name="Your picture")).to_have_count(0)

        # Nobody touches it any more: the next one is somebody else.
        begin.tap()
        expect(question).to_be_visible()
        assert known_visitor(page) != first

        # The network goes, a sentence comes; the network comes, and the page with it.
        context.set_offline(True)
        expect(page.locator(".kiosk-away")).to_be_visible()
        context.set_offline(False)
        expect(page.locator(".kiosk-away")).to_be_hidden()
        context.close()
