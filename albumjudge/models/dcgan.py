"""The networks that paint: DCGAN (Radford, Metz & Chintala, 2015, https://arxiv.org/abs/1511.06434).

Layer shapes are those of the paper's figure 1 and of PyTorch's well-known example: four times a stride-2
(transposed) convolution with 4x4 kernels between 4x4 and 64x64 pixels, batch norm, ReLU in the generator,
leaky ReLU in the discriminator.
"""

from __future__ import annotations

import math
from itertools import pairwise

from torch import Tensor, nn

from albumjudge.models.layers import HubModule


def doublings(size: int) -> int:
    """How many stride-2 steps lead from 4x4 to size x size.

    Raises:
        ValueError: if none do.
    """
    steps = int(math.log2(size)) - 2 if size >= 8 else 0
    if steps < 1 or 4 * 2**steps != size:
        raise ValueError(f"A DCGAN paints squares of 8, 16, 32, 64, 128 ... pixels, not {size}.")
    return steps


class Generator(
    HubModule,
    pipeline_tag="unconditional-image-generation",
    tags=["dcgan", "gan", "album-covers"],
):
    """Latent vectors to covers.

    Args:
        latent_size: numbers in a latent vector.
        width: feature maps before the last layer; the first layer has ``width * size / 8``.
        size: side of a cover in pixels, a power of two of at least 8.

    Raises:
        ValueError: if ``size`` is not such a power of two.
    """

    def __init__(self, latent_size: int = 100, width: int = 64, size: int = 64) -> None:
        super().__init__()
        self.latent_size, self.width, self.size = latent_size, width, size
        steps = doublings(size)
        channels = [width * 2**k for k in range(steps - 1, -1, -1)]
        layers: list[nn.Module] = [
            nn.ConvTranspose2d(latent_size, channels[0], 4, 1, 0, bias=False),
            nn.BatchNorm2d(channels[0]),
            nn.ReLU(inplace=True),
        ]
        for wide, narrow in pairwise(channels):
            layers += [
                nn.ConvTranspose2d(wide, narrow, 4, 2, 1, bias=False),
                nn.BatchNorm2d(narrow),
                nn.ReLU(inplace=True),
            ]
        layers += [nn.ConvTranspose2d(channels[-1], 3, 4, 2, 1, bias=False), nn.Tanh()]
        self.layers = nn.Sequential(*layers)
        self.apply(dcgan_init)

    def forward(self, latents: Tensor) -> Tensor:
        """Paint.

        Args:
            latents: float, shape ``(n, latent_size)``, standard normal.

        Returns:
            float, shape ``(n, 3, size, size)``, RGB in [-1, 1].
        """
        covers: Tensor = self.layers(latents[:, :, None, None])
        return covers


class Discriminator(nn.Module):
    """Covers to one logit each: above zero means "looks like a real cover". Used in training only.

    Args:
        width: feature maps after the first layer.
        size: side of a cover in pixels, as for :class:`Generator`.
    """

    def __init__(self, width: int = 64, size: int = 64) -> None:
        super().__init__()
        steps = doublings(size)
        layers: list[nn.Module] = [nn.Conv2d(3, width, 4, 2, 1, bias=False), nn.LeakyReLU(0.2, inplace=True)]
        for k in range(steps - 1):
            narrow, wide = width * 2**k, width * 2 ** (k + 1)
            layers += [
                nn.Conv2d(narrow, wide, 4, 2, 1, bias=False),
                nn.BatchNorm2d(wide),
                nn.LeakyReLU(0.2, inplace=True),
            ]
        layers.append(nn.Conv2d(width * 2 ** (steps - 1), 1, 4, 1, 0, bias=False))
        self.layers = nn.Sequential(*layers)
        self.apply(dcgan_init)

    def forward(self, covers: Tensor) -> Tensor:
        """Judge realness: ``(n, 3, size, size)`` in [-1, 1] to logits of shape ``(n,)``."""
        logits: Tensor = self.layers(covers)
        return logits.flatten()


def dcgan_init(module: nn.Module) -> None:
    """Initialise as the paper says: convolutions from N(0, 0.02), batch-norm scales from N(1, 0.02)."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, 0.0, 0.02)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)
        nn.init.zeros_(module.bias)
