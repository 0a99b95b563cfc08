"""The exhibit as it runs for visitors, and a real browser in front of it."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Error, expect, sync_playwright

from albumjudge.inference.checkpoints import read_checkpoint
from albumjudge.voting.database import open_engine
from albumjudge.voting.votes import VoteStore
from tests.checkpoint_fixtures import make_generator, make_judge

ROOT = Path(__file__).parent.parent.parent
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--no-first-run",
)
TIMEOUT = 60_000
"""Milliseconds that a slow machine may take for anything."""


@dataclass(frozen=True)
class RunningApp:
    """A served exhibit: its address, its votes, and what it wrote to its log."""

    url: str
    box: VoteStore
    log: list[str]
    folder: Path


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApp]:
    """The exhibit, one for all tests of a file."""
    with served(tmp_path_factory.mktemp("exhibit")) as running:
        yield running


@pytest.fixture
def fresh_app(tmp_path: Path) -> Iterator[RunningApp]:
    """An exhibit that nobody has entered yet."""
    with served(tmp_path) as running:
        yield running


@contextmanager
def served(folder: Path, *, bundled: bool = False, port: int = 0, **settings: str) -> Iterator[RunningApp]:
    """The real app in a process of its own, on tiny networks, or the bundled ones, and an empty database.

    Args:
        bundled: whether the bundled networks are at work.
        port: 0 for any that is free.
        settings: further environment variables.
    """
    with socket.socket() as free:
        free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        free.bind(("127.0.0.1", port))
        port = free.getsockname()[1]
    database = f"sqlite:///{folder / 'votes.db'}"
    environment = os.environ | {
        "ALBUMJUDGE_GENERATOR_DIR": "" if bundled else str(make_generator(folder / "generator")),
        "ALBUMJUDGE_JUDGE_DIR": "" if bundled else str(make_judge(folder / "judge")),
        "ALBUMJUDGE_DATA_DIR": str(folder),
        "ALBUMJUDGE_DATABASE_URL": database,
        "ALBUMJUDGE_GENERATOR_HUB": "",
        "ALBUMJUDGE_JUDGE_HUB": "",
        "PYTHONUNBUFFERED": "1",
        **settings,
    }
    command = [sys.executable, "-m", "streamlit", "run", "streamlit_app.py"]
    command += ["--server.address", "127.0.0.1", "--server.port", str(port)]
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert process.stdout is not None
    log: list[str] = []
    for line in process.stdout:
        log.append(line)
        if "URL:" in line:
            break
    else:
        raise AssertionError("The app did not start:\n" + "".join(log))
    # Nobody else reads on, and a full pipe would stop the app.
    threading.Thread(target=log.extend, args=(process.stdout,), daemon=True).start()
    engine = open_engine(database)
    box = VoteStore(engine)
    box.prepare()
    yield RunningApp(f"http://127.0.0.1:{port}", box, log, folder)
    engine.dispose()
    process.terminate()
    process.wait(30)


def generator_of(app: RunningApp) -> str:
    """Revision of the painter at work."""
    return read_checkpoint(app.folder / "generator", "generator").revision


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium from the PATH, else Playwright's own; without either, a failure on CI and a skip elsewhere."""
    # Not for the whole session: as long as Playwright runs, no other test of this thread can use asyncio.
    expect.set_options(timeout=TIMEOUT)
    with sync_playwright() as playwright:
        found = next(filter(None, map(shutil.which, BROWSERS)), None)
        try:
            chromium = playwright.chromium.launch(executable_path=found, args=list(QUIET))
        except Error as error:
            reason = f"no Chromium can be started ({str(error).splitlines()[0]}); try `make browser`"
            if os.environ.get("CI"):
                pytest.fail(reason)
            pytest.skip(reason)
        yield chromium
        chromium.close()


@pytest.fixture
def screenshots(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Where pictures go: the folder that ALBUMJUDGE_SCREENSHOTS names, else one that pytest clears away."""
    folder = Path(os.environ.get("ALBUMJUDGE_SCREENSHOTS") or tmp_path / "screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder / re.sub(r"\W+", "-", request.node.name)
