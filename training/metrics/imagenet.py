"""VGG16's convolutions as trained on ImageNet: the judge's trunk, and what painters are measured with."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torchvision.models import VGG16_Weights
from torchvision.models.vgg import cfgs, make_layers

from training.data.covers import DataError

MEAN = (0.485, 0.456, 0.406)
DEVIATION = (0.229, 0.224, 0.225)
"""What the trunk expects: RGB in [0, 1], less ``MEAN``, over ``DEVIATION``."""
PREFIX = "features."
_ELSEWHERE = (
    "Give --features a safetensors file that holds torchvision's VGG16 convolutions "
    "under the names features.N.weight and features.N.bias."
)


def vgg16_features(path: Path | None = None) -> nn.Sequential:
    """Build torchvision's ``vgg16().features`` with ImageNet weights, float32, in evaluation mode.

    Args:
        path: safetensors file with keys ``features.N.weight`` and ``features.N.bias`` in any float type; None
            takes torchvision's own download (528 MB, once), which needs the internet the first time.

    Returns:
        31 layers: float ``(n, 3, h, w)``, normalised with ``MEAN`` and ``DEVIATION``, to
        ``(n, 512, h / 32, w / 32)``.

    Raises:
        DataError: if the file is missing, unreadable or not these weights, or the download fails.
    """
    given = _download() if path is None else _read(path)
    origin = "What torchvision downloaded" if path is None else str(path)
    with torch.device("meta"):  # Nothing is drawn at random, so the caller's random numbers stay as they are.
        trunk: nn.Sequential = make_layers(cfgs["D"], batch_norm=False)
    loaded: dict[str, Tensor] = {}
    for name, wanted in trunk.state_dict().items():
        key = PREFIX + name
        if key not in given:
            raise DataError(f"{origin} is not a VGG16 trunk: {key} is missing. {_ELSEWHERE}")
        value = given[key].float()
        if value.shape != wanted.shape:
            shapes = f"the shape {tuple(value.shape)} instead of {tuple(wanted.shape)}"
            raise DataError(f"{origin} is not a VGG16 trunk: {key} has {shapes}. {_ELSEWHERE}")
        if not bool(value.isfinite().all()):
            raise DataError(f"{origin} is damaged: {key} holds numbers that are not finite. Fetch it again.")
        loaded[name] = value
    trunk.load_state_dict(loaded, assign=True)
    return trunk.eval()


def _read(path: Path) -> dict[str, Tensor]:
    if not path.is_file():
        raise DataError(f"There is no file {path}. {_ELSEWHERE}")
    try:
        tensors: dict[str, Tensor] = load_file(path)
    except (OSError, SafetensorError) as error:
        raise DataError(f"{path} cannot be read as safetensors ({error}). {_ELSEWHERE}") from error
    return tensors


def _download() -> dict[str, Tensor]:
    try:
        # torchvision publishes a pickle: only the known one may be opened.
        tensors: dict[str, Tensor] = VGG16_Weights.IMAGENET1K_V1.get_state_dict(
            progress=True, check_hash=True, weights_only=True
        )
    except (OSError, RuntimeError) as error:
        raise DataError(
            f"torchvision's VGG16 weights cannot be downloaded ({error}). Connect to the internet. "
            f"Or: {_ELSEWHERE}"
        ) from error
    return tensors
