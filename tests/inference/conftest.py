"""Checkpoints for tests of the exhibit and of the Hub."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from albumjudge.inference import loading
from albumjudge.inference.exhibit import Exhibit
from albumjudge.inference.folders import BUNDLED, Checkpoint, Kind
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
        "judge": make_judge(folder / "judge", name="bundled-judge", favourite=2),
    }


@pytest.fixture(scope="package", autouse=True)
def quick_to_open() -> Iterator[None]:
    """Exhibits without the bundled guests, and each small judge built once, which would take most of the time."""
    opened: dict[str, Judge] = {}
    open_judge = loading.open_judge

    def open_once(checkpoint: Checkpoint) -> Judge:
        if checkpoint.directory == BUNDLED["judge"]:
            return open_judge(checkpoint)
        if checkpoint.revision not in opened:
            opened[checkpoint.revision] = open_judge(checkpoint)
        return opened[checkpoint.revision]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loading, "open_judge", open_once)
        patch.setitem(cast(dict[str, object], Exhibit.open.__kwdefaults__), "guests", ())
        yield


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
