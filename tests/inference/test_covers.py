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

from albumjudge.domain.conditions import DECADES, GENRES
from albumjudge.domain.cover import STRIDE, Cover, CoverIdentity, CoverLinkError, latent, read_png
from albumjudge.inference.painter import Painter, condition_labels, to_pixels
from albumjudge.models.dcgan import Generator
from albumjudge.models.one_step import OneStepGenerator
from tests.models.networks import randomised

REVISION = "dcgan-seed-1a2b3c4d"


@pytest.fixture(scope="module")
def painter() -> Painter:
    torch.manual_seed(3)
    return Painter(Generator(latent_size=8, width=4), REVISION)


def assert_hardly_different(one: Cover, other: Cover) -> None:
    """At most one grey level; ``test_same_covers.py`` tests the promise on real painters."""
    difference = np.abs(one.pixels.astype(int) - other.pixels)
    assert difference.max() <= 1 and (difference > 0).mean() < 1e-3


identities = st.builds(
    CoverIdentity,
    st.just(REVISION),
    st.integers(0, 999_999),
    st.sampled_from([None, *GENRES]),
    st.sampled_from([None, *DECADES]),
    st.integers(30, 150),
    st.binary(max_size=128).filter(lambda drift: any(drift) or not drift),
)


@given(identities)
def test_a_link_leads_back(identity: CoverIdentity) -> None:
    assert CoverIdentity.parse(str(identity)) == identity
    assert CoverIdentity.of(identity.generator, identity.seed, identity.recipe) == identity


def test_a_link_says_what_was_asked_for_and_no_more() -> None:
    assert str(CoverIdentity(REVISION, 7, "jazz", "1970s", 80)) == f"{REVISION}.7.jazz.1970s.w80"
    assert str(CoverIdentity(REVISION, 7, None, "1970s", 100)) == f"{REVISION}.7.1970s"
    assert str(CoverIdentity(REVISION, 7, drift=b"\xff\x02\x00")) == f"{REVISION}.7.d_wIA"
    assert CoverIdentity(REVISION, 7, "jazz", "1970s").conditions == "1970s jazz"
    identity = CoverIdentity(REVISION, 4711)
    assert (identity.number, identity.painter) == ("004711", "dcgan-seed")


@pytest.mark.parametrize(
    "recipe",
    [
        "jazz.jazz",
        "1970s.jazz",
        "polka",
        "1940s",
        "w29",
        "w151",
        "w100",
        "w080",
        "w",
        "d",
        "dAAAA",
        "d=",
        "d_",
        ".jazz",
    ],
)
def test_what_nobody_can_paint_gets_a_sentence(recipe: str) -> None:
    """Two spellings of one cover would be two covers to the store of votes, so only one is a link."""
    with pytest.raises(CoverLinkError, match=r"\.$"):
        CoverIdentity.parse(f"{REVISION}.7.{recipe}")
    with pytest.raises(CoverLinkError, match=r"\.$"):
        CoverIdentity.of(REVISION, 7, recipe)


def test_what_is_asked_for_reaches_the_network() -> None:
    painter = Painter(randomised(OneStepGenerator(8, 3, 8, decoder_width=4)), REVISION)
    assert painter.conditional
    orders = [
        CoverIdentity(REVISION, 7),
        CoverIdentity(REVISION, 7, "jazz"),
        CoverIdentity(REVISION, 7, "jazz", "1970s"),
        CoverIdentity(REVISION, 7, "jazz", "1970s", 60),
        CoverIdentity(REVISION, 7, "jazz", "1970s", 60, bytes([40] * 8)),
    ]
    assert condition_labels(orders[1:3]).tolist() == [
        [GENRES.index("jazz") + 1, 0],
        [8, DECADES.index("1970s") + 1],
    ]
    together = painter.paint_each(orders)
    assert len({cover.pixels.tobytes() for cover in together}) == len(orders)
    for identity, cover in zip(orders, together, strict=True):
        assert cover.identity == identity
        assert_hardly_different(painter.paint_each([identity])[0], cover)
    assert_hardly_different(painter.paint([7])[0], together[0])


def test_a_painter_refuses_orders_that_it_does_not_understand_and_covers_of_others(painter: Painter) -> None:
    assert not painter.conditional
    with pytest.raises(CoverLinkError, match="dcgan-seed paints what comes, not 1970s jazz"):
        painter.paint_each([CoverIdentity(REVISION, 7, "jazz", "1970s")])
    with pytest.raises(CoverLinkError, match="painted by other-1a2b3c4d, which does not paint here"):
        painter.paint_each([CoverIdentity("other-1a2b3c4d", 7)])
    assert painter.paint_each([CoverIdentity(REVISION, 7, wildness=60)])


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


def test_the_same_identity_paints_the_same_pixels(painter: Painter) -> None:
    assert painter.paint([]) == []
    with pytest.raises(CoverLinkError):
        painter.paint([1_000_000])
    together = painter.paint([5, 6, 7, 8, 9])
    alone = [painter.paint([seed])[0] for seed in (5, 6, 7, 8, 9)]
    for one, other in zip(together, alone, strict=True):
        assert_hardly_different(one, other)
        assert one.identity == other.identity
    assert not np.array_equal(together[0].pixels, together[1].pixels)


def test_latents_of_an_identity_are_known_for_ever_stretched_and_moved() -> None:
    # If this fails, every link ever shared shows another picture.
    assert latent(4711, 3) == pytest.approx(
        np.random.Generator(np.random.PCG64(4711)).standard_normal(3), abs=0
    )
    assert latent(0, 2) == pytest.approx([0.12573022, -0.13210486])
    assert latent(1, 4000).std() == pytest.approx(1, abs=0.05)
    np.testing.assert_allclose(CoverIdentity(REVISION, 7, wildness=50).latents(3), latent(7, 3) / 2)
    drifted = CoverIdentity(REVISION, 7, drift=np.array([1, -2, 0], np.int8).tobytes())
    np.testing.assert_allclose(drifted.latents(3) - latent(7, 3), [STRIDE, -2 * STRIDE, 0])
    with pytest.raises(CoverLinkError, match="has strayed"):
        drifted.latents(4)
    start = CoverIdentity(REVISION, 7, "rock", wildness=90)
    wanted = start.latents(8) + np.linspace(-2, 2, 8)
    there = start.at(wanted)
    assert (there.genre, there.seed, there.wildness) == ("rock", 7, 90)
    np.testing.assert_allclose(there.latents(8), wanted, atol=STRIDE / 2 + 1e-9)
    assert there.at(start.latents(8)) == start
    far = start.at(start.latents(8) + 100).latents(8) - start.latents(8)
    np.testing.assert_allclose(far, 127 * STRIDE)


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
