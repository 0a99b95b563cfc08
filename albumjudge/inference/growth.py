"""How a DCGAN makes a cover: latent directions that change what can be seen, and what each layer adds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from albumjudge.domain.cover import Cover, CoverIdentity
from albumjudge.inference.painter import to_pixels
from albumjudge.models.dcgan import Generator

PROPERTIES = ("brightness", "warmth", "detail", "upper", "right", "middle")
"""How light a cover is, how much more red than blue, how much neighbours differ; how much lighter its upper half
is than the lower one, its right half than the left one, its middle than the whole."""
SAMPLE = 500
"""Covers from which directions are learned."""


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


def properties(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Six properties of covers that can be seen, in the order of :data:`PROPERTIES`: shape ``(n, 6)``.

    Args:
        pixels: shape ``(n, side, side, 3)``.
    """
    colours = pixels / 255.0
    grey = colours @ (0.299, 0.587, 0.114)
    half, quarter = grey.shape[1] // 2, grey.shape[1] // 4
    brightness = grey.mean((1, 2))
    middle = grey[:, quarter:-quarter, quarter:-quarter].mean((1, 2))
    found = (
        brightness,
        (colours[..., 0] - colours[..., 2]).mean((1, 2)),
        np.abs(np.diff(grey, axis=1)).mean((1, 2)) + np.abs(np.diff(grey, axis=2)).mean((1, 2)),
        grey[:, :half].mean((1, 2)) - grey[:, half:].mean((1, 2)),
        grey[:, :, half:].mean((1, 2)) - grey[:, :, :half].mean((1, 2)),
        middle - brightness,
    )
    return np.stack(found, axis=1)


@lru_cache(maxsize=2)
@torch.inference_mode()
def directions(network: Generator) -> NDArray[np.float64]:
    """A latent direction for each of :data:`PROPERTIES`, orthonormal: shape ``(6, latent_size)``.

    Covers of latents drawn at random are painted, and each property is regressed on the latents, as image
    attributes are in https://arxiv.org/abs/1907.07171; the orthonormal vectors next to the coefficients keep a
    knob from turning what belongs to another one.
    """
    latents = np.random.default_rng(0).standard_normal((SAMPLE, network.latent_size))
    painted = network(torch.from_numpy(latents).to(next(network.parameters()).dtype))
    measured = properties(to_pixels(painted))
    coefficients = np.linalg.lstsq(latents, (measured - measured.mean(0)) / measured.std(0))[0].T
    coefficients /= np.linalg.norm(coefficients, axis=1, keepdims=True)
    left, _, right = np.linalg.svd(coefficients, full_matrices=False)
    return np.asarray(left @ right)


def turned(network: Generator, start: CoverIdentity, knobs: Sequence[float]) -> CoverIdentity:
    """A cover moved so far along each of the first :func:`directions`."""
    if not any(knobs):
        return start
    moved = np.asarray(knobs, float) @ directions(network)[: len(knobs)]
    return start.at(start.latents(network.latent_size) + moved)


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
