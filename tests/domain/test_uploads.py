"""Pictures that visitors bring: every kind of file that a camera, a browser or a mischief-maker makes."""

from __future__ import annotations

import io
import struct
import tomllib
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from albumjudge.domain import uploads
from albumjudge.domain.cover import CoverIdentity, read_png
from albumjudge.domain.uploads import SIDE, see
from tests.domain.pictures import (
    BLUE,
    DATA,
    GREEN,
    RED,
    WHITE,
    assert_picture_or_sentence,
    corners,
    noise,
    quarters,
    saved,
    sentence,
)


def test_pixels_of_the_right_size_stay_as_they_are() -> None:
    pixels = noise()
    seen = see(saved(Image.fromarray(pixels), "PNG"))
    assert np.array_equal(seen.pixels, pixels) and seen.pixels.dtype == np.uint8
    assert np.array_equal(read_png(CoverIdentity("tiny-00000000", 0), seen.png()).pixels, pixels)
    assert Image.open(io.BytesIO(seen.png(3))).size == (192, 192)


@pytest.mark.parametrize(
    ("format", "how"), [("JPEG", {}), ("PNG", {}), ("WEBP", {}), ("GIF", {}), ("AVIF", {"quality": 95})]
)
def test_every_format_is_read(format: str, how: dict[str, Any]) -> None:
    assert corners(see(saved(quarters(), format, **how)).pixels) == [RED, GREEN, BLUE, WHITE]


@pytest.mark.parametrize("shape", [(100, 300), (300, 100), (101, 300), (64, 1001), (1, 1), (63, 63)])
def test_the_middle_is_cropped_square_and_what_is_small_enlarged(shape: tuple[int, int]) -> None:
    height, width = shape
    pixels = np.zeros((height, width, 3), np.uint8)
    side = min(shape)
    top, left = (height - side) // 2, (width - side) // 2
    pixels[top : top + side, left : left + side] = 200
    seen = see(saved(Image.fromarray(pixels), "PNG")).pixels
    # An odd number of pixels is cropped in the middle of one.
    assert seen.shape == (SIDE, SIDE, 3) and seen[3:-3, 3:-3].min() >= 190


# What a viewer shows for each orientation: quarters row by row, as EXIF 2.32 defines them.
TURNED = {
    1: [RED, GREEN, BLUE, WHITE],
    2: [GREEN, RED, WHITE, BLUE],
    3: [WHITE, BLUE, GREEN, RED],
    4: [BLUE, WHITE, RED, GREEN],
    5: [RED, BLUE, GREEN, WHITE],
    6: [BLUE, RED, WHITE, GREEN],
    7: [WHITE, GREEN, BLUE, RED],
    8: [GREEN, WHITE, RED, BLUE],
}


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", [*TURNED, 0, 9])
def test_the_camera_says_what_is_up(format: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    seen = see(saved(quarters(), format, exif=exif))
    assert corners(seen.pixels) == TURNED.get(orientation, TURNED[1])


def test_files_of_cameras_telephones_and_other_programs_are_read() -> None:
    file = saved(quarters(), "JPEG", exif=b"Exif\x00\x00II*\x00\xff\xff\xff\xff")
    assert corners(see(file).pixels) == TURNED[1]
    row = b"\0" + struct.pack(">HHH", 0xFFFF, 0x8080, 0) * 70
    file = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 70, 70, 16, 2, 0, 0, 0))
    file += chunk(b"IDAT", zlib.compress(row * 70)) + chunk(b"IEND", b"")
    assert (see(file).pixels == (255, 128, 0)).all()
    file = saved(quarters(), "MPO", save_all=True, append_images=[Image.new("RGB", (256, 256))])
    with Image.open(io.BytesIO(file)) as image:
        assert image.format == "MPO"
    assert corners(see(file).pixels) == TURNED[1]
    assert corners(see(saved(quarters(4096), "JPEG")).pixels) == TURNED[1]
    file = saved(quarters(), "AVIF", quality=95)
    assert corners(see(file[:8] + b"mif1" + file[12:]).pixels) == TURNED[1]
    # The second was saved with orientation 6, which HEIC keeps as a turn of its own.
    for name, expected in (("quarters", TURNED[1]), ("turned", TURNED[6])):
        assert corners(see((DATA / f"{name}.heic").read_bytes()).pixels) == expected


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "PA", "1-bit key"])
def test_what_is_transparent_lies_on_white(mode: str) -> None:
    clear = quarters().convert("RGBA")
    # Black under the transparency: whoever forgets the alpha channel sees it.
    clear.paste((0, 0, 0, 0), (128, 128, 256, 256))
    if mode == "1-bit key":
        solid = quarters()
        file = saved(solid, "PNG", transparency=BLUE)
        assert corners(see(file).pixels) == [RED, GREEN, WHITE, WHITE]
        return
    file = saved(clear.convert(mode), "PNG") if mode != "PA" else saved(clear.quantize(8), "PNG")
    assert corners(see(file).pixels)[3] == WHITE
    half = see(saved(Image.new("RGBA", (80, 80), (0, 0, 0, 128)), "WEBP", lossless=True)).pixels
    assert (half == 127).all()


