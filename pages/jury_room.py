"""The jury room: one cover, and every juror's own feeling about it."""

from __future__ import annotations

import secrets
from html import escape

import streamlit as st

from albumjudge.domain import emotions
from albumjudge.domain.cover import LAST_SEED, CoverIdentity, CoverLinkError
from albumjudge.domain.emotions import EMOTIONS
from albumjudge.domain.verdict import JudgedCover, Verdict
from albumjudge.statistics import juror_disagreement
from albumjudge.ui import charts, jurors, prints
from albumjudge.ui import shell as room

room.need_frame()

SEARCHED = 12
"""Covers among which the one that jurors differ most about is looked for."""
NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def counted(number: int) -> str:
    """A small number in words."""
    return NUMBERS[number] if number < len(NUMBERS) else str(number)


def summon(identity: CoverIdentity) -> None:
    """Bring a cover before the jury."""
    st.query_params.from_dict({"cover": str(identity)})
    st.rerun()


def any_cover() -> CoverIdentity:
    return CoverIdentity(room.exhibit().painter.revision, secrets.randbelow(LAST_SEED + 1))


def most_disputed() -> CoverIdentity:
    """Of a handful of covers the one about which the jurors differ most."""
    seen = room.exhibit().show_each([any_cover() for _ in range(SEARCHED)])
    return max(seen, key=lambda judged: judged.verdict.disagreement).cover.identity


def chosen() -> JudgedCover | None:
    """The cover of the link, or any; None, and a sentence, if nobody here can paint it."""
    link = st.query_params.get("cover")
    if link is None:
        # Back from another room the same cover waits.
        known = st.session_state.get("jury-room")
        identity = CoverIdentity.parse(known) if known else any_cover()
        st.query_params.from_dict({"cover": str(identity)})
        link = str(identity)
    try:
        judged = room.exhibit().show_identity(CoverIdentity.parse(link))
    except CoverLinkError as error:
        st.session_state.pop("jury-room", None)
        room.heading("This cover cannot come before the jury", str(error))
        if st.button("Bring another cover", type="primary", key="another"):
            summon(any_cover())
        return None
    st.session_state["jury-room"] = link
    return judged


