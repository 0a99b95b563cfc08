"""The Dirichlet-multinomial: on votes drawn with a known concentration."""

from __future__ import annotations

import numpy as np
import pytest

from training.judge.vote_noise import fit_prior, worlds

CHANCE = np.random.default_rng(6)
MEAN = np.array([0.3, 0.2, 0.3, 0.2])


def votes(concentration: float, images: int = 3000, people: int = 14) -> np.ndarray:
    return CHANCE.multinomial(people, CHANCE.dirichlet(MEAN * concentration, images))


@pytest.mark.parametrize("concentration", [2.0, 11.0])
def test_the_concentration_is_found(concentration: float) -> None:
    np.testing.assert_allclose(fit_prior(votes(concentration)), MEAN * concentration, rtol=0.15)


def test_imagined_worlds_have_as_many_votes_and_fit_those_seen() -> None:
    seen = votes(3.0, 50)
    many = worlds(seen, 300, 0)
    assert all((new.sum(1) == 14).all() for _, new in many[:3])
    assert all(shares.sum(1) == pytest.approx(1) for shares, _ in many[:3])
    prior = fit_prior(seen)
    posterior = (seen + prior) / (14 + prior.sum())
    np.testing.assert_allclose(np.mean([shares for shares, _ in many], 0), posterior, atol=0.03)
