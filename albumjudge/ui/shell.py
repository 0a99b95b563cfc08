"""The frame around every page: its look, its doors, its language, what all visitors share, and errors."""

from __future__ import annotations

import json
import logging
import runpy
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from contextvars import ContextVar
from functools import lru_cache, partial
from html import escape
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlencode, urlsplit

import streamlit as st
from sqlalchemy import Engine
from streamlit.navigation.page import StreamlitPage
from streamlit.runtime.scriptrunner import StopException, get_script_run_ctx

from albumjudge.domain.cover import CoverLinkError
from albumjudge.domain.emotions import EMOTIONS
from albumjudge.domain.settings import Settings, SettingsError
from albumjudge.inference.exhibit import Exhibit
from albumjudge.inference.folders import CheckpointError
from albumjudge.ui import health, kiosk, markup, names, words
from albumjudge.ui.words import N_, _, translate
from albumjudge.voting.database import VoteError, engine_options
from albumjudge.voting.ready import ReadyWalls
from albumjudge.voting.votes import VoteStore

TITLE = "Album judge"
STAGE = "pages/stage.py"
VOTE = "pages/vote.py"
DAY = "pages/wall_of_the_day.py"
PAINTERS = "pages/painters_duel.py"
DIALOGUE = "pages/dialogue.py"
BREED = "pages/breed.py"
JURY = "pages/jury_room.py"
BRING = "pages/your_picture.py"
PEOPLE = "pages/people_vs_machine.py"
PORTRAIT = "pages/portrait.py"
HOW = "pages/how_it_works.py"
CURATOR = "pages/curator.py"
"""Has an address, but no door."""
ROOMS = {
    STAGE: N_("Stage"),
    JURY: N_("Jury room"),
    VOTE: N_("Vote"),
    DAY: N_("Wall of the day"),
    PAINTERS: N_("Painters’ duel"),
    DIALOGUE: N_("Dialogue"),
    BREED: N_("Breed"),
    BRING: N_("Your picture"),
    PORTRAIT: N_("Your portrait"),
    PEOPLE: N_("People vs. machine"),
    HOW: N_("How it works"),
}
"""Files and names of the public rooms, in the order of their doors."""
GROUPS = {
    N_("Look"): (STAGE, JURY),
    N_("Vote"): (VOTE, DAY, PAINTERS),
    N_("Play"): (DIALOGUE, BREED, BRING),
    N_("Find out"): (PORTRAIT, PEOPLE, HOW),
}
"""What rooms are for; a narrow screen shows these four, and below them the rooms of the present one."""
IN_LINKS = frozenset(
    (
        "all",
        "a",
        "b",
        "cover",
        "day",
        "decade",
        "duel",
        "emotion",
        "genre",
        "line",
        "manner",
        "painter",
        "round",
        "wall",
    )
)
"""What pages write into the address."""
_INSIDE: ContextVar[bool] = ContextVar("inside", default=False)
_APP = Path(__file__).parents[2] / "streamlit_app.py"
_SHEETS = sorted(
    (Path(__file__).parent / "css").glob("*.css"), key=lambda sheet: (sheet.stem != "theme", sheet.stem)
)
_STYLE = "\n".join(sheet.read_text(encoding="utf-8") for sheet in _SHEETS)
"""The theme, then one style sheet for each room that needs more."""
_AWAY = (Path(__file__).parent / "away.js").read_text(encoding="utf-8")
_LOG = logging.getLogger("albumjudge.pages")
measured: Callable[[], AbstractContextManager[object]] = nullcontext
"""Around each part of a page that is drawn alone; the server counts and times them."""


@st.cache_resource(show_spinner=False)
def exhibit() -> Exhibit:
    """The networks and the covers that are ready, shared by all visitors.

    Raises:
        SettingsError: if a setting cannot be what it is.
        CheckpointError: if no weights can be used at all.
    """
    settings = Settings.from_environment()

    with suppress(VoteError):  # The database may be away now, and come back.
        vote_store()
    return Exhibit.open(settings, shelf=partial(ReadyWalls, _store(settings.database_url).engine))


@st.cache_resource(show_spinner=False)
def _database_url() -> str:
    return Settings.from_environment().database_url


def vote_store() -> VoteStore:
    """The votes, shared by all visitors.

    Raises:
        SettingsError: if the database setting cannot be what it is.
        VoteError: if the database cannot be opened.
    """
    return _prepared_store(_database_url())


