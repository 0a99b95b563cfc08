"""The exhibit on a screen of its own in a public place, where one visitor follows another.

``?kiosk=1`` in the address, or the setting ALBUMJUDGE_KIOSK, turns it on. While nobody is there, covers turn
into one another; a touch begins; after a while without a touch the next visitor is somebody new. Nothing on
the screen leads out of the exhibit. When the network or the exhibit is gone, the page says so and comes back by
itself.
"""

from __future__ import annotations

import base64
from contextlib import suppress
from html import escape
from typing import TYPE_CHECKING, Any

import streamlit as st

from albumjudge.domain import seeds
from albumjudge.domain.cover import CoverIdentity
from albumjudge.domain.settings import Settings, SettingsError
from albumjudge.ui.words import _

if TYPE_CHECKING:
    from albumjudge.inference.painter import Painter

PARAMETER = "kiosk"
ATTRACT = "attract"
COOKIE = "albumjudge_kiosk"
"""Pages change the address as they like; the cookie keeps the kiosk one until its browser is closed."""
COVERS = 8
LARGER = """
@media (min-width: 700px) and (max-width: 1999px) { html { font-size: 118%; } }
.stDownloadButton, [class*="st-key-shared-"], .st-key-take-home, .st-key-to-keep { display: none !important; }
* { user-select: none; }
"""
"""Larger type; nothing to download or copy, which would lead out of the exhibit."""

_SCRIPT = f"""
export default function ({{ data, parentElement }}) {{
  const home = async () => {{
    if (state.leaving) return;
    state.leaving = true;
    const base = document.querySelector("base")?.href ?? location.origin + "/";
    try {{ await fetch(new URL("visitor", base), {{ method: "DELETE" }}); }}
    catch {{ state.leaving = false; return; }}
    location.replace(new URL("?{PARAMETER}=1&{ATTRACT}=1", base));
  }};
  document.cookie = "{COOKIE}=1; Path=/; SameSite=Lax";
  const state = (window.albumjudgeKiosk ??= {{ last: Date.now(), away: false }});
  state.idle = data.idle * 1000;
  state.home = home;
  state.waiting = data.attract;
  if (state.timer) return;
  const touched = () => {{ state.last = Date.now(); }};
  for (const kind of ["pointerdown", "keydown", "wheel", "touchmove"])
    addEventListener(kind, touched, {{ passive: true, capture: true }});
  for (const kind of ["contextmenu", "dragstart"])
    addEventListener(kind, (event) => event.preventDefault());
  const note = document.createElement("p");
  note.className = "kiosk-away";
  note.setAttribute("role", "status");
  note.textContent = data.away;
  note.hidden = true;
  document.body.append(note);
  const health = new URL("_stcore/health", document.querySelector("base")?.href ?? location.origin + "/");
  state.timer = setInterval(async () => {{
    if (!state.waiting && Date.now() - state.last > state.idle) state.home();
    let there = false;
    try {{ there = (await fetch(health, {{ cache: "no-store" }})).ok; }} catch {{ there = false; }}
    if (there && state.away) location.reload();
    state.away = !there;
    note.hidden = there;
  }}, data.every);
}}
"""


@st.cache_resource
def _keeper() -> Any:
    """The script that watches for idleness and loss, registered once per process."""
    return st.components.v2.component("albumjudge_kiosk", js=_SCRIPT)


def is_on() -> bool:
    """Whether this screen is a kiosk; once it is, it stays one until the browser is closed."""
    if PARAMETER not in st.session_state:
        with suppress(SettingsError):  # The page itself will say so.
            st.session_state[PARAMETER] = Settings.from_environment().kiosk
    if not st.session_state.get(PARAMETER):
        asked = st.query_params.get(PARAMETER) == "1" or st.context.cookies.get(COOKIE) == "1"
        if not asked:
            return False
        st.session_state[PARAMETER] = True
    return True


def is_waiting() -> bool:
    """Whether nobody is there."""
    return is_on() and st.query_params.get(ATTRACT) == "1"


def _covers(revision: str) -> list[CoverIdentity]:
    return [CoverIdentity(revision, seed) for seed in seeds.ballot_pool(revision)[:COVERS]]


@st.cache_data(show_spinner=False, max_entries=2)
def _still(_painter: Painter, revision: str) -> str:
    return base64.b64encode(_painter.paint_each(_covers(revision)[:1])[0].png(8)).decode("ascii")


@st.cache_data(show_spinner=False, max_entries=2)
def _loop(_painter: Painter, revision: str) -> str:
    from albumjudge.inference.film import morph  # With PyTorch, which the first page does not wait for.

    return base64.b64encode(morph(_painter, _covers(revision))).decode("ascii")


def _image(source: str, kind: str, look: str, alt: str) -> str:
    return f'<img class="{look}" src="data:image/{kind};base64,{source}" alt="{escape(alt)}">'


def attract(painter: Painter) -> None:
    """Covers that turn into one another, over the whole screen, until somebody touches it."""
    with st.container(key="attract"):
        # The first film takes a while to paint; until then its first cover hangs there, and can be touched.
        picture = st.empty()
        still = _image(_still(painter, painter.revision), "png", "standing-still", _("An album cover."))
        picture.html(still)
        invitation = _("One machine painted this. Another says what it feels. And you?")
        st.html(f'<p class="invitation">{escape(invitation)}</p>')
        if st.button(_("Touch to begin"), key="begin", type="primary"):
            del st.query_params[ATTRACT]
            st.rerun()
        alt = _("Album covers that turn into one another.")
        picture.html(_image(_loop(painter, painter.revision), "webp", "passing-by", alt) + still)


def keep() -> None:
    """Keep the kiosk's manners on every page: stay a kiosk after a reload, begin anew when nobody is there."""
    idle = Settings.from_environment().kiosk_idle
    away = _("One moment, please: the exhibit is looking for its way back.")
    with st.container(key="kiosk-keeper"):
        _keeper()(
            key="kiosk_keeper", data={"idle": idle, "every": 5000, "attract": is_waiting(), "away": away}
        )
