"""Stand-in for the frozen features that the projected recipe looks through."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, conv2d, interpolate
from training.projected import STAGE_WIDTHS


class QuickFeatures(nn.Module):
    """Maps of the shapes that EfficientNet-lite0 gives, from one frozen layer each."""

    def __init__(self, side: int) -> None:
        super().__init__()
        self.side = side
        chance = torch.Generator().manual_seed(0)
        self.colours = [torch.randn(wide, 3, 1, 1, generator=chance) for wide in STAGE_WIDTHS]

    def forward(self, pictures: Tensor) -> list[Tensor]:
        pictures = interpolate(pictures, (self.side, self.side))
        return [
            conv2d(avg_pool2d(pictures, 4 * 2**k), colours).relu() for k, colours in enumerate(self.colours)
        ]
