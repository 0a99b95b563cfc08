"""Painting: from identities of covers to their pixels."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from albumjudge.domain.conditions import DECADES, GENRES
from albumjudge.domain.cover import Cover, CoverIdentity, CoverLinkError
from albumjudge.models.dcgan import Generator
from albumjudge.models.flow import FlowGenerator
from albumjudge.models.one_step import OneStepGenerator

GeneratorNetwork = Generator | FlowGenerator | OneStepGenerator
CONDITIONAL = (FlowGenerator, OneStepGenerator)
"""Networks that take a genre and a decade."""


class Painter:
    """A generator at work. Several threads may share one.

    The same identity gives the same pixels, at most one grey level apart in fewer than one value of 10,000:
    float32 convolutions round differently with batch size, threads and processor.

    Args:
        network: in evaluation mode; its weights are taken over, in float32 and channels last.
        revision: of its checkpoint, for the covers' identities.

    Attributes:
        painted: covers so far.
    """

    def __init__(self, network: GeneratorNetwork, revision: str) -> None:
        self.network: GeneratorNetwork = network.float().eval().requires_grad_(False)
        self.network.to(memory_format=torch.channels_last)
        self._lock = threading.Lock()
        self.revision = revision
        self.painted = 0

    @property
    def conditional(self) -> bool:
        """Whether genre and decade can be asked for."""
        return isinstance(self.network, CONDITIONAL)

    def paint(self, seeds: Sequence[int]) -> list[Cover]:
        """Paint the covers of these seeds, of any genre and decade, in their order.

        Raises:
            CoverLinkError: if a seed is out of range.
        """
        return self.paint_each([CoverIdentity(self.revision, seed) for seed in seeds])

    def check(self, identity: CoverIdentity) -> None:
        """Raise what :meth:`paint_each` would for this identity.

        Raises:
            CoverLinkError: if it was painted by another generator, or asks for what this one cannot paint.
        """
        if identity.generator != self.revision:
            raise CoverLinkError(
                f"Cover No. {identity.number} was painted by {identity.generator}, which does not paint "
                f"here. Here {self.revision} paints, and would paint something else."
            )
        if identity.conditions and not self.conditional:
            raise CoverLinkError(
                f"{identity.painter} paints what comes, not {identity.conditions}. Take another painter."
            )
        identity.latents(self.network.latent_size)

    def paint_each(self, identities: Sequence[CoverIdentity]) -> list[Cover]:
        """Paint covers of this painter, in their order.

        Raises:
            CoverLinkError: see :meth:`check`.
        """
        if not identities:
            return []
        for identity in identities:
            self.check(identity)
        latents = torch.from_numpy(np.stack([i.latents(self.network.latent_size) for i in identities]))
        painted = self.paint_latents(latents, condition_labels(identities))
        return [Cover(i, image) for i, image in zip(identities, to_pixels(painted), strict=True)]

    @torch.inference_mode()
    def paint_latents(self, latents: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Paint from latent vectors.

        Args:
            latents: float, shape ``(n, latent_size)``.
            labels: int64, shape ``(n, 2)``, see :func:`condition_labels`; ignored by an unconditional generator.

        Returns:
            float32, shape ``(n, 3, size, size)``, RGB in [-1, 1].
        """
        with self._lock:
            self.painted += len(latents)
        return paint_with(self.network, latents, labels)

    def differentiable(self, identities: Sequence[CoverIdentity]) -> DifferentiableCovers:
        """Paint covers and keep what the gradients need.

        Raises:
            CoverLinkError: see :meth:`check`.
        """
        for identity in identities:
            self.check(identity)
        latents = torch.from_numpy(
            np.stack([i.latents(self.network.latent_size) for i in identities])
        ).float()
        with torch.enable_grad():
            latents.requires_grad_(True)
            painted = paint_with(self.network, latents, condition_labels(identities))
        with self._lock:
            self.painted += len(identities)
        covers = [Cover(i, image) for i, image in zip(identities, to_pixels(painted), strict=True)]
        return DifferentiableCovers(covers, latents, painted)


class DifferentiableCovers:
    """Covers with the gradients of their pixels."""

    def __init__(self, covers: list[Cover], latents: torch.Tensor, painted: torch.Tensor) -> None:
        self.covers = covers
        self._latents, self._painted = latents, painted

    def gradient(self, pixel_gradient: torch.Tensor) -> NDArray[np.float64]:
        """Gradients of a function of each cover's pixels with respect to its latent vector. To be asked for once.

        Args:
            pixel_gradient: of the function with respect to the painter's output, ``(n, 3, size, size)``.

        Returns:
            shape ``(n, latent_size)``.
        """
        (gradient,) = torch.autograd.grad(self._painted, self._latents, pixel_gradient)
        found: NDArray[np.float64] = gradient.double().numpy()
        return found


def paint_with(network: GeneratorNetwork, latents: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Run any kind of generator; arguments as for :meth:`Painter.paint_latents`."""
    latents = latents.to(next(network.parameters()).dtype)
    if isinstance(network, CONDITIONAL):
        return network(latents, *labels.unbind(1))  # type: ignore[no-any-return]
    return network(latents)  # type: ignore[no-any-return]


def condition_labels(identities: Sequence[CoverIdentity]) -> torch.Tensor:
    """Genre and decade of covers as generators take them: int64, shape ``(n, 2)``, 0 for any."""
    return torch.tensor(
        [
            (GENRES.index(i.genre) + 1 if i.genre else 0, DECADES.index(i.decade) + 1 if i.decade else 0)
            for i in identities
        ],
        dtype=torch.long,
    ).reshape(-1, 2)


def to_pixels(painted: torch.Tensor) -> NDArray[np.uint8]:
    """Network output, ``(n, 3, size, size)`` in [-1, 1], to uint8 ``(n, size, size, 3)``."""
    grey = painted.detach().cpu().clamp(-1, 1).add(1).mul(127.5).round().to(torch.uint8)
    return np.ascontiguousarray(grey.permute(0, 2, 3, 1).numpy())
