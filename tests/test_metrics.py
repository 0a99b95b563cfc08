"""The registry of measured numbers: every bundled table is known to it, by exact id."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from albumjudge import metrics
from albumjudge.domain.emotions import NAMES
from albumjudge.legacy_metrics import LEGACY_METRICS, LEGACY_TABLES

BUNDLED = sorted((Path(__file__).parents[1] / "checkpoints").glob("*/metrics.json"))


@pytest.mark.parametrize("path", BUNDLED, ids=lambda path: path.parent.name)
def test_every_bundled_table_and_column_has_an_id(path: Path) -> None:
    before = json.loads(path.read_text("utf-8"))
    after = metrics.with_ids(before)
    assert len(after) == len(before) and metrics.with_ids(after) == after
    for old, (id, content) in zip(before.values(), after.items(), strict=True):
        assert metrics.table(id).title
        for rows_before, row in zip(old["rows"].values(), content["rows"].values(), strict=True):
            assert list(row.values()) == list(rows_before.values())
            assert all(metrics.get(column).label for column in row)


def test_ids_and_labels_are_unique_and_shares_are_explained() -> None:
    for registry in (metrics.METRICS, metrics.TABLES):
        assert len({entry.id for entry in registry}) == len(registry)
    assert len({metric.label for metric in metrics.METRICS}) == len(metrics.METRICS)
    labelled = {f"{of}_{name}" for of in ("first", "share", "stands_out") for name in (*NAMES, "pleasant")}
    assert {metric.id for metric in metrics.METRICS if not metric.meaning} <= labelled
    assert {*LEGACY_METRICS.values()} <= {metric.id for metric in metrics.METRICS}
    assert {*LEGACY_TABLES.values()} <= {table.id for table in metrics.TABLES}


@pytest.mark.parametrize(
    ("name", "id", "label"),
    [
        ("images seen", "covers_seen", "Covers shown"),
        ("VGG16 Frechet, before ReLU", "frechet_vgg16_conv", "Fréchet, VGG16 before ReLU"),
        ("kl", "kl", "KL (nats)"),
        ("KL, low", "kl_low", "KL (nats), lower end"),
        ("first: awe", "first_awe", "First: awe"),
        ("Wing_span", "Wing_span", "Wing span"),
    ],
)
def test_names_are_matched_whole(name: str, id: str, label: str) -> None:
    assert metrics.id_of(name) == id and metrics.column(name).label == label


def test_the_end_of_an_interval_has_no_better_side() -> None:
    assert metrics.get("top1_high").direction == "none" and metrics.get("top1_high").share


@pytest.mark.parametrize("ask", [metrics.get, metrics.table])
@pytest.mark.parametrize("id", ["images", "kl_middle", "low_low_low"])
def test_what_is_not_registered_is_refused(ask: object, id: str) -> None:
    assert callable(ask)
    with pytest.raises(KeyError, match="is called"):
        ask(id)


def test_an_unknown_table_is_called_what_its_file_calls_it() -> None:
    assert metrics.table_named("wing_span") == metrics.Table("wing_span", "wing span")
    assert metrics.table_named("generator").id == "painter_vgg16_distance"
    assert not metrics.table_named("benchmark_differences").ranked


def test_odd_files_are_left_as_they_are() -> None:
    odd = {"date": "today", "x": {"rows": {"a": 3}}, "y": {"rows": [1]}}
    assert metrics.with_ids(odd) == odd
