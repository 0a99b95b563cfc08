"""Measured numbers as Markdown tables."""

from __future__ import annotations

import math

import pytest

from albumjudge import metrics
from training.reports.tables import labelled, markdown_table, number


def test_a_table_is_aligned_markdown_in_the_words_of_the_registry() -> None:
    rows = {"painted": {"Frechet": 12.3456, "kernel": 0.000123}, "real | other": {"Frechet": 1.0, "n": 1000}}
    assert markdown_table(rows, "covers").splitlines() == [
        "| covers        | Frechet |   kernel |     n |",
        "| ------------- | ------: | -------: | ----: |",
        "| painted       |   12.35 | 0.000123 |     - |",
        "| real \\| other |   1.000 |        - | 1,000 |",
    ]
    rows = {"real_covers": {"frechet_lite0": 1.0}, "dcgan-plain-00000000": {"new_metric": 2.0}}
    label = metrics.get("frechet_lite0").label
    assert labelled(rows) == {
        metrics.row_label("real_covers"): {label: 1.0},
        "dcgan-plain-00000000": {"new metric": 2.0},
    }


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (3829, "3,829"),
        (0, "0"),
        (0.0, "0"),
        (0.4567891, "0.4568"),
        (-0.0123456, "-0.01235"),
        (98765.4321, "98,765"),
        (1234.56, "1,235"),
        (0.9999999, "1.0000"),
        (1e-9, "0.000000"),
        (math.nan, "nan"),
    ],
)
def test_numbers_have_four_digits_that_matter(value: float, written: str) -> None:
    assert number(value) == written
