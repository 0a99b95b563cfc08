"""What tests of several scripts share: a small jury, and painters' networks and covers."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from tests.checkpoint_fixtures import make_generator
from tests.cover_folders import cover_folder
from tests.jury_fixtures import jury_options, make_others, make_paintings, make_trunk
from tests.training.trainers import small_networks
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


@pytest.fixture(scope="module")
def small() -> Iterator[None]:
    """Small networks on one thread, so that sums are added in the same order."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        small_networks(patch)
        yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def nine_covers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two batches of four, and one cover that is left over."""
    return cover_folder(tmp_path_factory.mktemp("data") / "covers", 9, size=64)
