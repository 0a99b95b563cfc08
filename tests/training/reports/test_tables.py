"""Measured numbers as Markdown tables."""

from __future__ import annotations

import math

import pytest

from training.reports.tables import markdown_table, number


def test_a_table_is_aligned_markdown_with_dashes_where_nothing_was_measured() -> None:
    rows = {"painted": {"Frechet": 12.3456, "kernel": 0.000123}, "real | other": {"Frechet": 1.0, "n": 1000}}
    assert markdown_table(rows, "covers").splitlines() == [
        "| covers        | Frechet |   kernel |     n |",
        "| ------------- | ------: | -------: | ----: |",
        "| painted       |   12.35 | 0.000123 |     - |",
        "| real \\| other |   1.000 |        - | 1,000 |",
    ]


def test_columns_come_in_the_order_asked_for_and_the_others_after() -> None:
    rows: dict[str, dict[str, float]] = {"one": {"c": 1, "b": 2}, "other": {"a": 3, "d": 4}}
    heading, _, *lines = markdown_table(rows, order=("a", "nowhere", "b")).splitlines()
    assert [cell.strip() for cell in heading.split("|")[2:-1]] == ["a", "b", "c", "d"]
    assert [line.split("|")[2].strip() for line in lines] == ["-", "3"]


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
