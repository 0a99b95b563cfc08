"""A painter that needs one network call: noise to latent image in one step, then the decoder."""

from __future__ import annotations

import torch
from huggingface_hub import PyTorchModelHubMixin
from torch import Tensor, nn
from torch.nn.functional import leaky_relu

from albumjudge.models.flow import GRAIN, SLOPE, Decoder, FourierExpansion, VelocityUNet, blur


class SmoothDecoder(Decoder):
    """The flow painter's decoder with its last enlargement blurred like the others."""

    def forward(self, latent_images: Tensor) -> Tensor:
        """Float, ``(n, depth, s, s)``, to ``(n, 3, 8 * s, 8 * s)``, RGB in [-1, 1]."""
        maps = self.enter(latent_images)
        for block, upsample in zip(self.rework, self.enlarge, strict=True):
            maps = blur(upsample(leaky_relu(block(maps), SLOPE)))
        covers: Tensor = self.leave(leaky_relu(maps, SLOPE)).tanh()
        return covers


class OneStepGenerator(
    nn.Module,
    PyTorchModelHubMixin,
    library_name="albumjudge",
    pipeline_tag="unconditional-image-generation",
    license="mit",
    tags=["one-step", "latent-diffusion", "album-covers"],
):
    """Latent vectors, genres and decades to covers.

    Args:
        latent_size: numbers in a latent vector.
        depth: channels of a latent image.
        width: feature maps of the velocity network at the size of a latent image.
        size: side of a cover in pixels, a multiple of 16.
        decoder_width: feature maps of the decoder at half the size of a cover.
    """

    def __init__(
        self,
        latent_size: int = 100,
        depth: int = 12,
        width: int = 128,
        size: int = 64,
        decoder_width: int = 64,
    ) -> None:
        super().__init__()
        self.latent_size, self.depth, self.width, self.size = latent_size, depth, width, size
        self.side = size // GRAIN
        self.expansion = FourierExpansion(latent_size, depth * self.side**2)
        self.velocity = VelocityUNet(depth, width, self.side)
        self.decoder = SmoothDecoder(depth, decoder_width)

    def latent_image(self, latents: Tensor, genre: Tensor, decade: Tensor) -> Tensor:
        """Noise plus the velocity there, ``(n, depth, side, side)``."""
        noise: Tensor = self.expansion(latents).view(-1, self.depth, self.side, self.side)
        t = torch.zeros(len(noise), dtype=noise.dtype, device=noise.device)
        velocity: Tensor = self.velocity(noise, t, genre, decade)
        return noise + velocity

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
        latent_images = self.latent_image(
            latents, unknown if genre is None else genre, unknown if decade is None else decade
        )
        covers: Tensor = self.decoder(latent_images)
        return covers
