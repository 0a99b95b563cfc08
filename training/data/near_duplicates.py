"""Finding covers that are the same to the eye: pressings, scans and sizes of one album.

Near-duplicates have perceptual hashes (pHash, by ImageHash) that differ in few bits and grey miniatures that
correlate: the hash alone takes a small logo on white for any other, the miniature alone one dark portrait for
another. Neither looks at colour. A large sticker or a wide frame makes another cover.
"""

from __future__ import annotations

from dataclasses import dataclass

import imagehash
import numpy as np
from numpy.typing import NDArray
from PIL import Image

MOST_BITS = 8
"""Hashes of near-duplicates differ in no more bits of 64; those of unrelated covers in about 31."""
LEAST_CORRELATION = 0.8
MINIATURE = 16
_FLAT, _SAME_COLOUR, _BLOCK = 1.0, 8, 512


@dataclass(frozen=True)
class Fingerprint:
    """What near-duplicates are found by.

    Attributes:
        bits: the perceptual hash; 0 for a picture of one colour.
        grey: the miniature less its mean, a vector of length 1 with 256 numbers; zeros for one colour.
        colour: mean red, green and blue, 0 to 255.
    """

    bits: int
    grey: NDArray[np.float32]
    colour: NDArray[np.float32]


def fingerprint(image: Image.Image) -> Fingerprint:
    """Of an RGB picture of any size."""
    miniature = image.convert("L").resize((MINIATURE, MINIATURE), Image.Resampling.BOX)
    grey = np.asarray(miniature, np.float32).ravel()
    flat = bool(grey.std() < _FLAT)
    grey = grey - grey.mean()
    grey = np.zeros_like(grey) if flat else grey / np.linalg.norm(grey)
    colour = np.asarray(image.resize((1, 1), Image.Resampling.BOX), np.float32).reshape(3)
    return Fingerprint(0 if flat else int(str(imagehash.phash(image)), 16), grey, colour)


def fingerprints(covers: NDArray[np.uint8]) -> list[Fingerprint]:
    """Of uint8 covers ``(n, 3, s, s)``."""
    return [fingerprint(Image.fromarray(cover)) for cover in covers.transpose(0, 2, 3, 1)]


def similar_pairs(prints: list[Fingerprint]) -> NDArray[np.int64]:
    """All near-duplicates among n pictures: rows ``(i, j)`` with i < j, in order, shape ``(pairs, 2)``.

    Compares all with all: seconds for ten thousand pictures, minutes for a hundred thousand.
    """
    if not prints:
        return np.empty((0, 2), np.int64)
    bits = np.array([p.bits for p in prints], np.uint64)
    found = []
    for start in range(0, len(bits), _BLOCK):
        differing = np.bitwise_count(bits[start : start + _BLOCK, None] ^ bits[None, start:])
        i, j = np.nonzero(differing <= MOST_BITS)
        found.append(np.stack([i + start, j + start], axis=1)[i < j])
    pairs = np.concatenate(found).astype(np.int64)
    grey, colour = np.stack([p.grey for p in prints]), np.stack([p.colour for p in prints])
    one, other = pairs.T
    alike = np.einsum("pk,pk->p", grey[one], grey[other]) >= LEAST_CORRELATION
    both_flat = (bits[one] == 0) & (bits[other] == 0)
    same_colour = np.abs(colour[one] - colour[other]).max(axis=1) <= _SAME_COLOUR
    kept: NDArray[np.int64] = pairs[alike | (both_flat & same_colour)]
    return kept


def like_any(prints: list[Fingerprint], others: list[Fingerprint]) -> NDArray[np.bool_]:
    """Which pictures have a near-duplicate among the others, shape ``(len(prints),)``."""
    pairs = similar_pairs([*prints, *others])
    across = pairs[(pairs[:, 0] < len(prints)) & (pairs[:, 1] >= len(prints))]
    return np.isin(np.arange(len(prints)), across[:, 0])


def repeats(prints: list[Fingerprint]) -> float:
    """Share of pictures that have a near-duplicate among the rest."""
    return len(np.unique(similar_pairs(prints))) / len(prints)


def originals(count: int, pairs: NDArray[np.int64]) -> NDArray[np.int64]:
    """For each of ``count`` pictures the one that is kept for it: itself, or an earlier one that it is like.

    Put the best first. Nothing is dropped for the sake of a picture that is dropped itself, so a chain of small
    differences does not swallow covers that look different.

    Args:
        pairs: as :func:`similar_pairs` returns them.
    """
    kept = np.arange(count)
    for i, j in pairs:
        if kept[i] == i and kept[j] == j:
            kept[j] = i
    return kept
