"""Covers: who painted them and from what, and the painting itself."""

from __future__ import annotations

import base64
import copy
import io
import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from albumjudge.conditions import DECADES, GENRE_WORDS, GENRES
from albumjudge.dcgan import Generator
from albumjudge.sketched import SketchGenerator
from albumjudge.skipgan import SkipGenerator
from albumjudge.styled import StyledGenerator

GeneratorNetwork = Generator | SkipGenerator | StyledGenerator | SketchGenerator
TO_ORDER = (SkipGenerator, StyledGenerator, SketchGenerator)
"""Networks that take a genre and a decade."""

LAST_SEED = 999_999
TAME, AS_TRAINED, WILD = 30, 100, 150
"""How wild a cover can be, in percent of the latent vector's length: the least, the usual, the most."""
STRIDE = 0.04
"""One step of a drift, in latent units: with one byte each, numbers reach 5 deviations to both sides."""
_LINK = re.compile(
    r"(?P<generator>[a-z0-9]+(?:-[a-z0-9]+)*-[0-9a-f]{8})\.(?P<seed>[0-9]{1,6})(?:\.(?P<recipe>[A-Za-z0-9._-]+))?"
)
_RECIPE = re.compile(
    rf"(?:\.(?P<genre>{'|'.join(GENRES)}))?(?:\.(?P<decade>{'|'.join(DECADES)}))?"
    r"(?:\.w(?P<wildness>[1-9][0-9]{1,2}))?(?:\.d(?P<drift>[A-Za-z0-9_-]+))?"
)


class CoverLinkError(ValueError):
    """A link names no cover that can be painted; the message is a sentence for the visitor."""


@dataclass(frozen=True)
class CoverIdentity:
    """Who painted a cover and from what; the same identity always gives the same pixels.

    Attributes:
        generator: revision of the generator, its name and eight hex digits of the hash of its weights.
        seed: 0 to 999,999; decides the latent vector.
        genre, decade: one of ``GENRES`` and ``DECADES`` that the cover was asked to be of; None for any.
        wildness: percent by which the latent vector is multiplied, ``TAME`` to ``WILD`` (the "truncation trick",
            Brock et al. 2018): shorter vectors give safer covers.
        drift: what was added to the latent vector since, by steering or breeding: one signed byte per number, in
            steps of ``STRIDE``; empty for nothing.

    Raises:
        CoverLinkError: if these cannot be an identity.
    """

    generator: str
    seed: int
    genre: str | None = None
    decade: str | None = None
    wildness: int = AS_TRAINED
    drift: bytes = b""

    def __post_init__(self) -> None:
        if (
            not 0 <= self.seed <= LAST_SEED
            or not TAME <= self.wildness <= WILD
            or self.genre not in (None, *GENRES)
            or self.decade not in (None, *DECADES)
            or (self.drift and not any(self.drift))
            or not _LINK.fullmatch(str(self))
        ):
            raise CoverLinkError(
                f"There is no cover {str(self)[:80]!r}. Covers are numbered 0 to {LAST_SEED:,}."
            )

    def __str__(self) -> str:
        recipe = self.recipe
        return f"{self.generator}.{self.seed}" + (f".{recipe}" if recipe else "")

    @property
    def recipe(self) -> str:
        """All but generator and seed, as it stands in the link; empty if there is nothing more to say."""
        parts = [self.genre, self.decade]
        if self.wildness != AS_TRAINED:
            parts.append(f"w{self.wildness}")
        if self.drift:
            parts.append("d" + base64.urlsafe_b64encode(self.drift).decode().rstrip("="))
        return ".".join(part for part in parts if part)

    @classmethod
    def of(cls, generator: str, seed: int, recipe: str = "") -> CoverIdentity:
        """Put an identity together again from what :attr:`recipe` gave.

        Raises:
            CoverLinkError: if it is none.
        """
        found = _RECIPE.fullmatch(f".{recipe}" if recipe else "")
        try:
            if found is None:
                raise ValueError
            wildness = int(found["wildness"] or AS_TRAINED)
            drift = base64.b64decode(_padded(found["drift"] or ""), altchars=b"-_", validate=True)
        except ValueError as error:
            raise CoverLinkError(
                f"This link asks for {recipe[:40]!r}, which nobody here can paint."
            ) from error
        identity = cls(generator, seed, found["genre"], found["decade"], wildness, drift)
        if identity.recipe != recipe:  # One cover, one link: whatever says the same differently is no link.
            raise CoverLinkError(f"This link asks for {recipe[:40]!r}, which nobody here can paint.")
        return identity

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
        return cls.of(match["generator"], int(match["seed"]), match["recipe"] or "")

    @property
    def order(self) -> str:
        """What the cover was asked to be, in words: ``1970s jazz``; empty if nothing."""
        return " ".join(part for part in (self.decade, GENRE_WORDS.get(self.genre or "")) if part)

    def at(self, latents: NDArray[np.float64]) -> CoverIdentity:
        """The identity whose latent vector comes nearest to ``latents``, reached from this one's seed.

        Args:
            latents: shape ``(latent_size,)``.
        """
        start = latent(self.seed, len(latents)) * (self.wildness / 100)
        steps = np.round((latents - start) / STRIDE).clip(-127, 127).astype(np.int8)
        return replace(self, drift=steps.tobytes() if steps.any() else b"")

    def latents(self, size: int) -> NDArray[np.float64]:
        """The latent vector, shape ``(size,)``.

        Raises:
            CoverLinkError: if the drift is of another size.
        """
        start = latent(self.seed, size) * (self.wildness / 100)
        if not self.drift:
            return start
        if len(self.drift) != size:
            raise CoverLinkError(
                f"Cover No. {self.number} has strayed to where {self.generator} cannot paint."
            )
        return start + STRIDE * np.frombuffer(self.drift, np.int8)

    @property
    def number(self) -> str:
        """The seed as it stands on the museum label, six digits: ``004711``."""
        return f"{self.seed:06d}"

    @property
    def painter(self) -> str:
        """The generator's name without the hash: ``dcgan-seed``."""
        return self.generator.rsplit("-", 1)[0]


class HasPixels(Protocol):
    """A cover, or anything else that can be judged: uint8 RGB of shape ``(size, size, 3)``."""

    @property
    def pixels(self) -> NDArray[np.uint8]:
        """The picture itself."""
        ...


@dataclass(frozen=True, eq=False)
class Cover:
    """One painted picture: ``pixels`` is uint8 RGB of shape ``(size, size, 3)``."""

    identity: CoverIdentity
    pixels: NDArray[np.uint8]

    def png(self, enlarge: int = 1) -> bytes:
        """The cover as PNG, every pixel repeated ``enlarge`` times in both directions; never blurred."""
        return as_png(self.pixels, enlarge)


def as_png(pixels: NDArray[np.uint8], enlarge: int = 1) -> bytes:
    """RGB pixels, shape ``(height, width, 3)``, as PNG; see :meth:`Cover.png`."""
    file = io.BytesIO()
    Image.fromarray(pixels.repeat(enlarge, 0).repeat(enlarge, 1)).save(file, "PNG", optimize=True)
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
        return isinstance(self._generator, TO_ORDER)

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
    if isinstance(network, TO_ORDER):
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


def _padded(base64_text: str) -> str:
    return base64_text + "=" * (-len(base64_text) % 4)


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
