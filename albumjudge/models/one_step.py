"""The one-step painter: noise becomes a latent image in a single step, which a decoder turns into a cover."""

from __future__ import annotations

import torch
from huggingface_hub import PyTorchModelHubMixin
from torch import Tensor

from albumjudge.models.flow import LatentPainter, known


class OneStepGenerator(
    LatentPainter,
    PyTorchModelHubMixin,
    library_name="albumjudge",
    pipeline_tag="unconditional-image-generation",
    license="mit",
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

    def forward(self, latents: Tensor, genre: Tensor | None = None, decade: Tensor | None = None) -> Tensor:
        """Paint; arguments and result as for :meth:`albumjudge.models.flow.FlowGenerator.forward`."""
        covers: Tensor = self.decoder(self.latent_images(latents, *known(latents, genre, decade)))
        return covers
