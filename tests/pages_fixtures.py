"""The exhibit as pages see it: tiny networks, an empty database, no browser."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from albumjudge.domain.cover import HasPixels
from albumjudge.domain.settings import Settings
from albumjudge.domain.verdict import Verdict
from albumjudge.inference.exhibit import Exhibit
from albumjudge.ui import shell
from albumjudge.ui.rooms import first_minute
from albumjudge.voting.database import open_engine
from albumjudge.voting.votes import VoteStore
from tests.checkpoint_fixtures import make_generator, make_judge, make_painter_to_order

APP = Path(__file__).parent.parent / "streamlit_app.py"
SECONDS = 60
VISITOR, OTHER_VISITOR = "0123456789ab4def8123456789abcdef", "fedcba98765442109876543210fedcba"


FEELING = (0.51, *(0.07,) * 7)
"""What the judge of these tests feels in front of every cover: mostly amusement."""


_EXHIBIT: list[Exhibit] = []
"""The one of this process: whoever imports a fixture has one of their own, however wide its scope."""


@pytest.fixture(scope="session")
def exhibit(tmp_path_factory: pytest.TempPathFactory) -> Exhibit:
    """An open exhibit of a tiny painter, a guest that paints to order, and a judge that does not look."""
    if _EXHIBIT:
        return _EXHIBIT[0]
    folder = tmp_path_factory.mktemp("checkpoints")
    generator, judge = make_generator(folder / "generator"), make_judge(folder / "judge")

    def feel(covers: Sequence[HasPixels]) -> list[Verdict]:
        return [Verdict(FEELING, opened.judge.revision) for _ in covers]

    # This judge alone, not the class: the fixture lives as long as the session, beside tests of other judges.
    opened = Exhibit.open(
        Settings(generator_directory=generator, judge_directory=judge),
        guests=[make_painter_to_order(folder / "guest")],
        bundled={"generator": generator, "judge": judge},
    )
    opened.judge.judge = feel  # type: ignore[method-assign, assignment]
    _EXHIBIT.append(opened)
    return opened


@pytest.fixture(scope="session", autouse=True)
def quick_runs() -> Iterator[None]:
    """AppTest reads the metadata of all packages, and mocks a client; the exhibit needs neither."""
    with (
        patch("streamlit.components.v2.manifest_scanner.scan_component_manifests", list),
        patch("streamlit.runtime.context._get_client_context", lambda: None),
    ):
        yield


@pytest.fixture
def settings(
    exhibit: Exhibit, sqlite_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Settings]:
    """What the pages find in the environment; the exhibit is open already."""
    shutil.copy(sqlite_template, tmp_path / "votes.db")
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setenv("ALBUMJUDGE_DATABASE_URL", f"sqlite:///{tmp_path / 'votes.db'}")
    monkeypatch.setattr(shell, "exhibit", lambda: exhibit)
    # A visitor waits five seconds for a locked database; a test need not.
    monkeypatch.setattr(shell, "VoteStore", partial(VoteStore, timeout=0.05))
    st.cache_resource.clear()
    yield Settings.from_environment()
    st.cache_resource.clear()


@pytest.fixture
def box(settings: Settings) -> Iterator[VoteStore]:
    """The votes that the pages use, through a connection of its own."""
    engine = open_engine(settings.database_url)
    yield VoteStore(engine)
    engine.dispose()


Visit = Callable[..., AppTest]
_PAGES: dict[str, Any] = {}
"""What AppTest learns about the pages in its first run."""


@pytest.fixture
def visit(settings: Settings) -> Visit:
    """Opens a page as a visitor would: ``visit("vote", visitor=..., cover=...)``, already run once.

    The wall is there at once, unless ``first`` asks for the first minute of a first visit.
    """

    def open_page(page: str = "stage", visitor: str = VISITOR, first: bool = False, **query: str) -> AppTest:
        app = AppTest.from_file(str(APP), default_timeout=SECONDS)
        app.session_state["visitor"] = visitor
        if not first:
            app.session_state[first_minute.OVER] = True
        if page != "stage":
            if not _PAGES:
                app.query_params["cover"] = "none"
                app.run()  # Streamlit knows the pages only after this; the bad link is the quickest one.
                app.query_params.clear()
                _PAGES.update(app._registered_pages or {})
            app._registered_pages = dict(_PAGES)
            app.switch_page(f"pages/{page}.py")
        for name, value in query.items():
            app.query_params[name] = value
        return app.run()

    return open_page


def text(app: AppTest) -> str:
    """All HTML on the page."""
    assert not app.exception
    parts = [part.value for part in app.html if not part.value.startswith(("<style", "<script"))]
    return "\n".join(parts).replace("\u202f", " ")


def press(app: AppTest, start: str) -> AppTest:
    """Press the one button whose key starts so."""
    matching = [button for button in app.button if (button.key or "").startswith(start)]
    assert len(matching) == 1, [button.key for button in app.button]
    return matching[0].click().run()


def query(app: AppTest, name: str) -> str:
    """One value of the page's link."""
    value = app.query_params[name]
    return value if isinstance(value, str) else str(value[0])


def shared(app: AppTest) -> str:
    """What is offered to be copied."""
    (found,) = [
        part.proto.json
        for part in app.get("bidi_component")
        if "albumjudge_link" in part.proto.component_name
    ]
    return str(json.loads(found)["text"])


def failing(error: Exception) -> Callable[..., object]:
    """What to put in the place of a function that must fail."""

    def fail(*_: object, **__: object) -> object:
        raise error

    return fail
