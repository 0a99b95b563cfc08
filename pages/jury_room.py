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
from albumjudge.ui import charts, jurors, markup, prints, shell, words
from albumjudge.ui.words import _, in_letters, listed, number, translate

shell.need_frame()

SEARCHED = 12
"""Covers among which the one that jurors differ most about is looked for."""


def summon(identity: CoverIdentity) -> None:
    """Bring a cover before the jury."""
    shell.go(cover=str(identity))
    st.rerun()


def any_cover() -> CoverIdentity:
    return CoverIdentity(shell.exhibit().painter.revision, secrets.randbelow(LAST_SEED + 1))


def most_disputed() -> CoverIdentity:
    """Of a handful of covers the one about which the jurors differ most."""
    seen = shell.exhibit().show_each([any_cover() for _ in range(SEARCHED)])
    return max(seen, key=lambda judged: judged.verdict.disagreement).cover.identity


def chosen() -> JudgedCover | None:
    """The cover of the link, or any; None, and a sentence, if nobody here can paint it."""
    link = st.query_params.get("cover")
    if link is None:
        # Back from another room the same cover waits.
        known = st.session_state.get("jury-room")
        identity = CoverIdentity.parse(known) if known else any_cover()
        shell.go(cover=str(identity))
        link = str(identity)
    try:
        judged = shell.exhibit().show_identity(CoverIdentity.parse(link))
    except CoverLinkError as error:
        st.session_state.pop("jury-room", None)
        shell.heading(_("This cover cannot come before the jury"), translate(str(error)))
        if st.button(_("Bring another cover"), type="primary", key="another"):
            summon(any_cover())
        return None
    st.session_state["jury-room"] = link
    return judged


def sentences(verdict: Verdict) -> list[str]:
    """Where the jurors part ways, in plain words."""
    gap = juror_disagreement.widest_gap(verdict)
    most, least = map(words.percent, gap.shares)
    said = [
        _(
            "They are furthest apart about {emotion}: {one} feels {most} of it, {other} {least}.",
            emotion=_(gap.emotion),
            one=translate(gap.most.name),
            most=most,
            other=translate(gap.least.name),
            least=least,
        )
    ]
    loners = juror_disagreement.alone(verdict)
    if loners:
        said += [
            _(
                "{juror} stands alone: nobody else puts {emotion} first.",
                juror=_capital(translate(juror.name)),
                emotion=_(emotions.top(juror.probabilities)),
            )
            for juror in loners
        ]
    elif len(verdict.firsts) == 1:
        said.append(
            _("All of them put {emotion} first, so nobody stands alone.", emotion=_(verdict.firsts[0]))
        )
    else:
        firsts = listed([_(name) for name in verdict.firsts])
        said.append(_("They are split between {emotions}, but nobody stands alone.", emotions=firsts))
    furthest = translate(juror_disagreement.furthest(verdict).name)
    said.append(_("Furthest from all others in all is {juror}.", juror=furthest))
    return said


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def whole_jury(judged: JudgedCover) -> None:
    verdict = judged.verdict
    with st.container(key="pair"):
        st.html(prints.framed(judged.cover, size="large", feeling=translate(verdict.words)), width="content")
        with st.container(key="words"):
            said = "".join(f"<p>{escape(sentence)}</p>" for sentence in sentences(verdict))
            st.html(
                f'{markup.row_title(_("Where they part ways"))}<div class="parting">{said}</div>',
            )
            st.altair_chart(charts.jurors(verdict.jurors), theme=None)
            most = min(len(verdict.jurors), len(EMOTIONS)).bit_length() - 1
            markup.say(
                _(
                    "Every dot is a juror, every upright line the mean of all, which is what hangs under the "
                    "cover in the other rooms."
                ),
                _(
                    "Disagreement: {bits} bits. That is what you would learn about the feeling by being told "
                    "which juror spoke: 0 if all feel the same, at most {most} if each were sure of another "
                    "feeling.",
                    bits=number(verdict.disagreement, 3),
                    most=most,
                ),
            )


