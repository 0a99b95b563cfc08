"""The results, in a real browser: an emotion chosen by keyboard shows its covers, on a phone, too."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.conftest import RunningApp
from tests.e2e.visits import PHONE, enter, fits, open_page, settled
from tests.vote_fixtures import judged

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


def test_an_emotion_is_chosen_by_keyboard_and_shows_its_covers(
    browser: Browser, fresh_app: RunningApp
) -> None:
    app = fresh_app
    for seed, felt in ((11, "fear"), (12, "awe")):
        for who in "ab":
            app.box.cast(
                visitor=who * 32, judged=judged(seed, "awe"), felt=felt, label_shown="awe", seconds_to_vote=2
            )
    page = open_page(enter(browser, PHONE), f"{app.url}/people_vs_machine?all=1")
    section = page.locator(".st-key-one-emotion")
    numbers = section.locator(".print .number")
    # Fear and awe were felt by two each; the unpleasant one comes first.
    expect(numbers).to_have_text(["No. 000011"])
    section.get_by_role("radio", name="fear").focus()
    # To the right neighbour of fear and the next, as ON_SIDES has them: sadness, amusement, awe.
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(numbers).to_have_text(["No. 000012", "No. 000011"])
    expect(page).to_have_url(f"{app.url}/people_vs_machine?all=1&emotion=awe")
    settled(page)
    fits(page)
    page.reload()
    settled(page)
    expect(numbers).to_have_text(["No. 000012", "No. 000011"])
    page.context.close()
