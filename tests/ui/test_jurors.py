"""The jurors in plain words, from what the training writes down."""

from __future__ import annotations

from dataclasses import asdict

import pytest

from albumjudge.domain.emotions import NAMES
from albumjudge.domain.verdict import Verdict
from albumjudge.inference.checkpoints import read_checkpoint
from albumjudge.inference.folders import BUNDLED
from albumjudge.ui.jurors import (
    MEANING,
    RANDOM,
    SALIENT,
    beside_the_label,
    descriptions,
    how_far,
    saliency_meaning,
    seldom_first,
)
from training.judge.jurors import JURORS

RECORD: dict[str, object] = {
    "paintings": 280,
    "other_paintings": 896,
    "jurors": [asdict(juror) for juror in JURORS],
}


def test_every_juror_is_described_and_set_apart() -> None:
    found = descriptions(RECORD)
    assert list(found) == [juror.name for juror in JURORS]
    assert all(found[juror.name].startswith(juror.description) for juror in JURORS)
    assert len(set(found.values())) == len(JURORS)
    assert "It learned from 280 paintings and 896 other paintings." in found["the well-read"]
    assert "before 896 other paintings it was never told" in found["the homebody"]
    assert "never told" not in found["the listener"]
    assert "narrowly or clearly" in found["the majority’s friend"]
    assert "heeds the first three." in found["the colourist"]
    assert "heeds those in the middle." in found["the reader of shapes"]
    assert "heeds the last two." in found["the traveller"]
    assert "learned from 896 other paintings" in found["the traveller"]


def test_an_older_record_and_a_juror_raised_by_visitors() -> None:
    old = {
        "name": "the half-sighted",
        "told": "Was born with half.",
        "others": False,
        "eyes": 1,
        "childhood": 2,
    }
    found = descriptions({"lives": [old]})["the half-sighted"]
    assert "stays hidden" in found and "never told" in found and "63 in 100" in found
    visitors = descriptions(
        {"jurors": [{"name": "raised by visitors", "description": "Grew up here.", "votes": 1234}]}
    )
    assert "1,234 votes" in visitors["raised by visitors"]


@pytest.mark.parametrize(
    "record", [{}, {"jurors": None}, {"lives": "long"}, {"jurors": [1, {"description": "x"}]}]
)
def test_where_nothing_is_written_nothing_is_said(record: dict[str, object]) -> None:
    assert descriptions(record) == {}


def test_the_bundled_jury_describes_every_juror() -> None:
    checkpoint = read_checkpoint(BUNDLED["judge"], "judge", "bundled")
    assert set(descriptions(checkpoint.training)) == set(checkpoint.config["juror_names"])


def saliency(low: float) -> dict[str, object]:
    """A jury's table of what hiding places takes away."""
    return {
        "saliency": {
            "rows": {
                SALIENT: {"share_lost": 0.0391, "n": 200},
                RANDOM: {"share_lost": 0.0208, "low": low, "high": 0.03, "n": 200},
            }
        }
    }


def test_what_was_shown_of_the_light_is_said_with_its_numbers() -> None:
    assert saliency_meaning(saliency(0.006)) == (
        f"{MEANING} Measured on 200 covers: with the most lit quarter painted over, the strongest feeling lost "
        "3.9 percentage points; with as much painted over at random, 2.1."
    )


def test_what_was_not_shown_of_the_light_is_not_claimed() -> None:
    said = saliency_meaning(saliency(-0.001))
    assert "not clearly more" in said and "percentage points" not in said


@pytest.mark.parametrize("metrics", [{}, {"saliency": None}, {"saliency": {"rows": {SALIENT: {"n": 3}}}}])
def test_without_measurements_only_the_meaning_is_said(metrics: dict[str, object]) -> None:
    assert saliency_meaning(metrics) == MEANING


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
    verdict = Verdict((0.3, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1), "x")
    row = {f"share_{name}": usual.get(name, 0.125) for name in NAMES}
    metrics = {"covers_by_genre": {"rows": {"all covers": row}}}
    assert beside_the_label(verdict, metrics) == said
    assert beside_the_label(verdict, {}) is None


def test_how_far_the_jury_can_be_believed_is_read_from_what_was_measured() -> None:
    said = how_far(read_checkpoint(BUNDLED["judge"], "judge").metrics)
    tables = read_checkpoint(BUNDLED["judge"], "judge").metrics
    for table, metric in (("benchmark", "polarity"), ("other_paintings", "valence_sign")):
        assert f"{100 * tables[table]['rows']['jury'][metric]:.0f} in 100" in said
    assert how_far({}) == how_far({"benchmark": None}) == ""


def test_what_hardly_ever_comes_first_is_named_with_the_reason() -> None:
    covers = {f"first_{name}": 0.2 for name in NAMES}
    rows = {
        "real covers: the jury corrected": covers | {"first_anger": 0.001},
        "paintings: people’s votes": {f"first_{name}": 0.03 for name in NAMES},
    }
    said = seldom_first({"on_covers": {"rows": rows}})
    assert said.startswith("Hardly any cover is put down as one of anger.") and "3 in 100" in said
    rows["real covers: the jury corrected"] = covers
    assert seldom_first({"on_covers": {"rows": rows}}) == seldom_first({}) == ""
