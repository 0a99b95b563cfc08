"""Other data sets' scales as distributions over the eight emotions."""

from __future__ import annotations

import numpy as np
import pytest

from albumjudge.domain.emotions import NAMES
from training.judge.label_conversion import FEELINGBLUE, NEGATIVE, POSITIVE, WIKIART, to_shares, valence

COLUMNS = ("bws_anger", "wikiart_anger", "wikiart_trust", "wikiart_surprise")
PRIOR = np.full(8, 0.125)
EVERYTHING = np.ones(4, bool)
SCALES = np.array(
    [[np.nan, 0.5, 0.0, 0.1], [np.nan, 0.0, 0.5, 0.1], [0.8, 0.0, 0.0, 0.0], [np.nan, np.nan, np.nan, np.nan]]
)


def test_what_was_named_has_the_larger_share_and_decides_the_valence() -> None:
    shares = to_shares(COLUMNS, SCALES, PRIOR, EVERYTHING)
    assert shares.sum(1) == pytest.approx(1)
    assert [NAMES[top] for top in shares[[0, 2]].argmax(1)] == ["anger", "anger"]
    assert {NAMES[top] for top in shares[1].argsort()[-2:]} == {"awe", "contentment"}
    assert shares[3] == pytest.approx(PRIOR)
    found = valence(COLUMNS, SCALES)
    assert found[:3] == pytest.approx([-0.5, 0.5, 0]) and np.isnan(found[3])


def test_totals_follow_the_prior_over_the_pictures_trained_on() -> None:
    prior = np.array([0.1, 0.02, 0.1, 0.4, 0.08, 0.1, 0.1, 0.1])
    shares = to_shares(COLUMNS, SCALES[:2], prior, EVERYTHING[:2])
    assert shares[0, 1] - prior[1] < shares[1, 3] - prior[3]
    held_out = to_shares(COLUMNS, SCALES, PRIOR, np.array([False, True, True, True]))
    assert not np.allclose(held_out[1], to_shares(COLUMNS, SCALES, PRIOR, EVERYTHING)[1])


def test_every_table_divides_an_emotion_among_known_ones() -> None:
    assert all(sum(parts.values()) == pytest.approx(1) for parts in WIKIART.values())
    assert all(
        part in NAMES for table in (WIKIART, FEELINGBLUE) for parts in table.values() for part in parts
    )
    assert {*POSITIVE, *NEGATIVE} <= set(WIKIART) and not set(POSITIVE) & set(NEGATIVE)
