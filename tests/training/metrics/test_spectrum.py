"""Power spectra of covers whose waves are known."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from training.metrics.spectrum import BANDS, power_spectrum, spectrum_ratios
from training.reports.painter_page import spectrum_picture


def waves(across: int, down: int, size: int = 64, amplitude: float = 50) -> NDArray[np.uint8]:
    """Four covers of one wave with so many cycles across and down, each at another phase."""
    x, y = np.meshgrid(np.arange(size), np.arange(size))
    phases = np.arange(4)[:, None, None] * np.pi / 2
    level = 128 + amplitude * np.cos(2 * np.pi * (across * x + down * y) / size + phases)
    return np.repeat(level.round().astype(np.uint8)[:, None], 3, axis=1)


def noise(amplitude: float, size: int = 64, seed: int = 0) -> NDArray[np.uint8]:
    level = 128 + amplitude * np.random.default_rng(seed).standard_normal((200, 3, size, size))
    return level.clip(0, 255).astype(np.uint8)


def test_a_wave_has_its_power_at_its_frequency_whatever_the_size() -> None:
    spectrum = power_spectrum(waves(5, 2))
    peak = np.unravel_index(spectrum.argmax(), spectrum.shape)
    assert [abs(int(place) - 32) for place in peak] == [2, 5]
    assert spectrum.max() == pytest.approx(64**2 * (50 / 255) ** 2 / 4, rel=0.01)
    assert spectrum[32, 32] == pytest.approx(0, abs=1e-12)
    waves_of_16 = power_spectrum(waves(32, 0, 128)), power_spectrum(noise(10, 128))
    ratios = spectrum_ratios(waves_of_16[1], waves_of_16[0])
    assert max(ratios, key=lambda id: ratios[id]) == "spectrum_16_24"


def test_twice_the_amplitude_is_four_times_the_power_in_all_bands() -> None:
    ratios = spectrum_ratios(power_spectrum(noise(10)), power_spectrum(noise(20, seed=1)))
    bands = [value for id, value in ratios.items() if id.startswith("spectrum_")]
    assert len(bands) == len(BANDS) - 1
    assert bands == pytest.approx([4] * len(bands), rel=0.15)


@pytest.mark.parametrize(("across", "down"), [(32, 0), (0, 32), (32, 32)])
def test_a_grid_two_pixels_wide_is_found_where_it_is(across: int, down: int) -> None:
    painted = noise(10, seed=1) + (waves(across, down, amplitude=20)[:1].astype(int) - 128)
    ratios = spectrum_ratios(power_spectrum(noise(10)), power_spectrum(painted.clip(0, 255).astype(np.uint8)))
    name = f"grid_{across}_{down}"
    assert ratios[name] > 100
    assert all(value < 3 for id, value in ratios.items() if id.startswith("grid") and id != name)


def test_the_picture_is_red_where_there_is_more_and_blue_where_there_is_less() -> None:
    real = np.ones((8, 8))
    page = spectrum_picture(real, {"more": 4 * real, "less": real / 4, "equal": real})
    red, blue, white = (page.getpixel((x, 100)) for x in (50, 260, 470))
    assert (red, blue, white) == ((178, 24, 43), (33, 102, 172), (247, 247, 247))
