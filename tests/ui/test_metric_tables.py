"""Tables of measured numbers as HTML: headings and marks come from the registry, nothing from substrings."""

from __future__ import annotations

import pytest

from albumjudge.ui import metric_tables


@pytest.mark.parametrize(
    ("value", "share", "words"),
    [
        (0.12345, False, "0.123"),
        (0.12345, True, "12 %"),
        (12, False, "12"),
        (12345, False, "12,345"),
        (123.456, False, "123.5"),
        (None, False, "–"),
        (float("nan"), False, "–"),
        ("word", False, "word"),
        (True, False, "yes"),
    ],
)
def test_numbers_read_well(value: object, share: bool, words: str) -> None:
    assert metric_tables.shown(value, share) == words


@pytest.mark.parametrize(
    ("content", "answer"),
    [({}, False), ({"a": 3}, False), ({"a": {"b": [1]}}, False), ({"a": {"b": 1}}, True)],
)
def test_only_rows_of_numbers_are_a_table(content: object, answer: bool) -> None:
    assert metric_tables.is_table(content) is answer


def test_the_best_number_is_marked_but_not_of_an_unknown_column() -> None:
    html = metric_tables.table({"a": {"wing_span": 1.5}, "b": {"wing_span": 2.5}})
    assert "wing span" in html and "best" not in html
    assert metric_tables.terms(["wing_span"]) == ""
    rows = {"jury": {"kl": 1.5, "top1": 0.2}, "b": {"kl": 2.5, "top1": 0.3}}
    html = metric_tables.table(rows)
    assert html.count('class="best"') == 2 and "our jury" in html
    assert '<td class="best">1.500</td>' in html and '<td class="best">30 %</td>' in html
    assert "best" not in metric_tables.table(rows, ranked=False)
    html = metric_tables.table({"<script>": {"<img>": "<i>"}}, "<b>")
    assert not any(tag in html for tag in ("<script>", "<img>", "<i>", "<b>"))


def test_distances_seen_through_different_networks_are_told_apart() -> None:
    columns = [
        "frechet_vgg16_pooled",
        "frechet_vgg16_relu",
        "frechet_vgg16_conv",
        "frechet_lite0",
        "covers_seen",
    ]
    html = metric_tables.terms(columns)
    assert html.count("<dt>Fréchet") == 4 and "shown in training" in html
    assert html.count("Lower is better.") == 4
