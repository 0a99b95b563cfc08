"""Altair charts for the dark wall: one hue per emotion, unpleasant ones left, pleasant ones right."""

from albumjudge.ui.charts.covers import calibration, emotion_on_covers, noise
from albumjudge.ui.charts.distributions import distribution, juror, jurors, profile
from albumjudge.ui.charts.matrices import confusion, people_and_machine
from albumjudge.ui.charts.story import SELECTED, covers_by_pleasantness, leans, ranking
from albumjudge.ui.charts.theme import CLOSE_UP, LEFT, ON_SIDES, RIGHT
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
