"""Votes, rounds and links in a real browser: one visitor, one vote, the same pixels for everyone."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, expect

from tests.e2e.conftest import RunningApp
from tests.e2e.visits import (
    DESK,
    PHONE,
    TABLET,
    ballot,
    enter,
    feel,
    fits,
    known_visitor,
    labelled,
    open_page,
    settled,
    visitor,
)

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


def test_a_double_click_a_reload_and_a_second_tab_are_one_visitor_with_one_vote(
    browser: Browser, app: RunningApp
) -> None:
    context = enter(browser)
    page = open_page(context, f"{app.url}/vote")
    ballot(page)
    settled(page)
    me = known_visitor(page)
    page.wait_for_function("location.search.includes('cover=')")
    address = page.url

    second = open_page(context, address)
    ballot(second)
    assert visitor(context) == me

    page.locator('[class*="st-key-felt-fear"] button').dblclick()
    labelled(page, "fear")
    feel(second, "awe")
    labelled(second, "fear")
    page.reload()
    labelled(page, "fear")
    assert [(vote.visitor, vote.felt) for vote in app.box.votes(visitor=str(me))] == [(me, "fear")]
    assert visitor(context) == me

    page.get_by_role("button", name="Yes, I agree").click()
    ballot(page)
    context.close()


@pytest.mark.parametrize("size", [PHONE, TABLET, DESK], ids=["phone", "tablet", "desk"])
def test_a_round_is_played_summed_up_kept_and_shared(
    browser: Browser, app: RunningApp, screenshots: Path, size: tuple[int, int]
) -> None:
    context = enter(browser, size)
    page = open_page(context, f"{app.url}/vote")
    ballot(page)
    settled(page)
    felt = ("anger", "fear", "awe", "amusement", "nothing", "sadness")
    for place, emotion in enumerate(felt, start=1):
        ballot(page)
        expect(page.locator(".progress")).to_contain_text(f"{place} of 6")
        expect(page.locator(".lately")).to_have_count(min(place - 1, 1))
        lowest = page.locator('[class*="st-key-felt-nothing"] button').bounding_box()
        assert lowest is not None and lowest["y"] + lowest["height"] <= size[1]
        feel(page, emotion)
        labelled(page, emotion)
        if place == 3:
            # Halfway, the page is loaded again; the round goes on where it was.
            page.reload()
            labelled(page, emotion)
        page.get_by_role("button", name="Yes, I agree").click()
    expect(page.get_by_role("heading", name="Your round")).to_be_visible()
    expect(page.locator(".cards .print")).to_have_count(6)
    expect(page.locator(".counts")).to_contain_text("1 of 6")
    settled(page)
    fits(page)
    page.screenshot(path=f"{screenshots}-summary.png")

    me = str(visitor(context))
    votes = app.box.votes(visitor=me)
    assert [vote.felt for vote in votes] == list(felt)
    assert len({vote.round for vote in votes}) == 1 and all(vote.agrees for vote in votes)
    placebos = [vote for vote in votes if vote.arm == "placebo"]
    expect(page.locator(".truth li")).to_have_count(len(placebos))

    with page.expect_download() as download:
        page.get_by_role("button", name="Keep it as a picture").click()
    with Image.open(download.value.path()) as card:
        assert (card.format, card.size) == ("PNG", (1080, 1350))

    link = page.get_by_label("Link").input_value()
    assert link == page.url and me not in link
    friend = enter(browser, size)
    theirs = open_page(friend, link)
    expect(theirs.get_by_role("heading", name="A visitor’s round")).to_be_visible()
    expect(theirs.locator(".cards .print")).to_have_count(6)
    expect(theirs.locator(".truth li")).to_have_count(len(placebos))
    assert me not in theirs.content()
    theirs.get_by_role("button", name="Play a round yourself").click()
    ballot(theirs)
    friend.close()

    page.get_by_role("button", name="Another round").click()
    ballot(page)
    expect(page.locator(".progress")).to_contain_text("1 of 6")
    context.close()


def test_two_first_tabs_at_once_become_the_same_visitor(browser: Browser, app: RunningApp) -> None:
    context = enter(browser)
    tabs = [context.new_page() for _ in range(2)]
    for tab in tabs:
        tab.goto(f"{app.url}/vote", wait_until="commit")
    for tab in tabs:
        settled(tab)
        known_visitor(tab)
        ballot(tab)
        feel(tab, "contentment")
        labelled(tab, "contentment")
    me = str(visitor(context))
    assert 1 <= len(app.box.votes(visitor=me)) <= 2
    everyone = {vote.visitor for vote in app.box.votes() if vote.felt == "contentment"}
    assert everyone == {me}
    context.close()


def test_a_link_is_copied_with_https_and_without(browser: Browser, app: RunningApp) -> None:
    context = enter(browser)
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    reader = open_page(context, f"{app.url}/vote")
    for script in ("", "Object.defineProperty(navigator, 'clipboard', { value: undefined })"):
        reader.evaluate("navigator.clipboard.writeText('')")
        page = context.new_page()
        page.add_init_script(script)
        page.goto(f"{app.url}/?wall=5")
        settled(page)
        page.bring_to_front()
        page.get_by_role("button", name="Copy link").press("Enter")
        expect(page.get_by_role("button", name="Copied.")).to_be_visible()
        reader.bring_to_front()
        assert reader.evaluate("navigator.clipboard.readText()") == f"{app.url}/?wall=5"
        page.close()
    context.close()


def test_a_link_shows_the_same_pixels_in_another_browser(browser: Browser, app: RunningApp) -> None:
    sources = []
    mine = enter(browser)
    page = open_page(mine, f"{app.url}/?wall=5")
    page.get_by_role("button", name="This one").first.click()
    expect(page.locator(".print.large img")).to_be_visible()
    page.wait_for_function("location.search.startsWith('?cover=')")
    link = page.get_by_label("Link").input_value()
    assert link == page.url
    sources.append(page.locator(".print.large img").get_attribute("src"))
    page.go_back()
    expect(page.locator(".print.wall")).to_have_count(12)
    mine.close()

    yours = enter(browser, PHONE)
    other = open_page(yours, link)
    picture = other.locator(".print.large img")
    expect(picture).to_be_visible()
    sources.append(picture.get_attribute("src"))
    assert sources[0] == sources[1]
    assert picture.evaluate("image => getComputedStyle(image).imageRendering") == "pixelated"
    assert picture.evaluate("image => parseFloat(getComputedStyle(image).width) % 64") == 0
    yours.close()


def test_the_address_of_a_room_leads_there_even_for_the_first_visitor(
    browser: Browser, fresh_app: RunningApp
) -> None:
    app, context = fresh_app, enter(browser)
    for room, title in (("vote", "What do you feel?"), ("how_it_works", "How it works")):
        page = open_page(context, f"{app.url}/{room}")
        expect(page.get_by_role("heading", name=title, exact=True)).to_be_visible()
        expect(page.get_by_role("link", name="People vs. machine")).to_be_visible()
    page = open_page(context, f"{app.url}/?cover=cut-off")
    expect(page.get_by_role("heading", name="This cover does not hang here")).to_be_visible()
    page.get_by_role("button", name="To the covers that do").click()
    expect(page.locator(".print.wall")).to_have_count(12)
    context.close()
