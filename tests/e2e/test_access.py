"""Every room as axe sees it, on a phone: no serious finding."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from tests.e2e.conftest import RunningApp, generator_of

ROOMS = {
    "the stage": "?wall=5",
    "a cover": "?cover={a}",
    "a ballot": "vote",
    "the dialogue": "dialogue?cover={a}",
    "breeding": "breed?a={a}&b={b}",
    "the jury room": "jury_room?cover={a}",
    "your picture": "your_picture",
    "people and machine": "people_vs_machine",
    "how it works": "how_it_works",
    "a waiting kiosk": "?kiosk=1&attract=1",
}


@pytest.mark.parametrize("path", ROOMS.values(), ids=ROOMS)
def test_no_room_shuts_anyone_out(app: RunningApp, browser: Browser, path: str) -> None:
    painter = generator_of(app)
    context = browser.new_context(viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.goto(f"{app.url}/{path.format(a=f'{painter}.17', b=f'{painter}.18')}")
    expect(page.locator(".foot")).to_be_visible()
    expect(page.locator('[data-testid="stSpinner"]')).to_have_count(0)
    found = [
        f"{violation['id']}: {violation['help']} ({violation['nodes'][0]['html'][:200]})"
        for violation in Axe().run(page).response["violations"]
        if violation["impact"] in ("serious", "critical")
    ]
    context.close()
    assert found == []
