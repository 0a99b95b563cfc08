"""Altair charts for the dark wall: one hue per emotion, unpleasant ones left, pleasant ones right.

Where a chart can be ``faint``, it is then drawn without colour, for it rests on too few votes to say much.
A chart of nothing raises ValueError. Altair is loaded with the first chart: the first page does not wait for it.
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

__all__ = ["CLOSE_UP", "LEFT", "ON_SIDES", "RIGHT"]
__all__ += ["calibration", "emotion_on_covers", "noise"]
__all__ += ["distribution", "juror", "jurors", "profile"]
__all__ += ["confusion", "people_and_machine"]
__all__ += ["SELECTED", "covers_by_pleasantness", "leans", "ranking"]
__all__ += ["ceiling", "training_curves"]

_HOMES = {
    "covers": ("calibration", "emotion_on_covers", "noise"),
    "distributions": ("distribution", "juror", "jurors", "profile"),
    "matrices": ("confusion", "people_and_machine"),
    "story": ("SELECTED", "covers_by_pleasantness", "leans", "ranking"),
    "training": ("ceiling", "training_curves"),
}
"""Modules that need Altair, and what is in them."""


def __getattr__(name: str) -> Any:
    for module, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
