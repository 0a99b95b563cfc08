"""Checkpoints from the Hub: from a server that none of us wrote, and past every way in which one can fail."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load

from albumjudge.domain.hub_address import HubAddress, HubError
from albumjudge.domain.settings import Settings
from albumjudge.inference import hub, loading
from albumjudge.inference.checkpoints import Checkpoint, CheckpointError, Kind, cached, fetch_checkpoint
from albumjudge.inference.exhibit import Exhibit
from albumjudge.inference.judge import Judge
from tests.checkpoint_fixtures import (
    COMMIT,
    REPO,
    Answer,
    LocalHub,
    Request,
    local_hub,
    make_generator,
    make_judge,
    serving,
)

ADDRESS = HubAddress(REPO, COMMIT)
PATIENCE = 0.6
"""Deadline where a server must be given up on, in seconds."""
PROMPT = 60.0
"""Longest that a test waits for what takes a moment on an idle machine."""


@pytest.fixture(scope="module")
def bundled(tmp_path_factory: pytest.TempPathFactory) -> dict[Kind, Path]:
    folder = tmp_path_factory.mktemp("bundled")
    return {
        "generator": make_generator(folder / "generator", name="bundled-painter"),
        "judge": make_judge(folder / "judge", name="bundled-judge"),
    }


@pytest.fixture(scope="module")
def opened() -> dict[str, Judge]:
    return {}


@pytest.fixture(autouse=True)
def _judges_are_opened_once(opened: dict[str, Judge], monkeypatch: pytest.MonkeyPatch) -> None:
    """Building VGG16 anew for each of many exhibits would take most of this file's time."""
    open_judge = loading.open_judge

    def open_once(checkpoint: Checkpoint) -> Judge:
        if checkpoint.revision not in opened:
            opened[checkpoint.revision] = open_judge(checkpoint)
        return opened[checkpoint.revision]

    monkeypatch.setattr(loading, "open_judge", open_once)


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What stands on the Hub; not to be changed."""
    folder = make_generator(tmp_path_factory.mktemp("published"), name="hub-painter", seed=7)
    (folder / "metrics.json").write_text('{"distance": 2.5}')
    return folder


@pytest.fixture
def published(original: Path, tmp_path: Path) -> Path:
    """The same, to be spoiled."""
    return shutil.copytree(original, tmp_path / "published")


def fetch(local: LocalHub, cache: Path, *, deadline: float = PROMPT) -> Checkpoint:
    return fetch_checkpoint(ADDRESS, cache, "generator", endpoint=local.endpoint, deadline=deadline)


# Fetching


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

    got: list[Checkpoint] = []
    with local_hub(answer) as local:
        threads = [threading.Thread(target=lambda: got.append(fetch(local, tmp_path))) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PROMPT)
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


def test_a_cache_that_cannot_be_written_gives_a_sentence(original: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with local_hub(serving(original)) as local, pytest.raises(CheckpointError, match="cannot be written"):
        fetch(local, tmp_path / "file")
    assert local.requests == []


def test_a_name_look_up_that_hangs_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()

    def look_up(*args: object, **kwargs: object) -> list[object]:
        over.wait(PROMPT)
        raise socket.gaierror("too late")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    start = time.monotonic()
    try:
        with pytest.raises(HubError, match=r"did not deliver .* within 0.6 seconds"):
            hub.fetch(ADDRESS, tmp_path, endpoint="http://hub.example", deadline=PATIENCE)
        assert time.monotonic() - start < PROMPT / 2
    finally:
        over.set()


def test_offline_mode_is_respected(original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.is_offline_mode", lambda: True)
    with local_hub(serving(original)) as local, pytest.raises(HubError, match="HF_HUB_OFFLINE") as caught:
        fetch(local, tmp_path)
    assert local.requests == [] and not caught.value.passing


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no checkpoint on the Hub"),
        ("painter", "no checkpoint on the Hub"),
        (f"painter@{COMMIT}", "no checkpoint on the Hub"),
        (f"../painter@{COMMIT}", "no checkpoint on the Hub"),
        (f"museum/..@{COMMIT}", "no checkpoint on the Hub"),
        (f"museum/paint..er@{COMMIT}", "no checkpoint on the Hub"),
        (f"https://huggingface.co/museum/painter@{COMMIT}", "no checkpoint on the Hub"),
        ("museum/painter", "does not say which commit"),
        ("museum/painter@main", "does not say which commit"),
        ("museum/painter@0123456", "does not say which commit"),
        (f"museum/painter@{COMMIT}\n", "does not say which commit"),
        (f"museum/painter@{COMMIT.upper()}", "does not say which commit"),
    ],
)
def test_an_address_must_name_a_repository_and_a_full_commit(text: str, says: str) -> None:
    with pytest.raises(HubError, match=says):
        HubAddress.parse(text)


def test_an_address_reads_what_it_writes() -> None:
    assert HubAddress.parse(f"{REPO}@{COMMIT}") == ADDRESS
    assert HubAddress.parse(str(ADDRESS)) == ADDRESS


# Failing, seen from the exhibit

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
            hub_deadline=PATIENCE if hangs else PROMPT,
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


# A Hub server from the package index


@pytest.fixture(scope="module")
def museum(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A git repository as it stands on the Hub, in the place where olah looks for it."""
    repository = tmp_path_factory.mktemp("mirrors") / "models" / REPO
    repository.mkdir(parents=True)
    git(repository, "init", "--quiet", "--initial-branch=main")
    return repository


