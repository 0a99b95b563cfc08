"""The jurors in plain words, from what the training writes down."""

from __future__ import annotations

from dataclasses import asdict

import pytest

from albumjudge.inference.checkpoints import BUNDLED, read_checkpoint
from albumjudge.ui.jurors import MEANING, RANDOM, SALIENT, descriptions, saliency_meaning
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
    assert "narrowly or clearly" in found["the majority’s friend"]
    assert "heeds the first three." in found["the colourist"]
    assert "heeds the last two." in found["the reader of shapes"]
    assert "63 in 100 of 280 paintings" in found["one childhood"]
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
