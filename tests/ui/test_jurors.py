"""The jury in plain words, from what training writes down and measures."""

from __future__ import annotations

import pytest

from albumjudge.domain.emotions import NAMES
from albumjudge.domain.verdict import Verdict
from albumjudge.inference.checkpoints import read_checkpoint
from albumjudge.inference.folders import BUNDLED
from albumjudge.ui import jurors
from albumjudge.ui.jurors import MEANING, RANDOM, SALIENT


def table(name: str, **rows: object) -> dict[str, object]:
    return {name: {"rows": rows}}


def test_the_bundled_jury_is_described_and_measured() -> None:
    checkpoint = read_checkpoint(BUNDLED["judge"], "judge", "bundled")
    described = jurors.descriptions(checkpoint.training)
    assert set(described) == set(checkpoint.config["juror_names"])
    assert len(set(described.values())) == len(described) and all(described.values())
    tables = checkpoint.metrics
    said = jurors.how_far(tables)
    for name, metric in (("benchmark", "polarity"), ("other_paintings", "valence_sign")):
        assert f"{100 * tables[name]['rows']['jury'][metric]:.0f} in 100" in said
    assert "percentage points" in jurors.saliency_meaning(tables)


@pytest.mark.parametrize("metrics", [{}, table("saliency"), table("on_covers"), table("benchmark", jury={})])
def test_what_was_not_measured_is_not_said(metrics: dict[str, object]) -> None:
    assert jurors.descriptions({}) == {}
    assert jurors.saliency_meaning(metrics) == MEANING
    assert jurors.how_far(metrics) == jurors.seldom_first(metrics) == ""
    assert jurors.beside_the_label(Verdict((0.125,) * 8, "x"), metrics) is None


@pytest.mark.parametrize(
    ("low", "said"),
    [
        (0.006, "lost 3.9 percentage points; with as much painted over at random, 2.1."),
        (-0.001, "On 200 covers that was not clearly more than hiding places at random takes away."),
    ],
)
def test_what_was_not_shown_of_the_light_is_not_claimed(low: float, said: str) -> None:
    rows = {SALIENT: {"share_lost": 0.0391, "pictures": 200}, RANDOM: {"share_lost": 0.0208, "low": low}}
    assert jurors.saliency_meaning(table("saliency", **rows)).endswith(said)


@pytest.mark.parametrize(
    ("usual", "said"),
    [
        # Three times as much amusement as usual, but that is what the label says.
        ({"amusement": 0.1}, None),
        ({"amusement": 0.29, "fear": 0.05}, "more fear than most covers"),
        ({"amusement": 0.29, "fear": 0.09}, None),
    ],
)
def test_what_stands_out_is_told_beside_the_label(usual: dict[str, float], said: str | None) -> None:
    row = {f"share_{name}": usual.get(name, 0.125) for name in NAMES}
    metrics = table("covers_by_genre", **{"all covers": row})
    assert jurors.beside_the_label(Verdict((0.3, *(0.1,) * 7), "x"), metrics) == said


def test_what_hardly_ever_comes_first_is_named_with_the_reason() -> None:
    covers = {f"first_{name}": 0.2 for name in NAMES}
    people = {f"first_{name}": 0.03 for name in NAMES}

    def said(covers: dict[str, float]) -> str:
        rows = {"real covers: the jury corrected": covers, "paintings: people’s votes": people}
        return jurors.seldom_first(table("on_covers", **rows))

    rare = said(covers | {"first_anger": 0.001})
    assert rare.startswith("Hardly any cover is put down as one of anger.") and "3 in 100" in rare
    assert said(covers) == ""
