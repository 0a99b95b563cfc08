"""How well anybody could predict the votes of so few people: Dirichlet-multinomial estimates.

The true shares of a painting, had everybody voted, are thought to be drawn from a Dirichlet distribution, the
votes from those shares. Its concentration is fitted to all votes by maximum likelihood (Minka 2000,
"Estimating a Dirichlet distribution"). Given the votes on a painting, its true shares are Dirichlet again;
a judge that knows them still misses the next fourteen votes by as much as chance moves these.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import gammaln

Votes = NDArray[np.int64]
Shares = NDArray[np.float64]


def log_likelihood(votes: Votes, alpha: Shares) -> float:
    """Logarithm of the Dirichlet-multinomial likelihood of all images, without multinomial coefficients.

    Args:
        votes: shape ``(n, k)``.
        alpha: shape ``(k,)``, positive.
    """
    totals, whole = votes.sum(1), alpha.sum()
    return float(
        (gammaln(whole) - gammaln(whole + totals)).sum() + (gammaln(votes + alpha) - gammaln(alpha)).sum()
    )


def fit_concentration(votes: Votes) -> float:
    """Concentration of the Dirichlet distribution around the mean shares: the higher, the more alike."""
    mean = (votes.sum(0) + 0.5) / (votes.sum() + 0.5 * votes.shape[1])
    found = minimize_scalar(
        lambda log: -log_likelihood(votes, np.exp(log) * mean), bounds=(-3.0, 7.0), method="bounded"
    )
    return float(np.exp(found.x))


def worlds(votes: Votes, repeats: int, seed: int) -> list[tuple[Shares, Votes]]:
    """Imagine true shares that fit the votes, and as many new votes drawn from them, so many times.

    Returns:
        pairs of true shares and new votes, each of shape ``(n, k)``.
    """
    chance = np.random.default_rng(seed)
    mean = (votes.sum(0) + 0.5) / (votes.sum() + 0.5 * votes.shape[1])
    prior = fit_concentration(votes) * mean
    found = []
    for _ in range(repeats):
        gammas = chance.gamma(votes + prior)
        shares = gammas / gammas.sum(1, keepdims=True)
        shares = np.maximum(shares, 1e-12)
        shares /= shares.sum(1, keepdims=True)
        found.append((shares, chance.multinomial(votes.sum(1), shares)))
    return found
