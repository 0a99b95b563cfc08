"""The one-step painter: noise becomes a latent image in a single step, which a decoder turns into a cover."""

from __future__ import annotations

import torch
from huggingface_hub import PyTorchModelHubMixin
from torch import Tensor, nn

from albumjudge.models.autoencoder import DOWNSAMPLING, Decoder
from albumjudge.models.flow import FourierExpansion, VelocityUNet


class OneStepGenerator(
    nn.Module,
    PyTorchModelHubMixin,
    library_name="albumjudge",
    pipeline_tag="unconditional-image-generation",
    license="mit",
    tags=["one-step", "latent-diffusion", "album-covers"],
):
    """Latent vectors, genres and decades to covers, with one call of the velocity network.

    Args:
        latent_size: numbers in a latent vector.
        latent_channels: of a latent image.
        width: feature maps of the velocity network at the size of a latent image.
        size: side of a cover in pixels, a multiple of 16.
        decoder_width: feature maps of the decoder at half the size of a cover.
    """

    def __init__(
        self,
        latent_size: int = 100,
        latent_channels: int = 12,
        width: int = 128,
        size: int = 64,
        decoder_width: int = 64,
    ) -> None:
        super().__init__()
        self.latent_size, self.latent_channels, self.width, self.size = (
            latent_size,
            latent_channels,
            width,
            size,
        )
        self.side = size // DOWNSAMPLING
        self.expansion = FourierExpansion(latent_size, latent_channels * self.side**2)
        self.unet = VelocityUNet(latent_channels, width, self.side)
        self.decoder = Decoder(latent_channels, decoder_width, blur_last=True)

    def latent_images(self, latents: Tensor, genre: Tensor, decade: Tensor) -> Tensor:
        """Noise plus the velocity there, ``(n, latent_channels, side, side)``."""
        noise: Tensor = self.expansion(latents).view(-1, self.latent_channels, self.side, self.side)
        t = torch.zeros(len(noise), dtype=noise.dtype, device=noise.device)
        velocity: Tensor = self.unet(noise, t, genre, decade)
        return noise + velocity

    def forward(self, latents: Tensor, genre: Tensor | None = None, decade: Tensor | None = None) -> Tensor:
        """Paint; arguments and result as for :meth:`albumjudge.models.flow.FlowGenerator.forward`."""
        unknown = torch.zeros(len(latents), dtype=torch.long, device=latents.device)
        genre, decade = (unknown if labels is None else labels for labels in (genre, decade))
        covers: Tensor = self.decoder(self.latent_images(latents, genre, decade))
        return covers
