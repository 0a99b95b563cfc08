"""The exhibit as it runs for visitors, and a real browser in front of it."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Error, Playwright, expect, sync_playwright

from albumjudge.inference.checkpoints import read_checkpoint
from albumjudge.voting.database import open_engine
from albumjudge.voting.votes import VoteStore
from tests.checkpoint_fixtures import make_generator, make_judge
from tests.e2e.visits import TIMEOUT

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


@dataclass(frozen=True)
class RunningApp:
    """A served exhibit."""

    url: str
    box: VoteStore
    folder: Path


@pytest.fixture(scope="package")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApp]:
    """The exhibit, one for all tests that do not mind what others voted."""
    with served(tmp_path_factory.mktemp("exhibit")) as running:
        yield running


@pytest.fixture
def fresh_app(tmp_path: Path) -> Iterator[RunningApp]:
    """An exhibit that nobody has entered yet."""
    with served(tmp_path) as running:
        yield running


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def served(
    folder: Path, settings: Mapping[str, str] | None = None, *, bundled: bool = False, port: int = 0
) -> Iterator[RunningApp]:
    """The real app in a process of its own, on tiny networks, or the bundled ones, and an empty database.

    Args:
        settings: further environment variables.
        bundled: whether the bundled networks are at work.
        port: 0 for any that is free.
    """
    port = port or free_port()
    database = f"sqlite:///{folder / 'votes.db'}"
    environment = os.environ | {
        "ALBUMJUDGE_GENERATOR_DIR": "" if bundled else str(make_generator(folder / "generator")),
        "ALBUMJUDGE_JUDGE_DIR": "" if bundled else str(make_judge(folder / "judge")),
        "ALBUMJUDGE_DATA_DIR": str(folder),
        "ALBUMJUDGE_DATABASE_URL": database,
        "ALBUMJUDGE_GENERATOR_HUB": "",
        "ALBUMJUDGE_JUDGE_HUB": "",
        "PYTHONUNBUFFERED": "1",
        **(settings or {}),
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
    yield RunningApp(f"http://127.0.0.1:{port}", box, folder)
    engine.dispose()
    process.terminate()
    process.wait(30)


def generator_of(app: RunningApp) -> str:
    """Revision of the painter at work."""
    return read_checkpoint(app.folder / "generator", "generator").revision


# Not for the whole session: as long as Playwright runs, no other test of this thread can use asyncio.
@pytest.fixture(scope="package")
def playwright() -> Iterator[Playwright]:
    expect.set_options(timeout=TIMEOUT)
    with sync_playwright() as running:
        yield running


def launched(playwright: Playwright, *arguments: str) -> Browser:
    """Chromium from the PATH, else Playwright's own; without either, a failure on CI and a skip elsewhere."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    try:
        return playwright.chromium.launch(executable_path=found, args=[*QUIET, *arguments])
    except Error as error:
        reason = f"no Chromium can be started ({str(error).splitlines()[0]}); try `make browser`"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)


@pytest.fixture(scope="package")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """One browser; every visitor has a context of their own."""
    chromium = launched(playwright)
    yield chromium
    chromium.close()


@pytest.fixture
def screenshots(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Where pictures go: the folder that ALBUMJUDGE_SCREENSHOTS names, else one that pytest clears away."""
    folder = Path(os.environ.get("ALBUMJUDGE_SCREENSHOTS") or tmp_path / "screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder / re.sub(r"\W+", "-", request.node.name)
