"""What was measured of a checkpoint: its tables, training curves and film."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

import streamlit as st

from albumjudge import metrics
from albumjudge.inference.checkpoints import Checkpoint
from albumjudge.inference.film import read_film
from albumjudge.ui import charts, prints
from albumjudge.ui import metric_tables as measures

CURVES: tuple[dict[str, str], ...] = (
    {"loss_generator": "the painter’s loss", "loss_discriminator": "its discriminator’s loss"},
    {"held_out_KL": "distance to people’s votes on paintings held back (KL)"},
    {"loss": "loss on paintings it learns from"},
)
"""Keys of ``history.json`` that are drawn, one chart a group, and what they are called."""


def prose(title: str, *paragraphs: str) -> None:
    body = "".join(f"<p>{escape(paragraph)}</p>" for paragraph in paragraphs)
    heading = f"<h2>{escape(title)}</h2>" if title else ""
    st.html(f'<div class="prose">{heading}{body}</div>')


@dataclass(frozen=True)
class Found:
    """A table of a ``metrics.json``: the names that lead to it, what it says about itself, its rows."""

    title: str
    what: str
    rows: measures.Rows
    ranked: bool = True


def tables_in(content: Mapping[str, Any], title: str = "", ranked: bool = True) -> list[Found]:
    """All tables of a ``metrics.json``, however deep."""
    if measures.is_table(content):
        return [Found(title, "", content, ranked)]
    if measures.is_table(content.get("rows")):
        return [Found(title, str(content.get("what", "")), content["rows"], ranked)]
    found = []
    for name, inner in content.items():
        if isinstance(inner, Mapping):
            known = metrics.table_named(name)
            found += tables_in(inner, f"{title}, {known.title}".strip(", "), known.ranked)
    return found


def measured(checkpoint: Checkpoint, nothing: str) -> None:
    """Every table that lies beside the weights, with its terms explained."""
    tables = tables_in(checkpoint.metrics)
    if not tables:
        st.html(f'<p class="quiet">{escape(nothing)}</p>')
        return
    columns: list[str] = []
    for found in tables:
        words = found.what or found.title[:1].upper() + found.title[1:]
        st.html(
            f'<p class="quiet">{escape(words)}</p>{measures.table(found.rows, found.title, ranked=found.ranked)}'
        )
        columns += measures.columns_of(found.rows)
    if explained := measures.terms(list(dict.fromkeys(columns))):
        with st.expander("What these words mean"):
            st.html(explained)


def curves(checkpoint: Checkpoint) -> None:
    """How training went, if it was written down."""
    history = [entry for entry in checkpoint.history if isinstance(entry, dict)]
    over = next((key for key in ("epoch", "step") if any(key in entry for entry in history)), None)
    if over is None:
        return
    for group in CURVES:
        lines = {key: words for key, words in group.items() if any(key in entry for entry in history)}
        if lines:
            st.html(f'<p class="quiet">How training went, {escape(over)} by {escape(over)}</p>')
            st.altair_chart(charts.training_curves(history, over, lines), theme=None)


def film(checkpoint: Checkpoint) -> None:
    """The same sixteen covers from the first brush stroke to the last, moment by moment."""
    frames = {f"{frame.covers_seen:,}": frame for frame in read_film(checkpoint.directory)}
    if len(frames) < 2:
        return
    with st.container(key="film"):
        prose(
            "Watch it learn",
            "Sixteen covers, always from the same random numbers, while the painter learned. Slide to the moment "
            "you like. The number says how many real covers it had been shown by then, the same one many times.",
        )
        chosen = str(st.select_slider("Covers shown so far", list(frames), value=[*frames][-1], key="moment"))
        frame = frames[chosen]
        source = prints.data_uri(frame.png)
        st.html(
            f'<img class="film" src="{source}" alt="The same sixteen covers as painted after {chosen} real ones '
            f'were shown."><p class="quiet">{escape(RECIPES.get(frame.recipe, ""))}</p>'
        )


RECIPES = {
    "flow": "It learns to find latents in noise; the decoder had finished learning before.",
    "dcgan": "It learns as painters did in 2015: one discriminator looks at the pixels.",
    "one step": "By now it needs one step where it took many, and a discriminator looks at what it paints.",
}
RECIPES["sketched"] = RECIPES["flow"]
"""What stands under the film, by how the painter was trained at that moment."""


BENCHMARKED = {
    "mean_prediction": "always the average",
    "seed_recipe": "as in 2019",
    "linear_probe": "a plain last layer",
    "jury": "our jury",
}
"""Rows of the benchmark that are drawn, and what visitors read beside them."""


PERFECT = "vote_noise"


def how_good(checkpoint: Checkpoint) -> None:
    """The benchmark as a chart, with the ceiling that the noise of so few votes sets."""
    table = checkpoint.metrics.get("benchmark", {})
    rows = table.get("rows", {}) if isinstance(table, Mapping) else {}
    if PERFECT not in rows:
        return
    prose(
        "How good is it?",
        "Not very, and it cannot be much better. About fourteen people voted on each painting; had others come "
        "in, the votes would have been different. The dashed line is where a perfect judge would end, who knows "
        "what everybody in the world would feel but not which fourteen will come.",
    )
    for column, words in (
        ("top1", "Names the feeling that came first, where people clearly had one"),
        ("intersection", "How much of people’s votes it gets right"),
    ):
        scores = {
            words: float(rows[name][column])
            for name, words in BENCHMARKED.items()
            if column in rows.get(name, {})
        }
        if scores and column in rows[PERFECT]:
            st.html(f'<p class="quiet">{escape(words)}</p>')
            st.altair_chart(charts.ceiling(scores, float(rows[PERFECT][column]), words), theme=None)
    st.html(f'<p class="quiet">{escape(str(table.get("what", "")))}</p>')
