"""Every room as axe sees it, on a phone, a tablet and a desk: no serious finding."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import RunningApp, generator_of
from tests.e2e.visits import DESK, PHONE, TABLET, enter, fits, open_page, settled

ROOMS = {
    "the stage": "?wall=5",
    "a cover": "?cover={a}",
    "a ballot": "vote",
    "the dialogue": "dialogue?cover={a}",
    "breeding": "breed?a={a}&b={b}",
    "the jury room": "jury_room?cover={a}",
    "your picture": "your_picture",
    "the painters": "painters_duel",
    "a portrait": "portrait",
    "people and machine": "people_vs_machine",
    "how it works": "how_it_works",
    "a waiting kiosk": "?kiosk=1&attract=1",
}


SIZES = (PHONE, TABLET, DESK)
THUMB = 44
"""Pixels that anything to be touched is wide and high at least."""
TOO_SMALL = f"""() => {{
  const touched = "button, a[href], [role=radio], [data-testid=stCheckbox] label";
  // A select opens wherever it is touched, not on its arrow alone; links within a sentence are as high as that.
  const within = "[data-testid=stSelectbox], p, [data-testid=stCode]";
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
    # Where the exhibit and its networks are still being opened there is nothing to look at yet.
    context = enter(browser, PHONE)
    page = open_page(context, app.url)
    yield page
    context.close()


def test_every_room_is_two_touches_away_at_most_and_no_line_of_doors_is_cut_off(
    app: RunningApp, visitor: Page
) -> None:
    page = visitor
    page.goto(f"{app.url}/how_it_works")
    settled(page)
    doors, groups = page.locator(".st-key-doors a:visible"), page.locator(".st-key-groups a:visible")
    for (width, height), shown in zip(SIZES, ((3, 4), (3, 4), (10, 0)), strict=True):
        page.set_viewport_size({"width": width, "height": height})
        expect(doors).to_have_count(shown[0])
        expect(groups).to_have_count(shown[1])
        for line in (doors, groups):
            boxes = [box for door in line.all() if (box := door.bounding_box())]
            assert len({round(box["y"]) for box in boxes}) <= 1
            assert all(box["x"] >= 0 and box["x"] + box["width"] <= width for box in boxes)
    page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    for group, rooms in {"Look": 2, "Play": 3}.items():
        page.get_by_role("link", name=group, exact=True).click()
        expect(doors).to_have_count(rooms)


@pytest.mark.parametrize(
    "sizes", [(PHONE,), pytest.param((TABLET, DESK), marks=pytest.mark.slow)], ids=["phone", "larger"]
)
@pytest.mark.parametrize("path", ROOMS.values(), ids=ROOMS)
def test_no_room_shuts_anyone_out(
    app: RunningApp, visitor: Page, path: str, sizes: tuple[tuple[int, int], ...]
) -> None:
    painter, page = generator_of(app), visitor
    page.set_viewport_size({"width": sizes[0][0], "height": sizes[0][1]})
    page.goto(f"{app.url}/{path.format(a=f'{painter}.17', b=f'{painter}.18')}")
    settled(page)
    expect(page.locator('[data-testid="stSpinner"], [data-testid="stSkeleton"]')).to_have_count(0)
    found = []
    for width, height in sizes:
        page.set_viewport_size({"width": width, "height": height})
        found += [
            f"{width} px, {violation['id']}: {violation['help']} ({violation['nodes'][0]['html'][:200]})"
            for violation in Axe().run(page).response["violations"]
            if violation["impact"] in ("serious", "critical")
        ]
        found += page.evaluate(TOO_SMALL)
        fits(page)
    assert found == []
