"""A picture brought by keyboard and phone, kept and taken back; an exhibit closed by its curator."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, expect

from tests.e2e.conftest import RunningApp, served
from tests.e2e.visits import DESK, PHONE, chart, enter, filled, fits, open_page, settled

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


def photo() -> bytes:
    file = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 256, (300, 400, 3), np.uint8)
    Image.fromarray(pixels).save(file, "JPEG")
    return file.getvalue()


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_a_picture_is_brought_kept_and_taken_back(
    browser: Browser, app: RunningApp, size: tuple[int, int]
) -> None:
    page = open_page(enter(browser, size), f"{app.url}/your_picture")
    chooser = page.locator("input[type=file]")
    chooser.set_input_files({"name": "x.heic", "mimeType": "image/heic", "buffer": b"\0\0\0\x18ftypheic"})
    expect(page.get_by_role("alert")).to_contain_text("Save it as JPEG")
    chooser.set_input_files({"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": photo()})
    seen = page.locator(".print.large img")
    expect(seen).to_be_visible()
    assert seen.evaluate("image => image.naturalWidth") == 64
    assert seen.evaluate("image => getComputedStyle(image).imageRendering") == "pixelated"
    expect(chart(page)).to_be_visible()
    settled(page)
    fits(page)
    keep = page.get_by_role("button", name="Keep my picture for the exhibit")
    keep.focus()
    page.keyboard.press("Enter")
    back = page.get_by_role("button", name="Take it back")
    expect(back).to_be_visible()
    box = back.bounding_box()
    assert box and box["height"] >= 44
    page.reload()
    settled(page)
    expect(back).to_be_visible()
    back.click()
    expect(back).to_have_count(0)
    page.context.close()


@pytest.fixture
def curated_app(tmp_path: Path) -> Iterator[RunningApp]:
    with served(tmp_path, {"ALBUMJUDGE_CURATOR_PASSWORD": "open sesame"}) as running:
        yield running


def test_a_curator_closes_the_exhibit(browser: Browser, curated_app: RunningApp) -> None:
    page = open_page(enter(browser, PHONE), f"{curated_app.url}/curator")
    expect(page.get_by_role("heading", name="Curator")).to_be_visible()
    expect(page.get_by_role("link", name="Curator")).to_have_count(0)
    password = page.get_by_label("Password", exact=True)
    page.set_viewport_size({"width": DESK[0], "height": DESK[1]})
    filled(page)
    password.fill("sesame, open")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("not the password")
    password.fill("open sesame")
    page.keyboard.press("Enter")
    for section in ("Visitors", "Anchors", "Submissions", "Votes", "State", "Opening"):
        page.get_by_role("radio", name=section, exact=True).click()
        settled(page)
        for width, height in (PHONE, DESK):
            page.set_viewport_size({"width": width, "height": height})
            fits(page)
        filled(page)
    page.get_by_role("button", name="Close the exhibit").click()
    expect(page.get_by_role("status").filter(has_text="The exhibit is closed.")).to_be_visible()
    visitor = open_page(enter(browser), f"{curated_app.url}/vote")
    expect(visitor.get_by_text("takes no votes")).to_be_visible()
    expect(visitor.locator('[class*="st-key-felt-"]')).to_have_count(0)
    visitor.context.close()
    page.context.close()
