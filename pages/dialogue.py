"""The dialogue: ask for more of a feeling, watch a cover being led there, and let others say if it worked."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

import streamlit as st

from albumjudge.domain import emotions, seeds
from albumjudge.domain.cover import CoverIdentity, CoverLinkError
from albumjudge.domain.verdict import JudgedCover
from albumjudge.inference.steering import LONGEST, SHORTEST, STEPS, SteeringTarget
from albumjudge.ui import charts, markup, prints, shell
from albumjudge.ui.rooms import steering_duel as pairs
from albumjudge.ui.rooms.steering_duel import go
from albumjudge.ui.words import N_, _, translate
from albumjudge.voting.database import VoteError

shell.need_frame()

ON_OFFER = 12
STRENGTHS = {N_("a touch"): 0.25, N_("some"): 0.45, N_("much"): 0.7, N_("all the way"): 1.0}


@dataclass(frozen=True)
class Step:
    """One place on a visitor's way: a cover, and what was asked for to get there (None at the beginning)."""

    cover: CoverIdentity
    wished: str | None = None


# Choosing a cover


def offer() -> None:
    """A small wall to choose from, and the way to the duels."""
    shell.from_the_top("dialogue-offer")
    shell.heading(
        _("Dialogue"),
        _(
            "Choose a cover and ask for more of a feeling. The painter repaints it, step by step, until the "
            "jury feels more of it."
        ),
    )
    if "dialogue-wall" not in st.session_state:
        st.session_state["dialogue-wall"] = shell.exhibit().fresh_wall()
    number: int = st.session_state["dialogue-wall"]
    painter = shell.exhibit().painter.revision
    with st.container(key="wall-offer"):
        for judged in shell.exhibit().show_each(
            [CoverIdentity(painter, seed) for seed in seeds.wall(number, ON_OFFER)]
        ):
            identity, feeling = judged.cover.identity, translate(judged.verdict.words)
            with st.container(key=f"print-offer-{identity.seed}"):
                st.html(prints.framed(judged.cover, size="wall", feeling=feeling))
                label = _("This one: cover {number}, {feeling}", number=identity.seed, feeling=feeling)
                if st.button(label, key=f"lead-{identity.seed}"):
                    go(cover=str(identity))
    with st.container(key="afterwards", horizontal=True):
        if st.button(_("Other covers"), key="others"):
            st.session_state["dialogue-wall"] = shell.exhibit().fresh_wall(besides=number)
            st.rerun()
        if st.button(_("Judge a pair: did it work?"), key="to-duels"):
            go(duel="next")


# Leading it


def way_to(link: str) -> list[Step]:
    """The visitor's way so far, ending in the cover of the link; another cover begins a new way.

    Raises:
        CoverLinkError: if the link names no cover.
    """
    identity = CoverIdentity.parse(link)
    way: list[Step] = st.session_state.get("way", [])
    if identity in [step.cover for step in way]:
        # The browser's own way back is an undo, too.
        way = way[: [step.cover for step in way].index(identity) + 1]
    else:
        way = [Step(identity)]
    st.session_state["way"] = way
    return way


def began_at(way: list[Step]) -> int:
    """Place in the way of the cover from which the last feeling was asked for, be it once or several times."""
    place = len(way) - 1
    while place > 0 and way[place].wished == way[-1].wished:
        place -= 1
    return place


def studio(link: str) -> None:
    """One cover, the shares beside it, and eight feelings to ask for."""
    try:
        way = way_to(link)
        shown = shell.exhibit().show_each([step.cover for step in way])
    except CoverLinkError as error:
        shell.heading(_("This cover cannot be led"), translate(str(error)))
        if st.button(_("Choose another"), key="back-to-offer", type="primary"):
            go()
        return
    now, wished = shown[-1], way[-1].wished
    began = shown[began_at(way)]
    shell.from_the_top(f"dialogue-{way[0].cover.number}")
    if st.button(f"← {_('Other covers')}", key="back-to-offer", type="tertiary"):
        go()
    wish: SteeringTarget | None = None
    with st.container(key="pair"):
        with st.container(key="canvas"):
            canvas, progress = st.empty(), st.empty()
            canvas.html(prints.framed(now.cover, size="large", short=True))
            progress.html('<p class="progress"></p>')
        with st.container(key="words"):
            words, bars = st.empty(), st.empty()
            tell(words, now, said(way, began, now))
            bars.html(pairs.shares(now.verdict.probabilities, began.verdict.probabilities, wished))
            markup.say(_("Make it …"))
            with st.container(key="wishes"):
                pressed = [
                    name
                    for name in charts.ON_SIDES
                    if st.button(_(pairs.MORE[name]), key=f"felt-{name}-wish", width="stretch")
                ]
            with st.container(key="reins"):
                strength = st.select_slider(_("How strongly"), list(STRENGTHS), "much", _, key="strength")
                radius = st.slider(
                    _("How far it may go"),
                    SHORTEST,
                    LONGEST,
                    SteeringTarget.radius,
                    1.0,
                    format="%.0f",
                    key="radius",
                    help=_(
                        "How far it may get from the cover it began with. Two covers taken at random are about "
                        "14 apart."
                    ),
                )
            if pressed:
                wish = SteeringTarget(pressed[0], STRENGTHS[str(strength)], float(radius))
        if len(way) > 1:
            with st.container(key="after"):
                afterwards(way, shown)
    if wish is not None:
        lead(wish, way, now, (canvas, progress, words, bars))


