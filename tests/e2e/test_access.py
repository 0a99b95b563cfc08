"""All rooms in a real browser: no serious finding of axe, no door cut off, and the way from cover to results.

The last of them is the one browser test of the fast suite.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import RunningApp, generator_of
from tests.e2e.visits import (
    DESK,
    PHONE,
    TABLET,
    ballot,
    chart,
    enter,
    feel,
    fits,
    go_to,
    labelled,
    open_page,
    press,
    revealed,
    settled,
)
from tests.vote_fixtures import cast_one, judged

pytestmark = pytest.mark.e2e

SECTIONS = ("agree", "emotions", "emotion", "covers", "percentages", "dialogue", "left-out")
ROOMS = {
    "the stage": "?wall=5",
    "a cover": "?cover={a}",
    "a ballot": "vote",
    "the dialogue": "dialogue?cover={a}",
    "breeding": "breed?a={a}&b={b}",
    "the jury room": "jury_room?cover={a}",
    "your picture": "your_picture",
    "the painters": "painters_duel",
    "the wall of the day": "wall_of_the_day",
    "a portrait": "portrait",
    "people and machine": "people_vs_machine",
    **{f"people and machine, {name}": f"people_vs_machine?all={name}" for name in SECTIONS},
    "how it works": "how_it_works",
    "how it works, all tables": "how_it_works?all=jury",
    "a waiting kiosk": "?kiosk=1&attract=1",
}


SIZES = (PHONE, TABLET, DESK)
THUMB = 44
"""Pixels that anything to be touched is wide and high at least."""
TOO_SMALL = f"""() => {{
  const touched = "button, a[href], [role=radio], [data-testid=stCheckbox] label";
  // A select opens wherever it is touched, not on its arrow alone; links within a sentence are as high as that.
  const within = "[data-testid=stSelectbox], p";
  const small = [];
  for (const it of document.querySelectorAll(touched)) {{
    const {{ width, height }} = it.getBoundingClientRect();
    if (width <= 1 || height <= 1 || it.closest(within)) continue;
    if (Math.round(width) < {THUMB} || Math.round(height) < {THUMB})
      small.push(`${{it.ariaLabel ?? it.textContent}}: ${{Math.round(width)}} x ${{Math.round(height)}}`);
  }}
  return small;
}}"""


@pytest.fixture(scope="module")
def visitor(app: RunningApp, browser: Browser) -> Iterator[Page]:
    """One visitor who walks through all rooms; a new one for each room and size would take minutes."""
    for seed in range(3):
        cast_one(app.box, f"v{seed}", judged=judged(seed, generator=generator_of(app)))
    # Where the exhibit and its networks are still being opened there is nothing to look at yet.
    context = enter(browser, PHONE)
    page = open_page(context, app.url)
    yield page
    context.close()


@pytest.mark.slow
def test_every_room_is_two_touches_away_at_most_and_no_line_of_doors_is_cut_off(
    app: RunningApp, visitor: Page
) -> None:
    page = visitor
    page.goto(f"{app.url}/how_it_works")
    settled(page)
    doors, groups = page.locator(".st-key-doors a:visible"), page.locator(".st-key-groups a:visible")
    for (width, height), shown in zip(SIZES, ((3, 4), (3, 4), (11, 0)), strict=True):
        page.set_viewport_size({"width": width, "height": height})
        expect(doors).to_have_count(shown[0])
        expect(groups).to_have_count(shown[1])
        for line in (doors, groups):
            boxes = [box for door in line.all() if (box := door.bounding_box())]
            assert len({round(box["y"]) for box in boxes}) <= 1
            assert all(box["x"] >= 0 and box["x"] + box["width"] <= width for box in boxes)
    page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    for group, rooms in {"Play": 3, "Find out": 3}.items():
        page.get_by_role("link", name=group, exact=True).click()
        expect(doors).to_have_count(rooms)


@pytest.mark.slow
@pytest.mark.parametrize("path", ROOMS.values(), ids=ROOMS)
def test_no_room_shuts_anyone_out(app: RunningApp, visitor: Page, path: str) -> None:
    painter, page = generator_of(app), visitor
    page.goto(f"{app.url}/{path.format(a=f'{painter}.17', b=f'{painter}.18')}")
    settled(page)
    expect(page.locator('[data-testid="stSpinner"], [data-testid="stSkeleton"]')).to_have_count(0)
    found = [
        f"{violation['id']}: {violation['help']} ({violation['nodes'][0]['html'][:200]})"
        for violation in Axe().run(page).response["violations"]
        if violation["impact"] in ("serious", "critical")
    ]
    assert found + page.evaluate(TOO_SMALL) == []
    fits(page)


def disagree(page: Page, picture: Callable[[str], None]) -> None:
    """The answer about the label, the next cover, and the reveal of the one before."""
    page.get_by_role("button", name="No, I do not").click()
    ballot(page)
    settled(page)
    picture("next-cover")
    page.get_by_role("button", name="Look at it again").click()
    expect(page.get_by_text("You do not agree with the label")).to_be_visible()
    revealed(page)
    picture("reveal")


def find_out(page: Page, votes: int, picture: Callable[[str], None]) -> None:
    """The story of people and machine, all the statistics, and how it works."""
    go_to(page, "People vs. machine", "Find out")
    expect(page.get_by_text(f"{votes} votes so far")).to_be_visible()
    expect(page.locator(".three section")).to_have_count(3)
    expect(chart(page)).to_be_attached()
    settled(page)
    picture("people")
    page.get_by_role("radio", name="Do they agree?").click()
    expect(page.locator(".counts")).to_contain_text(f"{votes}")
    settled(page)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    expect(page.get_by_role("heading", name="Emotion by emotion")).to_be_attached()
    assert page.url.endswith("all=emotions")
    settled(page)
    picture("statistics")

    go_to(page, "How it works", "Find out")
    expect(page.get_by_role("heading", name="The judge")).to_be_visible()
    settled(page)
    picture("how")


@pytest.mark.parametrize(
    "size",
    [
        pytest.param(PHONE, id="phone", marks=pytest.mark.slow),
        pytest.param(TABLET, id="tablet", marks=pytest.mark.slow),
        pytest.param(DESK, id="desk"),
    ],
)
def test_generate_choose_vote_reveal_results(
    browser: Browser, app: RunningApp, screenshots: Path, size: tuple[int, int]
) -> None:
    context = enter(browser, size)
    outside: list[str] = []
    context.on(
        "request",
        lambda request: (
            outside.append(request.url)
            if not request.url.startswith((app.url, app.url.replace("http", "ws"), "data:", "blob:"))
            else None
        ),
    )

    def picture(name: str) -> None:
        fits(page)
        page.screenshot(path=f"{screenshots}-{name}.png")

    page = open_page(context, app.url)
    ballot(page)
    expect(page.locator(".print")).to_have_count(1)
    picture("door")
    feel(page, "awe")
    revealed(page)
    picture("first-answer")
    page.get_by_role("button", name="To the wall").click()
    prints = page.locator(".print.wall")
    expect(prints).to_have_count(12)
    settled(page)
    first = prints.first.locator(".number").inner_text()
    page.get_by_role("button", name="Paint new covers").click()
    expect(prints.first.locator(".number")).not_to_have_text(first)
    settled(page)
    expect(prints).to_have_count(12)
    picture("stage")

    number = prints.nth(4).locator(".number").inner_text()
    page.get_by_role("button", name="This one").nth(4).click()
    expect(page.locator(".print.large .number")).to_contain_text(number)
    expect(page.locator("h1")).to_contain_text("amusement")
    expect(chart(page)).to_be_visible()
    picture("chosen")

    before = app.box.count()
    page.get_by_role("link", name="Vote on another cover").click()
    ballot(page)
    settled(page)
    expect(page.get_by_test_id("stVegaLiteChart")).to_have_count(0)
    picture("ballot")
    press(page, "6", page.locator(".machine.label"))
    labelled(page, "awe")
    assert app.box.count() == before + 1 and app.box.votes()[-1].felt == "awe"
    picture("label")
    disagree(page, picture)

    find_out(page, before + 1, picture)
    assert outside == []
    context.close()
