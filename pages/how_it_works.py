"""How it works: the idea, the networks, what they learned from, how well they do, what they cannot do."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import streamlit as st

from albumjudge.domain import seeds as hanging
from albumjudge.domain.verdict import JudgedCover
from albumjudge.inference.checkpoints import Checkpoint
from albumjudge.ui import charts, jurors, names, prints
from albumjudge.ui import shell as room
from albumjudge.ui.rooms.measured import curves, film, how_good, measured, prose

room.need_frame()

EXAMPLE_WALL = 1
SAME_NUMBER = (
    "The number under each cover is the seed of its random numbers, so the same number always gives "
    "the same cover."
)
DCGAN = (
    "A DCGAN: two networks that play against each other. One, the generator, turns a hundred random "
    "numbers into a picture of 64 by 64 pixels; the other, the discriminator, tries to tell its pictures "
    "from real album covers. After thousands of rounds the generator’s pictures pass often enough. "
    f"{SAME_NUMBER}"
)
LATENT = (
    "It paints in two steps. First a network turns random numbers, step by step, into a small plan of the "
    "cover: 8 by 8 points, each of which says what goes there, light or dark, which colour, a face’s edge, "
    "lettering. The field calls such a plan a latent. Then a second network, the decoder, makes a picture "
    "of 64 by 64 pixels of it. The decoder learned first, by putting real covers back together from their "
    f"latents. {SAME_NUMBER}"
)
ONE_STEP = (
    "Random numbers become a small plan of the cover: 8 by 8 points, each of which says what goes there, "
    "light or dark, which colour, a face’s edge, lettering. The field calls such a plan a latent. A network "
    "makes it in one step; a second one, the decoder, makes a picture of 64 by 64 pixels of it. An earlier "
    f"painter, which needs many steps, was the teacher. {SAME_NUMBER}"
)
DISTILLED = (
    "First the network learned to make in one step what its teacher makes in many. Then both networks played "
    "against discriminators, which try to tell painted covers from real ones: what the teacher left blurred "
    "became sharp."
)
FLOW = (
    "The network that makes latents learned by taking noise away. It was shown latents of real covers "
    "under more or less noise, and had to say which way the cover lies: its velocity. Whoever can do that "
    "can begin with nothing but noise, and every noise ends somewhere else. No discriminator is needed. A "
    "smaller network had the same lessons for a shorter time. It is asked, too, once a cover has taken "
    "shape: wherever the two differ, the painter goes further away from the weaker one. That is called "
    "autoguidance, and it makes covers clearer."
)
METHODS = {"FlowGenerator": (LATENT, FLOW), "OneStepGenerator": (ONE_STEP, DISTILLED)}
"""How a painter paints and how it learned, by class of network."""
HEEDS = (
    " It also learned the genre and the decade of some covers, so it can be asked for them. How often a "
    "network that knows real covers reads from its covers what was asked for stands below."
)
HEEDS_NOT = (
    " It was also given the genre and the decade of some covers, and has not learned them: asked for jazz, "
    "it paints what it always paints. So nobody is asked what to ask for."
)
KEEP_IN_MIND = (
    "64 by 64 pixels is very little. Covers are hints of covers, and the judge sees no more than you do.",
    "The judge learned from a few hundred abstract paintings, not from album covers. Its percentages are "
    "guesses about how strangers would have voted, not feelings and not truths, least of all about you.",
    "Eight words do not hold what people feel. That is why there is a button for nothing, or something else.",
    "Who comes here is no sample of mankind. The results speak for the people who voted.",
)


def how_it_works() -> None:
    room.heading("How it works", "A painter and a jury that have never met, and you.")
    exhibit = room.exhibit()
    checkpoints = exhibit.checkpoints
    examples = exhibit.show(hanging.wall(EXAMPLE_WALL, 4))
    prose(
        "The idea",
        "One network paints album covers. Another looks at them and says what it feels. Neither has a life "
        "to feel anything with: the first repeats what covers look like, the second repeats what people "
        "once said about other pictures. The question on the wall is whether you feel the same.",
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
            prose("What to keep in mind", *KEEP_IN_MIND)
        with st.container():
            prose(
                "What is kept",
                "A vote is stored with a random number that stands for your browser, the cover, what you "
                "felt and how long that took, what the machine felt, whether you agreed, and when. No "
                "name, no address, nothing else.",
                "The number lives in a cookie of this exhibit. Delete it and you are someone new.",
            )
            st.page_link(room.VOTE, label="Vote on a cover")
    with st.expander("All that was measured of the painter"):
        measured(checkpoints["generator"], "No measurements lie beside the painter’s weights.")
        curves(checkpoints["generator"])
    with st.expander("All that was measured of the jury"):
        measured(checkpoints["judge"], "No measurements lie beside the judge’s weights.")
        curves(checkpoints["judge"])


def painter(checkpoint: Checkpoint, examples: Sequence[JudgedCover]) -> None:
    """How covers are painted, with examples and the film of the training."""
    method, training = METHODS.get(checkpoint.network, (DCGAN, ""))
    prose(
        "The painter",
        f"Tonight’s painter is called {names.title(checkpoint.revision)}.",
        method,
    )
    framed = "".join(prints.framed(example.cover, size="small", short=True) for example in examples)
    st.html(f'<div class="row">{framed}</div>')
    prose(
        "",
        "It learned from thousands of real album covers, shrunk to 64 by 64 pixels. It knows their "
        "colours, their layouts and the smudge where a name would be. It has no idea of music.",
    )
    if training:
        prose("", training + (HEEDS if room.exhibit().follows_conditions() else HEEDS_NOT))
    film(checkpoint)


def judge(checkpoint: Checkpoint, example: JudgedCover) -> None:
    """How covers are judged, and how well."""
    jury = checkpoint.training.get("jurors") or checkpoint.training.get("lives") or []
    prose(
        "The jury" if jury else "The judge",
        "A VGG16: a network made to recognise things in photographs, with a new last layer that answers a "
        "different question. It gives eight percentages, one for each emotion. In front of cover "
        f"{example.cover.identity.number} it feels {example.verdict.words}:",
    )
    st.vega_lite_chart(charts.distribution(example.verdict.probabilities), theme=None)
    prose(
        "",
        "It learned from abstract paintings on which people had voted which of the eight they felt. People "
        "rarely agree on a painting, so it learned the whole distribution of their votes and not just the "
        "winner.",
    )
    if jury:
        prose(
            "",
            f"It is not one judge but {len(jury)}. They share one network to see with, but not what they "
            "learned from. What hangs under a cover is the mean of what they feel:",
        )
        said = "".join(
            f"<div><dt>{escape(str(juror['name']))}</dt><dd>{escape(jurors.summary(juror))}</dd></div>"
            for juror in jury
        )
        st.html(f'<dl class="terms">{said}</dl>')
    how_good(checkpoint)
    if "on_covers" in checkpoint.metrics:
        prose(
            "From paintings to covers",
            "The jury has never voted on a cover; it learned from paintings. Left alone it found most "
            "covers to be of two or three feelings, which says more about the change of place than about "
            "the covers. So each feeling was made a little louder or quieter, once, for all covers, until "
            "they move the jury as a whole as the paintings moved people as a whole. Nobody knows whether "
            "they do. Your votes will tell.",
        )


how_it_works()
