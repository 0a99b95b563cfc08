"""Loading VGG16's convolutions, from a file or from torchvision, and what is said when that fails."""

from __future__ import annotations

import urllib.error
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor
from torchvision.models.vgg import cfgs, make_layers

from training.data.covers import DataError
from training.metrics.imagenet import vgg16_features

DOWNLOAD = "torchvision.models._api.load_state_dict_from_url"


@pytest.fixture(scope="module")
def tensors() -> dict[str, Tensor]:
    """Random weights in half precision, under torchvision's names."""
    with torch.device("meta"):
        shapes = make_layers(cfgs["D"]).state_dict()
    chance = torch.Generator().manual_seed(0)
    return {
        f"features.{name}": torch.empty(value.shape).uniform_(-0.05, 0.05, generator=chance).half()
        for name, value in shapes.items()
    }


@pytest.fixture(scope="module")
def file(tensors: dict[str, Tensor], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "vgg.safetensors"
    save_file(tensors, path)
    return path


def test_a_local_file_gives_the_trunk_in_full_precision(file: Path, tensors: dict[str, Tensor]) -> None:
    before = torch.get_rng_state()
    trunk = vgg16_features(file)
    assert torch.equal(torch.get_rng_state(), before)
    assert len(trunk) == 31
    assert not trunk.training
    for name, value in trunk.state_dict().items():
        assert value.dtype == torch.float32
        assert torch.equal(value, tensors[f"features.{name}"].float())
    assert all(parameter.requires_grad for parameter in trunk.parameters())
    with torch.no_grad():
        assert trunk(torch.rand(1, 3, 32, 32)).shape == (1, 512, 1, 1)


def test_without_a_file_torchvision_downloads_with_its_hash_checked(
    tensors: dict[str, Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, Any] = {}

    def download(url: str, **options: Any) -> dict[str, Tensor]:
        asked.update(options, url=url)
        return tensors | {"classifier.0.weight": torch.zeros(2, 2)}

    monkeypatch.setattr(DOWNLOAD, download)
    trunk = vgg16_features(None)
    assert torch.equal(trunk.state_dict()["0.weight"], tensors["features.0.weight"].float())
    assert asked["url"].startswith("https://download.pytorch.org/models/vgg16-")
    assert asked["check_hash"] is True
    assert asked["weights_only"] is True


@pytest.mark.parametrize(
    "error",
    [
        urllib.error.URLError("Name or service not known"),
        TimeoutError("timed out"),
        RuntimeError('invalid hash value (expected "397923af", got "0")'),
    ],
)
def test_without_internet_a_sentence_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def download(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(DOWNLOAD, download)
    with pytest.raises(DataError, match=r"cannot be downloaded \(.*Connect to the internet.*--features"):
        vgg16_features(None)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("none", r"There is no file .*\.safetensors\. Give --features"),
        ("short", "cannot be read as safetensors"),
        ("other names", r"no.* VGG16 trunk: features\.0\.weight is missing"),
        ("other shapes", r"features\.0\.weight has the shape \(2,\) instead of \(64, 3, 3, 3\)"),
        ("no numbers", r"damaged: features\.0\.weight holds numbers that are not finite"),
    ],
)
def test_a_file_that_is_none(
    file: Path, tensors: dict[str, Tensor], tmp_path: Path, content: str, said: str
) -> None:
    path = tmp_path / "vgg.safetensors"
    small = {name: torch.zeros(2) for name in tensors}
    if content == "short":
        path.write_bytes(file.read_bytes()[:100_000])
    elif content == "other names":
        save_file({"conv1.weight": torch.zeros(1)}, path)
    elif content == "other shapes":
        save_file(small, path)
    elif content == "no numbers":
        first = tensors["features.0.weight"].clone()
        first[3, 1, 0, 2] = torch.nan
        save_file(small | {"features.0.weight": first}, path)
    with pytest.raises(DataError, match=said):
        vgg16_features(path)
