"""Charts: sides, scales, numbers and the words for who cannot see them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from albumjudge.domain.emotions import EMOTIONS, NAMES
from albumjudge.domain.verdict import Juror
from albumjudge.statistics.agreement import Interval, per_cover
from albumjudge.statistics.bradley_terry import Comparison, rank
from albumjudge.statistics.by_emotion import covers_of
from albumjudge.statistics.findings import CalibrationBin, CoverNoise, Figure
from albumjudge.statistics.portrait import Lean, Portrait
from albumjudge.statistics.story import Story
from albumjudge.ui import charts, words
from albumjudge.ui.charts import theme, training
from tests.colour_vision import VISIONS, contrast, difference, lab
from tests.vote_fixtures import identity, vote

EVEN = (0.125,) * 8
POSITIVE = {emotion.name: emotion.positive for emotion in EMOTIONS}


def values(chart: Any) -> list[dict[str, Any]]:
    """The rows that a chart draws, after Altair has checked it against Vega-Lite's schema."""
    (rows,) = (chart if isinstance(chart, dict) else chart.to_dict())["datasets"].values()
    assert isinstance(rows, list)
    return rows


def test_unpleasant_emotions_go_left_and_pleasant_ones_right() -> None:
    rows = values(charts.distribution(EVEN))
    assert len(rows) == 8
    for row in rows:
        assert (row["end"] > 0) is POSITIVE[row["emotion"]]
        assert abs(row["end"]) - abs(row["start"]) == pytest.approx(0.125)
        assert row["emotion"] in row["word"] and "12 %" in row["word"]


@pytest.mark.parametrize(("largest", "reach"), [(0.6, 0.6), (0.61, 1.0), (1.0, 1.0)])
def test_charts_share_one_scale_unless_a_bar_is_longer(largest: float, reach: float) -> None:
    row = values(charts.distribution((largest, 1 - largest, 0, 0, 0, 0, 0, 0)))[0]
    assert abs(row["limit"]) - abs(row["start"]) == pytest.approx(reach)


def test_what_visitor_and_crowd_felt_stands_on_the_scale_of_the_machine() -> None:
    marked = [r["emotion"] for r in values(charts.distribution(EVEN, felt="awe")) if r["chosen"]]
    assert marked == ["awe"]
    assert not any(r["chosen"] for r in values(charts.distribution(EVEN, felt="nothing")))
    crowd = (0.5, 0.5, 0, 0, 0, 0, 0, 0)
    rows = {r["emotion"]: r for r in values(charts.distribution(EVEN, others=crowd))}
    assert rows["amusement"]["others"] - rows["amusement"]["start"] == pytest.approx(0.5)
    assert rows["anger"]["others"] - rows["anger"]["start"] == pytest.approx(-0.5)


@pytest.mark.parametrize(("share", "said"), [(0, "0 %"), (0.004, "< 1 %"), (0.126, "13 %"), (1, "100 %")])
def test_percentages(share: float, said: str) -> None:
    assert words.percent(share) == said


def test_the_confusion_matrix_outlines_the_same_feeling() -> None:
    counts = [[9 * row + column for column in range(8)] for row in range(9)]
    cells = values(charts.confusion(counts))
    assert len(cells) == 72
    for cell in cells:
        row = 8 if cell["felt"] == "nothing" else NAMES.index(cell["felt"])
        assert cell["votes"] == counts[row][NAMES.index(cell["machine"])]
        assert cell["same"] is (cell["felt"] == cell["machine"])


def test_people_and_machine_meet_on_one_chart() -> None:
    chart = charts.people_and_machine({"awe": 0.5, "nothing": 0.5}, {"awe": 0.25, "fear": 0.75})
    rows = {row["emotion"]: (row["people"], row["machine"]) for row in values(chart)}
    assert rows["awe"] == (0.5, 0.25) and rows["fear"] == (0, 0.75) and "nothing" not in rows
    assert "awe: people 50 %, machine 25 %" in chart.to_dict()["description"]


def test_curves_and_ceiling_draw_what_was_measured() -> None:
    history: list[dict[str, object]] = [
        {"epoch": 1, "a": 1.0, "b": None},
        {"epoch": 2, "a": 0.5},
        {"other": 1},
    ]
    points = values(charts.training_curves(history, "epoch", {"a": "loss", "b": "other"}))
    assert [(p["x"], p["value"], p["line"]) for p in points] == [(1, 1.0, "loss"), (2, 0.5, "loss")]
    chart = charts.ceiling({"guessing": 0.28, "our jury": 0.44}, 0.62, "Right").to_dict()
    assert chart["description"] == "Right: guessing 28 %; our jury 44 %; a perfect judge 62 %."
    drawn = str(chart)
    assert "perfect: 62 %" in drawn and "'score': 0.44" in drawn


# Findings


def cover_noise(seed: int, distance: float) -> CoverNoise:
    return CoverNoise(identity(seed), "awe", 9, distance, 0.1, 0.2)


