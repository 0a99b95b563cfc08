"""The jurors' lives in plain words, from what the training writes down."""

from __future__ import annotations

from dataclasses import asdict

import pytest

from albumjudge.inference.checkpoints import BUNDLED, read_checkpoint
from albumjudge.ui.jurors import MEANING, RANDOM, SALIENT, descriptions, saliency_meaning
from training.judge.jurors import LIVES

RECORD: dict[str, object] = {
    "paintings": 280,
    "other_paintings": 1109,
    "lives": [asdict(life) for life in LIVES],
}


def test_every_life_is_told_and_says_what_sets_it_apart() -> None:
    told = descriptions(RECORD)
    assert list(told) == [life.name for life in LIVES]
    assert all(told[life.name].startswith(life.told) for life in LIVES)
    assert len(set(told.values())) == len(LIVES)
    assert "It learned from 280 paintings and 1,109 other paintings." in told["the well-read"]
    assert "before 1,109 other paintings it was never told" in told["the homebody"]
    assert "narrowly or clearly" in told["the majority’s friend"]
    assert "heeds the first three." in told["the colourist"]
    assert "heeds the last two." in told["the reader of shapes"]
    assert "63 in 100 of 280 paintings" in told["one childhood"]
    assert "stays hidden" in told["the half-sighted"]


@pytest.mark.parametrize("record", [{}, {"lives": None}, {"lives": "long"}, {"lives": [1, {"told": "x"}]}])
def test_where_nothing_is_written_nothing_is_told(record: dict[str, object]) -> None:
    assert descriptions(record) == {}


def test_the_bundled_jury_has_a_life_for_every_juror() -> None:
    checkpoint = read_checkpoint(BUNDLED["judge"], "judge", "bundled")
    assert set(descriptions(checkpoint.training)) == set(checkpoint.config["lives"])


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
