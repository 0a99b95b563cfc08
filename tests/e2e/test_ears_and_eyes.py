"""The exhibit by ear, by keyboard, enlarged, in forced colours, on large and small screens, in both languages."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from albumjudge.ui.words import LANGUAGES
from tests.e2e.conftest import RunningApp, generator_of
from tests.e2e.test_access import ROOMS
from tests.e2e.visits import (
    DESK,
    PHONE,
    ballot,
    enter,
    feel,
    filled,
    fits,
    labelled,
    open_page,
    revealed,
    settled,
)

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

SMALL_PHONE, KIOSK = (320, 640), (2560, 1440)
LOOKS = re.compile(r"(mostly|almost all|all) |(vor allem|ganz|fast ganz) ")
LAYOUT = re.compile("lighter|light|dark|heller|hell|dunkel")


CUT_OFF = """() => [...document.querySelectorAll(".stMain h1, .stMain h2, .stMain h3, .stMain p, .stMain button")]
  .filter((it) => it.checkVisibility() && !it.closest(".scroll, .heard, [class*=st-key-doors]")
    && it.getBoundingClientRect().right > innerWidth + 1).map((it) => it.textContent)"""
SHIFTS = """
window.shifted = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifted += entry.value;
}).observe({ type: "layout-shift", buffered: true });
"""
MOST_SHIFT, MOST_TAPS = 0.05, 14


def address(app: RunningApp, path: str, code: str) -> str:
    painter = generator_of(app)
    filled = path.format(a=f"{painter}.17", b=f"{painter}.18")
    return f"{app.url}/{filled}{'&' if '?' in filled else '?'}lang={code}"


@pytest.fixture(scope="module")
def guest(app: RunningApp, browser: Browser) -> Iterator[Page]:
    """One visitor for all rooms."""
    context = enter(browser, DESK)
    yield open_page(context, app.url)
    context.close()


def still(page: Page) -> None:
    settled(page)
    expect(page.locator('[data-testid="stSpinner"], [data-testid="stSkeleton"]')).to_have_count(0)


def heard(page: Page) -> list[tuple[str, str]]:
    """Roles and names of all that a screen reader comes to, in order."""
    tree = page.context.new_cdp_session(page).send("Accessibility.getFullAXTree")
    return [
        (node["role"]["value"], node.get("name", {}).get("value", "").strip())
        for node in tree["nodes"]
        if not node.get("ignored") and "role" in node
    ]


def barriers(page: Page) -> list[str]:
    """What axe finds, of whatever impact."""
    return [
        f"{v['id']}: {node['html'][:200]}"
        for v in Axe().run(page).response["violations"]
        for node in v["nodes"]
        # Streamlit's own markup around its file input; not a word of it is hidden from anyone.
        if "stFileUploaderDropzone" not in node["html"]
    ]


def by_ear(page: Page, path: str, code: str) -> None:
    """What a screen reader comes to, in its order, has a name, and covers say how they look."""
    assert page.evaluate("document.documentElement.lang") == code
    tree = heard(page)
    headings = [name for role, name in tree if role == "heading"]
    assert headings and all(headings)
    assert all(
        name for role, name in tree if role in ("button", "link", "image", "slider", "radio", "textbox")
    )
    # The doors come first, then the page's title.
    roles = [role for role, _ in tree]
    assert roles.index("link") < roles.index("heading")
    covers = [name for role, name in tree if role == "image" and re.match(r"Cover \d+, ", name)]
    assert all(LOOKS.search(name) and LAYOUT.search(name) for name in covers)
    assert len(covers) == 12 or not path.startswith("?wall")


def fits_every_screen(page: Page) -> None:
    """Nothing sticks out or is cut off on a small phone, at 200 % of a desk's 1440 pixels, on a kiosk."""
    for width, height in (SMALL_PHONE, (DESK[0] // 2, DESK[1] // 2), KIOSK):
        page.set_viewport_size({"width": width, "height": height})
        page.wait_for_timeout(200)  # Charts follow.
        fits(page)
        assert page.evaluate(CUT_OFF) == []
    page.set_viewport_size({"width": DESK[0], "height": DESK[1]})


@pytest.mark.parametrize("code", LANGUAGES)
@pytest.mark.parametrize("path", ROOMS.values(), ids=ROOMS)
def test_every_room_is_there_for_everyone(app: RunningApp, guest: Page, path: str, code: str) -> None:
    guest.goto(address(app, path, code))
    still(guest)
    assert barriers(guest) == []
    if "attract" not in path:
        by_ear(guest, path, code)
        guest.wait_for_timeout(300)  # Charts are drawn last.
        filled(guest)
    fits_every_screen(guest)


def test_forced_colours_leave_everything_to_be_seen(app: RunningApp, browser: Browser) -> None:
    context = browser.new_context(forced_colors="active", viewport={"width": DESK[0], "height": DESK[1]})
    page = open_page(context, f"{app.url}/vote")
    ballot(page)
    assert page.evaluate("matchMedia('(forced-colors: active)').matches")
    edges = page.evaluate(
        "[...document.querySelectorAll('[class*=st-key-felt-] button')]"
        ".map(it => getComputedStyle(it).borderTopStyle)"
    )
    assert len(edges) == 9 and set(edges) == {"solid"}
    feel(page, "awe")
    labelled(page, "awe")
    page.get_by_role("button", name="Yes, I agree").click()
    page.get_by_role("button", name="Look at it again").click()
    revealed(page)
    context.close()


def test_neither_of_two_covers_is_chosen_before_both_were_in_sight(app: RunningApp, browser: Browser) -> None:
    context = enter(browser, (390, 500))
    page = open_page(context, f"{app.url}/painters_duel")
    choices = page.locator('[class*="st-key-hang-"]')
    expect(choices).to_have_count(3)
    locked = "its => its.map((it) => it.inert)"
    assert choices.evaluate_all(locked) == [True] * 3
    page.locator(".st-key-duel img").last.scroll_into_view_if_needed()
    expect(page.locator('[class*="st-key-hang-"][inert]')).to_have_count(0)
    context.close()


def test_a_round_is_played_with_the_keyboard_alone(app: RunningApp, browser: Browser) -> None:
    context = enter(browser)
    page = open_page(context, f"{app.url}/vote")

    def to(key: str) -> None:
        for _ in range(60):
            page.keyboard.press("Tab")
            if page.evaluate(f"!!document.activeElement.closest('[class*=\"st-key-{key}\"]')"):
                return
        raise AssertionError(f"The tab key never comes to {key}.")

    for place in range(6):
        ballot(page)
        expect(page.locator(".progress")).to_contain_text(f"{place + 1} of 6")
        settled(page)
        to("felt-fear")
        page.keyboard.press("Enter")
        labelled(page, "fear")
        settled(page)
        to("agree-yes")
        page.keyboard.press("Enter")
        if place < 5:
            expect(page.get_by_role("status")).to_contain_text("You felt")
    expect(page.get_by_role("heading", name="Your round")).to_be_visible()
    context.close()


def test_a_touch_changes_the_language_and_the_round_goes_on(app: RunningApp, browser: Browser) -> None:
    context = browser.new_context(
        viewport={"width": KIOSK[0], "height": KIOSK[1]},
        has_touch=True,
        locale="de-DE",
        reduced_motion="reduce",
    )
    page = open_page(context, f"{app.url}/vote?kiosk=1")
    expect(page.get_by_role("heading", name="Was fühlst du?")).to_be_visible()
    page.locator('[class*="st-key-felt-awe"] button').tap()
    expect(page.get_by_text("Das Etikett der Maschine")).to_be_visible()
    page.get_by_role("button", name="English").tap()
    expect(page.get_by_text("The machine’s label")).to_be_visible()
    page.get_by_role("link", name="Stage", exact=True).tap()
    expect(page.get_by_role("heading", name="Covers that no band ever had")).to_be_visible()
    assert "lang=en" in page.url
    page.get_by_role("button", name="Deutsch").tap()
    expect(page.get_by_role("heading", name="Cover, die keine Band je hatte")).to_be_visible()
    expect(page.locator(".print.wall")).to_have_count(12)
    context.close()


@pytest.mark.parametrize("code", LANGUAGES)
def test_no_state_of_a_round_shuts_anyone_out(app: RunningApp, browser: Browser, code: str) -> None:
    context = enter(browser)
    page = open_page(context, f"{app.url}/vote?lang={code}")
    for place in range(6):
        ballot(page)
        settled(page)
        states = [barriers(page)] if place == 0 else []
        feel(page, "fear")
        expect(page.locator(".st-key-agree-yes button")).to_be_visible()
        settled(page)
        states += [barriers(page)] if place == 0 else []
        page.locator(".st-key-agree-yes button").click()
        if place == 0:
            ballot(page)
            settled(page)
            states.append(barriers(page))
            page.locator('[class*="st-key-look-again"] button').click()
            expect(page.locator(".st-key-next button")).to_be_visible()
            settled(page)
            states.append(barriers(page))
            page.locator(".st-key-next button").click()
        assert not any(states)
    expect(page.locator(".cards .card")).to_have_count(6)
    settled(page)
    assert barriers(page) == []
    for width, height in (SMALL_PHONE, KIOSK):
        page.set_viewport_size({"width": width, "height": height})
        page.wait_for_timeout(300)
        fits(page)
    context.close()


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_a_newcomer_votes_at_once_and_a_round_takes_few_touches(
    browser: Browser, app: RunningApp, size: tuple[int, int]
) -> None:
    open_page(enter(browser), app.url).context.close()  # The exhibit itself is open when visitors come.
    context = browser.new_context(viewport={"width": size[0], "height": size[1]})
    context.add_init_script(SHIFTS)
    page, taps = context.new_page(), 0
    page.goto(app.url)

    def tap(selector: str) -> None:
        nonlocal taps
        page.locator(selector).first.click()
        taps += 1

    tap('[class*="st-key-felt-awe"] button')
    expect(page.get_by_role("heading", name="You felt")).to_be_visible()
    took = page.evaluate("performance.now()") / 1000
    settled(page)
    shifts = [page.evaluate("shifted")]
    # Where things come more than half a second after a touch, the observer counts what they move.
    context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": 4})
    tap('.stPageLink a[href*="vote"] >> text=Five more like this')
    for _ in range(5):
        tap('[class*="st-key-felt-awe"] button')
        tap(".st-key-agree-yes button")
    expect(page.get_by_role("heading", name="Your round")).to_be_visible()
    shifts.append(page.evaluate("shifted"))
    print(f"first vote after {took:.1f} s, {taps} touches, layout shifts {shifts}")
    assert took < 5 and max(shifts) <= MOST_SHIFT and taps <= MOST_TAPS
    context.close()
