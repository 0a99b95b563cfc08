"""Preview cards of shared links: what the server sends, to whom, and how long it may be kept."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from datetime import date

import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient

from albumjudge.inference.exhibit import Exhibit
from albumjudge.server import app as server
from albumjudge.server import share
from albumjudge.ui import shell
from albumjudge.ui.rooms import day as days
from albumjudge.ui.visitor import COOKIE
from albumjudge.voting.database import VoteError
from albumjudge.voting.days import DayStore, day_round_id
from albumjudge.voting.votes import VoteStore
from tests.pages_fixtures import *  # noqa: F403
from tests.pages_fixtures import VISITOR

TODAY = date(2026, 11, 28)
PAGE, PICTURE = "/share/day/2026-11-28", "/share/day/2026-11-28.png"


@pytest.fixture
def client(box: VoteStore, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    monkeypatch.setattr(days, "today", lambda: TODAY)
    monkeypatch.setattr(shell, "engine", lambda: box.engine)
    share._drawn.cache_clear()
    yield TestClient(Starlette(routes=server.ROUTES, middleware=server.MIDDLEWARE))
    share._drawn.cache_clear()


def tags(html: str) -> dict[str, str]:
    return dict(re.findall(r'<meta (?:property|name)="([^"]+)" content="([^"]*)"', html))


def test_a_link_has_its_card_in_the_html_that_the_server_sends(client: TestClient) -> None:
    answer = client.get(PAGE, headers={"Host": "exhibit.example", "X-Forwarded-Proto": "https"})
    found = tags(answer.text)
    assert found["og:title"] == "The wall of 28 November 2026" and found["twitter:card"]
    assert found["og:url"] == f"https://exhibit.example{PAGE}"
    assert found["og:image"] == f"https://exhibit.example{PICTURE}"
    assert found["og:description"] and "url=../../wall_of_the_day?day=2026-11-28" in answer.text
    assert "<script" not in answer.text and "default-src" in answer.headers["Content-Security-Policy"]


def test_the_picture_is_of_the_six_covers(client: TestClient, exhibit: Exhibit) -> None:
    answer = client.get(PICTURE)
    assert answer.headers["Content-Type"] == "image/png" and "public" in answer.headers["Cache-Control"]
    image = Image.open(io.BytesIO(answer.content))
    assert image.size == (1200, 630)
    first = exhibit.show_each(days.wall(TODAY).covers)[0].cover.pixels
    assert image.getpixel((1200 - 46 - 3 * 256 - 2 * 14 + 2, 52 + 2)) == tuple(first[0, 0])


def test_no_shared_cache_keeps_a_page_that_may_carry_a_cookie(client: TestClient) -> None:
    client.cookies.set(COOKIE, VISITOR)
    answer = client.get(PAGE)
    assert "Set-Cookie" in answer.headers and answer.headers["Cache-Control"].startswith("private")
    assert "Set-Cookie" not in client.get(PICTURE).headers


@pytest.mark.parametrize(
    "day", ["2026-11-29", "2026-11-27", "20261128", "2026-13-01", "%22%3E%3Cscript%3Ealert(1)"]
)
def test_a_day_without_a_wall_is_a_sentence(client: TestClient, day: str) -> None:
    answer = client.get(f"/share/day/{day}")
    assert answer.status_code == 404 and "No wall hung on that day." in answer.text
    assert "script" not in answer.text and "og:image" not in answer.text
    assert client.get(f"/share/day/{day}.png").status_code == 404


def test_a_past_day_hangs_while_somebody_voted_on_it(
    client: TestClient, box: VoteStore, exhibit: Exhibit
) -> None:
    yesterday = date(2026, 11, 27)
    judged = exhibit.show_identity(days.wall(yesterday).covers[0])
    box.cast(
        visitor="bob",
        judged=judged,
        felt="awe",
        label_shown=judged.verdict.top,
        seconds_to_vote=1,
        round_id=day_round_id("bob", yesterday),
    )
    assert "27 November 2026" in client.get(f"/share/day/{yesterday}").text
    assert client.get(f"/share/day/{yesterday}.png").status_code == 200


def test_a_link_speaks_the_language_of_who_shared_it_and_nothing_of_it_becomes_markup(
    client: TestClient,
) -> None:
    answer = client.get(f"{PAGE}?lang=de")
    assert 'lang="de"' in answer.text and "28. November 2026" in answer.text
    assert "wall_of_the_day?day=2026-11-28&amp;lang=de" in answer.text
    assert tags(answer.text)["og:image"].endswith(".png?lang=de")
    evil = '"><script>alert(1)</script>'
    answer = client.get(f"{PAGE}?lang={evil}&x={evil}", headers={"Host": f"a{evil}"})
    assert answer.status_code == 200 and "<script" not in answer.text and 'lang="en"' in answer.text


def test_without_a_database_there_is_a_sentence(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise VoteError("The disk is full.")

    monkeypatch.setattr(DayStore, "painter", fail)
    assert client.get(PAGE).status_code == client.get(PICTURE).status_code == 503
