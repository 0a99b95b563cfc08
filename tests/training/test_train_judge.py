"""Fine-tuning a judge, end to end on a few small paintings."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from albumjudge.inference.checkpoints import load_judge, read_checkpoint
from tests.jury_fixtures import make_paintings, make_trunk
from training import train_judge
from training.data.abstract import load_paintings
from training.judge.seed_recipe import RecipeConfig, make_views


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with paintings, random convolutions and a finished run."""
    root = tmp_path_factory.mktemp("judge")
    make_paintings(root / "abstract")
    make_trunk(root / "trunk.safetensors")
    given = {"--data": "abstract", "--features": "trunk.safetensors", "--out": "run"}
    options = [word for option, name in given.items() for word in (option, str(root / name))]
    assert train_judge.main([*options, "--size", "32", "--epochs", "1", "--threads", "1"]) == 0
    return root


@torch.no_grad()
def test_the_checkpoint_is_one_the_exhibit_takes_and_tells_red_from_blue(root: Path) -> None:
    checkpoint = read_checkpoint(root / "run/checkpoint", "judge", "directory")
    assert checkpoint.revision.startswith("vgg16-seed-")
    weights = load_file(root / "run/checkpoint/model.safetensors")
    assert {value.dtype for value in weights.values()} == {torch.float16}
    paintings = load_paintings(root / "abstract")
    images = torch.from_numpy(paintings.pixels).permute(0, 3, 1, 2).float() / 255
    tops = load_judge(checkpoint)(images).argmax(1).numpy()
    assert (tops == paintings.votes.argmax(1)).mean() > 0.9
    # Of all blocks the last alone was tuned.
    before = load_file(root / "trunk.safetensors")
    assert not torch.equal(before["features.28.weight"].half(), weights["features.28.weight"])
    assert torch.equal(before["features.21.weight"].half(), weights["features.21.weight"])


def test_views_begin_with_the_painting_and_its_mirror_image() -> None:
    images = torch.rand(2, 3, 32, 32)
    views = make_views(images, RecipeConfig(size=32, views=4))
    assert views.shape == (2, 4, 3, 32, 32)
    torch.testing.assert_close(views[:, 0], images)
    torch.testing.assert_close(views[:, 1], images.flip(3))
    assert views.min() >= 0 and views.max() <= 1
