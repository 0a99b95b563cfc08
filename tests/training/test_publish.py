"""Publishing, against a Hub on localhost that checks what it is sent and can fail at every step."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import pytest

from albumjudge import hub_upload
from albumjudge.domain.hub_address import HubAddress
from albumjudge.inference.checkpoints import fetch_checkpoint, read_checkpoint
from tests.checkpoint_fixtures import Answer, Request, make_generator
from tests.training.fake_hub import REPO, FakeHub, at, running, said
from training import publish


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make_generator(tmp_path_factory.mktemp("checkpoint"), name="dcgan-tiny", seed=5)
    (folder / "README.md").write_text("---\nlicense: mit\n---\nPaints.\n")
    (folder / "metrics.json").write_text('{"distance": 1.5}')
    (folder / "notes.txt").write_text("private")
    return folder


@pytest.fixture
def folder(original: Path, tmp_path: Path) -> Path:
    return shutil.copytree(original, tmp_path / "checkpoint")


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    with running(FakeHub(), monkeypatch) as hub:
        yield hub


def run(folder: Path) -> int:
    return publish.main(["--repo-id", REPO, "--checkpoint", str(folder)])


def failure(capsys: pytest.CaptureFixture[str]) -> str:
    """What the script said on its last line; it must have said nothing else but progress."""
    out, err = capsys.readouterr()
    assert out == "" and "Traceback" not in err
    return err.strip().splitlines()[-1]


def test_a_checkpoint_arrives_whole_in_one_commit_once_and_can_be_fetched_back(
    folder: Path, hub: FakeHub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(folder) == 0
    ((commit, tree),) = hub.repositories[REPO].commits
    sent = ("README.md", "config.json", "metrics.json", "model.safetensors", "training.json")
    assert tree == {name: (folder / name).read_bytes() for name in sent}
    assert hub.steps == ["look", "create", "card", "preupload", "batch", "store", "verify", "commit"]
    there, told = read_checkpoint(folder, "generator"), capsys.readouterr().out
    setting = f"{REPO}@{commit}"
    lines = f"Published {there.revision} as {REPO} at commit {commit}.", f"ALBUMJUDGE_GENERATOR_HUB={setting}"
    assert told == "\n".join([*lines, ""])
    assert run(folder) == 0 and capsys.readouterr().out == told
    assert len(hub.repositories[REPO].commits) == 1
    back = fetch_checkpoint(
        HubAddress.parse(setting), tmp_path / "cache", "generator", endpoint=hub.endpoint, deadline=60
    )
    assert (back.revision, back.metrics, back.training) == (there.revision, there.metrics, there.training)


def test_a_newer_checkpoint_leaves_nothing_of_the_older_behind(folder: Path, hub: FakeHub) -> None:
    assert run(folder) == 0
    make_generator(folder, name="dcgan-newer", seed=6)
    (folder / "metrics.json").unlink()
    assert run(folder) == 0
    repository = hub.repositories[REPO]
    assert len(repository.commits) == 2
    assert "metrics.json" in repository.commits[0][1] and "metrics.json" not in repository.head
    assert repository.head["model.safetensors"] == (folder / "model.safetensors").read_bytes()
    assert hub.steps.count("create") == 1


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (shutil.rmtree, "training.json cannot be read"),
        (lambda f: (f / "model.safetensors").unlink(), "has no model.safetensors."),
        (lambda f: (f / "README.md").unlink(), "has no model card. Write one with python -m training."),
        (lambda f: (f / "training.json").write_text('{"kind": "critic"}'), "says kind 'critic'; known are"),
    ],
)
def test_what_is_no_checkpoint_is_not_sent(
    folder: Path, hub: FakeHub, capsys: pytest.CaptureFixture[str], spoil: Callable[[Path], object], says: str
) -> None:
    spoil(folder)
    assert run(folder) == 1
    said = failure(capsys)
    assert says in said and str(folder) in said and hub.steps == []


def test_without_a_name_a_token_or_a_network_nothing_is_tried(
    folder: Path, hub: FakeHub, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("painter", "museum/painter/x", "museum/..", "museum/paint er", "-a/b", "a/b--c"):
        assert publish.main([f"--repo-id={name}", "--checkpoint", str(folder)]) == 1
        assert "is no name for a repository on the Hub. Write org/name." in failure(capsys)
    for place, value, says in (
        ("training.publish.get_token", None, "There is no access token."),
        ("huggingface_hub.constants.is_offline_mode", True, "HF_HUB_OFFLINE"),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(place, lambda value=value: value)
            assert run(folder) == 1
        assert says in failure(capsys)
    assert hub.steps == []


def test_a_token_that_is_not_accepted(
    folder: Path, hub: FakeHub, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_old")
    assert run(folder) == 1
    said = failure(capsys)
    assert "does not accept the access token in HF_TOKEN" in said and "hf_old" not in said
    assert hub.repositories == {}


@pytest.mark.parametrize(
    ("step", "answer", "says"),
    [
        ("look", Answer(504), "refused with 504"),
        ("create", Answer(403), "may not write to museum/painter"),
        ("card", said({"errors": [{"message": "no licence"}]}, status=400), "Invalid metadata in README.md."),
        ("preupload", Answer(503), "refused with 503"),
        (
            "batch",
            said({"objects": [{"oid": "x", "size": 1, "error": {"message": "full", "code": 507}}]}),
            "full",
        ),
        ("store", Answer(hang_up=True), "The connection to the Hub at"),
        ("verify", Answer(404), "refused with 404"),
        (
            "commit",
            said({"error": "moved on\nmeanwhile"}, status=412),
            "refused with 412 (moved on meanwhile)",
        ),
        ("commit", said({}), "Publishing failed"),
    ],
)
def test_a_failure_is_told_and_the_same_command_goes_on(
    folder: Path, hub: FakeHub, capsys: pytest.CaptureFixture[str], step: str, answer: Answer, says: str
) -> None:
    hub.trouble = at(step, answer)
    assert run(folder) == 1
    told = failure(capsys)
    assert says in told and told.endswith("The same command goes on from here.")
    assert "nothing half-done is shown there" in told
    made = REPO in hub.repositories
    assert made == (step not in ("look", "create"))
    assert f"The repository {REPO} holds no checkpoint yet." in told or not made
    assert not made or hub.repositories[REPO].commits == []

    stored, hub.trouble = set(hub.blobs), at("", Answer())
    hub.steps.clear()
    assert run(folder) == 0
    assert len(hub.repositories[REPO].commits) == 1
    assert ("store" in hub.steps) == (not stored)
    assert ("create" in hub.steps) == (not made)


def test_a_failure_leaves_an_older_publication_as_it_was(
    folder: Path, hub: FakeHub, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(folder) == 0
    capsys.readouterr()
    make_generator(folder, name="dcgan-newer", seed=6)
    hub.trouble = at("commit", Answer(500))
    assert run(folder) == 1
    assert "no checkpoint yet" not in failure(capsys)
    assert len(hub.repositories[REPO].commits) == 1


def test_a_commit_whose_answer_was_lost_is_found_by_the_next_run(folder: Path, hub: FakeHub) -> None:
    def lose_the_answer(step: str, request: Request) -> Answer | None:
        if step != "commit":
            return None
        hub.commit(request)
        return Answer(hang_up=True)

    hub.trouble = lose_the_answer
    assert run(folder) == 1
    hub.trouble = at("", Answer())
    assert run(folder) == 0
    assert len(hub.repositories[REPO].commits) == 1


def test_a_hub_that_never_answers_or_is_not_there_is_given_up(
    folder: Path, hub: FakeHub, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_upload, "TIMEOUT", httpx2.Timeout(0.2))
    hub.trouble = at("look", Answer(silent=True))
    assert run(folder) == 1
    assert "The connection to the Hub at" in failure(capsys)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    assert run(folder) == 1
    assert "The connection to the Hub at http://127.0.0.1:9 failed" in failure(capsys)
