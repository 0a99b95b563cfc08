"""Take the picture of the stage that the README shows, from an exhibit that is running on this machine.

    make run                                    # in one terminal
    .venv/bin/python docs/take_screenshot.py        # in another one

The wall is always the same one, so that only what has changed changes the picture.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from playwright.sync_api import expect, sync_playwright

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PICTURE = Path(__file__).with_name("screenshot.png")
WIDTH, HEIGHT = 1440, 900
TIMEOUT = 120_000
"""Milliseconds that a slow machine may take to open the exhibit and paint the wall."""


def take(address: str, wall: int, to: Path) -> None:
    """Write the stage as PNG, ``WIDTH`` x ``HEIGHT`` pixels.

    Args:
        address: of the exhibit.
        wall: number of the wall.
        to: file to write.
    """
    expect.set_options(timeout=TIMEOUT)
    with sync_playwright() as playwright:
        found = next(filter(None, map(shutil.which, BROWSERS)), None)
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, reduced_motion="reduce")
        page.goto(f"{address.rstrip('/')}/?wall={wall}")
        expect(page.locator(".print.wall")).to_have_count(12)
        expect(page.locator(".foot")).to_be_attached()
        expect(page.locator('[data-testid="stApp"]')).to_have_attribute(
            "data-test-script-state", "notRunning"
        )
        page.screenshot(path=to)
        browser.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--address", default="http://localhost:8501")
    parser.add_argument("--wall", type=int, default=4)
    parser.add_argument("--to", type=Path, default=PICTURE)
    given = parser.parse_args()
    take(given.address, given.wall, given.to)
    print(given.to)


if __name__ == "__main__":
    main()
