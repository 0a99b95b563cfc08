"""What was measured of a checkpoint: its tables, training curves and film."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

import streamlit as st

from albumjudge import metrics
from albumjudge.inference.film import read_film
from albumjudge.inference.folders import Checkpoint
from albumjudge.ui import charts, markup, prints, words
from albumjudge.ui import metric_tables as measures
from albumjudge.ui.words import N_, _, translate

CURVES: tuple[dict[str, str], ...] = (
    {"loss_generator": N_("the painter’s loss"), "loss_discriminator": N_("its discriminator’s loss")},
    {"held_out_KL": N_("distance to people’s votes on paintings held back (KL)")},
    {"loss": N_("loss on paintings it learns from")},
)
"""Keys of ``history.json`` that are drawn, one chart a group, and what they are called."""


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
            known = metrics.table(name)
            found += tables_in(inner, f"{title}, {known.title}".strip(", "), known.ranked)
    return found


def measured(checkpoint: Checkpoint, nothing: str) -> None:
    """Every table that lies beside the weights, one of them open, each with its terms explained."""
    parts = []
    for place, found in enumerate(tables_in(checkpoint.metrics)):
        title = translate(found.title[:1].upper() + found.title[1:])
        # Browsers close a part when another one of the same name is opened.
        parts.append(
            f'<details name="measured"{"" if place else " open"}><summary>{escape(title)}</summary>'
            + (markup.paragraph(translate(found.what), "quiet wide") if found.what else "")
            + measures.table(found.rows, found.title, ranked=found.ranked)
            + measures.terms(measures.columns_of(found.rows))
            + "</details>"
        )
    st.html(f'<div class="tables">{"".join(parts)}</div>' if parts else markup.paragraph(nothing))


def curves(checkpoint: Checkpoint) -> None:
    """How training went, if it was written down."""
    history = [entry for entry in checkpoint.history if isinstance(entry, dict)]
    over = next((key for key in ("epoch", "step") if any(key in entry for entry in history)), None)
    if over is None:
        return
    for group in CURVES:
        lines = {key: _(said) for key, said in group.items() if any(key in entry for entry in history)}
        if lines:
            said = (
                _("How training went, epoch by epoch")
                if over == "epoch"
                else _("How training went, step by step")
            )
            markup.say(said)
            st.altair_chart(charts.training_curves(history, over, lines), theme=None)


@st.fragment
def film(checkpoint: Checkpoint) -> None:
    """The same covers after more and more training."""
    frames = {words.number(frame.covers_seen): frame for frame in read_film(checkpoint.directory)}
    if len(frames) < 2:
        return
    with st.container(key="film"):
        markup.say(_("Always from the same random numbers. Slide back to when it knew nothing."))
        chosen = str(
            st.select_slider(_("Covers shown so far"), list(frames), value=[*frames][-1], key="frame")
        )
        frame = frames[chosen]
        alt = _("The same covers as painted after {n} real ones were shown.", n=chosen)
        st.html(
            f'<img class="film" src="{prints.data_uri(frame.png)}" alt="{escape(alt)}">'
            f'<p class="quiet">{escape(_(RECIPES.get(frame.recipe, "")))}</p>'
        )


RECIPES = {
    "flow": N_("It learns to find latents in noise; the decoder had finished learning before."),
    "dcgan": N_("It learns as painters did in 2015: one discriminator looks at the pixels."),
    "one step": N_(
        "By now it needs one step where it took many, and a discriminator looks at what it paints."
    ),
}
"""What stands under the film, by how the painter was trained when it painted them."""


BENCHMARKED = {
    "mean_prediction": N_("always the average"),
    "seed_recipe": N_("as in 2019"),
    "linear_probe": N_("a plain last layer"),
    "jury": N_("our jury"),
}
"""Rows of the benchmark that are drawn, and what visitors read beside them."""


PERFECT = "vote_noise"


def _rows(checkpoint: Checkpoint, table: str) -> Mapping[str, Any]:
    """The rows of a table beside the weights; none where it was not measured."""
    found = checkpoint.metrics.get(table, {})
    rows = found.get("rows", {}) if isinstance(found, Mapping) else {}
    return rows if isinstance(rows, Mapping) else {}


def _numbers(checkpoint: Checkpoint, table: str, column: str, *rows: str) -> list[float]:
    """A column's numbers in these rows; none unless all of them were measured."""
    found = [_rows(checkpoint, table).get(row, {}) for row in rows]
    numbers = [row.get(column) if isinstance(row, Mapping) else None for row in found]
    return [float(one) for one in numbers if isinstance(one, int | float)] if None not in numbers else []


def plain_numbers(painter: Checkpoint, judge: Checkpoint, dcgan: str | None) -> str:
    """HTML of the few numbers that say how good the networks are; empty where they were not measured.

    Args:
        dcgan: revision of the painter to compare with.
    """
    cells, distances = [], ("real_covers", dcgan or "", painter.revision)
    if shown := _numbers(painter, "painter_distance", "frechet_vgg16_pooled", *distances):
        real, first, now = map(words.number, shown)
        said = _(
            "how far painted covers are from real ones: {first} in 2019; other real covers, {real}",
            first=first,
            real=real,
        )
        cells.append((now, said))
    if shown := _numbers(judge, "benchmark", "top1", "mean_prediction", "jury", PERFECT):
        mean, jury, perfect = (words.number(100 * share) for share in shown)
        said = _(
            "of 100 paintings, on which the jury names the feeling that most people named; always the same "
            "answer finds {mean}, and a perfect judge {perfect}",
            mean=mean,
            perfect=perfect,
        )
        cells.append((jury, said))
    if isinstance(covers := painter.training.get("covers"), int):
        cells.append((words.number(covers), _("real covers that tonight’s painter learned from")))
    if isinstance(paintings := judge.training.get("paintings"), int):
        cells.append((words.number(paintings), _("abstract paintings that the jury learned feelings from")))
    rows = "".join(f"<div><dt>{escape(said)}</dt><dd>{value}</dd></div>" for value, said in cells)
    return f'<dl class="counts plain">{rows}</dl>' if rows else ""


def how_good(checkpoint: Checkpoint) -> None:
    """The benchmark as a chart, with the ceiling that the noise of so few votes sets."""
    rows = _rows(checkpoint, "benchmark")
    if PERFECT not in rows:
        return
    markup.say(
        _(
            "About fourteen people voted on each painting; had others come in, the votes would have been "
            "different. The dashed line is where a perfect judge would end, who knows what everybody in the "
            "world would feel but not which fourteen will come."
        ),
        kind="quiet wide",
    )
    with st.container(key="side-by-side-benchmark"):
        for column, said in (
            ("top1", _("Names the feeling that came first, where people clearly had one")),
            ("intersection", _("How much of people’s votes it gets right")),
        ):
            scores = {
                _(title): float(rows[name][column])
                for name, title in BENCHMARKED.items()
                if column in rows.get(name, {})
            }
            if scores and column in rows[PERFECT]:
                with st.container():
                    markup.say(said)
                    st.altair_chart(charts.ceiling(scores, float(rows[PERFECT][column]), said), theme=None)
