"""The dialogue on the bundled weights, in a real browser: one visitor leads a cover, another judges the pair."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from albumjudge.domain.cover import CoverIdentity
from albumjudge.voting.duels import DuelStore
from tests.e2e.conftest import RunningApp, served
from tests.e2e.visits import DESK, PHONE, enter, fits, open_page, press, settled

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


@pytest.fixture(scope="module")
def moved(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApp]:
    """An exhibit whose judge looks: the tiny one of the other browser tests feels the same always."""
    with served(tmp_path_factory.mktemp("exhibit"), bundled=True) as running:
        yield running


def led(page: Page) -> str:
    """The cover in the link, once the walk is over."""
    expect(page.get_by_role("button", name="Undo the last step")).to_be_visible()
    settled(page)
    found = re.search(r"cover=([^&]+)", page.url)
    assert found
    return found[1]


@pytest.mark.parametrize("size", [pytest.param(PHONE, id="phone"), pytest.param(DESK, id="desk")])
def test_a_cover_is_led_undone_put_to_the_vote_and_judged_by_another(
    browser: Browser, moved: RunningApp, screenshots: Path, size: tuple[int, int]
) -> None:
    context = enter(browser, size, still=False)
    page = open_page(context, f"{moved.url}/dialogue")
    page.get_by_role("button", name="This one").first.click()
    expect(page.get_by_role("button", name="sadder")).to_be_visible()
    settled(page)
    began = page.locator(".st-key-canvas img").get_attribute("src")

    page.get_by_role("button", name="sadder").click()
    # Frames come one by one, with their shares beside them.
    expect(page.get_by_text(re.compile(r"Step \d+ of 12"))).to_be_visible()
    expect(page.locator(".passing")).to_be_visible()
    expect(page.locator(".staying")).to_be_hidden()
    identity = CoverIdentity.parse(led(page))
    assert identity.drift
    expect(page.get_by_text("The machine’s sadness rose from")).to_be_visible()
    ended = page.locator(".st-key-canvas img").get_attribute("src")
    assert ended != began
    fits(page)
    page.screenshot(path=f"{screenshots}-led.png")

    page.get_by_role("button", name="Undo the last step").click()
    expect(page.locator(".st-key-canvas img")).to_have_attribute("src", str(began))
    settled(page)
    expect(page.locator(".way")).to_have_count(0)
    page.get_by_role("button", name="sadder").click()
    assert led(page) == str(identity)  # The same wish leads to the same cover.

    stage = open_page(context, f"{moved.url}/?cover={identity}")
    expect(stage.locator(".print.large img")).to_have_attribute("src", str(ended))
    stage.close()

    page.get_by_role("button", name="Put this pair to the vote").click()
    expect(page.get_by_text("Others will be asked: Which is sadder?")).to_be_visible()
    context.close()

    other = enter(browser, size)
    page = open_page(other, f"{moved.url}/dialogue?duel=next")
    expect(page.get_by_role("heading", name="Which is sadder?")).to_be_visible()
    targets = page.locator('[class*="st-key-print-"] button')
    expect(targets).to_have_count(2)
    assert all(
        box and min(box["width"], box["height"]) >= 190 for box in (t.bounding_box() for t in targets.all())
    )
    settled(page)
    fits(page)
    page.screenshot(path=f"{screenshots}-duel.png")
    press(page, "ArrowRight", page.get_by_role("heading", name="You chose"))
    votes = DuelStore(moved.box.engine).votes()
    assert votes[-1].chosen != votes[-1].left_shown and votes[-1].chosen != "neither"
    expect(page.get_by_role("heading", name="Does the crowd agree that it worked?")).to_be_visible()
    fits(page)
    page.screenshot(path=f"{screenshots}-answer.png")
    other.close()


def test_whoever_wants_no_motion_sees_only_the_end(browser: Browser, moved: RunningApp) -> None:
    context = enter(browser)  # With reduced motion.
    page = open_page(context, f"{moved.url}/dialogue")
    page.get_by_role("button", name="This one").first.click()
    page.get_by_role("button", name="more awe").click()
    expect(page.get_by_text(re.compile(r"Step \d+ of 12"))).to_be_visible()
    expect(page.locator(".passing")).to_be_hidden()
    expect(page.locator(".staying")).to_be_visible()
    led(page)
    expect(page.locator(".st-key-canvas img")).to_be_visible()
    context.close()
