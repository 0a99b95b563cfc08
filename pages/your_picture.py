"""Your picture: brought as a file or taken here, judged as small as covers are, and kept only on request."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from html import escape

import streamlit as st

from albumjudge.domain import seeds, uploads
from albumjudge.domain.uploads import Picture, UploadError
from albumjudge.domain.verdict import Verdict
from albumjudge.ui import charts, markup, names, prints, shell, visitor
from albumjudge.ui.words import N_, _, day, translate
from albumjudge.voting.submissions import SubmissionStore

shell.need_frame()

SOURCES = {"file": N_("Choose a file"), "camera": N_("Take a photo")}
STEPS = (
    N_("Its middle becomes 64 × 64 pixels, as every cover here is."),
    N_("The jury says what it feels, in eight shares, and where it looked."),
    N_("When you leave, your picture is gone, unless you let the exhibit keep it."),
)
EXAMPLE_WALL = 1
AS_SEEN = N_(
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
        return _("Your picture at 64 by 64 pixels, {looks}.", looks=prints.described(self.picture.pixels))


def store() -> SubmissionStore:
    return SubmissionStore(shell.engine())


def own_words() -> str:
    """A style sheet with our words in place of those that Streamlit's widgets have in English alone."""
    button = '[data-testid="stCameraInputButton"]'
    said = {
        '[data-testid="stFileUploaderDropzone"] button p': _("Choose a file"),
        '[data-testid="stFileUploaderDropzoneInstructions"] span': _(
            "{n} MB at most", n=uploads.MOST_BYTES // 1024**2
        ),
        '[data-testid="stCameraInputWebcamComponent"] p': _("The exhibit would like to use your camera."),
        f".stCameraInput {button}": _("Take a photo"),
        f".stCameraInput:has(img) {button}": _("Take another photo"),
    }
    return "".join(
        f'.st-key-bring {place}{{font-size:0}}.st-key-bring {place}::after{{content:"{words}";font-size:1rem}}'
        for place, words in said.items()
    )


def bring() -> bytes | None:
    """What the visitor brought, as it came."""
    way = st.segmented_control(
        _("How will you bring it?"),
        list(SOURCES),
        format_func=lambda way: _(SOURCES[way]),
        default="file",
        required=True,
        key="bring-by",
        label_visibility="collapsed",
    )
    if way == "camera":
        # Only now: the browser asks for the camera as soon as this is on the page.
        file = st.camera_input(_("Take a photo"), key="bring-photo", label_visibility="collapsed")
    else:
        file = st.file_uploader(
            _("JPEG, PNG, WebP, GIF, AVIF or HEIC"),
            key="bring-file",
            max_upload_size=uploads.MOST_BYTES // 1024**2,
        )
    return None if file is None else file.getvalue()


def judged(file: bytes) -> Seen:
    """See and judge a file, once however often the page is drawn.

    Raises:
        UploadError: if it is no picture.
    """
    name = f"{hashlib.sha256(file).hexdigest()}-{shell.exhibit().judge.revision}"
    known: Seen | None = st.session_state.get("your-picture")
    if known is None or known.file != name:
        picture = uploads.see(file)
        known = Seen(name, picture, shell.exhibit().judge_picture(picture))
        st.session_state["your-picture"] = known
    return known


def example() -> None:
    """What becomes of a picture, shown on one of the painter's covers."""
    (shown,) = shell.exhibit().show(seeds.wall(EXAMPLE_WALL, 1))
    with st.container(key="example"):
        steps = "".join(f"<li>{escape(_(step))}</li>" for step in STEPS)
        st.html(f'{markup.row_title(_("What happens with it"))}<ol class="steps">{steps}</ol>')
        with st.container(key="example-judged"):
            st.html(prints.framed(shown.cover, size="wall", note=_("for example")), width="content")
            with st.container():
                felt = f'<p class="machine verdict">{escape(translate(shown.verdict.words))}</p>'
                st.html(felt + markup.above_chart(shown.verdict.probabilities))
                st.vega_lite_chart(charts.distribution(shown.verdict.probabilities), theme=None)


