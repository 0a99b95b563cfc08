"""Painted covers as a crowd: what is compared, with what result, and which way the slopes point."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.quick_features import QuickFeatures
from training import moments
from training.cover_data import CoverEntry, CoverSet
from training.crew import Crew
from training.moments import WIDTH, Moments, description, soften
from training.projected import STAGE_WIDTHS

ALONE = Crew()
REAL = torch.randn(400, WIDTH, generator=torch.Generator().manual_seed(3))


def maps_of(count: int, side: int = 8, seed: int = 0) -> list[Tensor]:
    chance = torch.Generator().manual_seed(seed)
    return [
        torch.randn(count, wide, max(1, side // 2**k), max(1, side // 2**k), generator=chance)
        for k, wide in enumerate(STAGE_WIDTHS)
    ]


def test_softening_keeps_the_mean_and_dims_what_repeats_every_four_pixels_to_a_sixteenth() -> None:
    flat = torch.full((1, 3, 16, 16), 0.3)
    assert torch.allclose(soften(flat), flat, atol=1e-6)
    waves = torch.tensor([1.0, 0.0, -1.0, 0.0]).repeat(8).expand(1, 3, 32, 32)
    middle = soften(waves)[..., 8:24]
    assert torch.allclose(middle, waves[..., 8:24] / 16, atol=1e-6)
    fine = torch.tensor([1.0, -1.0]).repeat(16).expand(1, 3, 32, 32)
    assert soften(fine)[..., 8:24].abs().max() < 1e-6


def test_a_description_holds_means_deviations_and_means_of_pieces() -> None:
    maps = maps_of(2)
    described = description(maps)
    assert described.shape == (2, WIDTH)
    means = torch.cat([each.mean((2, 3)) for each in maps], 1)
    assert torch.allclose(described[:, : means.shape[1]], means)
    first = maps[0].std((2, 3), correction=0)
    at = means.shape[1]
    assert torch.allclose(described[:, at : at + first.shape[1]], first, atol=1e-2)
    quarter = maps[2][:, 0, :1, :1].flatten(1).mean(1)
    assert torch.allclose(described[:, -4 * STAGE_WIDTHS[2]], quarter)


@pytest.fixture
def crowd(monkeypatch: pytest.MonkeyPatch) -> Moments:
    """Moments of three directions, of 400 real covers whose descriptions are given."""
    monkeypatch.setattr(moments, "description", lambda maps: maps[0])
    found = Moments(3, memory=400)
    found.fit(REAL)
    return found


def test_real_covers_themselves_are_no_distance_away(crowd: Moments) -> None:
    assert crowd.known
    assert crowd([REAL], ALONE).item() == pytest.approx(0, abs=1e-6)


def test_the_distance_is_that_of_means_and_covariances_over_the_real_ones(crowd: Moments) -> None:
    painted = REAL * 1.5 + 0.2
    seen = ((painted - crowd.centre) @ crowd.turn).double().numpy()
    variance = crowd.variance.double().numpy()
    # All 400 at once are as many as are remembered, so nothing of the beginning is left.
    covariance = np.cov(seen.T, bias=True)
    expected = (seen.mean(0) ** 2).sum() / variance.sum()
    expected += ((covariance - np.diag(variance)) ** 2).sum() / (variance**2).sum()
    assert crowd([painted], ALONE).item() == pytest.approx(expected, rel=1e-4)


def test_directions_are_independent_and_less_unequal_than_they_were(crowd: Moments) -> None:
    seen = (REAL - crowd.centre) @ crowd.turn
    covariance = torch.cov(seen.T, correction=0)
    assert torch.allclose(covariance, torch.diag(crowd.variance), atol=1e-4)
    spread = REAL.std(0, correction=0) + moments.TINY
    standard = (REAL - crowd.centre) / spread
    strongest = torch.linalg.eigvalsh(torch.cov(standard.T, correction=0)).flip(0)[:3]
    assert torch.allclose(crowd.variance, strongest.sqrt(), rtol=1e-4)


def test_the_crowd_remembers_and_forgets(crowd: Moments) -> None:
    away = REAL[:40] + 3
    whole = crowd([REAL + 3], ALONE).item()
    crowd.fit(REAL)
    tenth = crowd([away], ALONE).item()
    assert 0 < tenth < 0.1 * whole
    after = [crowd([away], ALONE).item() for _ in range(30)]
    assert after == sorted(after)


def test_steps_along_its_slopes_lead_to_the_real_covers(crowd: Moments) -> None:
    painted = (0.3 * REAL[:200] + 2).requires_grad_(True)
    first = crowd([painted], ALONE)
    for _ in range(60):
        (slope,) = torch.autograd.grad(crowd([painted], ALONE), painted)
        painted = (painted - 60 * slope).detach().requires_grad_(True)
    crowd.fit(REAL)
    assert crowd([painted], ALONE) < 0.3 * first.detach()


def test_two_processes_are_one_crowd_with_the_slopes_of_the_whole(crowd: Moments) -> None:
    painted = (REAL[:60] + 1).requires_grad_(True)
    whole = crowd([painted], ALONE)
    (expected,) = torch.autograd.grad(whole, painted)
    after = {name: value.clone() for name, value in crowd.state_dict().items()}
    halves = [painted.detach()[rank::2].requires_grad_(True) for rank in (0, 1)]

    class OfTwo(Crew):
        """Stands where two processes would meet: knows what the other one holds."""

        def average(self, tensors: list[Tensor]) -> None:  # type: ignore[override]
            other = (halves[1 - self.rank].detach() - crowd.centre) @ crowd.turn
            of_other = [other.mean(0), other.T @ other / len(other)]
            for tensor, theirs in zip(tensors, of_other, strict=True):
                tensor.add_(theirs).div_(2)

    for rank, half in enumerate(halves):
        crowd.fit(REAL)
        found = crowd([half], OfTwo(rank, 2))
        assert found.item() == pytest.approx(whole.item(), rel=1e-5)
        (slope,) = torch.autograd.grad(found, half)
        # Slopes are averaged over processes afterwards, so each gives twice its part.
        assert torch.allclose(slope / 2, expected[rank::2], atol=1e-7)
        for name, value in crowd.state_dict().items():
            assert torch.allclose(value, after[name], atol=1e-5), name


def test_it_learns_from_softened_covers() -> None:
    chance = np.random.default_rng(0)
    pixels = chance.integers(0, 256, (12, 3, 16, 16), dtype=np.uint8)
    covers = CoverSet(pixels, tuple(CoverEntry(f"{k}.png", "", (), None) for k in range(12)))
    found, features = Moments(4), QuickFeatures(32)
    found.learn(features, covers, batch=5)  # type: ignore[arg-type]
    real = torch.from_numpy(pixels).float() / 127.5 - 1
    expected = description(features(soften(real))).mean(0)
    assert torch.allclose(found.centre, expected, atol=1e-5)
    assert found.known
