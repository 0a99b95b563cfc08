"""The knob board: a DCGAN's cover, moved along directions that change what can be seen, and its layers."""

from __future__ import annotations

import random
from html import escape

import streamlit as st

from albumjudge.domain.cover import LAST_SEED, CoverIdentity, as_png
from albumjudge.inference.growth import Growth
from albumjudge.ui import markup, names, prints, shell
from albumjudge.ui.words import N_, _

NAMES = {
    "brightness": N_("darker – lighter"),
    "warmth": N_("cooler – warmer"),
    "detail": N_("plainer – busier"),
    "upper": N_("light below – light above"),
    "right": N_("light left – light right"),
    "middle": N_("light edge – light middle"),
}
"""What each knob does from its left end to its right one, by property."""
REACH = 4.0
"""How far a knob turns to both sides, in latent units."""
FIRST_SEED = 4
_SEED = "board-seed"


def _key(knob: str) -> str:
    return f"knob-{knob}"


def _turn_all() -> None:
    for knob in NAMES:
        st.session_state[_key(knob)] = round(random.uniform(-REACH, REACH) * 2) / 2


def _to_the_middle() -> None:
    for knob in NAMES:
        st.session_state[_key(knob)] = 0.0


def _another() -> None:
    st.session_state[_SEED] = random.randrange(LAST_SEED + 1)
    _to_the_middle()


@st.fragment
def board(revision: str, about: str) -> None:
    """The cover, its knobs and its layers; only this part of the page runs when a knob is turned.

    Args:
        about: what is said of the painter.
    """
    start = CoverIdentity(revision, st.session_state.setdefault(_SEED, FIRST_SEED))
    turned = [float(st.session_state.setdefault(_key(knob), 0.0)) for knob in NAMES]
    identity = shell.exhibit().turn(start, turned)
    grown = shell.exhibit().grow(identity)
    with st.container(key="board"):
        st.html(prints.framed(grown.cover, size="large", short=True))
        with st.container(key="board-words"):
            markup.prose(names.title(revision), about)
            with st.container(key="knobs"):
                for knob in NAMES:
                    st.slider(_(NAMES[knob]), -REACH, REACH, step=0.5, key=_key(knob), format=" ")
            with st.container(key="board-buttons", horizontal=True):
                st.button(_("Turn them all"), key="turn-all", type="primary", on_click=_turn_all)
                st.button(_("Back to the middle"), key="to-the-middle", on_click=_to_the_middle)
                st.button(_("Another cover"), key="another-start", on_click=_another)
                shell.link_to(shell.STAGE, _("Ask the jury about it"), cover=str(identity))
        st.html(layers(grown))


def layers(grown: Growth) -> str:
    """HTML of the layers, each with its strongest channels, and of the cover at their end."""
    figures = ""
    for layer in grown.layers:
        pictures = "".join(
            f'<img src="{prints.data_uri(as_png(picture))}" alt="">' for picture in layer.pictures
        )
        said = _("{side} × {side}, {n} channels", side=layer.side, n=layer.channels)
        figures += (
            f'<figure><div class="channels" role="img" aria-label="{escape(said)}">{pictures}</div>'
            f"<figcaption>{escape(said)}</figcaption></figure>"
        )
    whole = f'<img src="{prints.picture(grown.cover)}" alt="{escape(prints.alt_text(grown.cover))}">'
    figures += (
        f'<figure><div class="channels whole">{whole}</div>'
        f"<figcaption>{escape(_('64 × 64, the cover'))}</figcaption></figure>"
    )
    return f'<div class="layers">{figures}</div>'


def painter() -> str | None:
    """Revision of the DCGAN that the board belongs to; None without one."""
    found = shell.exhibit().dcgan
    return None if found is None else found.revision