def verdict(seen: Seen) -> None:
    """The picture as the judge sees it, and what it says."""
    probabilities = seen.verdict.probabilities
    with st.container(key="pair"):
        with st.container(key="hung"):
            looked = f"where-{seen.file[:12]}"
            # The light falls on the print itself, so the switch below it is asked before it is drawn.
            if st.session_state.get(looked):
                lit = shell.exhibit().saliency_png(seen.picture, seen.verdict.top)
                alt = _("The same picture, lit where it speaks for {feeling}.", feeling=_(seen.verdict.top))
                note = prints.lit_note(seen.verdict.top)
                st.html(prints.brought(lit, alt, note, size="large"), width="content")
            else:
                st.html(
                    prints.brought(seen.picture.png(), seen.alt, _(AS_SEEN), size="large"), width="content"
                )
            st.toggle(_("Show where it looked"), key=looked)
        with st.container(key="words"):
            who = names.sentence_form(seen.verdict.revision)
            learnt = _(
                "It learnt from abstract paintings and judges covers: of faces, words and places it knows "
                "nothing."
            )
            st.html(
                f'<h2 class="title verdict">{escape(translate(seen.verdict.words))}</h2>'
                + markup.paragraph(f"{_('This is what {who} says it feels.', who=who)} {learnt}")
                + markup.above_chart(probabilities)
            )
            st.vega_lite_chart(charts.distribution(probabilities), theme=None)
            consent(seen)


def consent(seen: Seen) -> None:
    """Ask whether the picture may be kept; nothing is kept unless the visitor presses the button."""
    who = visitor.current()
    with st.container(key="consent"):
        if any(one.png == seen.picture.png() for one in store().of(who)):
            markup.say(_("Thank you. The exhibit keeps your picture."), kind="sentence")
            return
        st.html(markup.row_title(_("May the exhibit keep it?"), 3))
        markup.say(
            _(
                "So far your picture is stored nowhere, and when you leave it is gone. If you like, the "
                "exhibit keeps the 64 × 64 pixels that you see here, with the time and the random number that "
                "stands for you: no file name, no place, no camera. Others may see it in the exhibit. Give "
                "only what is yours to give, and no picture of a person who would mind. You can take it back "
                "on this page, as long as this browser keeps the exhibit’s cookie."
            )
        )
        if st.button(_("Keep my picture for the exhibit"), key="keep"):
            store().keep(visitor=who, picture=seen.picture, judge=seen.verdict.revision)
            st.rerun()


def given() -> None:
    """What this visitor gave before, each with a way to take it back."""
    who = visitor.current()
    given_before, hidden, deleted = store().of(who), store().hidden_of(who), store().deleted_of(who)
    if not given_before and not deleted:
        return
    markup.title(_("What you gave"))
    with st.container(key="given", horizontal=True):
        for one in given_before:
            when = day(one.given_at)
            with st.container(key=f"given-{one.id}"):
                alt, note = _("A picture that you gave on {day}.", day=when), when
                if one.id in hidden:
                    note += f". {_('Hidden by the curator: {reason}', reason=hidden[one.id])}"
                st.html(prints.brought(one.png, alt, note, size="small"))
                if st.button(_("Take it back"), key=f"back-{one.id}", help=_("It is deleted for good.")):
                    store().give_back(visitor=who, submission=one.id)
                    st.rerun()
    for gone in deleted:
        markup.say(
            _(
                "The curator has deleted a picture that you gave on {day}: {reason}.",
                day=day(gone.given_at),
                reason=gone.reason,
            )
        )


def your_picture() -> None:
    shell.heading(
        _("Your picture"),
        _("Bring a picture, or take one, and hear what the judge feels. It is not stored unless you say so."),
    )
    seen: Seen | None = None
    with st.container(key="side-by-side-bring"):
        with st.container(key="bring"):
            st.html(f"<style>{own_words()}</style>")
            if (file := bring()) is not None:
                try:
                    seen = judged(file)
                except UploadError as error:
                    markup.say(translate(str(error)), kind="sentence", role="alert")
        if seen is None:
            example()
    if seen is not None:
        verdict(seen)
    given()


your_picture()
