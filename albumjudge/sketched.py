"""A painter in two steps: a small sketch is dreamt up, then it is inked.

What a sketch is was learnt before, by an autoencoder (see ``training/train_inker.py``): a picture an eighth
as large on each side, with ``depth`` numbers at each point instead of three. As in latent diffusion (Rombach et
al. 2022, https://arxiv.org/abs/2112.10752) the inker knows how strokes, letters and skin look, so whoever
dreams up sketches can mind what the cover shows. Sketches are dreamt in one pass, by a generative adversarial
network.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from huggingface_hub import PyTorchModelHubMixin
from torch import Tensor, nn

from albumjudge.conditions import DECADES, GENRES
from albumjudge.dcgan import doublings
from albumjudge.styled import EMBEDDING, StyledNorm

GRAIN = 8
"""Pixels of a cover to each side that one point of its sketch stands for."""
LEAST = 8 * GRAIN
SLOPE = 0.2


class Rework(nn.Module):
    """Two convolutions whose result is added; nothing at first.

    Args:
        channels: of the maps.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, 1, 1)
        self.second = nn.Conv2d(channels, channels, 3, 1, 1)
        nn.init.kaiming_normal_(self.first.weight, SLOPE)
        nn.init.zeros_(self.second.weight)
        for layer in (self.first, self.second):
            assert layer.bias is not None
            nn.init.zeros_(layer.bias)

    def forward(self, maps: Tensor) -> Tensor:
        """``(n, channels, h, w)`` to the same."""
        added: Tensor = self.second(nn.functional.leaky_relu(self.first(maps), SLOPE))
        return maps + added


