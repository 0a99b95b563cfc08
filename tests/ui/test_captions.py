"""What the page says of the light on a cover follows what was measured."""

from __future__ import annotations

import pytest

from albumjudge.ui.captions import MEANING, RANDOM, SALIENT, meaning


def table(low: float) -> dict[str, object]:
    return {
        "saliency": {
            "rows": {
                SALIENT: {"share lost": 0.0391, "n": 200},
                RANDOM: {"share lost": 0.0208, "low": low, "high": 0.03, "n": 200},
            }
        }
    }


def test_what_was_shown_is_said_with_its_numbers() -> None:
    assert meaning(table(0.006)) == (
        f"{MEANING} Measured on 200 covers: with the most lit quarter painted over, the strongest feeling lost "
        "3.9 percentage points; with as much painted over at random, 2.1."
    )


def test_what_was_not_shown_is_not_claimed() -> None:
    said = meaning(table(-0.001))
    assert "not clearly more" in said and "percentage points" not in said


@pytest.mark.parametrize("metrics", [{}, {"saliency": None}, {"saliency": {"rows": {SALIENT: {"n": 3}}}}])
def test_without_measurements_only_the_meaning_is_said(metrics: dict[str, object]) -> None:
    assert meaning(metrics) == MEANING
