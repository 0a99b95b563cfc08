"""Covers: who painted them and from what, and their pixels."""

from __future__ import annotations

import base64
import io
import re
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from albumjudge.domain.conditions import DECADES, GENRE_WORDS, GENRES

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
    @lru_cache(maxsize=4096)
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
    def conditions(self) -> str:
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
        return self._own_png if enlarge == 1 else as_png(self.pixels, enlarge)

    @cached_property
    def _own_png(self) -> bytes:
        return as_png(self.pixels)


def as_png(pixels: NDArray[np.uint8], enlarge: int = 1) -> bytes:
    """Pixels as PNG: RGB, shape ``(height, width, 3)``, or grey, ``(height, width)``; see :meth:`Cover.png`."""
    file = io.BytesIO()
    Image.fromarray(pixels.repeat(enlarge, 0).repeat(enlarge, 1)).save(file, "PNG", optimize=True)
    return file.getvalue()


def read_png(identity: CoverIdentity, png: bytes) -> Cover:
    """The cover that :meth:`Cover.png` wrote (not enlarged), from a store that outlives its generator."""
    with Image.open(io.BytesIO(png)) as image:
        cover = Cover(identity, np.asarray(image.convert("RGB")))
    cover.__dict__["_own_png"] = png
    return cover


def latent(seed: int, size: int) -> NDArray[np.float64]:
    """The standard normal latent vector of a seed, shape ``(size,)``.

    NumPy's PCG64 gives the same stream on every machine, which torch's generators do not promise.
    """
    return np.random.default_rng(seed).standard_normal(size)


def _padded(base64_text: str) -> str:
    return base64_text + "=" * (-len(base64_text) % 4)
