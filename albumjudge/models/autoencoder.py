"""The autoencoder in whose latent space the flow painter works (Rombach et al. 2022,
https://arxiv.org/abs/2112.10752): encoder and decoder between covers and latent images an eighth as large.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu

from albumjudge.models.layers import LEAKY_SLOPE, ResidualBlock, blur, zero_bias

DOWNSAMPLING = 8
"""Side of a cover over that of its latent image."""


class Encoder(nn.Module):
    """Covers to latent images with mean 0 and deviation 1 in every channel. Used in training only.

    Args:
        latent_channels: of a latent image.
        width: feature maps at half the size of the cover.
    """

    def __init__(self, latent_channels: int = 12, width: int = 48) -> None:
        super().__init__()
        channels = [3, width, 2 * width, 4 * width]
        self.down = nn.ModuleList(nn.Conv2d(a, b, 4, 2, 1) for a, b in pairwise(channels))
        self.blocks = nn.ModuleList(ResidualBlock(wide) for wide in channels[2:])
        self.conv_out = nn.Conv2d(channels[-1], latent_channels, 3, 1, 1)
        self.norm = nn.BatchNorm2d(latent_channels, affine=False)
        for layer in (*self.down, self.conv_out):
            nn.init.kaiming_normal_(layer.weight, LEAKY_SLOPE)
            zero_bias(layer)

    def forward(self, covers: Tensor) -> Tensor:
        """Float, ``(n, 3, s, s)``, RGB in [-1, 1], to ``(n, latent_channels, s / 8, s / 8)``."""
        maps = leaky_relu(self.down[0](covers), LEAKY_SLOPE)
        for down, block in zip(list(self.down)[1:], self.blocks, strict=True):
            maps = leaky_relu(block(down(maps)), LEAKY_SLOPE)
        latent_images: Tensor = self.norm(self.conv_out(maps))
        return latent_images


class Decoder(nn.Module):
    """Latent images to covers eight times as large on each side.

    Args:
        latent_channels: of a latent image.
        width: feature maps at half the size of the cover; smaller maps are two and three times as many.
        blur_last: whether to blur after the last upsampling, too, as after the others.
    """

    def __init__(self, latent_channels: int = 12, width: int = 64, blur_last: bool = False) -> None:
        super().__init__()
        self.latent_channels, self.width, self.blur_last = latent_channels, width, blur_last
        channels = [3 * width, 2 * width, width, width // 2]
        self.conv_in = nn.Conv2d(latent_channels, channels[0], 3, 1, 1)
        self.blocks = nn.ModuleList(ResidualBlock(wide) for wide in channels[:3])
        self.upsample = nn.ModuleList(nn.ConvTranspose2d(a, b, 4, 2, 1) for a, b in pairwise(channels))
        self.conv_out = nn.Conv2d(channels[-1], 3, 3, 1, 1)
        for layer in (self.conv_in, *self.upsample, self.conv_out):
            fan_in = (9 if isinstance(layer, nn.Conv2d) else 4) * layer.in_channels
            nn.init.normal_(layer.weight, 0.0, (2 / (1 + LEAKY_SLOPE**2) / fan_in) ** 0.5)
            zero_bias(layer)
        with torch.no_grad():
            self.conv_out.weight.mul_(0.3)

    def forward(self, latent_images: Tensor) -> Tensor:
        """Float, ``(n, latent_channels, s, s)``, to ``(n, 3, 8 * s, 8 * s)``, RGB in [-1, 1]."""
        maps = self.conv_in(latent_images)
        for block, upsample in zip(self.blocks, self.upsample, strict=True):
            maps = upsample(leaky_relu(block(maps), LEAKY_SLOPE))
            if self.blur_last or upsample is not self.upsample[-1]:
                maps = blur(maps)
        covers: Tensor = self.conv_out(leaky_relu(maps, LEAKY_SLOPE)).tanh()
        return covers
