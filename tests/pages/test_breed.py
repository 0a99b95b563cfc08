"""Breed: choosing two covers, what lies between them, their children, the way back."""

from __future__ import annotations

import re

import pytest
from streamlit.testing.v1 import AppTest

from albumjudge.domain import breeding
from albumjudge.domain.breeding import Birth, Lineage, Pair
from albumjudge.domain.cover import CoverIdentity
from albumjudge.inference.exhibit import Exhibit
from albumjudge.ui import morph_slider as morph
from albumjudge.ui import prints
from tests.pages_fixtures import *  # noqa: F403
from tests.pages_fixtures import Visit, press, query, text

SIZE = 8


@pytest.fixture
def pair(exhibit: Exhibit) -> Pair:
    return Pair(*(CoverIdentity(exhibit.painter.revision, seed) for seed in (4711, 815)))


def breed(visit: Visit, lineage: Lineage) -> AppTest:
    link = {"a": str(lineage.first.left), "b": str(lineage.first.right), "line": lineage.line}
    return visit("breed", **{name: value for name, value in link.items() if value})


def sources(page: str) -> list[str]:
    """The pictures on a page, in their order."""
    return re.findall(r'src="(data:image/png[^"]+)"', page)


def source(exhibit: Exhibit, identity: CoverIdentity) -> str:
    return sources(prints.framed(exhibit.show_identity(identity).cover, size="wall"))[0]


def raise_child(app: AppTest, place: int) -> AppTest:
    (button,) = [b for b in app.button if re.fullmatch(rf"raise-[0-9-]*-{place}", b.key or "")]
    return button.click().run()


def test_two_covers_are_chosen_from_the_wall(visit: Visit) -> None:
    app = visit("breed")
    assert "Choose two covers" in text(app)
    first, second, *_ = [b.key for b in app.button if (b.key or "").startswith("take-")]
    press(app, str(first))
    assert "Now choose a second one" in text(app) and "the left parent" in text(app)
    assert first not in [b.key for b in app.button]  # A cover is no partner for itself.
    press(app, str(second))
    assert "Six children" in text(app)
    seeds = [CoverIdentity.parse(query(app, name)).seed for name in ("a", "b")]
    assert [f"take-{seed}" for seed in seeds] == [first, second]


@pytest.mark.slow
def test_a_cover_that_came_by_link_waits_for_a_partner_of_its_painter(visit: Visit, exhibit: Exhibit) -> None:
    guest = CoverIdentity(exhibit.painters[1].revision, 7, "jazz")
    app = visit("breed", a=str(guest))
    assert source(exhibit, guest) in text(app)
    press(app, str(next(b.key for b in app.button if (b.key or "").startswith("take-"))))
    assert query(app, "a") == str(guest)
    assert CoverIdentity.parse(query(app, "b")).generator == guest.generator
    assert "the order changes from jazz to any sleeve" in text(app)


def test_the_frames_of_the_way_carry_the_jurys_distribution(exhibit: Exhibit, pair: Pair) -> None:
    data = morph.payload(exhibit.show_each(breeding.way(pair, SIZE)))
    frames = data["frames"]
    assert len(frames) == breeding.PLACES
    assert [frame["where"] for frame in (frames[0], frames[3], frames[-1])] == [
        "wholly the left one",
        "75 % left, 25 % right",
        "wholly the right one",
    ]
    assert frames[0]["source"] == source(exhibit, pair.left)
    assert len({frame["source"] for frame in frames}) == breeding.PLACES
    names = [emotion["name"] for emotion in data["emotions"]]
    place = names.index("amusement")
    assert frames[5]["said"][place] == "51 %" and frames[5]["shares"][place] == pytest.approx(0.85)
    assert "mostly amusement" in frames[5]["feeling"]


@pytest.mark.slow
def test_a_place_on_the_way_opens_on_the_stage(
    visit: Visit, exhibit: Exhibit, pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(morph, "slide", lambda way: 4)
    app = breed(visit, Lineage(pair))
    identity = breeding.way(pair, SIZE)[4]
    assert source(exhibit, identity) in text(app) and "Download" in str(app.get("download_button"))


@pytest.mark.slow
def test_six_children_hang_with_links_to_the_stage(visit: Visit, exhibit: Exhibit, pair: Pair) -> None:
    app = breed(visit, Lineage(pair))
    children = breeding.litter(pair, SIZE, mutation=8)
    page = text(app)
    for number, child in enumerate(children, start=1):
        assert source(exhibit, child.identity) in page and f"Child {number}<" in page
        assert morph.where(child.place) in page
    links = [link.proto.query_string for link in app.get("page_link") if link.proto.query_string]
    assert [link.removeprefix("cover=") for link in links] == [str(child.identity) for child in children]
    assert "The way here" not in page


@pytest.mark.slow
def test_mutation_and_another_litter_change_the_children(visit: Visit, exhibit: Exhibit, pair: Pair) -> None:
    app = breed(visit, Lineage(pair))
    app.select_slider(key="mutation").set_value("a lot").run()
    wild = breeding.litter(pair, SIZE, mutation=35)
    assert source(exhibit, wild[2].identity) in text(app)
    press(app, "six-others")
    others = breeding.litter(pair, SIZE, number=1, mutation=35)
    assert source(exhibit, others[2].identity) in text(app)
    assert source(exhibit, wild[2].identity) not in text(app)
    raise_child(app, 2)
    assert query(app, "line") == "2.35.1"


def test_a_line_grows_is_kept_by_its_link_and_walks_back(visit: Visit, exhibit: Exhibit, pair: Pair) -> None:
    app = breed(visit, Lineage(pair))
    raise_child(app, 1)
    child = breeding.litter(pair, SIZE, mutation=8)[1].identity
    assert query(app, "line") == "1.8.0"
    assert source(exhibit, child) in text(app) and "Generation 1" in text(app)
    press(app, "stranger")
    assert re.fullmatch(r"1\.8\.0_s[0-9]+", query(app, "line"))
    raise_child(app, 4)
    data = Lineage.read(str(pair.left), str(pair.right), query(app, "line"))
    assert len(data.steps) == 3 and data.steps[0] == Birth(1, 8, 0)

    again = breed(visit, data)
    assert sources(text(again)) == sources(text(app))
    press(again, "back-1")
    assert query(again, "line") == "1.8.0" and "Generation 2" not in text(again)
    press(again, "one-step-back")
    assert "line" not in again.query_params and "The way here" not in text(again)


@pytest.mark.slow
def test_the_pair_waits_while_the_visitor_is_in_another_room(visit: Visit, pair: Pair) -> None:
    app = breed(visit, Lineage(pair, (Birth(0, 0, 0),)))
    app.query_params.clear()
    app.run()
    assert query(app, "a") == str(pair.left) and query(app, "line") == "0.0.0"
    press(app, "another-pair")
    assert "Choose two covers" in text(app) and not app.query_params
