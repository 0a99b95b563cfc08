"""What a visitor does and sees in a real browser."""

from __future__ import annotations

from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from albumjudge.ui.visitor import COOKIE

TIMEOUT = 60_000
"""Milliseconds that a slow machine may take for anything."""
PHONE, TABLET, DESK = (390, 844), (820, 1180), (1440, 900)


def enter(browser: Browser, size: tuple[int, int] = DESK, *, still: bool = True) -> BrowserContext:
    """A new visitor's browser: no cookies, no cache; ``still`` asks for as little motion as possible."""
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]}, reduced_motion="reduce" if still else "no-preference"
    )
    context.set_default_timeout(TIMEOUT)
    return context


def open_page(context: BrowserContext, address: str) -> Page:
    page = context.new_page()
    page.goto(address)
    settled(page)
    return page


def settled(page: Page) -> None:
    """The foot is written last."""
    expect(page.locator(".foot")).to_be_visible()
    expect(page.locator('[data-testid="stApp"]')).to_have_attribute("data-test-script-state", "notRunning")


def fits(page: Page) -> None:
    """Nothing sticks out sideways."""
    assert page.evaluate(
        "(() => { const main = document.querySelector('[data-testid=stMain]');"
        " const all = document.documentElement;"
        " return main.scrollWidth <= main.clientWidth && all.scrollWidth <= innerWidth })()"
    )


EMPTY = """() => {
  const main = document.querySelector('.st-key-room');
  const things = [...main.querySelectorAll('p, h1, h2, h3, img, section, button, a, canvas, svg, input, li, dd')]
    .filter((it) => it.checkVisibility({ visibilityProperty: true }) && it.getBoundingClientRect().height > 1);
  const last = Math.max(...things.map((it) => it.getBoundingClientRect().bottom));
  return Math.max(0, innerHeight - last) / innerHeight;
}"""
MOST_EMPTY = 0.3


def filled(page: Page) -> None:
    """No more than this share of the screen is empty below the last thing on it."""
    assert page.evaluate(EMPTY) <= MOST_EMPTY


def chart(page: Page) -> Locator:
    """The first chart as it is drawn."""
    return page.get_by_test_id("stVegaLiteChart").locator("canvas, svg").first


def go_to(page: Page, room: str, group: str) -> None:
    """Through the doors: on a narrow screen only those of one group are shown."""
    if page.locator(".st-key-groups").is_visible():
        page.get_by_role("link", name=group, exact=True).click()
    page.get_by_role("link", name=room, exact=True).click()


def ballot(page: Page) -> None:
    expect(page.locator('[class*="st-key-felt-"] button')).to_have_count(9)


def feel(page: Page, emotion: str) -> None:
    page.locator(f'[class*="st-key-felt-{emotion}"] button').click()


def press(page: Page, key: str, sign: Locator) -> None:
    """Press a key until the page answers: a button may be seen some moments before it listens to its key."""
    for _ in range(20):
        page.keyboard.press(key)
        try:
            expect(sign).to_be_visible(timeout=TIMEOUT / 20)
        except AssertionError:
            continue
        return
    raise AssertionError(f"The key {key} does nothing.")


def labelled(page: Page, emotion: str) -> None:
    """The vote is in, and the question about the label is asked; of the machine nothing else is shown."""
    expect(page.get_by_role("heading", name="You felt")).to_contain_text(emotion)
    expect(page.locator(".machine.label")).to_be_visible()
    expect(page.get_by_test_id("stVegaLiteChart")).to_have_count(0)


def revealed(page: Page) -> None:
    expect(page.get_by_text("The machine feels mostly amusement")).to_be_visible()
    expect(chart(page)).to_be_visible()


def visitor(context: BrowserContext) -> str | None:
    return next((cookie["value"] for cookie in context.cookies() if cookie["name"] == COOKIE), None)


def known_visitor(page: Page) -> str:
    """Wait until the server has given this browser an id, which scripts cannot read."""
    for _ in range(200):
        if found := visitor(page.context):
            assert COOKIE not in page.evaluate("document.cookie")
            return found
        page.wait_for_timeout(50)
    raise AssertionError("no visitor's cookie was set")
