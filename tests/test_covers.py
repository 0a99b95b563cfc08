"""Covers: identity, link, and the promise that the same identity paints the same pixels."""

from __future__ import annotations

import io
from contextlib import suppress

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from albumjudge.covers import CoverIdentity, CoverLinkError, Painter, latent, read_png, to_pixels
from albumjudge.dcgan import Generator

REVISION = "dcgan-seed-1a2b3c4d"


@pytest.fixture(scope="module")
def painter() -> Painter:
    torch.manual_seed(3)
    return Painter(Generator(latent_size=8, width=4), REVISION)


@given(st.integers(0, 999_999))
def test_a_link_leads_back(seed: int) -> None:
    identity = CoverIdentity(REVISION, seed)
    assert CoverIdentity.parse(str(identity)) == identity


def test_what_the_museum_label_says() -> None:
    identity = CoverIdentity(REVISION, 4711)
    assert identity.number == "004711"
    assert identity.painter == "dcgan-seed"
    assert str(identity) == "dcgan-seed-1a2b3c4d.4711"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "4711",
        "dcgan-seed.4711",
        f"{REVISION}.",
        f"{REVISION}.1000000",
        f"{REVISION}.-1",
        "../../etc/passwd",
        f"{REVISION}.1; DROP TABLE votes",
        "DCGAN-SEED-1A2B3C4D.4711",
        f"{REVISION}.١٢",
    ],
)
def test_a_bad_link_gets_a_sentence(text: str) -> None:
    with pytest.raises(CoverLinkError, match=r"\.$"):
        CoverIdentity.parse(text)


@settings(max_examples=40)
@given(st.text(max_size=60))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    with suppress(CoverLinkError):
        assert str(CoverIdentity.parse(text)).split(".")[0] == text.strip().split(".")[0]


def test_seeds_out_of_range_are_refused(painter: Painter) -> None:
    with pytest.raises(CoverLinkError):
        painter.paint([1_000_000])


def test_the_same_identity_paints_the_same_pixels(painter: Painter) -> None:
    together = painter.paint([5, 6, 7, 8, 9])
    alone = [painter.paint([seed])[0] for seed in (5, 6, 7, 8, 9)]
    for one, other in zip(together, alone, strict=True):
        np.testing.assert_array_equal(one.pixels, other.pixels)
        assert one.identity == other.identity
    assert not np.array_equal(together[0].pixels, together[1].pixels)


def test_memory_layout_and_threads_change_no_pixel(painter: Painter) -> None:
    torch.manual_seed(3)
    other = Painter(Generator(latent_size=8, width=4).to(memory_format=torch.channels_last), REVISION)
    np.testing.assert_array_equal(other.paint([5])[0].pixels, painter.paint([5])[0].pixels)


def test_latents_are_known_for_ever() -> None:
    # If this fails, every link ever shared shows another picture.
    assert latent(4711, 3) == pytest.approx(
        np.random.Generator(np.random.PCG64(4711)).standard_normal(3), abs=0
    )
    assert latent(0, 2) == pytest.approx([0.12573022, -0.13210486])
    assert latent(1, 4000).std() == pytest.approx(1, abs=0.05)


def test_nothing_asked_nothing_painted(painter: Painter) -> None:
    assert painter.paint([]) == []


def test_png_is_lossless_and_enlarges_crisply(painter: Painter) -> None:
    cover = painter.paint([11])[0]
    assert cover.pixels.shape == (64, 64, 3) and cover.pixels.dtype == np.uint8
    np.testing.assert_array_equal(read_png(cover.identity, cover.png()).pixels, cover.pixels)
    with Image.open(io.BytesIO(cover.png(enlarge=4))) as image:
        assert image.size == (256, 256)
        np.testing.assert_array_equal(np.asarray(image)[::4, ::4], cover.pixels)


def test_network_output_becomes_grey_levels() -> None:
    ends = torch.tensor([-1.0, 0.0, 1.0, 3.0]).view(4, 1, 1, 1).expand(4, 3, 1, 1)
    assert to_pixels(ends)[:, 0, 0, 0].tolist() == [0, 128, 255, 255]


def test_the_painter_leaves_the_generator_alone() -> None:
    generator = Generator(latent_size=8, width=4)
    Painter(generator, REVISION)
    assert next(generator.parameters()).dtype == torch.float32
    assert generator.training
