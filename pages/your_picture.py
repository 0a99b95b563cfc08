"""Your picture: brought as a file or taken here, judged as small as covers are, and kept only on request."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from html import escape

import streamlit as st

from albumjudge.domain import uploads
from albumjudge.domain.uploads import Picture, UploadError
from albumjudge.domain.verdict import Verdict
from albumjudge.ui import charts, colours, names, prints, visitor
from albumjudge.ui import shell as room
from albumjudge.voting.submissions import SubmissionStore

room.need_frame()

SOURCES = {"file": "Choose a file", "camera": "Take a photo"}
AS_SEEN = (
    "Your picture as the judge sees it: the middle of it, square, 64 × 64 pixels. The same is all that it sees "
    "of a cover."
)


@dataclass(frozen=True, eq=False)
class Seen:
    """A picture with its verdict; ``file`` is the hash of where it came from."""

    file: str
    picture: Picture
    verdict: Verdict

    @property
    def alt(self) -> str:
        """What a screen reader says about it."""
        return f"Your picture at 64 by 64 pixels, {colours.in_words(self.picture.pixels)}."


def pictures() -> SubmissionStore:
    return SubmissionStore(room.engine())


def bring() -> bytes | None:
    """What the visitor brought, as it came."""
    way = st.segmented_control(
        "How will you bring it?",
        list(SOURCES),
        format_func=SOURCES.__getitem__,
        default="file",
        required=True,
        key="bring-by",
        label_visibility="collapsed",
    )
    if way == "camera":
        # Only now: the browser asks for the camera as soon as this is on the page.
        file = st.camera_input("Take a photo", key="bring-photo", label_visibility="collapsed")
    else:
        file = st.file_uploader(
            "JPEG, PNG, WebP, GIF, AVIF or HEIC",
            key="bring-file",
            max_upload_size=uploads.MOST_BYTES // 1024**2,
        )
    return None if file is None else file.getvalue()


def judged(file: bytes) -> Seen:
    """See and judge a file, once however often the page is drawn.

    Raises:
        UploadError: if it is no picture.
    """
    name = f"{hashlib.sha256(file).hexdigest()}-{room.exhibit().judge.revision}"
    known: Seen | None = st.session_state.get("your-picture")
    if known is None or known.file != name:
        picture = uploads.see(file)
        known = Seen(name, picture, room.exhibit().judge_picture(picture))
        st.session_state["your-picture"] = known
    return known


def verdict(seen: Seen) -> None:
    """The picture as the judge sees it, and what it says."""
    probabilities = seen.verdict.probabilities
    with st.container(key="pair"):
        with st.container(key="hung"):
            looked = f"where-{seen.file[:12]}"
            # The light falls on the print itself, so the switch below it is asked before it is drawn.
            if st.session_state.get(looked):
                lit = room.exhibit().saliency_png(seen.picture, seen.verdict.top)
                alt = f"The same picture, lit where it speaks for {seen.verdict.top}."
                note = f"Light falls on what speaks for {seen.verdict.top}, as far as a network can tell why."
                st.html(prints.brought(lit, alt, note, size="large"), width="content")
            else:
                st.html(prints.brought(seen.picture.png(), seen.alt, AS_SEEN, size="large"), width="content")
            st.toggle("Show where it looked", key=looked)
        with st.container(key="words"):
            st.html(
                f'<h2 class="title verdict">{escape(seen.verdict.words)}</h2>'
                f'<p class="quiet">This is what {escape(names.sentence_form(seen.verdict.revision))} says it '
                "feels. It learnt from abstract paintings and judges covers: of faces, words and places it knows "
                "nothing.</p>"
                f'<p class="heard">{escape(charts.spoken(probabilities))}</p>'
                '<p class="sides"><span>← unpleasant</span><span>pleasant →</span></p>'
            )
            st.vega_lite_chart(charts.distribution(probabilities), theme=None)
            consent(seen)


def consent(seen: Seen) -> None:
    """Ask whether the picture may be kept; nothing is kept unless the visitor presses the button."""
    who = visitor.current()
    with st.container(key="consent"):
        if any(one.png == seen.picture.png() for one in pictures().of(who)):
            st.html('<p class="sentence">Thank you. The exhibit keeps your picture.</p>')
            return
        st.html(
            '<h3 class="row-title">May the exhibit keep it?</h3>'
            '<p class="quiet">So far your picture is stored nowhere, and when you leave it is gone. If you '
            "like, the exhibit keeps the 64 × 64 pixels that you see here, with the time and the random number "
            "that stands for you: no file name, no place, no camera. Others may see it in the exhibit. Give only "
            "what is yours to give, and no picture of a person who would mind. You can take it back on this "
            "page, as long as this browser keeps the exhibit’s cookie.</p>"
        )
        if st.button("Keep my picture for the exhibit", key="keep"):
            pictures().keep(visitor=who, picture=seen.picture, judge=seen.verdict.revision)
            st.rerun()


def given() -> None:
    """What this visitor gave before, each with a way to take it back."""
    who = visitor.current()
    given_before, hidden, deleted = pictures().of(who), pictures().hidden_of(who), pictures().deleted_of(who)
    if not given_before and not deleted:
        return
    st.html('<div class="prose"><h2>What you gave</h2></div>')
    with st.container(key="given", horizontal=True):
        for one in given_before:
            day = f"{one.given_at:%d %B %Y}".lstrip("0")
            with st.container(key=f"given-{one.id}"):
                words = f"{day}. Hidden by the curator: {hidden[one.id]}" if one.id in hidden else day
                st.html(prints.brought(one.png, f"A picture that you gave on {day}.", words, size="small"))
                if st.button("Take it back", key=f"back-{one.id}", help="It is deleted for good."):
                    pictures().give_back(visitor=who, submission=one.id)
                    st.rerun()
    for gone in deleted:
        day = f"{gone.given_at:%d %B %Y}".lstrip("0")
        st.html(
            f'<p class="quiet">The curator has deleted a picture that you gave on {day}: {escape(gone.reason)}.'
            "</p>"
        )


def your_picture() -> None:
    room.heading(
        "Your picture",
        "Bring a picture, or take one, and hear what the judge feels. It is not stored unless you say so.",
    )
    with st.container(key="bring"):
        file = bring()
    if file is not None:
        try:
            seen = judged(file)
        except UploadError as error:
            st.html(f'<p class="sentence" role="alert">{escape(str(error))}</p>')
        else:
            verdict(seen)
    given()


your_picture()
