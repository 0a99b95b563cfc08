"""The order in which charts and buttons show the emotions."""

from __future__ import annotations

from albumjudge.domain.emotions import EMOTIONS

LEFT: tuple[str, ...] = tuple(e.name for e in EMOTIONS if not e.positive)
RIGHT: tuple[str, ...] = tuple(e.name for e in EMOTIONS if e.positive)
ON_SIDES: tuple[str, ...] = (*LEFT, *RIGHT)
"""The eight names as charts and buttons arrange them: unpleasant first, each side in the fixed order."""
CLOSE_UP = 0.6
"""Bars share one scale, 0 to 60 %, unless one is longer."""
