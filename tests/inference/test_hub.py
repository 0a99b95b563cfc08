"""Fetching checkpoints from the Hub."""

from __future__ import annotations

import hashlib
import os
import socket
import threading
import time
from pathlib import Path

import pytest

from albumjudge.domain.hub_address import HubAddress, HubError
from albumjudge.inference import hub
from albumjudge.inference.checkpoints import cached, fetch_checkpoint
from albumjudge.inference.folders import Checkpoint, CheckpointError
from tests.checkpoint_fixtures import (
    ADDRESS,
    COMMIT,
    PROMPT,
    REPO,
    SHORT,
    Answer,
    LocalHub,
    Request,
    local_hub,
    serving,
)
from tests.vote_fixtures import race


def fetch(local: LocalHub, cache: Path, *, deadline: float = PROMPT) -> Checkpoint:
    return fetch_checkpoint(ADDRESS, cache, "generator", endpoint=local.endpoint, deadline=deadline)


def test_a_checkpoint_is_fetched_whole_and_found_again(original: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    assert cached(ADDRESS, cache, "generator") is None
    with local_hub(serving(original)) as local:
        checkpoint = fetch(local, cache)
    assert checkpoint.source == "hub" and checkpoint.name == "hub-painter"
    assert checkpoint.metrics == {"distance": 2.5} and checkpoint.history == []
    assert cached(ADDRESS, cache, "generator") == checkpoint
    assert [path.name for path in cache.iterdir()] == ["museum--painter"]


def test_nothing_but_the_known_files_is_asked_for(published: Path, tmp_path: Path) -> None:
    (published / "pytorch_model.bin").write_bytes(b"")
    (published / "README.md").write_text("Paints.")
    with local_hub(serving(published)) as local:
        fetch(local, tmp_path)
    assert [(r.method, r.path) for r in local.requests] == [
        ("GET", f"/api/models/{REPO}/revision/{COMMIT}"),
        ("GET", f"/{REPO}/resolve/{COMMIT}/config.json"),
        ("GET", f"/{REPO}/resolve/{COMMIT}/training.json"),
        ("GET", f"/{REPO}/resolve/{COMMIT}/model.safetensors"),
        ("GET", f"/{REPO}/resolve/{COMMIT}/metrics.json"),
        ("GET", f"/{REPO}/resolve/{COMMIT}/README.md"),
    ]


def test_a_redirect_to_a_storage_server_is_followed_without_the_token(
    original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    digest = hashlib.sha256((original / "model.safetensors").read_bytes()).hexdigest()
    files = serving(original)
    with local_hub(lambda r: Answer(body=(original / r.file).read_bytes())) as storage:

        def answer(request: Request) -> Answer:
            if request.file != "model.safetensors":
                return files(request)
            there = {"Location": f"{storage.endpoint}/blobs/model.safetensors"}
            return Answer(302, headers={**there, "X-Linked-Etag": f'"{digest}"', "X-Repo-Commit": COMMIT})

        with local_hub(answer) as local:
            fetch(local, tmp_path)
    assert {r.headers["authorization"] for r in local.requests} == {"Bearer hf_secret"}
    assert len(storage.requests) == 1 and "authorization" not in storage.requests[0].headers


def test_the_cache_is_only_ever_whole(original: Path, published: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    (published / "training.json").unlink()
    with local_hub(serving(published)) as local, pytest.raises(HubError):
        fetch(local, cache)
    assert list(cache.iterdir()) == []
    with local_hub(serving(original)) as local:
        weights = fetch(local, cache).directory / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    assert cached(ADDRESS, cache, "generator") is None
    with local_hub(serving(original)) as local:
        fetch(local, cache)
    assert cached(ADDRESS, cache, "generator") is not None


def test_two_who_fetch_at_once_both_get_it(original: Path, tmp_path: Path) -> None:
    files, both = serving(original), threading.Barrier(2)

    def answer(request: Request) -> Answer:
        if request.file == "metrics.json":  # The last file: neither can be done before the other has begun.
            both.wait(PROMPT)
        return files(request)

    with local_hub(answer) as local:
        got = race(lambda _: fetch(local, tmp_path), range(2))
    assert len(got) == 2 and got[0] == got[1]
    assert len(list(tmp_path.iterdir())) == 1


def test_what_a_killed_process_left_is_swept_away_but_not_what_may_be_in_use(
    original: Path, tmp_path: Path
) -> None:
    old, young = tmp_path / ".part-old", tmp_path / ".part-young"
    for folder in (old, young):
        folder.mkdir()
    two_days_ago = time.time() - 2 * 86400
    os.utime(old, (two_days_ago, two_days_ago))
    with local_hub(serving(original)) as local:
        fetch(local, tmp_path)
    assert not old.exists() and young.exists()


def test_without_a_place_or_a_network_nothing_is_asked_for(
    original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    with local_hub(serving(original)) as local, pytest.raises(CheckpointError, match="cannot be written"):
        fetch(local, tmp_path / "file")
    assert local.requests == []
    monkeypatch.setattr("huggingface_hub.constants.is_offline_mode", lambda: True)
    with local_hub(serving(original)) as local, pytest.raises(HubError, match="HF_HUB_OFFLINE") as caught:
        fetch(local, tmp_path)
    assert local.requests == [] and not caught.value.passing


def test_a_name_look_up_that_hangs_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()

    def look_up(*args: object, **kwargs: object) -> list[object]:
        over.wait(PROMPT)
        raise socket.gaierror("too late")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    start = time.monotonic()
    try:
        with pytest.raises(HubError, match=r"did not deliver .* within 0.6 seconds"):
            hub.fetch(ADDRESS, tmp_path, endpoint="http://hub.example", deadline=SHORT)
        assert time.monotonic() - start < PROMPT / 2
    finally:
        over.set()


@pytest.mark.parametrize(
    ("texts", "says"),
    [
        (
            [
                *("", "painter", f"painter@{COMMIT}", f"../painter@{COMMIT}", f"museum/..@{COMMIT}"),
                *(f"museum/paint..er@{COMMIT}", f"https://huggingface.co/museum/painter@{COMMIT}"),
            ],
            "no checkpoint on the Hub",
        ),
        (
            [
                *("museum/painter", "museum/painter@main", "museum/painter@0123456"),
                *(f"museum/painter@{COMMIT}\n", f"museum/painter@{COMMIT.upper()}"),
            ],
            "does not say which commit",
        ),
    ],
)
def test_an_address_must_name_a_repository_and_a_full_commit(texts: list[str], says: str) -> None:
    for text in texts:
        with pytest.raises(HubError, match=says):
            HubAddress.parse(text)
    assert HubAddress.parse(f"{REPO}@{COMMIT}") == HubAddress.parse(str(ADDRESS)) == ADDRESS