def test_covers_beyond_chance_stand_out_and_are_counted_in_words() -> None:
    chart = charts.noise([cover_noise(1, 0.1), cover_noise(2, 0.3)]).to_dict()
    (rows,) = (rows for rows in chart["datasets"].values() if "number" in rows[0])
    assert [(row["number"], row["beyond"]) for row in rows] == [("No. 000001", False), ("No. 000002", True)]
    assert "On 1 of 2 covers" in chart["description"]


def test_the_calibration_chart_leaves_out_what_was_hardly_ever_said() -> None:
    felt = Figure(0.2, Interval(0.1, 0.3), 90)
    often, rare = CalibrationBin(0.25, felt, 90), CalibrationBin(0.9, Figure(1.0, None, 2), 2)
    said = charts.calibration([often, rare]).to_dict()["description"]
    assert "said 25 %, felt 20 %" in said and "90 %" not in said
    assert "said 90 %, felt 100 %" in charts.calibration([rare]).to_dict()["description"]


def test_an_emotion_on_covers_marks_who_felt_it_most() -> None:
    votes = [
        vote("awe", seed=1),
        vote("fear", seed=2),
        vote("awe", seed=3, top="fear"),
        vote("fear", seed=4, top="fear"),
    ]
    chart = charts.emotion_on_covers("awe", covers_of("awe", per_cover(votes))).to_dict()
    (rows,) = chart["datasets"].values()
    assert {row["number"][-1]: row["who"] for row in rows} == {
        "1": "both felt it most",
        "2": "only the machine did",
        "3": "only people did",
        "4": "neither did",
    }
    assert [row["people"] for row in rows] == [1, 0, 1, 0]
    assert "awe on 4 covers" in chart["description"]


def test_a_profile_has_the_visitor_as_bars_and_everyone_as_ticks() -> None:
    yours, everyone = (0.5, 0, 0.25, 0, 0, 0, 0, 0), (0.1, 0.2, 0.3, 0, 0, 0.4, 0, 0)
    chart = charts.profile(yours, everyone)
    rows = {row["emotion"]: row for row in values(chart)}
    for name, mine, theirs in zip(NAMES, yours, everyone, strict=True):
        assert abs(rows[name]["end"] - rows[name]["start"]) == pytest.approx(mine)
        assert abs(rows[name]["others"] - rows[name]["start"]) == pytest.approx(theirs)
    heard = chart["description"]
    assert heard.startswith("What you felt: amusement 50 %") and "Everyone: excitement 40 %" in heard
    assert "Everyone" not in charts.profile(yours)["description"]


def test_the_jurors_chart_has_a_dot_for_every_juror_and_feeling() -> None:
    one, other = (0.5, 0.1, 0.1, 0.1, 0.05, 0.05, 0.05, 0.05), (0.1, 0.5, 0.1, 0.1, 0.05, 0.05, 0.05, 0.05)
    drawn = charts.jurors([Juror("a", one), Juror("b", other)])
    rows = values(drawn)
    assert len(rows) == 16
    anger = [(row["juror"], row["share"], row["mean"]) for row in rows if row["emotion"] == "anger"]
    assert anger == [("a", 0.1, pytest.approx(0.3)), ("b", 0.5, pytest.approx(0.3))]
    assert "amusement 10 % to 50 %" in drawn.to_dict()["description"]


def test_a_jurors_own_chart_shows_the_jury_beside_it() -> None:
    shares = (0.5, 0.1, 0.1, 0.1, 0.05, 0.05, 0.05, 0.05)
    drawn = charts.juror(shares, (0.125,) * 8, 0.5)
    rows = values(drawn)
    assert [row["emotion"] for row in rows] == list(charts.ON_SIDES)
    assert {row["emotion"]: (row["share"], row["jury"], row["top"]) for row in rows}["anger"] == (
        0.1,
        0.125,
        0.125,
    )
    assert "amusement 50 %" in drawn.to_dict()["description"]