def each_juror(judged: JudgedCover) -> None:
    verdict, jury = judged.verdict, shell.exhibit().checkpoints["judge"]
    with st.container(key="jurors-head", horizontal=True, vertical_alignment="center"):
        st.html(markup.row_title(_("One by one")), width="content")
        looking = st.toggle(_("Show where each of them looks"), key="looking")
    lit: list[bytes] = []
    if looking:
        with st.spinner(_("Each of them points …")):
            lit = saliency_by_juror(str(judged.cover.identity), verdict.revision, judged)
        markup.say(jurors.saliency_meaning(jury.metrics))
    known = jurors.descriptions(jury.training)
    reach = max(max(juror.probabilities) for juror in verdict.jurors)
    signs = " · ".join(
        f'<span><i class="hue-{e.name}" aria-hidden="true">{e.sign}</i> {_(e.name)}</span>'
        for e in (EMOTIONS[emotions.index(name)] for name in charts.ON_SIDES)
    )
    how_to_read = _("numbers are percent · white lines: the whole jury")
    st.html(f'<p class="quiet signs">{signs} · {how_to_read}</p>')
    with st.container(key="jurors"):
        for place, juror in enumerate(verdict.jurors):
            with st.container(key=f"juror-{place}"):
                first = emotions.top(juror.probabilities)
                st.html(
                    f'<h3 class="juror">{escape(translate(juror.name))}</h3>'
                    f'<p class="feels">{escape(translate(emotions.in_words(juror.probabilities)))}</p>'
                    f'<p class="heard">{escape(words.spoken(juror.probabilities))}</p>'
                )
                st.altair_chart(charts.juror(juror.probabilities, verdict.probabilities, reach), theme=None)
                picture = prints.pointed(lit[place], first, juror.name) if lit else ""
                life = f'<p class="quiet">{escape(known.get(juror.name, ""))}</p>'
                st.html(f'<div class="look">{picture}{life}</div>')


@st.cache_data(max_entries=64, show_spinner=False)
def saliency_by_juror(cover: str, jury: str, _judged: JudgedCover) -> list[bytes]:
    """Where each juror looked; cover and jury are the key of the cache."""
    return shell.exhibit().saliency_pngs(_judged, enlarge=3)


def main() -> None:
    judged = chosen()
    if judged is None:
        return
    jury = judged.verdict.jurors
    shell.from_the_top(f"jury-{judged.cover.identity}")
    with st.container(key="jury-head", horizontal=True, vertical_alignment="bottom"):
        with st.container(key="jury-words"):
            if len(jury) > 1:
                shell.heading(
                    _("Jury room"),
                    _(
                        "{n} judges look at one cover with the same eyes. They have led different lives.",
                        n=_capital(in_letters(len(jury))),
                    ),
                )
            else:
                shell.heading(
                    _("Jury room"), _("The judge sits alone tonight, so there is nobody to disagree with.")
                )
        with st.container(key="jury-controls", horizontal=True):
            if st.button(_("Another cover"), key="another", type="primary"):
                summon(any_cover())
            if len(jury) > 1 and st.button(_("One they argue about"), key="disputed"):
                with st.spinner(_("Listening at the door …")):
                    found = most_disputed()
                summon(found)
    if len(jury) > 1:
        whole_jury(judged)
        each_juror(judged)
    else:
        with st.container(key="pair"):
            st.html(
                prints.framed(judged.cover, size="large", feeling=translate(judged.verdict.words)),
                width="content",
            )
            st.vega_lite_chart(charts.distribution(judged.verdict.probabilities), theme=None)
    with st.container(key="another-life"):
        markup.say(_("Would you feel the same with another life?"), kind="sentence")
        with st.container(key="another-life-doors", horizontal=True):
            shell.link_to(shell.VOTE, _("Tell us what you feel"))
            shell.link_to(shell.STAGE, _("This cover on the stage"), cover=str(judged.cover.identity))


main()
