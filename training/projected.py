"""Discriminators on pixels and on frozen ImageNet features.

Projected GAN (Sauer et al. 2021, https://arxiv.org/abs/2111.01007) with a discriminator on the pixels beside
it, as in Vision-aided GAN (Kumari et al. 2022, https://arxiv.org/abs/2112.09130): on features alone, few
thousand steps end in a handful of patterns that please the features and nobody else.

An EfficientNet-lite0 that is never trained looks at real and painted covers. Its maps of four resolutions are
mixed by random 1x1 convolutions, across channels and then across scales from the smallest up, so that no
discriminator can rely on a few channels; four small discriminators, one per scale, look at the mixtures.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate
from torch.nn.utils.parametrizations import spectral_norm

from albumjudge.conditions import DECADES, GENRES
from albumjudge.dcgan import Discriminator

STAGE_WIDTHS = (24, 40, 112, 320)
CONDITION = 64


class Projection(nn.Module):
    """Random, fixed mixing of the four maps, across channels and then downwards across scales.

    Args:
        width: channels of the mixture of the largest map; each smaller one has twice as many.
    """

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        widths = [width * 2**k for k in range(len(STAGE_WIDTHS))]
        self.widths = widths
        self.channels = nn.ModuleList(
            nn.Conv2d(given, wide, 1) for given, wide in zip(STAGE_WIDTHS, widths, strict=True)
        )
        self.out_widths = [max(width, wide // 2) if k else wide for k, wide in enumerate(widths)]
        self.scales = nn.ModuleList(
            nn.Conv2d(wide, narrow, 1) for wide, narrow in zip(widths, self.out_widths, strict=True)
        )
        for module in [*self.channels, *self.scales]:
            nn.init.kaiming_normal_(module.weight, nonlinearity="linear")
            nn.init.zeros_(module.bias)
        self.requires_grad_(False)

    def forward(self, maps: list[Tensor]) -> list[Tensor]:
        mixed: list[Tensor] = []
        above: Tensor | None = None
        for k in range(len(maps) - 1, -1, -1):
            here = self.channels[k](maps[k])
            if above is not None:
                here = here + interpolate(above, here.shape[-2:], mode="bilinear", align_corners=False)
            above = self.scales[k](here)
            mixed.append(above)
        return mixed[::-1]


def add_spread(maps: Tensor, group: int = 8) -> Tensor:
    """Append a map that says how much the pictures of a group differ (Karras et al. 2018, section 3).

    A generator that paints the same picture for everyone gives itself away by it.

    Args:
        maps: shape ``(n, c, h, w)``.

    Returns:
        shape ``(n, c + 1, h, w)``.
    """
    count, _, height, width = maps.shape
    group = math.gcd(count, group)
    grouped = maps.reshape(group, count // group, -1)
    spread = (grouped.var(0, correction=0) + 1e-8).sqrt().mean(1)
    spread = spread.repeat(group).view(count, 1, 1, 1).expand(count, 1, height, width)
    return torch.cat([maps, spread], 1)


class ScaleDiscriminator(nn.Module):
    """One scale's mixture to a map of logits; spectral norm throughout, a projection for the conditions."""

    def __init__(self, width: int, side: int, *, widest: int = 256, first: int | None = None) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        if first is not None:
            layers += _step(width, first, 4, 2)
            width, side = first, side // 2
        while side > 6:
            wide = min(widest, 2 * width)
            layers += _step(width, wide, 4, 2)
            width, side = wide, side // 2
        wide = min(widest, 2 * width)
        layers += _step(width, wide, 3, 1)
        self.layers = nn.Sequential(*layers)
        self.deepest = nn.Sequential(*_step(wide + 1, wide, 3, 1))
        self.logit = spectral_norm(nn.Conv2d(wide, 1, 3, 1, 1, bias=False))
        self.answer = spectral_norm(nn.Conv2d(wide, CONDITION, 3, 1, 1, bias=False))

    def forward(self, maps: Tensor, condition: Tensor) -> Tensor:
        """Maps and conditions ``(n, CONDITION)`` to logits, ``(n, places)``."""
        deep = self.deepest(add_spread(self.layers(maps)))
        asked = (self.answer(deep) * condition[:, :, None, None]).sum(1, keepdim=True) / CONDITION**0.5
        return (self.logit(deep) + asked).flatten(1)  # type: ignore[no-any-return]


def _step(given: int, wide: int, kernel: int, stride: int) -> list[nn.Module]:
    return [
        spectral_norm(nn.Conv2d(given, wide, kernel, stride, 1, bias=False)),
        nn.LeakyReLU(0.2, inplace=True),
    ]


class ProjectedDiscriminator(nn.Module):
    """Covers, genres and decades to logits of all places of all scales and of the pixels.

    Args:
        size: side of a cover in pixels.
        side: at which the frozen network looks, in pixels.
        width: of the projection.
        beside_dcgan: whether a DCGAN's discriminator looks at the pixels, which heeds no condition.
    """

    def __init__(
        self, size: int = 64, side: int = 96, width: int = 32, *, beside_dcgan: bool = False
    ) -> None:
        super().__init__()
        self.pixels: Discriminator | ScaleDiscriminator
        if beside_dcgan:
            self.pixels = Discriminator(64, size)
        else:
            self.pixels = ScaleDiscriminator(3, size, widest=256, first=32)
        self.projection = Projection(width)
        sides = [-(-side // (4 * 2**k)) for k in range(len(STAGE_WIDTHS))]
        self.scales = nn.ModuleList(
            ScaleDiscriminator(wide, small)
            for wide, small in zip(self.projection.out_widths, sides, strict=True)
        )
        self.genre = nn.Embedding(len(GENRES) + 1, CONDITION)
        self.decade = nn.Embedding(len(DECADES) + 1, CONDITION)
        for embedding in (self.genre, self.decade):
            nn.init.normal_(embedding.weight, 0.0, 0.1)

    def forward(self, seen: list[Tensor], genre: Tensor, decade: Tensor) -> list[Tensor]:
        """Logits of each discriminator, the one on pixels first, each of shape ``(n, places)``.

        Args:
            seen: the covers, then what :class:`LiteFeatures` saw in them.
            genre, decade: int64, shape ``(n,)``, 0 for unknown.
        """
        condition = self.genre(genre) + self.decade(decade)
        mixed = self.projection(seen[1:])
        dcgan = isinstance(self.pixels, Discriminator)
        return [
            self.pixels(seen[0])[:, None] if dcgan else self.pixels(seen[0], condition),
            *(scale(maps, condition) for scale, maps in zip(self.scales, mixed, strict=True)),
        ]


def shift(
    pictures: Tensor, chance: torch.Generator, share: float = 0.125, *, rank: int = 0, of: int = 1
) -> Tensor:
    """Differentiable augmentation (Zhao et al. 2020): move each picture by up to ``share`` of its side.

    The border is filled with its outermost pixels' mirror image, so that no black frame betrays the shift.

    Args:
        rank, of: the pictures are every ``of``-th of a larger batch, from the ``rank``-th on. ``chance`` draws
            for all of them, so that they move as they would if all were given.
    """
    count, _, side, _ = pictures.shape
    reach = round(share * side)
    padded = nn.functional.pad(pictures, (reach,) * 4, mode="reflect")
    moves = torch.randint(0, 2 * reach + 1, (of * count, 2), generator=chance)[rank::of].tolist()
    return torch.stack(
        [
            picture[:, top : top + side, left : left + side]
            for picture, (top, left) in zip(padded, moves, strict=True)
        ]
    )
