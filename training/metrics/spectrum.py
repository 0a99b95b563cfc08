"""Power spectra of covers: is there as much fine detail as in real ones, and no grid in it?"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Spectrum = NDArray[np.float64]
BANDS = (1, 2, 4, 8, 16, 24, 32, 46)
"""Edges of radial bands, in cycles per 64 pixels; beyond 32 lie the corners of the spectrum."""
GRID = ((32, 0), (0, 32), (32, 32))
"""Frequencies across and down, in cycles per 64 pixels, of patterns that transposed convolutions leave."""


def power_spectrum(covers: Pixels) -> Spectrum:
    """Mean power of covers and channels at each frequency, ``(n, 3, s, s)`` to ``(s, s)``, less the mean.

    Row and column ``s // 2`` are frequency zero, down and across.
    """
    total = np.zeros(covers.shape[-2:])
    for part in np.array_split(covers, max(1, len(covers) // 100)):
        pixels = part / 255.0
        transformed = np.fft.fft2(pixels - pixels.mean((2, 3), keepdims=True), norm="ortho")
        total += (np.abs(transformed) ** 2).sum((0, 1))
    return np.fft.fftshift(total / (3 * len(covers)))


def spectrum_ratios(real: Spectrum, painted: Spectrum) -> dict[str, float]:
    """Power of painted covers over that of real ones, by metric id, for each band and grid frequency."""
    size = len(real)
    axis = (np.arange(size) - size // 2) * (64 / size)
    radius = np.hypot(axis[:, None], axis[None, :])
    found = {}
    for low, high in pairwise(BANDS):
        band = (radius >= low) & (radius < high)
        if band.any():
            found[f"spectrum_{low}_{high}"] = float(painted[band].sum() / real[band].sum())
    for across, down in GRID:
        row, column = (size // 2 - round(frequency * size / 64) for frequency in (down, across))
        found[f"grid_{across}_{down}"] = float(painted[row, column] / real[row, column])
    return found
