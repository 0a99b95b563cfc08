"""The exhibit goes on when the Hub fails, in every way in which one can fail."""

from __future__ import annotations

import hashlib
import json
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load

from albumjudge.domain.settings import Settings
from albumjudge.inference import hub
from albumjudge.inference.exhibit import Exhibit
from albumjudge.inference.folders import Kind
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

pytestmark = pytest.mark.usefixtures("judges_opened_once")


Spoil = Callable[[Path], Callable[[Request], Answer]]


def status(number: int, code: str = "", file: str | None = None) -> Spoil:
    def spoil(folder: Path) -> Callable[[Request], Answer]:
        files = serving(folder)
        refusal = Answer(number, headers={"X-Error-Code": code} if code else {})
        return lambda request: refusal if file in (None, request.file) else files(request)

    return spoil


def only_a_pickle(folder: Path) -> Callable[[Request], Answer]:
    torch.save(load((folder / "model.safetensors").read_bytes()), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    return serving(folder)


def pickle_in_place(folder: Path) -> Callable[[Request], Answer]:
    torch.save(load((folder / "model.safetensors").read_bytes()), folder / "model.safetensors")
    return serving(folder)


def another_commit(folder: Path) -> Callable[[Request], Answer]:
    (folder / "history.json").write_text("[]")
    return lambda request: replace(
        serving(folder)(request), headers={"X-Repo-Commit": "f" * 40 if "history" in request.path else COMMIT}
    )


def silent(folder: Path) -> Callable[[Request], Answer]:
    return lambda request: Answer(silent=True)


def silent_at_the_weights(folder: Path) -> Callable[[Request], Answer]:
    files = serving(folder)
    return lambda request: Answer(silent=True) if request.file == "model.safetensors" else files(request)


def trickling(folder: Path) -> Callable[[Request], Answer]:
    return lambda request: Answer(trickle=True)


def cut_off_on_the_way(folder: Path) -> Callable[[Request], Answer]:
    files = serving(folder)

    def answer(request: Request) -> Answer:
        return replace(files(request), sent=1000) if request.file == "model.safetensors" else files(request)

    return answer


def truncated_at_the_source(folder: Path) -> Callable[[Request], Answer]:
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:5000])
    return serving(folder)


def damaged_on_the_way(folder: Path) -> Callable[[Request], Answer]:
    return lambda request: replace(
        serving(folder)(request), headers={"X-Linked-Etag": f'"{hashlib.sha256(b"else").hexdigest()}"'}
    )


def login_page(folder: Path) -> Callable[[Request], Answer]:
    return lambda request: Answer(body=b"<html>Log in to this network.</html>")


def login_page_later(folder: Path) -> Callable[[Request], Answer]:
    (folder / "config.json").write_text("<html>Log in to this network.</html>")
    return serving(folder)


def list_of_another_commit(folder: Path) -> Callable[[Request], Answer]:
    told = {"sha": "f" * 40, "siblings": []}
    return lambda request: Answer(body=json.dumps(told).encode())


def endless_list(folder: Path) -> Callable[[Request], Answer]:
    return lambda request: Answer(body=b" " * (hub.LONGEST_LIST + 1))


def config_of_other_shapes(folder: Path) -> Callable[[Request], Answer]:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"width": 8}))
    return serving(folder)


def config_of_defaults(folder: Path) -> Callable[[Request], Answer]:
    (folder / "config.json").write_text("{}")
    return serving(folder)


def boundless(folder: Path) -> Callable[[Request], Answer]:
    (folder / "config.json").write_bytes(b" " * (hub.REQUIRED["config.json"] + 1))
    return serving(folder)


def endless_config(folder: Path) -> Callable[[Request], Answer]:
    files = serving(folder)
    more = Answer(body=b" " * 65_536, headers={"X-Repo-Commit": COMMIT}, endless=True)
    return lambda request: more if request.file == "config.json" else files(request)


def nested_config(folder: Path) -> Callable[[Request], Answer]:
    (folder / "config.json").write_text('{"width": ' + "[" * 200_000)
    return serving(folder)


def weights_that_promise_more(folder: Path) -> Callable[[Request], Answer]:
    weights = folder / "model.safetensors"
    weights.write_bytes((2**60).to_bytes(8, "little") + weights.read_bytes()[8:])
    return serving(folder)


def covers_too_small(folder: Path) -> Callable[[Request], Answer]:
    make_generator(folder, size=16)
    return serving(folder)


def redirected_for_ever(folder: Path) -> Callable[[Request], Answer]:
    return lambda request: Answer(302, headers={"Location": request.path})


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (status(404), f"has no museum/painter@{COMMIT}."),
        (status(404, "RepoNotFound"), f"has no museum/painter@{COMMIT}."),
        (status(404, file="config.json"), "has no museum/painter"),
        (status(404, "RevisionNotFound"), f"has no commit {COMMIT}."),
        (status(401), "is private or does not exist."),
        (status(401, "GatedRepo"), "gated. Accept its terms"),
        (status(403), "gated. Accept its terms"),
        (status(403, "GatedRepo", "model.safetensors"), "gated. Accept its terms"),
        (status(429), "answered 429"),
        (status(504), "answered 504 when asked for museum/painter@01234567."),
        (status(504, file="model.safetensors"), "answered 504 when asked for"),
        (status(504, file="metrics.json"), "answered 504 when asked for"),
        (
            only_a_pickle,
            "has no model.safetensors. It has a pickle, pytorch_model.bin,",
        ),
        (pickle_in_place, "museum/painter@01234567 from the Hub/model.safetensors is a pickle"),
        (another_commit, "sent another commit"),
        (silent, "did not deliver museum/painter@01234567 within 0.6 seconds."),
        (silent_at_the_weights, "did not deliver museum/painter@01234567 within 0.6 seconds."),
        (trickling, "did not deliver museum/painter@01234567 within 0.6 seconds."),
        (cut_off_on_the_way, "broke off"),
        (truncated_at_the_source, "is cut short or damaged"),
        (damaged_on_the_way, "was damaged on its way"),
        (login_page, "is no Hub."),
        (login_page_later, "config.json is no JSON"),
        (list_of_another_commit, "offered another commit"),
        (endless_list, "far too many files"),
        (config_of_other_shapes, "the shape of layers.0.weight"),
        (config_of_defaults, "lacks latent_size, width, size"),
        (boundless, "larger than the 1,000,000 bytes"),
        (endless_config, "larger than the 1,000,000 bytes"),
        (nested_config, "config.json is no JSON"),
        (weights_that_promise_more, "is cut short or damaged"),
        (covers_too_small, "16x16 pixels"),
        (redirected_for_ever, "broke off"),
    ],
)
def test_the_exhibit_goes_on_with_what_is_there_and_says_why(
    published: Path, bundled: dict[Kind, Path], tmp_path: Path, spoil: Spoil, says: str
) -> None:
    hangs = spoil in (silent, silent_at_the_weights, trickling)
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
    names = (
        "../../escaped.json",
        "/etc/passwd",
        "sub/../../config.json",
        "pytorch_model.bin",
        "conversion.py",
    )
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
    assert exhibit.show([1])[0].verdict.top == "amusement"


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