class Inker(nn.Module):
    """Sketches to covers eight times as large on each side.

    Args:
        depth: numbers at each point of a sketch.
        width: feature maps at half the size of the cover; smaller maps are two and three times as many.
    """

    def __init__(self, depth: int = 12, width: int = 64) -> None:
        super().__init__()
        self.depth, self.width = depth, width
        wide = [3 * width, 2 * width, width, width // 2]
        self.enter = nn.Conv2d(depth, wide[0], 3, 1, 1)
        self.rework = nn.ModuleList(Rework(channels) for channels in wide[:3])
        self.enlarge = nn.ModuleList(nn.ConvTranspose2d(a, b, 4, 2, 1) for a, b in pairwise(wide))
        self.leave = nn.Conv2d(wide[-1], 3, 3, 1, 1)
        for layer in (self.enter, *self.enlarge, self.leave):
            fan = 9 * layer.in_channels if isinstance(layer, nn.Conv2d) else 4 * layer.in_channels
            nn.init.normal_(layer.weight, 0.0, (2 / (1 + SLOPE**2) / fan) ** 0.5)
            assert layer.bias is not None
            nn.init.zeros_(layer.bias)
        with torch.no_grad():
            self.leave.weight.mul_(0.3)

    def forward(self, sketches: Tensor) -> Tensor:
        """Float, ``(n, depth, s, s)``, to ``(n, 3, 8 * s, 8 * s)``, RGB in [-1, 1]."""
        maps = self.enter(sketches)
        for rework, enlarge in zip(self.rework, self.enlarge, strict=True):
            maps = enlarge(nn.functional.leaky_relu(rework(maps), SLOPE))
        covers: Tensor = self.leave(nn.functional.leaky_relu(maps, SLOPE)).tanh()
        return covers


class Sketcher(nn.Module):
    """Latent vectors, genres and decades to sketches.

    Args:
        latent_size: numbers in a latent vector.
        width: feature maps at the size of a sketch; smaller maps are twice as many.
        depth: numbers at each point of a sketch.
        side: of a sketch, a power of two of at least 8.
        style: numbers in a style vector, which sets gains and offsets of every batch norm.

    Raises:
        ValueError: if ``side`` is not such a power of two.
    """

    def __init__(
        self, latent_size: int = 100, width: int = 192, depth: int = 12, side: int = 8, style: int = 256
    ) -> None:
        super().__init__()
        wide = [2 * width] * doublings(side) + [width]
        self.genre = nn.Embedding(len(GENRES) + 1, EMBEDDING)
        self.decade = nn.Embedding(len(DECADES) + 1, EMBEDDING)
        told = latent_size + 2 * EMBEDDING
        self.style = nn.Sequential(
            nn.Linear(told, style), nn.LeakyReLU(SLOPE), nn.Linear(style, style), nn.LeakyReLU(SLOPE)
        )
        self.first = nn.ConvTranspose2d(told, wide[0], 4, 1, 0, bias=False)
        self.enlarge = nn.ModuleList(nn.ConvTranspose2d(a, b, 4, 2, 1, bias=False) for a, b in pairwise(wide))
        self.rework = nn.ModuleList(nn.Conv2d(channels, channels, 3, 1, 1, bias=False) for channels in wide)
        self.before = nn.ModuleList(StyledNorm(channels, style) for channels in wide)
        self.after = nn.ModuleList(StyledNorm(channels, style) for channels in wide)
        self.leave = nn.Conv2d(width, depth, 3, 1, 1)
        for module in self.modules():
            if isinstance(module, nn.ConvTranspose2d | nn.Conv2d):
                nn.init.kaiming_normal_(module.weight)
            elif isinstance(module, StyledNorm):
                nn.init.normal_(module.gains.weight, 0.0, 0.3 / style**0.5)
                nn.init.zeros_(module.gains.bias)
        for embedding in (self.genre, self.decade):
            nn.init.normal_(embedding.weight, 0.0, 0.3)
        nn.init.xavier_normal_(self.leave.weight)
        assert self.leave.bias is not None
        nn.init.zeros_(self.leave.bias)

    def forward(self, latents: Tensor, genre: Tensor, decade: Tensor) -> Tensor:
        """As :meth:`SketchGenerator.forward`, to ``(n, depth, side, side)``."""
        told = torch.cat([latents, self.genre(genre), self.decade(decade)], 1)
        style = self.style(told)
        maps = self.first(told[:, :, None, None])
        steps = zip(self.before, self.rework, self.after, [*self.enlarge, None], strict=True)
        for before, rework, after, enlarge in steps:
            maps = before(maps, style)
            maps = maps + after(rework(maps), style)
            if enlarge is not None:
                maps = enlarge(maps)
        sketches: Tensor = self.leave(maps)
        return sketches


class SketchGenerator(
    nn.Module,
    PyTorchModelHubMixin,
    library_name="albumjudge",
    pipeline_tag="unconditional-image-generation",
    license="mit",
    tags=["latent-gan", "gan", "album-covers"],
):
    """Latent vectors, genres and decades to covers, by a sketch.

    Args:
        latent_size: numbers in a latent vector.
        width: feature maps of the sketcher at the size of a sketch.
        size: side of a cover in pixels, a power of two of at least ``LEAST``.
        depth: numbers at each point of a sketch.
        ink: feature maps of the inker at half the size of a cover.

    Raises:
        ValueError: if ``size`` is not such a power of two.
    """

    def __init__(
        self, latent_size: int = 100, width: int = 192, size: int = 64, depth: int = 12, ink: int = 64
    ) -> None:
        super().__init__()
        if size < LEAST or doublings(size) < 1:
            raise ValueError(f"A painter in two steps paints squares of {LEAST}, 128 ... pixels, not {size}.")
        self.latent_size, self.width, self.size = latent_size, width, size
        self.sketcher = Sketcher(latent_size, width, depth, size // GRAIN)
        self.inker = Inker(depth, ink)

    def forward(self, latents: Tensor, genre: Tensor | None = None, decade: Tensor | None = None) -> Tensor:
        """Paint.

        Args:
            latents: float, shape ``(n, latent_size)``, standard normal.
            genre: int64, shape ``(n,)``; 0 is unknown, ``k`` is ``GENRES[k - 1]``. None: all unknown.
            decade: int64, shape ``(n,)``, likewise with ``DECADES``.

        Returns:
            float, shape ``(n, 3, size, size)``, RGB in [-1, 1].
        """
        unknown = torch.zeros(len(latents), dtype=torch.long, device=latents.device)
        sketches = self.sketcher(
            latents, unknown if genre is None else genre, unknown if decade is None else decade
        )
        covers: Tensor = self.inker(sketches)
        return covers
