"""The reader of genres and decades that a painter hears."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from torch import Tensor

from albumjudge.conditions import DECADES, GENRES
from tests.quick_features import QuickFeatures
from training.cover_data import CoverEntry, CoverSet
from training.projected import STAGE_WIDTHS
from training.reading import CLEAR, PENALTY, WIDTH, Reading, pooled


def entry(number: int, genres: tuple[str, ...] = (), decade: str | None = None) -> CoverEntry:
    return CoverEntry(f"{number}.png", "", genres, decade)


def maps_with(deepest: Tensor) -> list[Tensor]:
    """Maps whose pooled features are ``deepest``, shape ``(n, WIDTH)``."""
    third, fourth = torch.split(deepest, list(STAGE_WIDTHS[2:]), 1)
    empty = [torch.zeros(len(deepest), wide, 2, 2) for wide in STAGE_WIDTHS[:2]]
    return [*empty, third[:, :, None, None].expand(-1, -1, 2, 2), fourth[:, :, None, None]]


@pytest.fixture(scope="module")
def taught() -> tuple[Reading, np.ndarray, list[CoverEntry]]:
    """A reader taught by 120 covers of three genres and two decades, told by the first few features."""
    chance = np.random.default_rng(0)
    genres, decades = ("rock", "jazz", "kpop"), ("1960s", "2010s")
    features = chance.standard_normal((120, WIDTH))
    entries = []
    for k in range(120):
        genre, decade = k % 3 if k % 12 else 0, k % 2
        features[k, genre] += 4
        features[k, 10 + decade] += 4
        entries.append(entry(k, (genres[genre],), decades[decade]))
    reader = Reading()
    reader.fit(features, entries)
    return reader, features, entries


def test_it_pools_the_deepest_two_maps() -> None:
    deepest = torch.randn(3, WIDTH)
    assert torch.allclose(pooled(maps_with(deepest)), deepest)


def test_it_is_the_regression_that_scikit_learn_fits(
    taught: tuple[Reading, np.ndarray, list[CoverEntry]],
) -> None:
    reader, features, entries = taught
    standard = (features - features.mean(0)) / (features.std(0) + 1e-3)
    answers = [GENRES.index(e.genres[0]) for e in entries]
    # Balanced weights have a mean of one there, and the penalty stands beside a sum instead of a mean.
    model = LogisticRegression(
        C=1 / (PENALTY * len(answers)), class_weight="balanced", max_iter=3000, tol=1e-7
    )
    expected = model.fit(standard, answers).predict_proba(standard)
    genre, _ = reader(maps_with(torch.from_numpy(features).float()))
    found = genre.softmax(1).numpy()
    assert np.abs(found[:, model.classes_] - expected).max() < 0.01
    never = [k for k in range(len(GENRES)) if k not in model.classes_]
    assert found[:, never].max() < 1e-6


def test_it_reads_decades_beside_genres(taught: tuple[Reading, np.ndarray, list[CoverEntry]]) -> None:
    reader, features, entries = taught
    _, decade = reader(maps_with(torch.from_numpy(features).float()))
    assert decade.shape == (120, len(DECADES))
    assert decade.argmax(1).tolist() == [DECADES.index(e.decade) for e in entries if e.decade]


def test_what_is_unclear_is_the_cross_entropy_above_the_clear_and_no_wish_is_always_met(
    taught: tuple[Reading, np.ndarray, list[CoverEntry]],
) -> None:
    reader, features, _ = taught
    maps = maps_with(torch.from_numpy(features[:4]).float())
    genre, decade = (logits.log_softmax(1) for logits in reader(maps))
    wanted = torch.tensor([[0, 0], [2, 0], [0, 5], [9, 1]])
    lost = [
        -genre[1, 1] - CLEAR,
        -decade[2, 4] - CLEAR,
        -genre[3, 8] - CLEAR,
        -decade[3, 0] - CLEAR,
    ]
    expected = sum(max(0.0, value.item()) for value in lost) / 4
    assert reader.unclear(maps, wanted).item() == pytest.approx(expected, rel=1e-4)
    assert reader.unclear(maps, torch.zeros(4, 2, dtype=torch.long)).item() == 0


def test_its_slopes_make_a_cover_clearer(taught: tuple[Reading, np.ndarray, list[CoverEntry]]) -> None:
    reader, features, _ = taught
    deepest = torch.from_numpy(features[:8]).float().requires_grad_(True)
    wanted = torch.tensor([[1 + GENRES.index("jazz"), 0]] * 8)
    before = reader.unclear(maps_with(deepest), wanted)
    assert before > 0
    (slope,) = torch.autograd.grad(before, deepest)
    assert reader.unclear(maps_with(deepest - 20 * slope), wanted) < before


def test_without_labels_it_has_no_opinion() -> None:
    reader, features = Reading(), QuickFeatures(32)
    pixels = np.zeros((3, 3, 16, 16), np.uint8)
    reader.learn(features, CoverSet(pixels, tuple(entry(k) for k in range(3))))  # type: ignore[arg-type]
    assert reader.known
    genre, decade = reader(features(torch.zeros(2, 3, 16, 16)))
    assert not genre.any() and not decade.any()


def test_only_labelled_covers_teach_it() -> None:
    chance = np.random.default_rng(1)
    pixels = chance.integers(0, 256, (6, 3, 16, 16), dtype=np.uint8)
    labelled = tuple(entry(k, ("jazz" if k % 2 else "rock",)) for k in range(4))
    with_more = CoverSet(pixels, (*labelled, entry(4), entry(5)))
    alone = CoverSet(pixels[:4], labelled)
    one, other = Reading(), Reading()
    one.learn(QuickFeatures(32), with_more)  # type: ignore[arg-type]
    other.learn(QuickFeatures(32), alone)  # type: ignore[arg-type]
    for name, value in one.state_dict().items():
        assert torch.equal(value, other.state_dict()[name]), name
