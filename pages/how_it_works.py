"""How it works: a painter to play with, what came after it, the jury, plain numbers, and what not to believe."""

from __future__ import annotations

import streamlit as st

from albumjudge.domain import seeds
from albumjudge.domain.verdict import JudgedCover
from albumjudge.inference.folders import Checkpoint
from albumjudge.ui import charts, jurors, knobs, markup, names, prints, shell
from albumjudge.ui.rooms.measured import curves, film, how_good, measured, plain_numbers
from albumjudge.ui.words import N_, _, translate

shell.need_frame()

EXAMPLE_WALL = 1
DCGAN = N_(
    "Two networks play against each other: the generator turns a hundred random numbers into a picture, the "
    "discriminator tries to tell its pictures from real covers. After thousands of rounds it often cannot."
)
ONE_STEP = N_(
    "Random numbers become a plan of 8 by 8 points that say what goes where: light or dark, a colour, a face’s "
    "edge, lettering. The field calls it a latent. One network makes it in one step, as a teacher showed it in "
    "many; a decoder makes a picture of it."
)
FLOW = N_(
    "Random numbers become, step by step, a plan of 8 by 8 points that say what goes where: light or dark, a "
    "colour, a face’s edge, lettering. The field calls it a latent; a decoder makes a picture of it. The network "
    "learned by taking noise away from latents of real covers."
)
METHODS = {"FlowGenerator": FLOW, "OneStepGenerator": ONE_STEP}
"""How a painter paints and how it learned, by class of network."""
HEEDS = N_("It also learned the genre and the decade of some covers, and can be asked for them.")
HEEDS_NOT = N_(
    "It was given the genre and the decade of some covers, too, and has not learned them: nobody is asked what "
    "to ask for."
)
KEEP_IN_MIND = (
    N_(
        "64 by 64 pixels is very little. The painter knows the colours of real covers, their layouts and the "
        "smudge where a name would be. It has no idea of music."
    ),
    N_(
        "The jury’s percentages are guesses about how strangers would have voted, not feelings and not truths. "
        "Eight words do not hold what people feel, and who comes here is no sample of mankind."
    ),
)


def how_it_works() -> None:
    exhibit = shell.exhibit()
    painter, judge = exhibit.checkpoints["generator"], exhibit.checkpoints["judge"]
    shell.heading(_("How it works"), _("A painter and a jury that have never met, and you."))
    dcgan = knobs.painter()
    if dcgan is not None:
        knobs.board(dcgan, _(DCGAN) + " " + _("Turn a knob, and watch your cover grow layer by layer."))
    with st.container(key="side-by-side-networks"):
        with st.container():
            todays_painter(painter)
        with st.container():
            the_jury(judge, exhibit.show(seeds.wall(EXAMPLE_WALL, 1))[0])
    if numbers := plain_numbers(painter, judge, dcgan):
        st.html(numbers)
    with st.container(key="side-by-side-limits"):
        with st.container():
            markup.prose(_("What to keep in mind"), *map(_, KEEP_IN_MIND))
        with st.container():
            markup.prose(
                _("What is kept"),
                _(
                    "A vote is stored with a random number that stands for your browser, the cover, what you "
                    "felt and how long it took, what the machine felt, whether you agreed, and when. No name, "
                    "no address, nothing else. The number lives in a cookie of this exhibit. Delete it and you "
                    "are someone new."
                ),
            )
    everything(painter, judge)


def todays_painter(checkpoint: Checkpoint) -> None:
    """What came after the DCGAN, and the film of how it learned."""
    name = _("Tonight’s painter is called {name}.", name=names.title(checkpoint.revision))
    method = METHODS.get(checkpoint.network)
    if method:
        heeds = HEEDS if shell.exhibit().follows_conditions() else HEEDS_NOT
        markup.prose(_("What came after"), f"{name} {_(method)} {_(heeds)}")
    else:
        markup.prose(_("Tonight’s painter"), name)
    film(checkpoint)


@st.fragment
def the_jury(checkpoint: Checkpoint, example: JudgedCover) -> None:
    """How covers are judged, where the jury looks, and how far to believe it."""
    count = len(checkpoint.training.get("jurors", ()))
    markup.prose(
        _("The jury") if count else _("The judge"),
        _(
            "A network made to recognise things in photographs learned which of eight feelings people "
            "named before abstract paintings. It gives eight percentages. Here it feels {feeling}:",
            feeling=translate(example.verdict.words),
        ),
    )
    with st.container(key="the-jury"):
        with st.container(key="hung"):
            if example.verdict.jurors and st.session_state.get("jury-looks"):
                lit = shell.exhibit().saliency_png(example.cover, example.verdict.top, enlarge=4)
                st.html(prints.lit(example, lit), width="content")
            else:
                st.html(prints.framed(example.cover, size="large", short=True), width="content")
            if example.verdict.jurors:
                st.toggle(_("Show where it looked"), key="jury-looks")
        with st.container(key="jury-words"):
            st.html(markup.above_chart(example.verdict.probabilities))
            st.vega_lite_chart(charts.distribution(example.verdict.probabilities), theme=None)
    if count:
        said = _(
            "It is not one judge but {n}, who see through the same network and learned from different "
            "votes. What hangs under a cover is a weighed mean of what they feel.",
            n=count,
        )
        markup.prose("", said, *filter(None, [jurors.how_far(checkpoint.metrics)]))
    if example.verdict.jurors:
        shell.link_to(shell.JURY, _("Meet the jurors"))


def everything(painter: Checkpoint, judge: Checkpoint) -> None:
    """Every table beside the weights, one at a time."""

    def of_painter() -> None:
        measured(painter, _("No measurements lie beside the painter’s weights."))
        curves(painter)

    def of_jury() -> None:
        how_good(judge)
        if seldom := jurors.seldom_first(judge.metrics):
            markup.say(seldom, kind="quiet wide")
        measured(judge, _("No measurements lie beside the judge’s weights."))
        curves(judge)

    def of_jurors() -> None:
        st.html(markup.terms((translate(name), said) for name, said in written.items()))

    sections = {"painter": (_("The painter"), of_painter), "jury": (_("The jury"), of_jury)}
    if written := jurors.descriptions(judge.training):
        sections["jurors"] = (_("The jurors"), of_jurors)
    markup.one_open(_("All that was measured"), sections, "all")


how_it_works()
