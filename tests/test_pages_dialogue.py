"""The dialogue's page: pick a cover, wish, watch, undo."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from albumjudge.covers import CoverIdentity
from albumjudge.exhibit import Exhibit
from albumjudge.judging import JudgedCover, Verdict
from albumjudge.steering import Wish
from tests.pages_fixtures import *  # noqa: F403
from tests.pages_fixtures import FEELING, Visit, press, query, text

SADDER = (0.3, 0.07, 0.07, 0.07, 0.07, 0.07, 0.07, 0.28)


@pytest.fixture
def walks(exhibit: Exhibit, monkeypatch: pytest.MonkeyPatch) -> list[Wish]:
    """Every walk takes two steps towards sadness; the wishes are noted."""
    wishes: list[Wish] = []

    def steer(start: CoverIdentity, wish: Wish) -> Iterator[JudgedCover]:
        wishes.append(wish)
        here = start.latents(8)
        for step in (1, 2):
            cover = exhibit.painter.paint_each([start.at(here + 0.4 * step)])[0]
            yield JudgedCover(cover, Verdict(SADDER, exhibit.judge.revision))

    monkeypatch.setattr(exhibit, "steer", steer)
    return wishes


def test_a_few_covers_are_offered_and_others_on_request(visit: Visit) -> None:
    app = visit("dialogue")
    before = re.findall(r"No\. (\d{6})", text(app))
    assert len(before) == 6
    press(app, "others")
    assert set(before).isdisjoint(re.findall(r"No\. (\d{6})", text(app)))
    seed = int(re.findall(r"No\. (\d{6})", text(app))[2])
    press(app, f"pick-{seed}")
    assert query(app, "cover").endswith(f".{seed}")
    assert "Ask for more" in text(app)


def test_a_wish_leads_to_a_cover_with_a_link_of_its_own(
    visit: Visit, exhibit: Exhibit, walks: list[Wish]
) -> None:
    start = CoverIdentity(exhibit.painter.revision, 7)
    app = visit("dialogue", cover=str(start))
    app.select_slider(key="dialogue-strength").set_value("much more").run()
    app.slider(key="dialogue-leash").set_value(3.0).run()
    press(app, "felt-sadness-")
    assert walks == [Wish("sadness", 1.0, 3.0)]
    now = CoverIdentity.parse(query(app, "cover"))
    assert (now.seed, now) != (7, start) and now.seed == 7 and now.drift
    assert "7% at the beginning, 7% now" in text(
        app
    )  # The page's judge feels the same in front of every cover.
    assert text(visit("dialogue", cover=str(now))).count("Ask for more") == 1
    assert f"{FEELING[0]:.0%}" == "51%"


def test_steps_can_be_undone_one_by_one_and_at_once(
    visit: Visit, exhibit: Exhibit, walks: list[Wish]
) -> None:
    start = str(CoverIdentity(exhibit.painter.revision, 7))
    app = visit("dialogue", cover=start)
    links = [start]
    for _ in range(3):
        press(app, "felt-sadness-")
        links.append(query(app, "cover"))
    assert len(set(links)) == 4
    press(app, "undo")
    assert query(app, "cover") == links[2]
    press(app, "to-the-beginning")
    assert query(app, "cover") == start
    assert "at the beginning" not in text(app)


def test_where_no_step_leads_on_the_page_says_so(visit: Visit, exhibit: Exhibit) -> None:
    """The tests' judge has no slope at all."""
    app = press(visit("dialogue", cover=str(CoverIdentity(exhibit.painter.revision, 7))), "felt-awe-")
    assert "the painter knows no way to awe" in text(app)
    assert query(app, "cover").endswith(".7")


@pytest.mark.parametrize("link", ["nonsense", "gone-12345678.7", "<b>"])
def test_a_cover_that_nobody_can_change_gets_a_sentence(visit: Visit, link: str) -> None:
    app = visit("dialogue", cover=link)
    assert "Nobody here can change this cover" in text(app) and "<b>" not in text(app).replace("<b class", "")
    press(app, "pick-another")
    assert len(re.findall(r"No\. \d{6}", text(app))) == 6
