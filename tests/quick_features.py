"""Stand-ins for frozen networks."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, conv2d, interpolate

STAGE_WIDTHS = (24, 40, 112, 320)


class QuickFeatures(nn.Module):
    """EfficientNet-lite0's four maps, at 1/4, 1/8, 1/16 and 1/32 of the side, from one layer each."""

    def __init__(self, side: int) -> None:
        super().__init__()
        self.side = side
        chance = torch.Generator().manual_seed(0)
        self.colours = [torch.randn(width, 3, 1, 1, generator=chance) for width in STAGE_WIDTHS]

    def forward(self, pictures: Tensor) -> list[Tensor]:
        pictures = interpolate(pictures, (self.side, self.side))
        return [
            conv2d(avg_pool2d(pictures, 4 * 2**k), colours).relu() for k, colours in enumerate(self.colours)
        ]


class SquaredDifference(nn.Module):
    """LPIPS: mean squared difference of pictures in [-1, 1]."""

    def forward(self, one: Tensor, other: Tensor) -> Tensor:
        return (one - other).square().mean((1, 2, 3), keepdim=True)
