"""Where jurors part ways, on verdicts whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon

from albumjudge.domain.verdict import Juror, Verdict
from albumjudge.statistics import juror_disagreement as jd


def jury(*shares: tuple[float, ...]) -> Verdict:
    full = [tuple(row) + (0.0,) * (8 - len(row)) for row in shares]
    mean = tuple(np.mean(full, axis=0).tolist())
    return Verdict(mean, "jury-12345678", tuple(Juror(f"no. {i}", row) for i, row in enumerate(full)))


SPLIT = jury((0.6, 0.3, 0.1), (0.5, 0.4, 0.1), (0.2, 0.1, 0.7))


def test_the_widest_gap_and_who_stands_alone_are_named() -> None:
    gap = jd.widest_gap(SPLIT)
    assert (gap.emotion, gap.most.name, gap.least.name) == ("awe", "no. 2", "no. 0")
    assert gap.shares == (0.7, 0.1)
    assert [juror.name for juror in jd.alone(SPLIT)] == ["no. 2"]
    assert jd.alone(jury((0.6, 0.4), (0.7, 0.3))) == ()
    assert len(jd.alone(jury((0.6, 0.4), (0.3, 0.7)))) == 2


def test_the_furthest_juror_is_so_by_scipys_divergence_from_the_others() -> None:
    for seed in range(5):
        shares = np.random.default_rng(seed).dirichlet(np.ones(8), 4)
        far = [jensenshannon(one, np.delete(shares, i, axis=0).mean(0)) for i, one in enumerate(shares)]
        assert jd.furthest(jury(*map(tuple, shares.tolist()))).name == f"no. {np.argmax(far)}"


@pytest.mark.parametrize("ask", [jd.widest_gap, jd.alone, jd.furthest])
def test_one_juror_alone_has_nobody_to_differ_from(ask: object) -> None:
    assert callable(ask)
    for verdict in (jury((1.0,)), Verdict((0.125,) * 8, "jury-12345678")):
        with pytest.raises(ValueError, match="takes two"):
            ask(verdict)
