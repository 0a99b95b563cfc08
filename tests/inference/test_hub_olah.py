"""Checkpoints from olah, a Hub server from the package index."""

from __future__ import annotations

import hashlib
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from albumjudge.domain.settings import Settings
from albumjudge.inference.exhibit import Exhibit
from albumjudge.inference.folders import Kind
from tests.checkpoint_fixtures import COMMIT, PROMPT, REPO, make_generator

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def museum(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A git repository as it stands on the Hub, in the place where olah looks for it."""
    repository = tmp_path_factory.mktemp("mirrors") / "models" / REPO
    repository.mkdir(parents=True)
    git(repository, "init", "--quiet", "--initial-branch=main")
    return repository


def git(repository: Path, *arguments: str) -> str:
    settings = ("user.name=A curator", "user.email=curator@example.org", "commit.gpgsign=false")
    identity = [word for setting in settings for word in ("-c", setting)]
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