def git(repository: Path, *arguments: str) -> str:
    identity = [
        "-c",
        "user.name=A curator",
        "-c",
        "user.email=curator@example.org",
        "-c",
        "commit.gpgsign=false",
    ]
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=repository, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def publish(repository: Path, name: str, seed: int) -> str:
    make_generator(repository, name=name, seed=seed)
    (repository / "README.md").write_text("---\nlicense: mit\n---\nPaints.\n")
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--message", name)
    return git(repository, "rev-parse", "HEAD")


@pytest.fixture(scope="module")
def olah(museum: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an olah server that serves the museum's repositories and asks nobody else."""
    folder = tmp_path_factory.mktemp("olah")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = folder / "olah.toml"
    config.write_text(
        f'[basic]\nhost = "127.0.0.1"\nport = {port}\nrepos-path = "{folder}/repos"\n'
        f'mirrors-path = ["{museum.parents[2]}"]\n[accessibility]\noffline = true\n'
    )
    server = subprocess.Popen(
        [sys.executable, "-m", "olah.server", "--config", config, "--port", str(port), "--log-path", folder],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert server.stderr is not None
    said = []
    for line in server.stderr:
        said.append(line)
        if "Uvicorn running on" in line:
            break
    else:
        pytest.fail("olah did not start:\n" + "".join(said))
    threading.Thread(target=server.stderr.read, daemon=True).start()  # A full pipe would stop it.
    yield f"http://127.0.0.1:{port}"
    server.terminate()
    server.wait(PROMPT)


def test_pulling_a_pinned_commit_from_olah(
    museum: Path, olah: str, bundled: dict[Kind, Path], tmp_path: Path
) -> None:
    first = publish(museum, "first-painter", 1)
    weights = (museum / "model.safetensors").read_bytes()
    second = publish(museum, "second-painter", 2)
    settings = Settings(generator_hub=f"{REPO}@{first}", hub_endpoint=olah, data_directory=tmp_path)

    exhibit = Exhibit.open(settings, bundled=bundled)
    assert exhibit.wait_for_hub(PROMPT)
    assert exhibit.status() == ()
    assert exhibit.checkpoints["generator"].source == "hub"
    expected = f"first-painter-{hashlib.sha256(weights).hexdigest()[:8]}"
    assert exhibit.painter.revision == expected
    assert exhibit.show([11])[0].cover.identity.generator == expected

    nowhere = replace(settings, hub_endpoint="http://127.0.0.1:9")
    again = Exhibit.open(nowhere, bundled=bundled)
    assert again.painter.revision == expected and again.status() == ()

    newer = replace(settings, generator_hub=f"{REPO}@{second}")
    switched = Exhibit.open(newer, bundled=bundled)
    assert switched.wait_for_hub(PROMPT)
    assert switched.checkpoints["generator"].name == "second-painter"


def test_olah_has_no_such_repository_or_commit(
    museum: Path, olah: str, bundled: dict[Kind, Path], tmp_path: Path
) -> None:
    for address in (f"museum/nothing@{COMMIT}", f"{REPO}@{COMMIT}"):
        settings = Settings(generator_hub=address, hub_endpoint=olah, data_directory=tmp_path)
        exhibit = Exhibit.open(settings, bundled=bundled)
        assert exhibit.wait_for_hub(PROMPT)
        exhibit.close()
        (line,) = exhibit.status()
        assert address.split("@")[0] in line and line.endswith("goes on with bundled-painter."), line
