"""The exhibit goes on when the Hub fails, in every way in which one can fail."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from albumjudge.domain.settings import Settings
from albumjudge.inference import hub
from albumjudge.inference.exhibit import Exhibit
from albumjudge.inference.folders import WEIGHTS, Kind
from tests.checkpoint_fixtures import (
    ADDRESS,
    COMMIT,
    PROMPT,
    SHORT,
    Answer,
    Request,
    local_hub,
    make_generator,
    serving,
)

Spoil = Callable[[Path], Callable[[Request], Answer]]


def answering(answer: Answer, file: str | None = None) -> Spoil:
    """Answer so when asked for one file, or for anything."""

    def spoil(folder: Path) -> Callable[[Request], Answer]:
        files = serving(folder)
        return lambda request: answer if file in (None, request.file) else files(request)

    return spoil


def status(number: int, code: str = "", file: str | None = None) -> Spoil:
    return answering(Answer(number, headers={"X-Error-Code": code} if code else {}), file)


def on_the_way(file: str, **changes: Any) -> Spoil:
    def spoil(folder: Path) -> Callable[[Request], Answer]:
        files = serving(folder)
        return lambda request: replace(files(request), **changes if file == request.file else {})

    return spoil


def at_the_source(change: Callable[[Path], object]) -> Spoil:
    def spoil(folder: Path) -> Callable[[Request], Answer]:
        change(folder)
        return serving(folder)

    return spoil


def config(text: str) -> Spoil:
    return at_the_source(lambda folder: (folder / "config.json").write_text(text))


SPACE, ANOTHER = b" " * 65_536, "f" * 40
LOGIN = b"<html>Log in to this network.</html>"


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (status(404), f"has no museum/painter@{COMMIT}."),
        (status(404, file="config.json"), "has no museum/painter"),
        (status(404, "RevisionNotFound"), f"has no commit {COMMIT}."),
        (status(401), "is private or does not exist."),
        (status(401, "GatedRepo"), "gated. Accept its terms"),
        (status(403, "GatedRepo", "model.safetensors"), "gated. Accept its terms"),
        (status(429), "answered 429"),
        (status(504), "answered 504 when asked for museum/painter@01234567."),
        (status(504, file="model.safetensors"), "answered 504 when asked for"),
        (
            at_the_source(lambda folder: (folder / WEIGHTS).rename(folder / "pytorch_model.bin")),
            "has no model.safetensors. It has a pickle, pytorch_model.bin,",
        ),
        (on_the_way("metrics.json", headers={"X-Repo-Commit": ANOTHER}), "sent another commit"),
        (answering(Answer(silent=True)), "did not deliver museum/painter@01234567 within 0.6 seconds."),
        (
            answering(Answer(silent=True), WEIGHTS),
            "did not deliver museum/painter@01234567 within 0.6 seconds.",
        ),
        (answering(Answer(trickle=True)), "did not deliver museum/painter@01234567 within 0.6 seconds."),
        (on_the_way(WEIGHTS, sent=1000), "broke off"),
        (on_the_way(WEIGHTS, headers={"X-Linked-Etag": f'"{"0" * 64}"'}), "was damaged on its way"),
        (answering(Answer(body=LOGIN)), "is no Hub."),
        (
            answering(Answer(body=json.dumps({"sha": ANOTHER, "siblings": []}).encode())),
            "offered another commit",
        ),
        (answering(Answer(body=b" " * (hub.LONGEST_LIST + 1))), "far too many files"),
        (config('{"latent_size": 8, "width": 8, "size": 64}'), "the shape of layers.0.weight"),
        (config(" " * (hub.REQUIRED["config.json"] + 1)), "larger than the 1,000,000 bytes"),
        (
            answering(Answer(body=SPACE, headers={"X-Repo-Commit": COMMIT}, endless=True), "config.json"),
            "larger than the 1,000,000 bytes",
        ),
        (at_the_source(lambda folder: make_generator(folder, size=16)), "16x16 pixels"),
        (lambda _: lambda request: Answer(302, headers={"Location": request.path}), "broke off"),
    ],
)
def test_the_exhibit_goes_on_with_what_is_there_and_says_why(
    published: Path, bundled: dict[Kind, Path], tmp_path: Path, spoil: Spoil, says: str
) -> None:
    hangs = "within 0.6 seconds" in says
    with local_hub(spoil(published)) as local:
        settings = Settings(
            generator_hub=str(ADDRESS),
            hub_endpoint=local.endpoint,
            hub_deadline=SHORT if hangs else PROMPT,
            data_directory=tmp_path / "data",
        )
        start = time.monotonic()
        exhibit = Exhibit.open(settings, bundled=bundled)
        assert exhibit.wait_for_hub(PROMPT)
        assert time.monotonic() - start < PROMPT / 2
        exhibit.close()
        assert "pytorch_model.bin" not in {request.file for request in local.requests}
    (line,) = exhibit.status()
    assert says in line and line.endswith("The exhibit goes on with bundled-painter."), line
    assert exhibit.checkpoints["generator"].source == "bundled"
    assert exhibit.show([1])[0].cover.identity.painter == "bundled-painter"


def test_no_file_is_asked_for_that_is_none_of_a_checkpoints(
    published: Path, bundled: dict[Kind, Path], tmp_path: Path
) -> None:
    names = "../../escaped.json", "/etc/passwd", "sub/../../config.json", "pytorch_model.bin", "conversion.py"
    files = serving(published)

    def answer(request: Request) -> Answer:
        found = files(request)
        if not request.path.startswith("/api/"):
            return found
        told = json.loads(found.body)
        told["siblings"] += [{"rfilename": name} for name in names]
        return Answer(body=json.dumps(told).encode())

    with local_hub(answer) as local:
        settings = Settings(
            generator_hub=str(ADDRESS), hub_endpoint=local.endpoint, data_directory=tmp_path / "data"
        )
        exhibit = Exhibit.open(settings, bundled=bundled)
        assert exhibit.wait_for_hub(PROMPT)
        exhibit.close()
        asked = {request.file for request in local.requests}
    assert exhibit.checkpoints["generator"].source == "hub" and exhibit.status() == ()
    assert asked <= {COMMIT, *hub.REQUIRED, *hub.OPTIONAL}
    assert not [path for path in tmp_path.rglob("*") if path.name in ("escaped.json", "passwd")]


def test_a_hub_that_is_not_there_is_reported(bundled: dict[Kind, Path], tmp_path: Path) -> None:
    with socket.socket() as taken:  # Bound and not listening: nobody else gets the port, and nobody answers.
        taken.bind(("127.0.0.1", 0))
        settings = Settings(
            judge_hub=str(ADDRESS),
            hub_endpoint=f"http://127.0.0.1:{taken.getsockname()[1]}",
            data_directory=tmp_path,
        )
        exhibit = Exhibit.open(settings, bundled=bundled)
        assert exhibit.wait_for_hub(PROMPT)
    exhibit.close()
    (line,) = exhibit.status()
    assert "cannot be reached" in line and line.endswith("The exhibit goes on with bundled-judge.")
    assert exhibit.show([1])[0].verdict.top == "awe"


def test_visitors_are_served_while_the_hub_says_nothing(bundled: dict[Kind, Path], tmp_path: Path) -> None:
    with local_hub(lambda request: Answer(silent=True)) as local:
        settings = Settings(
            generator_hub=str(ADDRESS),
            hub_endpoint=local.endpoint,
            hub_deadline=PROMPT,
            data_directory=tmp_path,
        )
        exhibit = Exhibit.open(settings, bundled=bundled)
        assert exhibit.show([4])[0].cover.identity.painter == "bundled-painter"
        assert not exhibit.wait_for_hub(0)
        assert exhibit.status() == (
            "The generator museum/painter@01234567 is being fetched from the Hub. "
            "The exhibit goes on with bundled-painter.",
        )
        exhibit.close()


def test_a_fault_that_passes_is_tried_again_and_one_that_stays_is_not(
    original: Path, bundled: dict[Kind, Path], tmp_path: Path
) -> None:
    files, healed = serving(original), threading.Event()

    def answer(request: Request) -> Answer:
        if "/museum/judge/" in request.path:
            return Answer(404)
        return files(request) if healed.is_set() else Answer(503)

    with local_hub(answer) as local:
        settings = Settings(
            generator_hub=str(ADDRESS),
            judge_hub=f"museum/judge@{COMMIT}",
            hub_endpoint=local.endpoint,
            data_directory=tmp_path,
        )
        before = set(threading.enumerate())
        exhibit = Exhibit.open(settings, bundled=bundled, retry_after=0.01)
        fetching = [t for t in threading.enumerate() if t not in before and t.name.startswith("hub-")]
        assert exhibit.wait_for_hub(PROMPT)
        assert len(exhibit.status()) == 2
        healed.set()
        for thread in fetching:
            thread.join(PROMPT)
    assert exhibit.painter.revision.startswith("hub-painter-")
    (line,) = exhibit.status()
    assert "has no museum/judge@" in line
    assert len([r for r in local.requests if "/museum/judge/" in r.path]) == 1
