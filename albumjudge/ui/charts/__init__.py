"""Altair charts for the dark wall: one hue per emotion, unpleasant ones left, pleasant ones right.

Altair is loaded with the first chart: the first page does not wait for it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from albumjudge.ui.charts.sides import CLOSE_UP, LEFT, ON_SIDES, RIGHT

if TYPE_CHECKING:
    from albumjudge.ui.charts.covers import calibration, emotion_on_covers, noise
    from albumjudge.ui.charts.distributions import distribution, juror, jurors, profile
    from albumjudge.ui.charts.matrices import confusion, people_and_machine
    from albumjudge.ui.charts.story import SELECTED, covers_by_pleasantness, leans, ranking
    from albumjudge.ui.charts.training import ceiling, training_curves

__all__ = [
    "CLOSE_UP",
    "LEFT",
    "ON_SIDES",
    "RIGHT",
    "SELECTED",
    "calibration",
    "ceiling",
    "confusion",
    "covers_by_pleasantness",
    "distribution",
    "emotion_on_covers",
    "juror",
    "jurors",
    "leans",
    "noise",
    "people_and_machine",
    "profile",
    "ranking",
    "training_curves",
]

_HOMES = {
    "calibration": "covers",
    "emotion_on_covers": "covers",
    "noise": "covers",
    "distribution": "distributions",
    "juror": "distributions",
    "jurors": "distributions",
    "profile": "distributions",
    "confusion": "matrices",
    "people_and_machine": "matrices",
    "SELECTED": "story",
    "covers_by_pleasantness": "story",
    "leans": "story",
    "ranking": "story",
    "ceiling": "training",
    "training_curves": "training",
}
"""Modules of the names that need Altair."""


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
