"""The main journey in Firefox, driven through WebDriver BiDi, which it speaks without a driver."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import ClientConnection, connect

from tests.e2e.conftest import RunningApp

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

FIREFOX = next(filter(None, map(shutil.which, ("firefox-esr", "firefox"))), None)
TIMEOUT = 60
"""Seconds."""


class Firefox:
    """One tab."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket, self._numbers = socket, count(1)
        self._send("session.new", capabilities={})
        self._tab = self._send("browsingContext.getTree")["contexts"][0]["context"]

    def _send(self, method: str, **params: Any) -> Any:
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while (answer := json.loads(self._socket.recv(TIMEOUT))).get("id") != number:
            pass
        assert answer["type"] == "success", answer
        return answer["result"]

    def go(self, address: str) -> None:
        self._send("browsingContext.navigate", context=self._tab, url=address, wait="complete")

    def run(self, script: str) -> Any:
        found = self._send(
            "script.evaluate", expression=script, target={"context": self._tab}, awaitPromise=True
        )
        return found["result"].get("value")

    def wait_for(self, script: str) -> None:
        deadline = time.monotonic() + TIMEOUT
        while not self.run(f"Boolean({script})"):
            assert time.monotonic() < deadline, f"{script} never came; {self.run('document.body.innerText')}"
            time.sleep(0.1)

    def touch(self, selector: str) -> None:
        """Click in the middle of a thing, as a pointer does."""
        found = f"document.querySelector('{selector}')"
        self.wait_for(f"{found} && !{found}.closest('[data-stale=true]')")
        self.run(f"{found}.scrollIntoView({{block: 'center'}})")
        place = json.loads(self.run(f"JSON.stringify({found}.getBoundingClientRect())"))
        x, y = (int(place[low] + place[size] / 2) for low, size in (("x", "width"), ("y", "height")))
        steps = [
            {"type": "pointerMove", "x": x, "y": y},
            {"type": "pointerDown", "button": 0},
            {"type": "pointerUp", "button": 0},
        ]
        self._send(
            "input.performActions",
            context=self._tab,
            actions=[{"type": "pointer", "id": "hand", "actions": steps}],
        )


@pytest.fixture
def firefox(tmp_path: Path) -> Iterator[Firefox]:
    """Firefox with a profile of its own, without a window."""
    if FIREFOX is None:
        pytest.skip("there is no Firefox here; on Debian, firefox-esr is one")
    command = [
        FIREFOX,
        "--headless",
        "--profile",
        str(tmp_path),
        "--remote-debugging-port",
        "0",
        "about:blank",
    ]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    address = next(found[0] for line in process.stderr if (found := re.search(r"ws://[\w.:]+", line)))
    with connect(f"{address}/session", max_size=None) as socket:
        yield Firefox(socket)
    process.terminate()
    process.wait(30)


def test_first_cover_vote_reveal_and_wall(app: RunningApp, firefox: Firefox) -> None:
    firefox.go(app.url)
    firefox.touch('[class*="st-key-felt-awe"] button')
    firefox.wait_for("document.querySelector('h1')?.innerText.startsWith('You felt')")
    firefox.wait_for("document.querySelector('.machine')?.innerText.startsWith('The machine feels')")
    firefox.wait_for(
        "document.querySelector('[data-testid=stVegaLiteChart] canvas, [data-testid=stVegaLiteChart] svg')"
    )
    assert app.box.votes()[-1].felt == "awe"
    firefox.touch(".st-key-to-the-wall button")
    firefox.wait_for("document.querySelectorAll('.print.wall').length === 12")
    assert firefox.run("getComputedStyle(document.querySelector('.print img')).imageRendering") == "pixelated"
    firefox.touch(".st-key-language-de button")
    firefox.wait_for("document.querySelector('h1')?.innerText === 'Cover, die keine Band je hatte'")
    assert firefox.run("document.documentElement.lang") == "de"
