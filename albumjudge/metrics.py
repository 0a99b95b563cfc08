"""Registry of measured numbers (``metrics.csv``) and of the tables and rows they stand in, by exact id.

A ``metrics.json`` holds ``{table id: {"what": ..., "rows": {row id: {metric id: number}}}}``.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, replace
from pathlib import Path


@dataclass(frozen=True)
class Metric:
    """How to show and explain one number.

    Attributes:
        id: key in ``metrics.json``.
        label: heading of a column, with the network or unit.
        direction: which is better, "higher" or "lower"; empty where neither is.
        share: whether it is shown as a percentage.
        meaning: one plain sentence; empty where the label says it all.
    """

    id: str
    label: str
    direction: str = ""
    share: bool = False
    meaning: str = ""


@dataclass(frozen=True)
class Table:
    """A table of ``metrics.json``: its key, its heading, and whether the best of a column may be marked."""

    id: str
    title: str
    ranked: bool = True


def _read() -> tuple[Metric, ...]:
    with Path(__file__).with_suffix(".csv").open(encoding="utf-8", newline="") as file:
        return tuple(
            Metric(id, label, direction, share == "%", meaning)
            for id, label, direction, share, meaning in [*csv.reader(file)][1:]
        )


METRICS = _read()

TABLES: tuple[Table, ...] = (
    Table("painter_vgg16_distance", "Distance from real covers, one network"),
    Table("painter_distance", "Distance from real covers"),
    Table("painter_fidelity", "Fidelity, variety and copying"),
    Table("painter_spectrum", "Fine detail: power spectrum", ranked=False),
    Table("painter_conditioning", "Does it paint what it is asked for?"),
    Table("cross_validation", "Cross-validation"),
    Table("fit", "Fit to its own paintings"),
    Table("benchmark", "Benchmark, 5 x 5 folds"),
    Table("benchmark_differences", "Benchmark, 5 x 5 folds: differences", ranked=False),
    Table("other_paintings", "Other paintings"),
    Table("benchmark_scaled", "Benchmark, scaled shares"),
    Table("benchmark_scaled_differences", "Benchmark, scaled shares: differences", ranked=False),
    Table("disagreement", "Disagreement of jurors and of people"),
    Table("on_covers", "From paintings to covers", ranked=False),
    Table("covers_by_genre", "Covers by genre and decade", ranked=False),
    Table("saliency", "Saliency"),
    Table("visitor_juror", "The juror raised by visitors", ranked=False),
    Table("time", "Time"),
)

ROWS: dict[str, str] = {
    "real_covers": "other real covers",
    "held_out_covers": "held-out covers",
    "untrained": "before training",
    "mean_prediction": "predict the mean",
    "seed_recipe": "seed’s recipe (argmax, fine-tuned)",
    "linear_probe": "linear probe on five blocks",
    "best_juror": "juror: the well-read",
    "jury": "our jury",
    "vote_noise": "a perfect judge (vote noise)",
}
"""Rows that code looks up, by id, and their labels; other rows are called what their label says."""

_METRIC = {metric.id: metric for metric in METRICS}
_TABLE = {table.id: table for table in TABLES}
_ENDS = {"low": "lower", "high": "upper"}


def get(id: str) -> Metric:
    """The metric with an id; ``<id>_low`` and ``<id>_high`` are the ends of its interval.

    Raises:
        KeyError: if there is none.
    """
    if id in _METRIC:
        return _METRIC[id]
    whole, _, end = id.rpartition("_")
    if whole in _METRIC and end in _ENDS:
        metric = _METRIC[whole]
        return replace(metric, id=id, label=f"{metric.label}, {_ENDS[end]} end", meaning="", direction="")
    raise KeyError(f"No metric is called {id!r}; see albumjudge/metrics.csv.")


def column(id: str) -> Metric:
    """The metric of a column in any file; one that is unknown here is called what the file calls it."""
    try:
        return get(id)
    except KeyError:
        return Metric(id, id.replace("_", " "))


def table(id: str) -> Table:
    """The table with an id in any file; one that is unknown here is called what the file calls it."""
    return _TABLE.get(id) or Table(id, id.replace("_", " "))


def row_label(id: str) -> str:
    """What a row is called on a page."""
    return ROWS.get(id, id.replace("_", " "))
