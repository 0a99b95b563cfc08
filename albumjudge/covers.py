"""Covers: who painted them and from what, and the painting itself."""

from __future__ import annotations

import copy
import io
import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from albumjudge.dcgan import Generator

LAST_SEED = 999_999
_LINK = re.compile(r"(?P<generator>[a-z0-9]+(?:-[a-z0-9]+)*-[0-9a-f]{8})\.(?P<seed>[0-9]{1,6})")


class CoverLinkError(ValueError):
    """A link names no cover that can be painted; the message is a sentence for the visitor."""


@dataclass(frozen=True)
class CoverIdentity:
    """Who painted a cover and from what; the same identity always gives the same pixels.

    Attributes:
        generator: revision of the generator, its name and eight hex digits of the hash of its weights.
        seed: 0 to 999,999; decides the latent vector.

    Raises:
        CoverLinkError: if the two cannot be an identity.
    """

    generator: str
    seed: int

    def __post_init__(self) -> None:
        if not 0 <= self.seed <= LAST_SEED or not _LINK.fullmatch(str(self)):
            raise CoverLinkError(
                f"There is no cover {str(self)[:80]!r}. Covers are numbered 0 to {LAST_SEED:,}."
            )

    def __str__(self) -> str:
        return f"{self.generator}.{self.seed}"

    @classmethod
    def parse(cls, text: str) -> CoverIdentity:
        """Read what ``str()`` wrote, as it stands in a link.

        Raises:
            CoverLinkError: if the text is anything else.
        """
        match = _LINK.fullmatch(text.strip())
        if match is None:
            raise CoverLinkError(
                "This link names no cover. Perhaps a part of it was cut off on its way here."
            )
        return cls(match["generator"], int(match["seed"]))

    @property
    def number(self) -> str:
        """The seed as it stands on the museum label, six digits: ``004711``."""
        return f"{self.seed:06d}"

    @property
    def painter(self) -> str:
        """The generator's name without the hash: ``dcgan-seed``."""
        return self.generator.rsplit("-", 1)[0]


@dataclass(frozen=True, eq=False)
class Cover:
    """One painted picture: ``pixels`` is uint8 RGB of shape ``(size, size, 3)``."""

    identity: CoverIdentity
    pixels: NDArray[np.uint8]

    def png(self, enlarge: int = 1) -> bytes:
        """The cover as PNG, every pixel repeated ``enlarge`` times in both directions; never blurred."""
        pixels = self.pixels.repeat(enlarge, axis=0).repeat(enlarge, axis=1)
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "PNG", optimize=True)
        return file.getvalue()


def read_png(identity: CoverIdentity, png: bytes) -> Cover:
    """The cover that :meth:`Cover.png` wrote (not enlarged), from a store that outlives its generator."""
    with Image.open(io.BytesIO(png)) as image:
        return Cover(identity, np.asarray(image.convert("RGB")))


def latent(seed: int, size: int) -> NDArray[np.float64]:
    """The standard normal latent vector of a seed, shape ``(size,)``.

    NumPy's PCG64 gives the same stream on every machine, which torch's generators do not promise.
    """
    return np.random.default_rng(seed).standard_normal(size)


class Painter:
    """A generator at work. Several threads may share one.

    Args:
        generator: the network; a copy of it works in double precision.
        revision: of its checkpoint, for the covers' identities.
    """

    def __init__(self, generator: Generator, revision: str) -> None:
        # A float32 convolution rounds differently with batch size, processor and library version, enough to
        # change a pixel now and then. In float64 the differences are ten thousand million times smaller than
        # a grey level, so a link paints the same pixels anywhere.
        self._generator = copy.deepcopy(generator).double().eval().requires_grad_(False)
        self._alone = threading.Lock()
        self.revision = revision

    @torch.inference_mode()
    def paint(self, seeds: Sequence[int]) -> list[Cover]:
        """Paint the covers of these seeds, in their order.

        Raises:
            CoverLinkError: if a seed is out of range.
        """
        identities = [CoverIdentity(self.revision, seed) for seed in seeds]
        if not identities:
            return []
        latents = torch.from_numpy(
            np.stack([latent(i.seed, self._generator.latent_size) for i in identities])
        )
        with self._alone:
            painted = self._generator(latents)
        pixels = to_pixels(painted)
        return [Cover(identity, image) for identity, image in zip(identities, pixels, strict=True)]


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
