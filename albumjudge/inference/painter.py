"""Painting: from identities of covers to their pixels."""

from __future__ import annotations

import copy
import threading
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from albumjudge.domain.conditions import DECADES, GENRES
from albumjudge.domain.cover import Cover, CoverIdentity, CoverLinkError
from albumjudge.models.dcgan import Generator
from albumjudge.models.flow import FlowGenerator

GeneratorNetwork = Generator | FlowGenerator
CONDITIONAL = (FlowGenerator,)
"""Networks that take a genre and a decade."""


class Painter:
    """A generator at work. Several threads may share one.

    Args:
        generator: the network; a copy of it works in double precision.
        revision: of its checkpoint, for the covers' identities.
    """

    def __init__(self, generator: GeneratorNetwork, revision: str) -> None:
        # A float32 convolution rounds differently with batch size, processor and library version, enough to
        # change a pixel now and then. In float64 the differences are ten thousand million times smaller than
        # a grey level, so a link paints the same pixels anywhere.
        self._generator = copy.deepcopy(generator).double().eval().requires_grad_(False)
        self._alone = threading.Lock()
        self.revision = revision

    @property
    def network(self) -> GeneratorNetwork:
        """The network itself, in double precision; not to be changed."""
        return self._generator

    @property
    def to_order(self) -> bool:
        """Whether genre and decade can be asked for."""
        return isinstance(self._generator, CONDITIONAL)

    def paint(self, seeds: Sequence[int]) -> list[Cover]:
        """Paint the covers of these seeds, of any genre and decade, in their order.

        Raises:
            CoverLinkError: if a seed is out of range.
        """
        return self.paint_each([CoverIdentity(self.revision, seed) for seed in seeds])

    def paint_each(self, identities: Sequence[CoverIdentity]) -> list[Cover]:
        """Paint covers of one's own, in their order.

        Raises:
            CoverLinkError: if one was painted by another generator, or asks for what this one cannot paint.
        """
        if not identities:
            return []
        for identity in identities:
            if identity.generator != self.revision:
                raise CoverLinkError(
                    f"Cover No. {identity.number} was painted by {identity.generator}, which does not paint "
                    f"here. Here {self.revision} paints, and would paint something else."
                )
            if identity.order and not self.to_order:
                raise CoverLinkError(
                    f"{identity.painter} paints what comes, not {identity.order}. Take another painter."
                )
        latents = torch.from_numpy(np.stack([i.latents(self._generator.latent_size) for i in identities]))
        painted = self.paint_latents(latents, asked(identities))
        return [Cover(i, image) for i, image in zip(identities, to_pixels(painted), strict=True)]

    @torch.inference_mode()
    def paint_latents(self, latents: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Paint from latent vectors.

        Args:
            latents: float64, shape ``(n, latent_size)``.
            labels: int64, shape ``(n, 2)``, see :func:`asked`; not heeded by a generator that takes none.

        Returns:
            float64, shape ``(n, 3, size, size)``, RGB in [-1, 1].
        """
        with self._alone:
            return paint_with(self._generator, latents, labels)


def paint_with(network: GeneratorNetwork, latents: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """What any kind of generator paints from latent vectors, be it one that takes labels or not.

    Args:
        network: in the precision of ``latents``.
        latents, labels: as for :meth:`Painter.paint_latents`.
    """
    if isinstance(network, CONDITIONAL):
        return network(latents, labels[:, 0], labels[:, 1])  # type: ignore[no-any-return]
    return network(latents)  # type: ignore[no-any-return]


def asked(identities: Sequence[CoverIdentity]) -> torch.Tensor:
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
    pixels: NDArray[np.uint8] = (
        painted.detach()
        .cpu()
        .clamp(-1, 1)
        .add(1)
        .mul(127.5)
        .round()
        .to(torch.uint8)
        .permute(0, 2, 3, 1)
        .numpy()
    )
    return pixels