def engine() -> Engine:
    """The database, brought up to date, for whatever is no vote.

    Raises:
        SettingsError: if the database setting cannot be what it is.
        VoteError: if the database cannot be opened.
    """
    return vote_store().engine


@st.cache_resource(show_spinner=False)
def _prepared_store(url: str) -> VoteStore:
    """One store per database, brought up to date."""
    store = _store(url)
    store.prepare()
    return store


def _store(url: str) -> VoteStore:
    """The store, whether or not its database can be reached."""
    return VoteStore(st.connection("votes", type="sql", url=url, **engine_options(url)).engine)


def enter() -> str:
    """Set the page up and return the English name of the room that the visitor is in."""
    words.choose()
    public = kiosk.is_on()
    pages = {
        file: st.Page(file, title=_(title), url_path=Path(file).stem, default=file == STAGE)
        for file, title in ROOMS.items()
        # A dialog of the operating system leads out of the exhibit, and a picture may be somebody's own.
        if not (public and file == BRING)
    }
    behind = st.Page(CURATOR, title=_("Curator"), url_path="curator", visibility="hidden")
    health.listen()
    here = st.navigation([*pages.values(), behind], position="hidden")
    st.set_page_config(page_title=f"{here.title} · {TITLE}", layout="wide")
    _dress(public)
    name = next((ROOMS[file] for file, page in pages.items() if page == here), "Curator")
    if kiosk.is_waiting():
        with manners():
            kiosk.attract(exhibit().painter)
        return name
    with st.container(key="lintel", horizontal=True, vertical_alignment="center"):
        st.html(f'<p class="sign">{TITLE}</p>', width="content")
        _doors(pages, here)
        _languages()
    with st.container(key="room"), manners():
        entered = _INSIDE.set(True)
        try:
            with st.spinner(_("Opening the exhibit …")):
                exhibit()
            here.run()
        finally:
            _INSIDE.reset(entered)
    return name


def _dress(public: bool) -> None:
    """Style sheets, and the script that speaks while the server is away."""
    st.html(f"<style>{_STYLE}{_emotion_colours()}{kiosk.LARGER if public else ''}</style>")
    with st.container(key="away"):
        away = _("The exhibit is catching its breath. It comes back by itself.")
        said = json.dumps({"language": words.language(), "away": away})
        st.html(f"<script>window.albumjudgeWords = {said};{_AWAY}</script>", unsafe_allow_javascript=True)


def _doors(pages: dict[str, StreamlitPage], here: StreamlitPage) -> None:
    """The doors to all rooms, and for narrow screens the four groups of them."""
    grouped = {group: [pages[file] for file in files if file in pages] for group, files in GROUPS.items()}
    present = next((group for group, inside in grouped.items() if here in inside), None)
    with st.container(key="doors", horizontal=True):
        for page in pages.values():
            place = "here" if page == here else "there"
            beside = "beside" if page in grouped.get(present or "", ()) else "apart"
            order = "first" if page in [inside[0] for inside in grouped.values()] else "next"
            with st.container(key=f"door-{page.url_path or 'stage'}-{place}-{beside}-{order}"):
                st.page_link(page, label=page.title, query_params=words.in_link())
    with st.container(key="groups", horizontal=True):
        for group, inside in grouped.items():
            place = "here" if group == present else "there"
            with st.container(key=f"group-{group.replace(' ', '-')}-{place}"):
                st.page_link(inside[0], label=_(group), query_params=words.in_link())


def _languages() -> None:
    """The other languages, each by its own name."""
    with st.container(key="languages", horizontal=True):
        for code, name in words.LANGUAGES.items():
            if code != words.language():
                st.button(name, key=f"language-{code}", type="tertiary", on_click=words.switch, args=(code,))


def go(**query: str) -> None:
    """Put this into the address in place of what pages put there; whatever else stands there stays."""
    before = st.query_params.to_dict()
    link = {name: value for name, value in before.items() if name not in IN_LINKS} | query
    if before != link:
        st.query_params.from_dict(link)


def link_to(page: str, label: str, **query: str) -> None:
    """A way on to another room, in the visitor's language."""
    st.page_link(page, label=label, query_params=words.in_link() | query)


