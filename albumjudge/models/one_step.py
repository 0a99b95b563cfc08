"""The one-step painter: noise becomes a latent image in a single step, which a decoder turns into a cover."""

from __future__ import annotations

import torch
from torch import Tensor

from albumjudge.models.flow import LatentPainter
from albumjudge.models.layers import HubModule


class OneStepGenerator(
    LatentPainter,
    HubModule,
    pipeline_tag="unconditional-image-generation",
    tags=["one-step", "latent-diffusion", "album-covers"],
):
    """Latent vectors, genres and decades to covers, with one call of the velocity network."""

    blur_last = True

    def latent_images(self, latents: Tensor, genre: Tensor, decade: Tensor) -> Tensor:
        """Noise plus the velocity there, ``(n, latent_channels, side, side)``."""
        noise = self.noise(latents)
        t = torch.zeros(len(noise), dtype=noise.dtype, device=noise.device)
        velocity: Tensor = self.unet(noise, t, genre, decade)
        return noise + velocity
