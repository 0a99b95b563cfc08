"""The network that paints to order: a DCGAN with residual blocks, skip-layer excitation and conditions.

Skip-layer excitation: channels of the large maps are gated by the small maps that they came from (FastGAN,
Liu et al. 2021, https://arxiv.org/abs/2101.04775). Genre and decade enter beside the latent vector, each as a
learnt vector; number 0 means "unknown".
"""

from __future__ import annotations

from itertools import pairwise

import torch
from huggingface_hub import PyTorchModelHubMixin
from torch import Tensor, nn

from albumjudge.conditions import DECADES, GENRES
from albumjudge.dcgan import Generator, dcgan_init, doublings

EMBEDDING = 32


class Residual(nn.Module):
    """A 3x3 convolution whose result is added to its input, which is not negative; starts as the identity."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(channels, channels, 3, 1, 1, bias=False), nn.BatchNorm2d(channels)
        )

    def forward(self, maps: Tensor) -> Tensor:
        return (maps + self.layers(maps)).relu()  # type: ignore[no-any-return]


class Excitation(nn.Module):
    """Gates for ``wide`` channels, ``(n, wide, 1, 1)`` in [0, 2], from small maps; about one at first."""

    def __init__(self, narrow: int, wide: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.AdaptiveAvgPool2d(4),
            nn.Conv2d(narrow, wide, 4, 1, 0),
            nn.LeakyReLU(0.1, inplace=True),
            nn.Conv2d(wide, wide, 1),
            nn.Sigmoid(),
        )

    def forward(self, maps: Tensor) -> Tensor:
        return 2 * self.layers(maps)  # type: ignore[no-any-return]


class SkipGenerator(
    nn.Module,
    PyTorchModelHubMixin,
    library_name="albumjudge",
    pipeline_tag="unconditional-image-generation",
    license="mit",
    tags=["fastgan", "projected-gan", "gan", "album-covers"],
):
    """Latent vectors, genres and decades to covers.

    Args:
        latent_size: numbers in a latent vector.
        width: feature maps before the last layer; the first layer has ``width * size / 8``, at most 512.
        size: side of a cover in pixels, a power of two of at least 16.

    Raises:
        ValueError: if ``size`` is not such a power of two.
    """

    def __init__(self, latent_size: int = 128, width: int = 64, size: int = 64) -> None:
        super().__init__()
        self.latent_size, self.width, self.size = latent_size, width, size
        steps = doublings(size)
        if steps < 2:
            raise ValueError(f"This network paints squares of 16 pixels and more, not {size}.")
        # Two steps of the resolution lie between a gate and what it gates, as in FastGAN (there four).
        channels = [min(512, width * 2**k) for k in range(steps - 1, -1, -1)]
        self.genre = nn.Embedding(len(GENRES) + 1, EMBEDDING)
        self.decade = nn.Embedding(len(DECADES) + 1, EMBEDDING)
        self.first = nn.Sequential(
            nn.ConvTranspose2d(latent_size + 2 * EMBEDDING, channels[0], 4, 1, 0, bias=False),
            nn.BatchNorm2d(channels[0]),
            nn.ReLU(inplace=True),
            Residual(channels[0]),
        )
        self.doubling = nn.ModuleList(
            nn.Sequential(
                nn.ConvTranspose2d(wide, narrow, 4, 2, 1, bias=False),
                nn.BatchNorm2d(narrow),
                nn.ReLU(inplace=True),
                Residual(narrow),
            )
            for wide, narrow in pairwise(channels)
        )
        self.gates = nn.ModuleList(
            Excitation(narrow, wide) for narrow, wide in zip(channels, channels[2:], strict=False)
        )
        self.last = nn.Sequential(nn.ConvTranspose2d(channels[-1], 3, 4, 2, 1), nn.Tanh())
        self.apply(dcgan_init)
        for module in self.modules():
            if isinstance(module, Residual):
                _, norm = module.layers
                assert isinstance(norm, nn.BatchNorm2d)
                nn.init.zeros_(norm.weight)
            elif isinstance(module, Excitation):
                for layer in module.layers:
                    if isinstance(layer, nn.Conv2d) and layer.bias is not None:
                        nn.init.zeros_(layer.bias)
        # Small at first: before the labels mean something, the latent vector alone should move the picture.
        nn.init.normal_(self.genre.weight, 0.0, 0.1)
        nn.init.normal_(self.decade.weight, 0.0, 0.1)

    @torch.no_grad()
    def begin_as(self, dcgan: Generator) -> None:
        """Take over the layers of a DCGAN of the same shape.

        Gates start near one and conditions near nothing, so what is painted at first is close to what the DCGAN
        paints, not equal to it.

        Raises:
            ValueError: if latent size, width or size differ, or the DCGAN has more than 512 maps somewhere.
        """
        for name in ("latent_size", "width", "size"):
            if getattr(self, name) != getattr(dcgan, name):
                raise ValueError(
                    f"A network with {name} {getattr(self, name)} cannot begin as a DCGAN with "
                    f"{getattr(dcgan, name)}."
                )
        kinds = nn.ConvTranspose2d | nn.BatchNorm2d
        stages = [self.first, *self.doubling, self.last]
        own = [layer for stage in stages for layer in stage.children() if isinstance(layer, kinds)]
        given = [layer for layer in dcgan.layers if isinstance(layer, kinds)]
        if own[1].weight.shape != given[1].weight.shape:
            raise ValueError(
                f"A DCGAN of width {dcgan.width} and size {dcgan.size} starts with {len(given[1].weight)} "
                f"feature maps, but this network with {len(own[1].weight)}. Begin with a narrower one."
            )
        for mine, theirs in zip(own, given, strict=True):
            if isinstance(mine, nn.BatchNorm2d):
                mine.load_state_dict(theirs.state_dict())
            else:
                # The first layer has further inputs, for the conditions.
                mine.weight[: len(theirs.weight)].copy_(theirs.weight)
        last = own[-1]
        assert last.bias is not None
        last.bias.zero_()

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
        asked = torch.cat(
            [
                latents,
                self.genre(unknown if genre is None else genre),
                self.decade(unknown if decade is None else decade),
            ],
            1,
        )
        maps: list[Tensor] = [self.first(asked[:, :, None, None])]
        for number, double in enumerate(self.doubling):
            larger = double(maps[-1])
            if number >= 1:
                larger = larger * self.gates[number - 1](maps[number - 1])
            maps.append(larger)
        covers: Tensor = self.last(maps[-1])
        return covers
