"""Checkpoints for tests of the exhibit and of the Hub."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from albumjudge.inference import loading
from albumjudge.inference.folders import Checkpoint, Kind
from albumjudge.inference.judge import Judge
from tests.checkpoint_fixtures import (
    make_generator,
    make_judge,
)


@pytest.fixture(scope="session")
def bundled(tmp_path_factory: pytest.TempPathFactory) -> dict[Kind, Path]:
    folder = tmp_path_factory.mktemp("bundled")
    return {
        "generator": make_generator(folder / "generator", name="bundled-painter"),
        "judge": make_judge(folder / "judge", name="bundled-judge"),
    }


@pytest.fixture(scope="session")
def opened() -> dict[str, Judge]:
    return {}


@pytest.fixture
def judges_opened_once(opened: dict[str, Judge], monkeypatch: pytest.MonkeyPatch) -> None:
    """Building VGG16 anew for each of many exhibits would take most of the time."""
    open_judge = loading.open_judge

    def open_once(checkpoint: Checkpoint) -> Judge:
        if checkpoint.revision not in opened:
            opened[checkpoint.revision] = open_judge(checkpoint)
        return opened[checkpoint.revision]

    monkeypatch.setattr(loading, "open_judge", open_once)


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What stands on the Hub; not to be changed."""
    folder = make_generator(tmp_path_factory.mktemp("published"), name="hub-painter", seed=7)
    (folder / "metrics.json").write_text('{"distance": 2.5}')
    return folder


@pytest.fixture
def published(original: Path, tmp_path: Path) -> Path:
    """The same, to be spoiled."""
    return shutil.copytree(original, tmp_path / "published")
