"""The flow painter: noise becomes a latent image in a few steps, which a decoder turns into a cover.

Flow matching (Lipman et al. 2022, https://arxiv.org/abs/2210.02747; Liu et al. 2022,
https://arxiv.org/abs/2209.03003): a network has learnt the velocity from noise (t = 0) to latent images (t = 1).
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import silu

from albumjudge.domain.conditions import DECADES, GENRES
from albumjudge.models.autoencoder import DOWNSAMPLING, Decoder
from albumjudge.models.dcgan import doublings
from albumjudge.models.layers import (
    EMBEDDING,
    GROUPS,
    ConditionalResidualBlock,
    HubModule,
    SelfAttention,
    zero_bias,
)

SMALLEST_SIZE = 8 * DOWNSAMPLING
TIME_FREQUENCIES = 32
FREQUENCY_SCALE = 3.0
"""Of the random Fourier features, in radians per usual length of a latent vector: those of two random vectors are
correlated by exp(-9), those a tenth of that apart by .91."""
LENGTH_POWER = 0.2
"""The noise is as long as the latent vector to this power: noise a tenth too short already gives empty
covers, noise a tenth too long gaudy ones."""


class VelocityUNet(nn.Module):
    """A U-Net (Ho et al. 2020, https://arxiv.org/abs/2006.11239) at the size of a latent image and half of it.

    Args:
        latent_channels: of a latent image.
        width: feature maps at the size of a latent image, a multiple of ``GROUPS``; twice as many at half of it.
        side: of a latent image, even.

    Raises:
        ValueError: if width or side are not such numbers.
    """

    def __init__(self, latent_channels: int = 12, width: int = 128, side: int = 8) -> None:
        super().__init__()
        if side < 2 or side % 2 or width < GROUPS or width % GROUPS:
            raise ValueError(
                f"A velocity network needs an even side and a width that {GROUPS} divides, "
                f"not {side} and {width}."
            )
        self.genre_embedding = nn.Embedding(len(GENRES) + 1, EMBEDDING)
        self.decade_embedding = nn.Embedding(len(DECADES) + 1, EMBEDDING)
        self.time_mlp = nn.Sequential(
            nn.Linear(2 * TIME_FREQUENCIES, EMBEDDING), nn.SiLU(), nn.Linear(EMBEDDING, EMBEDDING)
        )
        frequencies = torch.logspace(0, 2, TIME_FREQUENCIES, device="cpu")
        self.register_buffer("frequencies", frequencies, persistent=False)
        self.frequencies: Tensor
        self.conv_in = nn.Conv2d(latent_channels, width, 3, 1, 1)
        self.position = nn.Parameter(torch.zeros(1, width, side, side))
        self.down = nn.ModuleList(ConditionalResidualBlock(width, width) for _ in range(2))
        self.downsample = nn.Conv2d(width, 2 * width, 2, 2)
        self.middle = nn.ModuleList(ConditionalResidualBlock(2 * width, 2 * width) for _ in range(3))
        self.attention = nn.ModuleList(SelfAttention(channels) for channels in (2 * width, 2 * width, width))
        self.upsample = nn.ConvTranspose2d(2 * width, width, 2, 2)
        self.up = nn.ModuleList(
            [ConditionalResidualBlock(3 * width, width), ConditionalResidualBlock(2 * width, width)]
        )
        self.norm_out = nn.GroupNorm(GROUPS, width)
        self.conv_out = nn.Conv2d(width, latent_channels, 3, 1, 1)
        for embedding in (self.genre_embedding, self.decade_embedding):
            nn.init.normal_(embedding.weight, 0.0, 0.3)
        nn.init.zeros_(self.conv_out.weight)
        zero_bias(self.conv_out)

    def forward(self, x: Tensor, t: Tensor, genre: Tensor, decade: Tensor) -> Tensor:
        """The velocity at time ``t``.

        Args:
            x: float, ``(n, latent_channels, side, side)``.
            t: float, ``(n,)``, 0 for noise to 1 for latent images.
            genre, decade: int64, ``(n,)``, as for :meth:`LatentPainter.forward`.

        Returns:
            float, the shape of ``x``: its change per unit of time.
        """
        phases = t[:, None] * self.frequencies
        time = self.time_mlp(torch.cat([phases.sin(), phases.cos()], 1))
        embedding = silu(time + self.genre_embedding(genre) + self.decade_embedding(decade))
        skips = [self.conv_in(x) + self.position]
        for block in self.down:
            skips.append(block(skips[-1], embedding))
        maps = self.downsample(skips[-1])
        for block, attention in zip(self.middle, [*list(self.attention)[:2], nn.Identity()], strict=True):
            maps = attention(block(maps, embedding))
        maps = self.up[0](torch.cat([self.upsample(maps), skips[2], skips[1]], 1), embedding)
        maps = self.up[1](torch.cat([self.attention[2](maps), skips[0]], 1), embedding)
        velocity: Tensor = self.conv_out(silu(self.norm_out(maps)))
        return velocity


class FourierExpansion(nn.Module):
    """A short latent vector to longer, nearly normal noise that depends on it smoothly.

    The latent vector itself is the noise along the first basis vectors; along each of the others it is a
    mixture of random Fourier features (Rahimi & Recht 2007) of the latent vector's direction.

    Args:
        latent_size: numbers in a latent vector.
        noise_size: numbers of the noise; at least as many.

    Raises:
        ValueError: if they are fewer.
    """

    def __init__(self, latent_size: int, noise_size: int) -> None:
        super().__init__()
        if not 0 < latent_size <= noise_size:
            raise ValueError(f"{latent_size} numbers cannot be expanded to {noise_size}.")
        rng = torch.Generator().manual_seed(0)
        scale = FREQUENCY_SCALE / latent_size**0.5
        frequencies = torch.empty(noise_size, latent_size).normal_(0.0, scale, generator=rng)
        self.register_buffer("frequencies", frequencies)
        phases = torch.empty(noise_size).uniform_(0.0, 2 * torch.pi, generator=rng)
        self.register_buffer("phases", phases)
        mixing = torch.empty(noise_size, noise_size - latent_size).normal_(generator=rng)
        mixing = torch.linalg.qr(mixing).Q
        self.register_buffer("mixing", mixing.T.contiguous())
        self.register_buffer("basis", torch.zeros(noise_size, noise_size).fill_diagonal_(1.0))
        self.frequencies: Tensor
        self.phases: Tensor
        self.mixing: Tensor
        self.basis: Tensor

    @torch.no_grad()
    def fit_basis(self, latent_images: Tensor) -> None:
        """Take the principal components of latent images as the basis, the largest first.

        Args:
            latent_images: float, ``(m, noise_size)``.
        """
        rows = latent_images.double()
        rows = rows - rows.mean(0)
        _, components = torch.linalg.eigh(rows.T @ rows)
        self.basis.copy_(components.flip(1))

    def forward(self, latents: Tensor) -> Tensor:
        """Float, ``(n, latent_size)``, to ``(n, noise_size)``."""
        lengths = (latents.norm(dim=1, keepdim=True) / latents.shape[1] ** 0.5).clamp(min=1e-9)
        unit = latents / lengths
        features = 2**0.5 * torch.cos(unit @ self.frequencies.T + self.phases)
        noise: Tensor = torch.cat([unit, features @ self.mixing.T], 1) @ self.basis.T
        scaled: Tensor = lengths**LENGTH_POWER * noise
        return scaled


class LatentPainter(nn.Module):
    """What the flow painter and the one-step painter are made of.

    Args:
        latent_size: numbers in a latent vector.
        latent_channels: of a latent image.
        width: feature maps of the velocity network at the size of a latent image.
        size: side of a cover in pixels, a multiple of 16.
        decoder_width: feature maps of the decoder at half the size of a cover.
    """

    blur_last: ClassVar[bool] = False

    def __init__(
        self,
        latent_size: int = 100,
        latent_channels: int = 12,
        width: int = 128,
        size: int = 64,
        decoder_width: int = 64,
    ) -> None:
        super().__init__()
        self.latent_size, self.latent_channels = latent_size, latent_channels
        self.width, self.size, self.side = width, size, size // DOWNSAMPLING
        self.expansion = FourierExpansion(latent_size, latent_channels * self.side**2)
        self.unet = VelocityUNet(latent_channels, width, self.side)
        self.decoder = Decoder(latent_channels, decoder_width, blur_last=self.blur_last)

    def noise(self, latents: Tensor) -> Tensor:
        """Latent vectors ``(n, latent_size)`` to noise of a latent image's shape."""
        noise: Tensor = self.expansion(latents).view(-1, self.latent_channels, self.side, self.side)
        return noise

    def latent_images(self, latents: Tensor, genre: Tensor, decade: Tensor) -> Tensor:
        """Latent vectors to latent images, ``(n, latent_channels, side, side)``; labels as in :meth:`forward`."""
        raise NotImplementedError

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
        labels = (unknown if given is None else given for given in (genre, decade))
        covers: Tensor = self.decoder(self.latent_images(latents, *labels))
        return covers


class FlowGenerator(
    LatentPainter,
    HubModule,
    pipeline_tag="unconditional-image-generation",
    tags=["flow-matching", "latent-diffusion", "album-covers"],
):
    """Latent vectors, genres and decades to covers.

    Args:
        latent_size, latent_channels, width, decoder_width: see :class:`LatentPainter`.
        size: side of a cover in pixels, a power of two of at least ``SMALLEST_SIZE``.
        steps: from noise to a latent image.
        autoguidance_scale: 1 is the velocity as learnt, more leads away from that of the smaller network
            (autoguidance, Karras et al. 2024, https://arxiv.org/abs/2406.02507).
        guidance_scale: 1 is the conditional velocity as learnt, more leads away from the unconditional one
            (classifier-free guidance, Ho & Salimans 2022, https://arxiv.org/abs/2207.12598).
        autoguidance_start: time, 0 to 1, from which on autoguidance is used; earlier it empties covers
            (Kynkäänniemi et al. 2024, https://arxiv.org/abs/2404.07724).
        autoguidance_width: feature maps of the smaller network, 0 for none and no autoguidance.

    Raises:
        ValueError: if ``size`` is no such power of two, or there are no steps.
    """

    def __init__(
        self,
        latent_size: int = 100,
        latent_channels: int = 12,
        width: int = 128,
        size: int = 64,
        decoder_width: int = 64,
        steps: int = 6,
        autoguidance_scale: float = 3.0,
        guidance_scale: float = 5.0,
        autoguidance_start: float = 0.3,
        autoguidance_width: int = 0,
    ) -> None:
        if size < SMALLEST_SIZE or doublings(size) < 1:
            raise ValueError(f"A flow painter paints squares of {SMALLEST_SIZE}, 128 ... pixels, not {size}.")
        super().__init__(latent_size, latent_channels, width, size, decoder_width)
        if steps < 1:
            raise ValueError(f"A flow takes at least one step, not {steps}.")
        self.steps, self.guidance_scale = steps, guidance_scale
        self.autoguidance_scale, self.autoguidance_start = autoguidance_scale, autoguidance_start
        self.autoguidance_unet = (
            VelocityUNet(latent_channels, autoguidance_width, self.side) if autoguidance_width else None
        )

    def velocity(self, x: Tensor, t: float, genre: Tensor, decade: Tensor) -> Tensor:
        """The guided velocity at time ``t``; arguments and result as for :meth:`VelocityUNet.forward`."""
        times = torch.full((len(x),), t, dtype=x.dtype, device=x.device)
        unknown = torch.zeros_like(genre)
        unconditional: Tensor = self.unet(x, times, unknown, unknown)
        velocity = unconditional
        rows = ((genre > 0) | (decade > 0)).nonzero()[:, 0]
        if len(rows):
            conditional: Tensor = self.unet(x[rows], times[rows], genre[rows], decade[rows])
            difference = conditional - unconditional[rows]
            velocity = velocity.index_add(0, rows, self.guidance_scale * difference)
        if self.autoguidance_unet is not None and t >= self.autoguidance_start:
            weaker = self.autoguidance_unet(x, times, unknown, unknown)
            velocity = velocity + (self.autoguidance_scale - 1) * (unconditional - weaker)
        return velocity

    def latent_images(self, latents: Tensor, genre: Tensor, decade: Tensor) -> Tensor:
        """Integrate by the two-step method of Adams and Bashforth, which begins with a step of Euler's."""
        x, previous = self.noise(latents), None
        for step in range(self.steps):
            velocity = self.velocity(x, step / self.steps, genre, decade)
            slope = velocity if previous is None else 1.5 * velocity - 0.5 * previous
            x, previous = x + slope / self.steps, velocity
        return x
