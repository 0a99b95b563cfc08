"""How a DCGAN makes a cover: the latent directions that move it most, and what each layer adds."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from albumjudge.domain.cover import Cover, CoverIdentity
from albumjudge.inference.painter import to_pixels
from albumjudge.models.dcgan import Generator


@dataclass(frozen=True, eq=False)
class Layer:
    """What a layer made of a latent vector.

    Attributes:
        pictures: its strongest channels, the strongest first: uint8, shape ``(k, side, side)``, 255 where a
            channel is most active.
        channels: how many it has.
    """

    pictures: NDArray[np.uint8]
    channels: int

    @property
    def side(self) -> int:
        """Height and width in pixels."""
        return int(self.pictures.shape[-1])


@dataclass(frozen=True, eq=False)
class Growth:
    """A cover, and the layers on the way to it."""

    cover: Cover
    layers: tuple[Layer, ...]


@lru_cache(maxsize=2)
@torch.no_grad()
def directions(network: Generator, count: int) -> NDArray[np.float64]:
    """The unit vectors along which the first layer changes most, the most first: shape ``(count, latent_size)``.

    Closed-form factorisation of its weights (Shen and Zhou 2021, https://arxiv.org/abs/2007.06600).
    """
    weights = network.state_dict()["layers.0.weight"].double().flatten(1).cpu().numpy()
    _, vectors = np.linalg.eigh(weights @ weights.T)
    found = vectors.T[::-1][:count]
    # An eigenvector has no sign; its largest number is made positive, so that every machine agrees.
    signs = np.sign(found[np.arange(len(found)), np.abs(found).argmax(axis=1)])
    return np.ascontiguousarray(found * signs[:, None])


@torch.inference_mode()
def grow(network: Generator, identity: CoverIdentity, most: int = 9) -> Growth:
    """Paint a cover layer by layer.

    Args:
        most: channels to keep of each layer, those with the largest mean activation.
    """
    weights = next(network.parameters())
    latents = torch.from_numpy(identity.latents(network.latent_size)).to(weights.dtype)
    activations, layers = latents[None, :, None, None], []
    for module in network.layers:
        activations = module(activations)
        if isinstance(module, nn.ReLU):
            layers.append(_layer(activations[0], most))
    return Growth(Cover(identity, to_pixels(activations)[0]), tuple(layers))


def _layer(activations: torch.Tensor, most: int) -> Layer:
    """The strongest of channels of shape ``(c, side, side)``, each stretched to its own brightest point."""
    strongest = activations[activations.mean((1, 2)).argsort(descending=True, stable=True)[:most]]
    stretched = strongest / strongest.amax((1, 2), keepdim=True).clamp(min=1e-12)
    return Layer(stretched.mul(255).round().to(torch.uint8).numpy(), len(activations))