@pytest.mark.parametrize(
    ("draw", "words"),
    [
        (lambda: charts.distribution((1.0,)), "8 shares"),
        (lambda: charts.distribution(EVEN, others=(0.1,) * 9), "8 shares"),
        (lambda: charts.profile((1.0,)), "8 shares"),
        (lambda: charts.juror(EVEN[:7], EVEN, 0.5), "8 shares"),
        (lambda: charts.confusion([[0] * 8] * 8), "nine rows of eight"),
        (lambda: theme.rows_of([]), "needs rows"),
        (lambda: charts.emotion_on_covers("hunger", covers_of("awe", [])), "none of the eight"),
        (lambda: charts.training_curves([{"epoch": 1}], "epoch", {"c": "nothing"}), "none of"),
    ],
)
def test_what_cannot_be_drawn_is_refused(draw: Callable[[], object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        draw()


VOTES = [vote("awe", seed=1), vote("fear", seed=2), vote("awe", seed=3, top="fear")]
COVERS = per_cover(VOTES)
BINS = [CalibrationBin(0.25, Figure(0.2, Interval(0.1, 0.3), 90), 90)]
HISTORY: list[dict[str, object]] = [{"epoch": n, "a": 1 / (n + 1), "b": n} for n in range(3)]
LEANS = tuple(Lean(name, 0.2, 0.1, Figure(0.1, Interval(0.0, 0.2), 20), False) for name in NAMES)
EVERY_CHART: dict[str, Callable[..., Any]] = {
    "calibration": lambda **faint: charts.calibration(BINS, **faint),
    "ceiling": lambda: charts.ceiling({"guessing": 0.3, "our jury": 0.4}, 0.6, "Right"),
    "confusion": lambda **faint: charts.confusion([[1] * 8] * 9, **faint),
    "covers_by_pleasantness": lambda: charts.covers_by_pleasantness(Story(VOTES)),
    "distribution": lambda: charts.distribution(EVEN, felt="awe", others=EVEN),
    "emotion_on_covers": lambda **faint: charts.emotion_on_covers("awe", covers_of("awe", COVERS), **faint),
    "juror": lambda: charts.juror(EVEN, EVEN, 0.5),
    "jurors": lambda: charts.jurors([Juror("a", EVEN)]),
    "leans": lambda: charts.leans(Portrait(20, 12, LEANS, (), ())),
    "noise": lambda **faint: charts.noise([cover_noise(1, 0.1), cover_noise(2, 0.3)], **faint),
    "people_and_machine": lambda **faint: charts.people_and_machine({"awe": 1.0}, {"fear": 1.0}, **faint),
    "profile": lambda: charts.profile(EVEN, EVEN),
    "ranking": lambda: charts.ranking(rank([Comparison("a", "b", "first", "v")]), {}),
    "training_curves": lambda: charts.training_curves(HISTORY, "epoch", {"a": "loss", "b": "other"}),
}
COLOURS = {"color", "fill", "stroke"}
BESIDE = {"emotion": {"label", "sign", "word", "start"}}
"""Fields that say the same as one that has a colour: words and signs, or a place that words stand at."""


@pytest.mark.parametrize(
    "name", ["calibration", "confusion", "emotion_on_covers", "noise", "people_and_machine"]
)
def test_too_few_votes_are_drawn_without_colour(name: str) -> None:
    coloured, grey = (str(EVERY_CHART[name](faint=faint).to_dict()) for faint in (False, True))
    hues = [theme.ACCENT, *(emotion.colour for emotion in EMOTIONS)]
    assert any(hue in coloured for hue in hues) and not any(hue in grey for hue in hues)


def test_every_chart_is_looked_at() -> None:
    assert set(EVERY_CHART) == {name for name in charts.__all__ if callable(getattr(charts, name))}


@pytest.mark.parametrize("draw", EVERY_CHART.values(), ids=EVERY_CHART)
def test_nothing_is_said_by_colour_alone(draw: Callable[[], Any]) -> None:
    """Whatever has a colour has a place, a shape or a dash of its own, too, or its number beside it."""
    chart = draw()
    spec = chart if isinstance(chart, dict) else chart.to_dict()
    layers = spec.get("layer", [spec])
    written = {layer["encoding"].get("text", {}).get("field") for layer in layers}
    for layer in layers:
        drawn = layer["encoding"]
        others = [drawn[name] for name in drawn if name not in COLOURS | {"tooltip"}]
        for coloured in (drawn[name] for name in COLOURS & set(drawn)):
            if field := coloured.get("field"):
                assert {field, *BESIDE.get(field, ())} & (written | {one.get("field") for one in others})
            elif (test := coloured.get("condition", {}).get("test")) and layer["mark"]["type"] == "point":
                assert any(one.get("condition", {}).get("test") == test for one in others)


@pytest.mark.parametrize("vision", VISIONS)
def test_marks_that_differ_in_colour_differ_to_everyone(vision: str) -> None:
    for one, other, least in (
        (theme.ACCENT, theme.FAINT, 20),
        (theme.QUIET, theme.FAINT, 15),
        (*training.COLOURS, 5),
        *((emotion.colour, theme.FAINT, 10) for emotion in EMOTIONS),
        *((emotion.colour, theme.TRACK, 30) for emotion in EMOTIONS),
    ):
        assert difference(lab(one, vision), lab(other, vision)) > least
    for colour in (theme.ACCENT, theme.FAINT, theme.QUIET, *training.COLOURS):
        assert contrast(colour, theme.WALL) > 3


def test_type_in_charts_grows_where_that_of_pages_does() -> None:
    sheet = (Path(theme.__file__).parents[1] / "css" / "theme.css").read_text(encoding="utf-8")
    assert "@media (min-width: 2000px) and (min-height: 1200px) {\n  html { font-size: 150%; }" in sheet
    assert "windowSize()[0] >= 2000 && windowSize()[1] >= 1200 ? 1.5" in str(EVERY_CHART["noise"]().to_dict())
