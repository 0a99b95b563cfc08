"""How it works: the idea, the two networks, what they learned from, how well they do, what they cannot do."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import streamlit as st

from albumjudge import metrics
from albumjudge.domain import seeds as hanging
from albumjudge.inference.checkpoints import Checkpoint
from albumjudge.inference.exhibit import JudgedCover
from albumjudge.inference.film import read_film
from albumjudge.ui import charts, prints
from albumjudge.ui import metric_tables as measures
from albumjudge.ui import shell as room

room.need_frame()

EXAMPLE_WALL = 1

CURVES: tuple[dict[str, str], ...] = (
    {"loss_generator": "the painter’s loss", "loss_discriminator": "its critic’s loss"},
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


def how_it_works() -> None:
    room.heading("How it works", "Two neural networks that have never met, and you.")
    exhibit = room.exhibit()
    checkpoints = exhibit.checkpoints
    examples = exhibit.show(hanging.wall(EXAMPLE_WALL, 4))
    prose(
        "The idea",
        "One network paints album covers. Another looks at them and says what it feels. Neither has "
        "a life to feel "
        "anything with: the first repeats what covers look like, the second repeats what people once "
        "said about "
        "other pictures. The question on the wall is whether you feel the same.",
        "You vote blind, before the machine’s answer is shown. Only so can agreement be told from "
        "politeness.",
    )
    with st.container(key="side-by-side-networks"):
        with st.container():
            painter(checkpoints["generator"], examples)
        with st.container():
            judge(checkpoints["judge"], examples[0])
    with st.container(key="side-by-side-limits"):
        with st.container():
            prose(
                "What to keep in mind",
                "64 by 64 pixels is very little. Covers are hints of covers, and the judge sees no "
                "more than you do.",
                "The judge learned from a few hundred abstract paintings, not from album covers. Its "
                "percentages are "
                "guesses about how strangers would have voted, not feelings and not truths, least of "
                "all about you.",
                "Eight words do not hold what people feel. That is why there is a button for "
                "nothing, or something else.",
                "Who comes here is no sample of mankind. The results speak for the people who voted.",
            )
        with st.container():
            prose(
                "What is kept",
                "A vote is stored with a random number that stands for your browser, the cover, what "
                "you felt and how "
                "long that took, what the machine felt, whether you agreed, and when. No name, no "
                "address, nothing else.",
                "The number lives in a cookie of this exhibit. Delete it and you are someone new.",
            )
            st.page_link(room.VOTE, label="Vote on a cover")


def painter(checkpoint: Checkpoint, examples: Sequence[JudgedCover]) -> None:
    in_two_steps = checkpoint.network == "FlowGenerator"
    prose("The painter", IN_TWO_STEPS if in_two_steps else IN_ONE_STEP)
    st.html(
        "<div "
        f'class="row">{"".join(prints.framed(e.cover, size="small", short=True) for e in examples)}</div>'
    )
    prose(
        "",
        "It learned from thousands of real album covers, shrunk to 64 by 64 pixels. It knows their "
        "colours, their "
        "layouts and the smudge where a name would be. It has no idea of music.",
    )
    if in_two_steps:
        prose(
            "",
            "The sketcher learned by cleaning up. It was shown sketches of real covers under more or less noise, "
            "and had to say which way the sketch lies. Whoever can do that can begin with nothing but noise. No "
            "critic is needed, and every noise ends somewhere else. A novice had the same lessons, but is "
            "smaller and was soon sent away. It is still asked, once a cover has taken shape: wherever the two "
            "differ, the painter goes further the sketcher’s way. That makes covers clearer." + orders(),
        )
    film(checkpoint)
    measured(checkpoint, "No measurements lie beside the painter’s weights.")
    curves(checkpoint)


SAME_NUMBER = (
    "The number under each cover is the seed of its random numbers, so the same number always gives the same "
    "cover."
)
IN_ONE_STEP = (
    "A DCGAN: two networks that play against each other. One turns a hundred random numbers into a picture of "
    "64 by 64 pixels; the other tries to tell its pictures from real album covers. After thousands of rounds the "
    f"painter’s pictures pass often enough. {SAME_NUMBER}"
)
IN_TWO_STEPS = (
    "It works in two steps. A sketcher makes a sketch of 8 by 8 points out of random numbers, a bit clearer each "
    "time it looks; each point says what goes there: light or dark, which colour, a face’s edge, lettering. An "
    "inker makes a picture of 64 by 64 pixels of it. The inker learned its trade first, by putting real covers "
    f"back together from sketches of them. {SAME_NUMBER}"
)


def orders() -> str:
    """Whether the painter can be asked for genres and decades, which it was told of some covers."""
    if room.exhibit().follows_conditions():
        return (
            " It was also told the genre and the decade of some covers, so it can be asked for them. How often a "
            "network that knows real covers reads from its covers what was asked for stands below."
        )
    return (
        " It was also told the genre and the decade of some covers, and has not learned them: asked for jazz, it "
        "paints what it always paints. So nobody is asked what to ask for."
    )


def film(checkpoint: Checkpoint) -> None:
    """The same sixteen covers from the first brush stroke to the last, moment by moment."""
    moments = {f"{moment.covers_seen:,}": moment for moment in read_film(checkpoint.directory)}
    if len(moments) < 2:
        return
    with st.container(key="film"):
        prose(
            "Watch it learn",
            "Sixteen covers, always from the same random numbers, while the painter learned. Slide to the moment "
            "you like. The number says how many real covers it had been shown by then, the same one many times.",
        )
        chosen = str(
            st.select_slider("Covers shown so far", list(moments), value=[*moments][-1], key="moment")
        )
        moment = moments[chosen]
        source = "data:image/png;base64," + base64.b64encode(moment.png).decode("ascii")
        st.html(
            f'<img class="film" src="{source}" alt="The same sixteen covers as painted after {chosen} real ones '
            f'were shown."><p class="quiet">{escape(RECIPES.get(moment.recipe, ""))}</p>'
        )


RECIPES = {
    "sketched": "A sketcher learns to find sketches in noise; who inks them had finished learning before.",
    "dcgan": "Up to here it learned as painters did in 2015: one critic looks at the pixels.",
    "projected": "Four more critics look through the eyes of a network that knows photographs.",
    "aided": "By now four more critics have joined: they look through the eyes of a network that knows "
    "photographs.",
    "styled": "By now a network that knows photographs compares its covers, as a crowd, with real ones, and a "
    "reader looks for what was asked for.",
}
"""What stands under the film, by how the painter was trained at that moment."""


def judge(checkpoint: Checkpoint, example: JudgedCover) -> None:
    jury = checkpoint.training.get("lives", [])
    prose(
        "The jury" if jury else "The judge",
        "A VGG16: a network made to recognise things in photographs, with a new last layer that "
        "answers a different question. It gives eight percentages, one for each emotion. In front of cover "
        f"{example.cover.identity.number} it feels {example.verdict.words}:",
    )
    st.altair_chart(charts.distribution(example.verdict.probabilities), theme=None)
    prose(
        "",
        "It learned from abstract paintings on which people had voted which of the eight they felt. "
        "People rarely agree on a painting, so it learned the whole distribution of their votes and not just "
        "the winner.",
    )
    if jury:
        prose(
            "",
            f"It is not one judge but {len(jury)}. They share their eyes, the network, but not their lives. What "
            "hangs under a cover is the mean of what they feel:",
        )
        st.html(
            '<dl class="terms">'
            + "".join(
                f"<div><dt>{escape(str(life['name']))}</dt><dd>{escape(str(life['told']))}</dd></div>"
                for life in jury
            )
            + "</dl>"
        )
    how_good(checkpoint)
    used_to_covers(checkpoint)
    with st.expander("All that was measured") if jury else st.container():
        measured(checkpoint, "No measurements lie beside the judge’s weights.")
    curves(checkpoint)


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
            told: float(rows[name][column])
            for name, told in BENCHMARKED.items()
            if column in rows.get(name, {})
        }
        if scores and column in rows[PERFECT]:
            st.html(f'<p class="quiet">{escape(words)}</p>')
            st.altair_chart(charts.ceiling(scores, float(rows[PERFECT][column]), words), theme=None)
    st.html(f'<p class="quiet">{escape(str(table.get("what", "")))}</p>')


def used_to_covers(checkpoint: Checkpoint) -> None:
    """What changed for the jury when it came from paintings to covers."""
    if "on_covers" not in checkpoint.metrics:
        return
    prose(
        "From paintings to covers",
        "The jury has never voted on a cover; it learned from paintings. Left alone it found most covers to be "
        "of two or three feelings, which says more about the change of place than about the covers. So each "
        "feeling was made a little louder or quieter, once, for all covers, until they move the jury as a whole "
        "as the paintings moved people as a whole. Nobody knows whether they do. Your votes will tell.",
    )


how_it_works()