@pytest.mark.parametrize("value", [0, 257, 32896, 65535])
def test_sixteen_bits_become_eight(value: int) -> None:
    deep = Image.fromarray(np.full((80, 80), value, np.uint16))
    assert (see(saved(deep, "PNG")).pixels == round(value / 257)).all()


def chunk(kind: bytes, body: bytes) -> bytes:
    """Of a PNG file."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


@pytest.mark.parametrize("format", ["GIF", "WEBP", "PNG"])
def test_of_an_animation_the_first_picture_counts(format: str) -> None:
    first, second = Image.new("RGB", (80, 80), RED), Image.new("RGB", (80, 80), BLUE)
    file = saved(
        first, format, save_all=True, append_images=[second], duration=50, **LOSSLESS.get(format, {})
    )
    with Image.open(io.BytesIO(file)) as image:
        assert getattr(image, "n_frames", 1) == 2
    assert (see(file).pixels == RED).all()


LOSSLESS: dict[str, dict[str, Any]] = {"WEBP": {"lossless": True}}


def test_a_colour_profile_is_heeded_and_a_broken_one_left_out_of_account() -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = srgb.replace(b"rXYZ", b"????").replace(b"bXYZ", b"rXYZ").replace(b"????", b"bXYZ")
    plain = Image.new("RGB", (80, 80), (200, 100, 50))

    def first(profile: bytes) -> list[int]:
        return [int(c) for c in see(saved(plain, "PNG", icc_profile=profile)).pixels[0, 0]]

    assert first(srgb) == pytest.approx([200, 100, 50], abs=1)
    # A device whose first number is blue and whose last is red.
    assert first(swapped) == pytest.approx([50, 100, 200], abs=2)
    assert first(b"no profile") == [200, 100, 50]


def png_header(width: int, height: int) -> bytes:
    """A PNG file that claims a size and ends after a little of it."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(1000)))


def claims(file: bytes, width: int, height: int) -> bytes:
    """A JPEG file, or a GIF file with both its screen and its first frame, of another size in its header."""
    if file.startswith(b"GIF"):
        size = struct.pack("<HH", width, height)
        frame = file.index(b"\x2c" + bytes(4)) + 5
        return file[:6] + size + file[10:frame] + size + file[frame + 4 :]
    at = file.index(b"\xff\xc0") + 5
    return file[:at] + struct.pack(">HH", height, width) + file[at + 4 :]


def webp_header(width: int, height: int, kind: bytes) -> bytes:
    if kind == b"VP8X":
        body = bytes(4) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    elif kind == b"VP8L":
        body = b"\x2f" + ((width - 1) | (height - 1) << 14).to_bytes(4, "little") + bytes(9)
    else:
        body = bytes(3) + b"\x9d\x01\x2a" + struct.pack("<HH", width, height) + bytes(8)
    chunk = kind + struct.pack("<I", len(body)) + body
    return b"RIFF" + struct.pack("<I", 4 + len(chunk)) + b"WEBP" + chunk


TINY_JPEG, TINY_GIF = (saved(quarters(8), format) for format in ("JPEG", "GIF"))
BOMBS = {
    "png": png_header(10_000, 10_000),
    "png, beyond all measure": png_header(2**31 - 1, 2**31 - 1),
    "jpeg": claims(TINY_JPEG, 10_000, 10_000),
    "jpeg, beyond all measure": claims(TINY_JPEG, 65_500, 65_500),
    "gif": claims(TINY_GIF, 10_000, 10_000),
    "gif, beyond all measure": claims(TINY_GIF, 65_535, 65_535),
    "webp, extended": webp_header(10_000, 10_000, b"VP8X"),
    "webp, extended, beyond all measure": webp_header(2**24, 2**24, b"VP8X"),
    "webp, lossless": webp_header(10_000, 10_000, b"VP8L"),
    "webp, lossy": webp_header(10_000, 10_000, b"VP8 "),
}


