"""The network that paints to order: a DCGAN whose every layer hears the latent vector and what was asked for.

In a DCGAN the latent vector enters at 4x4 pixels only, so that later layers repeat the same strokes at the same
places. Here gains and offsets of each batch norm are read from a style vector (conditional batch norm with the
latent vector at every depth, as in BigGAN, Brock et al. 2018, https://arxiv.org/abs/1809.11096), and a second
branch at full size touches up what the DCGAN's last layer lays down. Genre and decade enter beside the latent
vector, each as a learnt vector; number 0 means "unknown".
"""

from __future__ import annotations

from itertools import pairwise

import torch
from huggingface_hub import PyTorchModelHubMixin
from torch import Tensor, nn
from torch.nn.functional import conv2d, pad

from albumjudge.conditions import DECADES, GENRES
from albumjudge.dcgan import Generator, dcgan_init, doublings

EMBEDDING = 32
PERIOD, REACH, WIDTH = 4, 3, 5.0
"""Of :func:`weave_filter`: two doublings leave a pattern that repeats every 4 pixels; how many periods are looked
at to each side, and the deviation in pixels of the bell curve that weighs them."""
STRENGTH = 0.6
"""Share of the grid that is taken out: the rest is hardly seen, and taking all leaves ghosts beside edges."""


def weave_filter(reach: int = REACH, strength: float = STRENGTH) -> Tensor:
    """A filter that dims what repeats every ``PERIOD`` pixels and leaves flat places and strokes alone.

    Transposed convolutions weave a faint grid into what they paint (Odena et al. 2016,
    https://distill.pub/2016/deconv-checkerboard/). Pixels a multiple of the period apart share their place in it,
    so their mean less the mean of all pixels around is the grid, and is subtracted.

    Args:
        reach: periods to each side.
        strength: share of the grid that is taken out.

    Returns:
        float64, shape ``(2 * reach * PERIOD + 1,) * 2``; sums to one.
    """
    steps = torch.arange(-reach * PERIOD, reach * PERIOD + 1, dtype=torch.double)
    bell = (-0.5 * (steps / WIDTH).square()).exp()
    comb = torch.where(steps % PERIOD == 0, bell, 0.0)
    around, alike = bell / bell.sum(), comb / comb.sum()
    grid = torch.outer(alike, alike) - torch.outer(around, around)
    grid *= -strength
    grid[reach * PERIOD, reach * PERIOD] += 1
    return grid


class StyledNorm(nn.Module):
    """A batch norm whose gains and offsets are read from a style, and a ReLU; the plain one at first.

    Args:
        channels: of the maps.
        style: numbers in a style vector.
    """

    def __init__(self, channels: int, style: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels)
        self.gains = nn.Linear(style, 2 * channels)

    def forward(self, maps: Tensor, style: Tensor) -> Tensor:
        """``(n, channels, h, w)`` and ``(n, style)`` to the shape of the maps, not negative."""
        gain, offset = self.gains(style)[:, :, None, None].chunk(2, 1)
        return torch.addcmul(offset, self.norm(maps), 1 + gain).relu()