def need_frame() -> None:
    """Every page's first line: show the page inside its frame, if it was opened without one.

    Until somebody has entered, Streamlit serves the files of a folder named ``pages`` as they are to whoever
    opens their address.
    """
    if not _INSIDE.get():
        runpy.run_path(str(_APP), run_name="__main__")
        raise StopException  # st.stop() would drop what was clicked while this page was drawn.


def in_place(part: Callable[[], None]) -> None:
    """Draw a part of a page whose buttons draw it alone again, not the frame around it.

    A ``part`` that wants to be drawn again at once calls :func:`again`.
    """

    @st.fragment
    def drawn() -> None:
        with manners(), measured() if _drawn_alone() else nullcontext():
            part()

    drawn()


def again() -> NoReturn:
    """Draw the present part of the page again, or the whole page if it is just being drawn."""
    st.rerun(scope="fragment" if _drawn_alone() else "app")


def _drawn_alone() -> bool:
    run = get_script_run_ctx()
    return run is not None and bool(run.fragment_ids_this_run)


@lru_cache(maxsize=1)
def _emotion_colours() -> str:
    """One CSS rule per emotion, so that hues and signs are written down once, in
    ``albumjudge.domain.emotions``.
    """
    return "".join(
        f'[class*="st-key-felt-{e.name}"]{{--hue:{e.colour};--sign:"{e.sign}"}} '
        f".hue-{e.name}{{color:{e.colour}}}"
        for e in EMOTIONS
    )


@contextmanager
def manners() -> Iterator[None]:
    """Whatever goes wrong inside, the visitor reads a sentence and finds a way on; the log says more."""
    try:
        yield
    except (CoverLinkError, VoteError) as error:
        _LOG.warning("%s", error)
        apologise(translate(str(error)))
    except (CheckpointError, SettingsError) as error:
        _LOG.error("%s", error)
        apologise(_("The exhibit cannot open. {reason}", reason=translate(str(error))))
    except Exception:
        _LOG.exception("A page failed.")
        apologise(_("Something went wrong behind the wall. It has been noted; trying again often helps."))


def apologise(sentence: str) -> None:
    """Say what happened, and offer to try again or to go to the stage."""
    with st.container(key="apology"):
        markup.say(sentence, kind="sentence", role="alert")
        with st.container(horizontal=True):
            st.button(_("Try again"), type="primary", key="try-again")
            link_to(STAGE, _("To the stage"))


def heading(title: str, line: str) -> None:
    """The page's title and the one line that says what to do."""
    st.html(f'<h1 class="title">{escape(title)}</h1><p class="lead">{escape(line)}</p>')


def from_the_top(view: str, *, anew: bool = False) -> None:
    """Show a new view from its top: Streamlit keeps the place to which the visitor had scrolled before.

    Args:
        view: letters, digits, "-" and "." that name the view; while it stays the same, nothing moves.
        anew: whether nothing of the view before stays. Streamlit lets a container inherit what is in the one
            whose place it takes until the whole page is drawn; where an element takes its place, it does not.
    """
    with st.container(key="scroll"):
        st.html(
            f'<script data-view="{escape(view)}">'
            "document.querySelector('[data-testid=\"stMain\"]')?.scrollTo(0, 0)</script>",
            unsafe_allow_javascript=True,
        )
    if anew:
        st.html("<span hidden></span>")


def address(path: str | None = None, **query: str) -> str:
    """The full address of a room, by default of this one, that opens what ``query`` names for anyone."""
    here = urlsplit(st.context.url or "")
    return here._replace(path=path or here.path or "/", query=urlencode(query), fragment="").geturl()


def leave() -> None:
    """The quiet line at the foot of every page."""
    try:
        open_exhibit = exhibit()
        painter, judge = open_exhibit.painter_revision, open_exhibit.judge_revision
        by = {"painter": names.sentence_form(painter), "judge": names.sentence_form(judge)}
        sentences = [
            _("Painted by {painter}, judged by {judge}.", **by),
            *map(translate, open_exhibit.status()),
        ]
        details = f"<details><summary>{_('Details')}</summary>{escape(painter)}, {escape(judge)}</details>"
    except Exception:
        sentences, details = [_("The exhibit is not running as it should.")], ""
    st.html(f'<footer class="foot">{" ".join(escape(s) for s in sentences)}{details}</footer>')
    if kiosk.is_on():
        kiosk.keep()
