"""Finding covers that are the same to the eye: pressings, scans and sizes of one album.

Two pictures are near-duplicates if their perceptual hashes differ in few bits (the signs of the lowest
frequencies of the cosine transform, as in Zauner's pHash) and their grey miniatures correlate. The hash alone
takes a small logo on white for any other small logo on white; the miniatures alone take all dark portraits
for one. Neither looks at colour, so an edition in other colours counts as the same cover. A large sticker or
a wide frame makes a pressing another cover: rather keep some twice than lose some that are alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.fft import dctn

MOST_BITS = 8
"""Hashes of near-duplicates differ in no more bits of 63; unrelated covers differ in about 31."""
LEAST_CORRELATION = 0.8
MINIATURE = 16
_FLAT = 1.0
_SAME_COLOUR = 8
_BLOCK = 512


@dataclass(frozen=True)
class Print:
    """What is remembered of a picture.

    Attributes:
        bits: the perceptual hash; 0 for a picture of one colour, where there is nothing to hash.
        grey: the miniature less its mean, as a vector of length 1 with 256 numbers; zeros for one colour.
        colour: mean red, green and blue, 0 to 255.
    """

    bits: int
    grey: NDArray[np.float32]
    colour: NDArray[np.float32]


def fingerprint(image: Image.Image) -> Print:
    """Look at an RGB picture of any size."""
    grey = image.convert("L")
    small = np.asarray(grey.resize((32, 32), Image.Resampling.BOX), np.float32)
    waves = dctn(small, norm="ortho")[:8, :8].ravel()[1:]
    flat = small.std() < _FLAT
    bits = 0 if flat else int("".join("1" if wave else "0" for wave in waves > np.median(waves)), 2)
    miniature = np.asarray(grey.resize((MINIATURE, MINIATURE), Image.Resampling.BOX), np.float32).ravel()
    miniature = miniature - miniature.mean()
    length = float(np.linalg.norm(miniature))
    miniature = np.zeros_like(miniature) if flat or length == 0 else miniature / length
    colour = np.asarray(image.resize((1, 1), Image.Resampling.BOX), np.float32).reshape(3)
    return Print(bits, miniature, colour)


def similar_pairs(prints: list[Print], most_bits: int = MOST_BITS) -> NDArray[np.int64]:
    """All near-duplicates among n pictures: rows ``(i, j)`` with i < j, in order; shape ``(pairs, 2)``.

    Compares all with all, block by block: some seconds for ten thousand pictures, some minutes for a hundred
    thousand.

    Args:
        most_bits: in which the hashes may differ, 0 to 63.
    """
    if not prints:
        return np.empty((0, 2), np.int64)
    bits = np.array([p.bits for p in prints], np.uint64)
    found = []
    for start in range(0, len(bits), _BLOCK):
        differing = np.bitwise_count(bits[start : start + _BLOCK, None] ^ bits[None, start:])
        i, j = np.nonzero(differing <= most_bits)
        found.append(np.stack([i + start, j + start], axis=1)[i < j])
    pairs = np.concatenate(found).astype(np.int64)
    grey, colour = np.stack([p.grey for p in prints]), np.stack([p.colour for p in prints])
    one, other = pairs[:, 0], pairs[:, 1]
    alike = np.einsum("pk,pk->p", grey[one], grey[other]) >= LEAST_CORRELATION
    both_flat = (bits[one] == 0) & (bits[other] == 0)
    same_colour = np.abs(colour[one] - colour[other]).max(axis=1) <= _SAME_COLOUR
    kept: NDArray[np.int64] = pairs[alike | (both_flat & same_colour)]
    return kept


def originals(count: int, pairs: NDArray[np.int64]) -> NDArray[np.int64]:
    """For each of ``count`` pictures, the one that stands for it: itself, or an earlier one that it is like.

    Pictures are taken in order, so put the best first. Nothing is dropped for the sake of a picture that is
    dropped itself: a chain of small differences does not swallow covers that look different.

    Args:
        pairs: as :func:`similar_pairs` returns them.
    """
    stands_for = np.arange(count)
    for i, j in pairs:
        if stands_for[i] == i and stands_for[j] == j:
            stands_for[j] = i
    return stands_for