class StyledGenerator(
    nn.Module,
    PyTorchModelHubMixin,
    library_name="albumjudge",
    pipeline_tag="unconditional-image-generation",
    license="mit",
    tags=["projected-gan", "biggan", "gan", "album-covers"],
):
    """Latent vectors, genres and decades to covers.

    Args:
        latent_size: numbers in a latent vector.
        width: feature maps before the last layer; the first layer has ``width * size / 8``.
        size: side of a cover in pixels, a power of two of at least 8.
        style: numbers in a style vector.
        fine: feature maps at full size, for the touching up.

    Raises:
        ValueError: if ``size`` is not such a power of two.
    """

    def __init__(
        self, latent_size: int = 100, width: int = 64, size: int = 64, style: int = 256, fine: int = 24
    ) -> None:
        super().__init__()
        self.latent_size, self.width, self.size = latent_size, width, size
        steps = doublings(size)
        channels = [width * 2**k for k in range(steps - 1, -1, -1)]
        self.genre = nn.Embedding(len(GENRES) + 1, EMBEDDING)
        self.decade = nn.Embedding(len(DECADES) + 1, EMBEDDING)
        told = latent_size + 2 * EMBEDDING
        self.style = nn.Sequential(nn.Linear(told, style), nn.LeakyReLU(0.2))
        self.first = nn.ConvTranspose2d(told, channels[0], 4, 1, 0, bias=False)
        self.doubling = nn.ModuleList(
            nn.ConvTranspose2d(wide, narrow, 4, 2, 1, bias=False) for wide, narrow in pairwise(channels)
        )
        self.norms = nn.ModuleList(StyledNorm(count, style) for count in channels)
        self.coarse = nn.ConvTranspose2d(channels[-1], 3, 4, 2, 1, bias=False)
        self.finer = nn.ConvTranspose2d(channels[-1], fine, 4, 2, 1, bias=False)
        self.finer_norm = StyledNorm(fine, style)
        self.touch = nn.Conv2d(fine, 3, 3, 1, 1)
        # The picture is mirrored at its border, which reaches no further than the picture itself.
        filter_ = weave_filter(min(REACH, (size - 1) // PERIOD)).float()
        self.register_buffer("unweave", filter_.expand(3, 1, -1, -1).clone(), persistent=False)
        self.unweave: Tensor
        self.apply(dcgan_init)
        # What styles and touches add starts at nothing, so that a network begun as a DCGAN paints as it did.
        nn.init.zeros_(self.touch.weight)
        assert self.touch.bias is not None
        nn.init.zeros_(self.touch.bias)
        for module in self.modules():
            if isinstance(module, StyledNorm):
                nn.init.zeros_(module.gains.weight)
                nn.init.zeros_(module.gains.bias)
        for embedding in (self.genre, self.decade):
            nn.init.normal_(embedding.weight, 0.0, 0.3)

    @torch.no_grad()
    def begin_as(self, dcgan: Generator) -> None:
        """Take over the layers of a DCGAN of the same shape.

        What was asked for moves the first layer a little, so what is painted at first is close to what the DCGAN
        paints, not equal to it.

        Raises:
            ValueError: if latent size, width or size differ.
        """
        for name in ("latent_size", "width", "size"):
            if getattr(self, name) != getattr(dcgan, name):
                raise ValueError(
                    f"A network with {name} {getattr(self, name)} cannot begin as a DCGAN with "
                    f"{getattr(dcgan, name)}."
                )
        kinds = nn.ConvTranspose2d | nn.BatchNorm2d
        given = [layer for layer in dcgan.layers if isinstance(layer, kinds)]
        convolutions = [self.first, *self.doubling, self.coarse]
        for mine, theirs in zip(convolutions, given[::2], strict=True):
            # The first layer has further inputs, for what is asked for.
            mine.weight[: len(theirs.weight)].copy_(theirs.weight)
        for styled, theirs in zip(self.norms, given[1::2], strict=True):
            styled.norm.load_state_dict(theirs.state_dict())  # type: ignore[union-attr]

    def forward(self, latents: Tensor, genre: Tensor | None = None, decade: Tensor | None = None) -> Tensor:
        """Paint.

        Args:
            latents: float, shape ``(n, latent_size)``, standard normal.
            genre: int64, shape ``(n,)``; 0 is unknown, ``k`` is ``GENRES[k - 1]``. None: all unknown.
            decade: int64, shape ``(n,)``, likewise with ``DECADES``.

        Returns:
            float, shape ``(n, 3, size, size)``, RGB in [-1, 1]. In training it is what the layers lay down; in
            use the grid that they weave is taken out, see :func:`weave_filter`.
        """
        unknown = torch.zeros(len(latents), dtype=torch.long, device=latents.device)
        told = torch.cat(
            [
                latents,
                self.genre(unknown if genre is None else genre),
                self.decade(unknown if decade is None else decade),
            ],
            1,
        )
        style = self.style(told)
        maps = self.first(told[:, :, None, None])
        for norm, enlarge in zip(self.norms, [*self.doubling, None], strict=True):
            maps = norm(maps, style)
            if enlarge is not None:
                maps = enlarge(maps)
        touched = self.touch(self.finer_norm(self.finer(maps), style))
        covers: Tensor = (self.coarse(maps) + touched).tanh()
        if self.training:
            return covers
        border = self.unweave.shape[-1] // 2
        mirrored = pad(covers, (border,) * 4, mode="reflect")
        return conv2d(mirrored, self.unweave, groups=3).clamp(-1, 1)
