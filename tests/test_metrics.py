"""The registry of measured numbers: every bundled table is known to it, by exact id."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from albumjudge import metrics
from albumjudge.domain.emotions import NAMES

BUNDLED = sorted((Path(__file__).parents[1] / "checkpoints").glob("*/metrics.json"))


@pytest.mark.parametrize("path", BUNDLED, ids=lambda path: path.parent.name)
def test_every_bundled_table_and_column_is_known(path: Path) -> None:
    tables = json.loads(path.read_text("utf-8"))
    assert tables.keys() <= {table.id for table in metrics.TABLES}
    assert all(
        metrics.get(column).label
        for table in tables.values()
        for row in table["rows"].values()
        for column in row
    )


def test_ids_and_labels_are_unique_and_what_is_no_share_is_explained() -> None:
    for registry in (metrics.METRICS, metrics.TABLES):
        assert len({entry.id for entry in registry}) == len(registry)
    assert len({metric.label for metric in metrics.METRICS}) == len(metrics.METRICS)
    assert {metric.direction for metric in metrics.METRICS} == {"higher", "lower", ""}
    labelled = {f"{of}_{name}" for of in ("first", "share", "stands_out") for name in (*NAMES, "pleasant")}
    assert {metric.id for metric in metrics.METRICS if not metric.meaning} <= labelled


def test_the_end_of_an_interval_has_no_better_side() -> None:
    end = metrics.get("top1_high")
    assert end == metrics.Metric("top1_high", "Top 1, upper end", share=True)


@pytest.mark.parametrize("id", ["images", "kl_middle", "low_low_low", "Wing_span"])
def test_what_is_not_registered_is_refused_or_called_what_the_file_calls_it(id: str) -> None:
    with pytest.raises(KeyError, match="is called"):
        metrics.get(id)
    assert metrics.column(id) == metrics.Metric(id, id.replace("_", " "))
    assert metrics.table(id) == metrics.Table(id, id.replace("_", " "))