def said(way: list[Step], began: JudgedCover, now: JudgedCover) -> str:
    """What became of the last wish."""
    if (stuck := st.session_state.pop("stuck", None)) is not None:
        return str(stuck)
    wished = way[-1].wished
    if wished is None:
        return _("The line in each bar shows where it was.")
    place = emotions.index(wished)
    return pairs.rise(wished, began.verdict.probabilities[place], now.verdict.probabilities[place])


Place = st.delta_generator.DeltaGenerator


def tell(place: Place, judged: JudgedCover, sentence: str) -> None:
    place.html(
        f'<h1 class="title verdict">{escape(translate(judged.verdict.words))}</h1>'
        + markup.paragraph(sentence, role="status")
    )


def lead(
    wish: SteeringTarget, way: list[Step], start: JudgedCover, places: tuple[Place, Place, Place, Place]
) -> None:
    """Show each frame as it comes, then keep the last one."""
    canvas, progress, words, bars = places
    place, at_first = emotions.index(wish.emotion), start.verdict.probabilities
    last: JudgedCover | None = None
    progress.html(pairs.step(1, others := len(shell.exhibit().walks)))
    for number, frame in enumerate(shell.exhibit().steer(start.cover.identity, wish), start=1):
        last = frame
        canvas.html(pairs.passing(frame.cover, start.cover))
        progress.html(pairs.step(min(number + 1, STEPS), others))
        tell(words, frame, pairs.rise(wish.emotion, at_first[place], frame.verdict.probabilities[place]))
        bars.html(pairs.shares(frame.verdict.probabilities, at_first, wish.emotion))
    if last is None or last.cover.identity in [step.cover for step in way]:
        st.session_state["stuck"] = _(
            "From here the painter finds no way to more {emotion}. Another cover may have one.",
            emotion=_(wish.emotion),
        )
    else:
        way.append(Step(last.cover.identity, wish.emotion))
        st.session_state["way"] = way
        shell.go(cover=str(last.cover.identity))
    st.rerun()


def afterwards(way: list[Step], shown: list[JudgedCover]) -> None:
    """The way here, undo, the vote and the link."""
    items = "".join(
        f'<li class="{"here" if judged is shown[-1] else "past"}">'
        + prints.framed(
            judged.cover,
            size="small",
            short=True,
            note=_(pairs.MORE[step.wished]) if step.wished else _("beginning"),
        )
        + "</li>"
        for step, judged in zip(way, shown, strict=True)
    )
    st.html(f'{markup.row_title(_("The way here"))}<ol class="way">{items}</ol>')
    emotion, before, after = str(way[-1].wished), shown[began_at(way)], shown[-1]
    place = emotions.index(emotion)
    with st.container(key="afterwards", horizontal=True):
        if st.button(_("Undo the last step"), key="undo"):
            go(cover=str(way[-2].cover))
        if st.button(_("Back to the beginning"), key="restart", disabled=len(way) < 3):
            go(cover=str(way[0].cover))
        rose = after.verdict.probabilities[place] > before.verdict.probabilities[place]
        put_up = st.button(_("Put this pair to the vote"), key="challenge", type="primary", disabled=not rose)
    if put_up:
        try:
            duel = pairs.store().challenge(before=before, after=after, emotion=emotion)
            st.session_state.setdefault("own-duels", set()).add(duel.id)
            st.session_state["put-up"] = after.cover.identity
        except VoteError as error:
            markup.say(translate(str(error)), kind="sentence", role="alert")
    if st.session_state.get("put-up") == after.cover.identity:
        asked = _(
            "Done. Others will be asked: {question} They will not know which of the two came first.",
            question=_(pairs.QUESTIONS[emotion]),
        )
        markup.say(asked, kind="sentence", role="status")
        if st.button(_("Judge a pair by someone else"), key="to-duels"):
            go(duel="next")
    markup.say(_("This cover has an address of its own, the same for everyone:"))
    markup.to_share(shell.address("/", cover=str(after.cover.identity)))


# Duels


if (pair_asked_for := st.query_params.get("duel")) is not None:
    pairs.show(pair_asked_for)
elif (cover_asked_for := st.query_params.get("cover")) is not None:
    studio(cover_asked_for)
else:
    offer()
