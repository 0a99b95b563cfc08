"""What stands out: shares over what is usual."""

from __future__ import annotations

import pytest

from albumjudge.domain.emotions import NAMES
from albumjudge.statistics.lift import Lift, lifts, stands_out, usual_shares

USUAL = (0.2, 0.02, 0.1, 0.3, 0.08, 0.1, 0.1, 0.1)


def test_the_largest_share_need_not_stand_out() -> None:
    shares = (0.2, 0.06, 0.1, 0.3, 0.08, 0.06, 0.1, 0.1)
    found = stands_out(shares, USUAL)
    assert found == Lift("anger", 0.06, 0.02) and found.ratio == pytest.approx(3)
    assert tuple(one.emotion for one in lifts(shares, USUAL)) == NAMES


def test_what_is_faint_does_not_stand_out_if_that_is_asked() -> None:
    found = stands_out((0.3, 0.06, 0.04, 0.3, 0.08, 0.06, 0.08, 0.08), USUAL, least=0.1)
    assert found is not None and found.emotion == "amusement"


def test_what_is_usual_does_not_stand_out() -> None:
    assert stands_out(USUAL, USUAL) is None


def test_usual_is_the_mean() -> None:
    assert usual_shares([(1, *[0] * 7), (0, 1, *[0] * 6)]) == (0.5, 0.5, *[0] * 6)
    assert usual_shares([]) == (0.125,) * 8


@pytest.mark.parametrize(
    ("shares", "usual"), [(USUAL[:7], USUAL), (USUAL, USUAL[:7]), (USUAL, (0.0, *USUAL[1:]))]
)
def test_a_lift_needs_eight_usual_shares_above_zero(
    shares: tuple[float, ...], usual: tuple[float, ...]
) -> None:
    with pytest.raises(ValueError, match="above zero"):
        stands_out(shares, usual)
