"""A small jury, trained once for all modules."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.checkpoint_fixtures import make_generator
from tests.jury_fixtures import jury_options, make_others, make_paintings, make_trunk
from training import train_jury


@pytest.fixture(scope="session")
def trained_jury(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with data, a painter and a trained jury, to be copied before it is changed."""
    root = tmp_path_factory.mktemp("jury")
    make_paintings(root / "abstract")
    make_others(root / "others")
    make_trunk(root / "trunk.safetensors")
    make_generator(root / "generator")
    assert train_jury.main([*jury_options(root, "run"), "--size", "32", "--threads", "1"]) == 0
    return root


@pytest.fixture(scope="module")
def root(trained_jury: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the folder for one module."""
    return Path(shutil.copytree(trained_jury, tmp_path_factory.mktemp("copy") / "jury"))
