"""A kiosk in a real browser: it waits, begins, forgets its visitor, and survives the loss of its network."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Browser, expect

from albumjudge.ui.visitor import COOKIE
from tests.e2e.conftest import served


def test_a_kiosk_forgets_its_visitor_and_finds_its_way_back(browser: Browser, tmp_path: Path) -> None:
    with served(tmp_path, ALBUMJUDGE_KIOSK_IDLE="8") as app:
        context = browser.new_context(viewport={"width": 820, "height": 1180}, has_touch=True)
        page = context.new_page()

        def visitor() -> str | None:
            cookies = {cookie["name"]: cookie["value"] for cookie in context.cookies()}
            return cookies.get(COOKIE)

        def next_visitor() -> str:
            for _ in range(200):
                if found := visitor():
                    return found
                page.wait_for_timeout(50)
            raise AssertionError("no visitor's cookie was set")

        page.goto(f"{app.url}/?kiosk=1&attract=1")
        page.get_by_role("button", name="Touch to begin").tap()
        expect(page.get_by_role("heading", name="What do you feel?")).to_be_visible()
        first = next_visitor()

        # A reload in the middle of a visit changes nothing.
        page.reload()
        expect(page.get_by_role("heading", name="What do you feel?")).to_be_visible()
        assert visitor() == first
        expect(page.get_by_role("link", name="Your picture")).to_have_count(0)

        # Nobody touches it any more: the next one is somebody else.
        expect(page.get_by_role("button", name="Touch to begin")).to_be_visible()
        page.get_by_role("button", name="Touch to begin").tap()
        expect(page.get_by_role("heading", name="What do you feel?")).to_be_visible()
        assert next_visitor() != first

        # The network goes, a sentence comes; the network comes, and the page with it.
        context.set_offline(True)
        expect(page.locator(".kiosk-away")).to_be_visible()
        context.set_offline(False)
        expect(page.locator(".kiosk-away")).to_be_hidden()
        context.close()
