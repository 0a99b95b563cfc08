"""What the light on a cover means, in plain words, and how far it can be believed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MEANING = "Light lies where hiding a place takes most of the feeling away."
SALIENT, RANDOM = "painted over: the most salient quarter", "painted over: random squares"


def meaning(metrics: Mapping[str, Any]) -> str:
    """What is lit, and whether hiding it was measured to weaken the feeling more than hiding places at random.

    Args:
        metrics: the jury's tables, see :mod:`training.evaluate_saliency`.
    """
    table = metrics.get("saliency")
    rows = table.get("rows") if isinstance(table, Mapping) else None
    if not isinstance(rows, Mapping):
        return MEANING
    try:
        salient, random = rows[SALIENT], rows[RANDOM]
        lost, by_chance, low = (
            float(value) for value in (salient["share lost"], random["share lost"], random["low"])
        )
        covers = int(salient["n"])
    except (KeyError, TypeError, ValueError):
        return MEANING
    if low <= 0:
        return (
            f"{MEANING} On {covers} covers that was not clearly more than hiding places at random takes away."
        )
    return (
        f"{MEANING} Measured on {covers} covers: with the most lit quarter painted over, the strongest feeling "
        f"lost {100 * lost:.1f} percentage points; with as much painted over at random, {100 * by_chance:.1f}."
    )
