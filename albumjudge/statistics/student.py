"""Student's t distribution, as far as intervals need it: how many standard errors to reach to both sides."""

from __future__ import annotations

import math
from statistics import NormalDist


def reach(level: float, freedom: float) -> float:
    """The t below which the distribution is as probable as ``level``, counted from both tails.

    Hill's expansion (1970, Communications of the ACM, algorithm 396); right to about six digits.

    Args:
        level: between 0 and 1, such as 0.95.
        freedom: degrees of freedom, at least 1; infinite ones make it the normal distribution.

    Raises:
        ValueError: if one of them is out of range.
    """
    if not 0 < level < 1:
        raise ValueError(f"A confidence level lies between 0 and 1; {level} does not.")
    if freedom < 1:
        raise ValueError(f"There must be at least one degree of freedom, not {freedom}.")
    tails, n = 1 - level, freedom
    normal = NormalDist().inv_cdf(1 - tails / 2)
    if math.isinf(n):
        return normal
    if n == 1:
        return 1 / math.tan(tails * math.pi / 2)
    if n == 2:
        return math.sqrt(2 / (tails * (2 - tails)) - 2)
    a = 1 / (n - 0.5)
    b = 48 / a**2
    c = ((20_700 * a / b - 98) * a - 16) * a + 96.36
    d = ((94.5 / (b + c) - 3) / b + 1) * math.sqrt(a * math.pi / 2) * n
    y = (d * tails) ** (2 / n)
    if y > 0.05 + a:
        x = -normal
        y = x * x
        if n < 5:
            c += 0.3 * (n - 4.5) * (x + 0.6)
        c = (((0.05 * d * x - 5) * x - 7) * x - 2) * x + b + c
        y = (((((0.4 * y + 6.3) * y + 36) * y + 94.5) / c - y - 3) / b + 1) * x
        y = math.expm1(a * y * y)
    else:
        y = ((1 / (((n + 6) / (n * y) - 0.089 * d - 0.822) * (n + 2) * 3) + 0.5 / (n + 4)) * y - 1) * (
            n + 1
        ) / (n + 2) + 1 / y
    return math.sqrt(n * y)
