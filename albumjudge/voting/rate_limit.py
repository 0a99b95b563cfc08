"""How many votes one person can cast by looking. What goes beyond is stored, but does not count."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

LIMITS: tuple[tuple[float, int], ...] = ((60.0, 40), (3600.0, 400))
"""Seconds, and the most votes that count in any such time: one every 1.5 seconds, every 9 over an hour."""
LONGEST = max(seconds for seconds, _ in LIMITS)


def is_suspect(
    earlier: Sequence[datetime], now: datetime, limits: Sequence[tuple[float, int]] = LIMITS
) -> bool:
    """Whether a vote cast now is one too many after a visitor's ``earlier`` ones.

    Votes from the future are left out: a clock that was put back makes nobody suspect.
    """
    ages = [(now - moment).total_seconds() for moment in earlier]
    return any(sum(0 <= age < seconds for age in ages) >= most for seconds, most in limits)
