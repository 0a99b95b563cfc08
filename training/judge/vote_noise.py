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
from scipy.stats import dirichlet_multinomial

Votes = NDArray[np.int64]
Shares = NDArray[np.float64]


def fit_prior(votes: Votes) -> Shares:
    """Parameters of the Dirichlet distribution, shape ``(k,)``: the mean shares times the concentration."""
    mean = (votes.sum(0) + 0.5) / (votes.sum() + 0.5 * votes.shape[1])
    totals = votes.sum(1)
    found = minimize_scalar(
        lambda log: -dirichlet_multinomial.logpmf(votes, np.exp(log) * mean, totals).sum(),
        bounds=(-3.0, 7.0),
        method="bounded",
    )
    prior: Shares = np.exp(found.x) * mean
    return prior


def worlds(votes: Votes, repeats: int, seed: int) -> list[tuple[Shares, Votes]]:
    """Imagine true shares that fit the votes, and as many new votes drawn from them, so many times.

    Returns:
        pairs of true shares and new votes, each of shape ``(n, k)``.
    """
    chance, posterior = np.random.default_rng(seed), votes + fit_prior(votes)
    found = []
    for _ in range(repeats):
        gammas = np.maximum(chance.gamma(posterior), 1e-12)
        shares = gammas / gammas.sum(1, keepdims=True)
        found.append((shares, chance.multinomial(votes.sum(1), shares)))
    return found
