"""How it works: measured tables come from the files beside the weights, and every term is explained."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from albumjudge.domain.cover import CoverIdentity
from albumjudge.inference.exhibit import Exhibit
from albumjudge.inference.film import Frame
from albumjudge.inference.growth import PROPERTIES
from albumjudge.ui import prints
from albumjudge.ui import shell as room
from albumjudge.ui.knobs import FIRST_SEED
from tests.pages_fixtures import *  # noqa: F403
from tests.pages_fixtures import Visit, press, text

PAGE = "how_it_works"
TABLE = {
    "this judge": {"kl": 0.25, "top1": 0.5, "pictures": 280},
    "predict the mean": {"kl": 0.4, "top1": 0.25},
}
HISTORY = [{"epoch": n, "loss_generator": 2.0 - n, "loss_discriminator": 1.0} for n in range(3)]


def board(app: AppTest) -> str:
    """HTML of the knob board's cover and layers."""
    return "".join(part.value for part in app.html if "print large" in part.value or "layers" in part.value)


def links(app: AppTest) -> dict[str, str]:
    return {link.proto.label: link.proto.query_string for link in app.get("page_link")}


@pytest.fixture
def beside_the_weights(exhibit: Exhibit, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Put metrics and a history beside the judge's weights."""

    def put(
        metrics: dict[str, Any], history: list[Any] | None = None, jurors: list[Any] | None = None
    ) -> None:
        known = exhibit.checkpoints["judge"]
        training = {**known.training, "jurors": jurors or []}
        judge = replace(known, metrics=metrics, history=history or [], training=training)
        checkpoints = {"generator": exhibit.checkpoints["generator"], "judge": judge}
        monkeypatch.setattr(Exhibit, "checkpoints", property(lambda self: checkpoints))

    return put


@pytest.mark.slow
def test_without_measurements_the_page_says_so_and_no_hash_is_in_sight(
    visit: Visit, exhibit: Exhibit
) -> None:
    page = text(visit(PAGE))
    assert "No measurements" not in page
    painter, jury = text(visit(PAGE, all="painter")), text(visit(PAGE, all="jury"))
    assert "No measurements lie beside the painter’s weights." in painter
    assert "No measurements lie beside the judge’s weights." in jury
    for shown in (page, painter, jury):
        shown = shown.partition("<footer")[0]
        assert exhibit.painter.revision not in shown and exhibit.judge.revision not in shown


def test_measured_tables_are_shown_and_explained(
    visit: Visit, beside_the_weights: Callable[..., None]
) -> None:
    beside_the_weights({"cross_validation": {"what": "Five folds.", "rows": TABLE}, "fit": TABLE}, HISTORY)
    app = visit(PAGE, all="jury")
    page = text(app)
    assert "Five folds." in page and "Fit" in page and "this judge" in page and "predict the mean" in page
    assert '<td class="best">0.250</td>' in page and '<td class="best">50 %</td>' in page
    assert "<dt>KL (nats)</dt>" in page and "Lower is better." in page
    assert page.count('<details name="measured"') == 2 and page.count('<details name="measured" open>') == 1
    assert len(app.get("vega_lite_chart")) == 2


@pytest.mark.slow
def test_odd_files_beside_the_weights_do_no_harm(
    visit: Visit, beside_the_weights: Callable[..., None]
) -> None:
    odd = {"date": "today", "rows": {}, "x": {"y": [1, 2], "<b>": {"a": {"kl": None}}}, "benchmark": 3}
    beside_the_weights(odd, ["x", {}, 3])
    assert "<b>" not in text(visit(PAGE, all="jury"))


def test_every_room_has_a_door_and_a_group(visit: Visit) -> None:
    labels = [link.proto.label for link in visit(PAGE).get("page_link")]
    assert labels[: len(room.ROOMS) + 4] == [*room.ROOMS.values(), *room.GROUPS]
    assert sorted(file for files in room.GROUPS.values() for file in files) == sorted(room.ROOMS)


@pytest.mark.slow
def test_the_jury_its_lives_and_its_ceiling(visit: Visit, beside_the_weights: Callable[..., None]) -> None:
    rows = {
        "mean_prediction": {"top1": 0.28, "intersection": 0.59},
        "jury": {"top1": 0.44, "intersection": 0.65},
        "vote_noise": {"top1": 0.62, "intersection": 0.74},
    }
    jurors = [{"name": "the homebody", "description": "Knows no paintings but these."}] * 2
    beside_the_weights({"benchmark": {"what": "Five times.", "rows": rows}, "on_covers": {}}, jurors=jurors)
    assert "Knows no paintings but these." in text(visit(PAGE, all="jurors"))
    app = visit(PAGE, all="jury")
    page = text(app)
    assert "not one judge but 2" in page
    assert "<dd>44</dd>" in page and "finds 28, and a perfect judge 62" in page and "Five times." in page
    assert len(app.get("vega_lite_chart")) == 3


def test_a_turned_knob_paints_another_cover_that_has_a_link(visit: Visit, exhibit: Exhibit) -> None:
    app = visit(PAGE)
    before = board(app)
    start = CoverIdentity(exhibit.painter.revision, FIRST_SEED)
    assert links(app)["Ask the jury about it"] == f"cover={start}"
    app.slider(key="knob-brightness").set_value(4.0).run()
    turned = exhibit.turn(start, [4.0, 0, 0, 0, 0, 0])
    assert links(app)["Ask the jury about it"] == f"cover={turned}"
    page = board(app)
    assert page != before and prints.picture(exhibit.grow(turned).cover) in page
    assert page.count('class="channels"') == 4 and "4 × 4, 32 channels" in page
    assert board(press(app, "to-the-middle")) == before
    press(app, "turn-all")
    assert {app.slider(key=f"knob-{name}").value for name in PROPERTIES} != {0.0}
    press(app, "another-start")
    assert {app.slider(key=f"knob-{name}").value for name in PROPERTIES} == {0.0} and board(app) != before


@pytest.mark.slow
def test_without_a_dcgan_there_is_no_board(
    visit: Visit, exhibit: Exhibit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exhibit, "_loaded", replace(exhibit._pair, painter=exhibit.painters[1]))
    monkeypatch.setattr(exhibit, "_guests", ())
    app = visit(PAGE)
    assert not app.slider and 'class="layers"' not in text(app)


@pytest.mark.slow
def test_the_film_of_the_training_can_be_wound(
    visit: Visit, exhibit: Exhibit, monkeypatch: pytest.MonkeyPatch
) -> None:
    moments = tuple(Frame(seen, recipe, bytes([seen])) for seen, recipe in ((0, "dcgan"), (9, "flow")))
    monkeypatch.setattr("albumjudge.ui.rooms.measured.read_film", lambda _: moments)
    app = visit("how_it_works")
    assert "as painted after 9 real ones" in text(app) and "find latents in noise" in text(app)
    app.select_slider(key="frame").set_value("0").run()
    assert "as painted after 0 real ones" in text(app) and "painters did in 2015" in text(app)