def named(names: list[str]) -> str:
    """``a, b and c``."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def sentences(verdict: Verdict) -> list[str]:
    """Where the jurors part ways, in plain words."""
    gap = juror_disagreement.widest_gap(verdict)
    most, least = map(charts.percent, gap.shares)
    said = [
        f"They are furthest apart about {gap.emotion}: {gap.most.name} feels {most} of it, "
        f"{gap.least.name} {least}."
    ]
    loners = juror_disagreement.alone(verdict)
    if loners:
        said += [
            f"{juror.name.capitalize()} stands alone: nobody else puts "
            f"{emotions.top(juror.probabilities)} first."
            for juror in loners
        ]
    elif len(verdict.firsts) == 1:
        said.append(f"All of them put {verdict.firsts[0]} first, so nobody stands alone.")
    else:
        said.append(f"They are split between {named(list(verdict.firsts))}, but nobody stands alone.")
    said.append(f"Furthest from all others in all is {juror_disagreement.furthest(verdict).name}.")
    return said


def whole_jury(judged: JudgedCover) -> None:
    verdict = judged.verdict
    with st.container(key="pair"):
        st.html(prints.framed(judged.cover, size="large", feeling=verdict.words), width="content")
        with st.container(key="words"):
            said = "".join(f"<p>{escape(sentence)}</p>" for sentence in sentences(verdict))
            st.html(
                f'<h2 class="row-title">Where they part ways</h2><div class="parting">{said}</div>',
            )
            st.altair_chart(charts.jurors(verdict.jurors), theme=None)
            st.html(
                '<p class="quiet">Every dot is a juror, every upright line the mean of all, which is what hangs '
                "under the cover in the other rooms.</p>"
                f'<p class="quiet">Disagreement: <b>{verdict.disagreement:.3f} bits</b>. That is what you would '
                "learn about the feeling by being told which juror spoke: 0 if all feel the same, at most "
                f"{min(len(verdict.jurors), len(EMOTIONS)).bit_length() - 1} if each were sure of another "
                "feeling.</p>"
            )


def each_juror(judged: JudgedCover) -> None:
    verdict, jury = judged.verdict, room.exhibit().checkpoints["judge"]
    with st.container(key="jurors-head", horizontal=True, vertical_alignment="center"):
        st.html('<h2 class="row-title">One by one</h2>', width="content")
        looking = st.toggle("Show where each of them looks", key="looking")
    lit: list[bytes] = []
    if looking:
        with st.spinner("Each of them points ..."):
            lit = saliency_by_juror(str(judged.cover.identity), verdict.revision, judged)
        st.html(f'<p class="quiet">{escape(jurors.saliency_meaning(jury.metrics))}</p>')
    known = jurors.descriptions(jury.training)
    reach = max(max(juror.probabilities) for juror in verdict.jurors)
    signs = " · ".join(
        f'<span><i class="hue-{e.name}" aria-hidden="true">{e.sign}</i> {e.name}</span>'
        for e in (EMOTIONS[emotions.index(name)] for name in charts.ON_SIDES)
    )
    st.html(f'<p class="quiet signs">{signs} · numbers are percent · white lines: the whole jury</p>')
    with st.container(key="jurors"):
        for number, juror in enumerate(verdict.jurors):
            with st.container(key=f"juror-{number}"):
                first = emotions.top(juror.probabilities)
                st.html(
                    f'<h3 class="juror">{escape(juror.name)}</h3>'
                    f'<p class="feels">{escape(emotions.in_words(juror.probabilities))}</p>'
                    f'<p class="heard">{escape(charts.spoken(juror.probabilities))}</p>'
                )
                st.altair_chart(charts.juror(juror.probabilities, verdict.probabilities, reach), theme=None)
                picture = prints.pointed(lit[number], first, juror.name) if lit else ""
                life = f'<p class="quiet">{escape(known.get(juror.name, ""))}</p>'
                st.html(f'<div class="look">{picture}{life}</div>')


@st.cache_data(max_entries=64, show_spinner=False)
def saliency_by_juror(cover: str, jury: str, _judged: JudgedCover) -> list[bytes]:
    """Where each juror looked; cover and jury are the key of the cache."""
    return room.exhibit().saliency_pngs(_judged, enlarge=3)


def main() -> None:
    judged = chosen()
    if judged is None:
        return
    jury = judged.verdict.jurors
    room.from_the_top(f"jury-{judged.cover.identity}")
    with st.container(key="jury-head", horizontal=True, vertical_alignment="bottom"):
        with st.container(key="jury-words"):
            if len(jury) > 1:
                room.heading(
                    "Jury room",
                    f"{counted(len(jury)).capitalize()} judges look at one cover with the same eyes. "
                    "They have led different lives.",
                )
            else:
                room.heading(
                    "Jury room", "The judge sits alone tonight, so there is nobody to disagree with."
                )
        with st.container(key="jury-controls", horizontal=True):
            if st.button("Another cover", key="another", type="primary"):
                summon(any_cover())
            if len(jury) > 1 and st.button("One they argue about", key="disputed"):
                with st.spinner("Listening at the door ..."):
                    found = most_disputed()
                summon(found)
    if len(jury) > 1:
        whole_jury(judged)
        each_juror(judged)
    else:
        with st.container(key="pair"):
            st.html(prints.framed(judged.cover, size="large", feeling=judged.verdict.words), width="content")
            st.vega_lite_chart(charts.distribution(judged.verdict.probabilities), theme=None)
    with st.container(key="another-life"):
        st.html('<p class="sentence">Would you feel the same with another life?</p>')
        with st.container(key="another-life-doors", horizontal=True):
            st.page_link(room.VOTE, label="Tell us what you feel")
            st.page_link(
                room.STAGE,
                label="This cover on the stage",
                query_params={"cover": str(judged.cover.identity)},
            )


main()
