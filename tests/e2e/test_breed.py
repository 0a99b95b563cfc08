"""Breeding in a real browser, on a phone."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.conftest import RunningApp
from tests.e2e.visits import PHONE, enter, fits, open_page, settled

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


def test_a_morph_answers_the_keyboard_and_a_child_is_raised_and_undone(
    browser: Browser, app: RunningApp, screenshots: Path
) -> None:
    page = open_page(enter(browser, PHONE), f"{app.url}/breed")
    page.get_by_role("button", name="Take cover").first.click()
    expect(page.get_by_role("button", name="Take another one")).to_be_visible()
    settled(page)
    page.get_by_role("button", name="Take cover").first.click()
    expect(page.locator(".st-key-wall-litter .print")).to_have_count(6)
    slider = page.get_by_role("slider", name="From the left cover to the right one")
    picture = page.locator(".morph .print img")
    before = picture.get_attribute("src")
    # The frames are in the browser already: no answer of the server is needed, and no step back is taken.
    slider.focus()
    page.keyboard.press("ArrowLeft")
    expect(picture).not_to_have_attribute("src", before or "")
    expect(slider).to_have_attribute(
        "aria-valuetext", "58 % left, 42 % right: mostly amusement, a little anger"
    )
    page.keyboard.press("Home")
    expect(page.locator(".morph .note")).to_have_text("wholly the left one")
    fits(page)
    page.screenshot(path=f"{screenshots}-breed.png")

    pair = page.url
    page.get_by_role("button", name="Raise child 2").click()
    expect(page.get_by_text("Generation 1")).to_be_visible()
    settled(page)
    assert page.url == f"{pair}&line=1.8.0"
    page.reload()
    settled(page)
    expect(page.get_by_text("Generation 1")).to_be_visible()
    page.get_by_role("button", name="One step back").click()
    expect(page.get_by_text("Generation 1")).to_have_count(0)
    page.get_by_role("button", name="Look at this one on the stage").click()
    expect(page.locator(".print.large .number")).to_contain_text("No.")
    expect(page.get_by_text("PNG, 64 × 64")).to_be_visible()
    page.context.close()
