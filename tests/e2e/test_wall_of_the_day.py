"""The wall of the day in a real browser: six touches, a streak that only the browser keeps, a link to share."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import RunningApp
from tests.e2e.visits import ballot, enter, feel, fits, open_page, settled

pytestmark = pytest.mark.e2e

KEPT = "JSON.parse(localStorage.getItem('albumjudge-days'))"


def remember(page: Page, last: datetime, days: int) -> None:
    kept = json.dumps({"last": f"{last:%Y-%m-%d}", "days": days})
    page.evaluate("kept => localStorage.setItem('albumjudge-days', kept)", kept)


@pytest.mark.slow
def test_a_shared_link_leads_to_a_round_whose_streak_stays_in_the_browser(
    browser: Browser, app: RunningApp
) -> None:
    context, before = enter(browser, (390, 844)), app.box.count()
    today = datetime.now(UTC)
    page = open_page(context, f"{app.url}/share/day/{today:%Y-%m-%d}")
    page.wait_for_url(f"**/wall_of_the_day?day={today:%Y-%m-%d}")
    said: list[str] = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda frame: said.append(str(frame))))
    remember(page, today - timedelta(days=1), 2)
    page.reload()
    settled(page)
    expect(page.get_by_text("2 days in a row so far")).to_be_visible()
    for number, felt in enumerate(("awe", "fear", "sadness", "anger", "awe", "awe"), start=1):
        expect(page.get_by_text(f"{number} of 6", exact=True)).to_be_visible()
        settled(page)
        ballot(page)
        feel(page, felt)
    expect(page.locator(".card")).to_have_count(6)
    expect(page.get_by_text("3 days in a row.", exact=True)).to_be_visible()
    settled(page)
    fits(page)
    assert page.evaluate(KEPT) == {"last": f"{today:%Y-%m-%d}", "days": 3}
    assert said and not any("albumjudge-days" in frame or "days in a row" in frame for frame in said)
    page.reload()
    expect(page.get_by_text("3 days in a row.", exact=True)).to_be_visible()
    assert page.evaluate(KEPT)["days"] == 3 and app.box.count() == before + 6
    # A gap begins the streak anew.
    remember(page, today - timedelta(days=3), 9)
    page.reload()
    expect(page.get_by_text("Day one.")).to_be_visible()
    assert page.evaluate(KEPT)["days"] == 1
    context.close()