@pytest.mark.parametrize("file", BOMBS.values(), ids=BOMBS)
def test_a_hundred_megapixels_are_refused_before_anything_is_decoded(
    file: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def decoded(*_: object) -> None:
        raise AssertionError("It was decoded.")

    monkeypatch.setattr(uploads, "_small", decoded)
    text = sentence(file)
    assert "100 megapixels" in text or "far too large" in text or "megapixels; " in text
    assert "Make it smaller" in text


@pytest.mark.parametrize(
    "note",
    [
        b"zTXtComment\0\0" + zlib.compress(bytes(80_000_000), 9),
        b"tEXtComment\0" + b"x" * 3_000_000,
        b"iTXtComment\0\0\0\0\0" + b"x" * 3_000_000,
        b"iCCPprofile\0\0" + zlib.compress(bytes(40_000_000), 9),
        b"iCCPprofile\0\0" + b"nothing that was packed",
    ],
    ids=["packed text", "text", "text of the world", "profile", "broken profile"],
)
def test_a_png_with_a_fat_note_is_read_without_it(note: bytes) -> None:
    whole = saved(quarters(), "PNG")
    assert corners(see(whole[:33] + chunk(note[:4], note[4:]) + whole[33:]).pixels) == TURNED[1]


@pytest.mark.parametrize("more", [{}, {"comment": b"c" * 700}])
def test_a_gif_on_a_screen_beyond_all_measure_is_read(more: dict[str, Any]) -> None:
    file = saved(quarters(240), "GIF", **more)
    assert corners(see(file[:6] + struct.pack("<HH", 65_000, 31_000) + file[10:]).pixels) == TURNED[1]


def test_files_that_are_too_large_are_refused_unseen(monkeypatch: pytest.MonkeyPatch) -> None:
    config = tomllib.loads((Path(__file__).parents[2] / ".streamlit" / "config.toml").read_text("utf-8"))
    assert config["server"]["maxUploadSize"] * 1024**2 == uploads.MOST_BYTES
    monkeypatch.setattr(uploads, "MOST_BYTES", 1024**2)
    assert "has 2 megabytes; 1 are the most" in sentence(bytes(2 * 1024**2))


def test_heic_that_is_huge_or_broken_is_refused_with_what_to_do() -> None:
    file = (DATA / "quarters.heic").read_bytes()
    size = file.index(b"ispe") + 8
    side = (20_000).to_bytes(4, "big")
    assert "has 400 megapixels; 25 are the most" in sentence(file[:size] + 2 * side + file[size + 8 :])
    side = (4_000).to_bytes(4, "big")
    assert "This HEIC picture cannot be read" in sentence(file[:size] + 2 * side + file[size + 8 :])
    for length in (24, 100, 400, 900):
        assert "Save it as JPEG" in sentence(file[:length])


@given(st.integers(12, 1_000), st.binary(min_size=1, max_size=40))
@settings(max_examples=60, deadline=None)
def test_no_mischief_in_heic_does_more_than_a_sentence(place: int, mischief: bytes) -> None:
    file = (DATA / "quarters.heic").read_bytes()
    assert_picture_or_sentence(file[:place] + mischief + file[place + len(mischief) :])


@pytest.mark.parametrize(
    "file",
    [
        b"",
        b"\0",
        b"hello",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"%PDF-1.7",
        b"\xff\xd8\xff",
        b"GIF89a",
        b"RIFF\x00\x00\x00\x00WEBP",
        saved(quarters(), "BMP"),
        saved(quarters(), "TIFF"),
        saved(quarters(), "ICO"),
    ],
)
def test_what_is_no_picture_gets_a_sentence(file: bytes) -> None:
    assert "Bring another one" in sentence(file) or "JPEG, PNG, WebP, GIF, AVIF and HEIC" in sentence(file)


WHOLE = {
    format: saved(Image.fromarray(noise(90, 90)), format) for format in ("JPEG", "PNG", "WEBP", "GIF", "AVIF")
}


@pytest.mark.parametrize("format", WHOLE)
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_what_was_cut_short_is_refused(format: str, share: float) -> None:
    file = WHOLE[format]
    assert "broken" in sentence(file[: int(len(file) * share)])


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    format=st.sampled_from(sorted(WHOLE)),
    damage=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=12),
    keep=st.floats(0, 1),
)
def test_whatever_happened_to_a_file_it_is_a_picture_or_a_sentence(
    format: str, damage: list[tuple[float, int]], keep: float
) -> None:
    file = bytearray(WHOLE[format])
    for place, byte in damage:
        # Most of a file is pixels; half of the damage goes where the structure is.
        reach = len(file) if byte % 2 else 64
        file[int(place * reach)] = byte
    assert_picture_or_sentence(bytes(file[: max(1, int(len(file) * keep))]))


@settings(max_examples=25, deadline=None)
@given(
    st.integers(1, 400), st.integers(1, 400), st.sampled_from(["RGB", "RGBA", "L", "LA", "CMYK", "P", "1"])
)
def test_every_shape_and_mode_becomes_a_square(width: int, height: int, mode: str) -> None:
    image = Image.new("RGBA", (width, height), "white").convert(mode)
    pixels = see(saved(image, "JPEG" if mode == "CMYK" else "PNG")).pixels
    assert pixels.shape == (SIDE, SIDE, 3) and (pixels == 255).all()


def test_nothing_but_pixels_is_left() -> None:
    exif = Image.Exif()
    exif[0x010F], exif[0x8298] = "Camera of Ada", "Ada"
    file = saved(quarters(), "JPEG", exif=exif, comment=b"Ada was here")
    assert b"Ada" in file
    with Image.open(io.BytesIO(see(file).png())) as kept:
        assert kept.info == {} and not kept.getexif()
