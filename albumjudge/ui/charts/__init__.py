"""Altair charts for the dark wall: one hue per emotion, unpleasant ones left, pleasant ones right."""

from albumjudge.ui.charts.covers import calibration, emotion_on_covers, noise
from albumjudge.ui.charts.distributions import distribution, juror, jurors, profile
from albumjudge.ui.charts.matrices import confusion, people_and_machine
from albumjudge.ui.charts.theme import CLOSE_UP, LEFT, ON_SIDES, RIGHT, percent, spoken
from albumjudge.ui.charts.training import ceiling, training_curves

__all__ = [
    "CLOSE_UP",
    "LEFT",
    "ON_SIDES",
    "RIGHT",
    "calibration",
    "ceiling",
    "confusion",
    "distribution",
    "emotion_on_covers",
    "juror",
    "jurors",
    "noise",
    "people_and_machine",
    "percent",
    "profile",
    "spoken",
    "training_curves",
]
