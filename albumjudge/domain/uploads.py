"""Pictures that visitors bring: from a file of unknown origin to 64x64 pixels, as the judge sees covers.

A size is read from the header and held against the limits before a pixel is decoded, large JPEG files are
decoded small, and only one picture at a time. Nothing but the pixels is kept.

HEIC is read by pi-heif: libheif with a decoder alone, both under the LGPL; pillow-heif brings an encoder under
the GPL along.
"""

from __future__ import annotations

import io
import struct
import threading
import warnings
import zlib
from dataclasses import dataclass

import numpy as np
import pi_heif
from numpy.typing import NDArray
from PIL import Image, ImageCms, UnidentifiedImageError
from PIL.Image import Resampling, Transpose

from albumjudge.domain.cover import as_png

SIDE = 64
"""Pixels, as covers have."""
MOST_BYTES = 25 * 1024 * 1024
MOST_PIXELS = 25_000_000
"""Of a file that must be decoded whole; 25 million with transparency are 100 MB of memory."""
MOST_PIXELS_JPEG = 64_000_000
"""JPEG files are decoded at an eighth of their size, so the pictures of most telephones may come as they are."""

_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "AVIF")
_DRAFT = (4 * SIDE, 4 * SIDE)
_TURNS: dict[int, Transpose] = {
    2: Transpose.FLIP_LEFT_RIGHT,
    3: Transpose.ROTATE_180,
    4: Transpose.FLIP_TOP_BOTTOM,
    5: Transpose.TRANSPOSE,
    6: Transpose.ROTATE_270,
    7: Transpose.TRANSVERSE,
    8: Transpose.ROTATE_90,
}
_ORIENTATION = 0x0112
_PNG = b"\x89PNG\r\n\x1a\n"
_LARGEST_PROFILE = 1024**2
"""Bytes; profiles of displays and printers have a few thousand to some hundred thousand."""
_NOT_READ = "This file cannot be read as a picture. JPEG, PNG, WebP, GIF, AVIF and HEIC are understood here."
_BROKEN = "This picture is broken or cut short. Try to open and save it again, or bring another one."
_HEIC = (
    "This HEIC picture cannot be read. Save it as JPEG and bring that: on an iPhone take a screenshot of it, or "
    "send it to yourself by mail; on a Mac open it and export it."
)
_SMALLER = "Make it smaller first; a side of 1,000 pixels is plenty."
_one_at_a_time = threading.Lock()


class UploadError(ValueError):
    """A file is no picture that can be judged; the message is a sentence for the visitor."""


@dataclass(frozen=True, eq=False)
class Picture:
    """What is left of a file: ``pixels`` is uint8 RGB of shape ``(64, 64, 3)``."""

    pixels: NDArray[np.uint8]

    def png(self, enlarge: int = 1) -> bytes:
        """As :meth:`albumjudge.domain.cover.Cover.png`; without any metadata."""
        return as_png(self.pixels, enlarge)


def see(file: bytes) -> Picture:
    """The middle of a JPEG, PNG, WebP, GIF, AVIF or HEIC file, upright, square, 64x64, as the judge sees covers.

    The longer side is cropped, since bars would be judged, too. Transparent parts lie on white. Of an animation
    the first picture counts.

    Raises:
        UploadError: if it is none, is broken, or is larger than the limits above.
    """
    if not file:
        raise UploadError("This file is empty. Bring another one.")
    if len(file) > MOST_BYTES:
        raise UploadError(
            f"This file has {len(file) / 1024**2:,.0f} megabytes; {MOST_BYTES / 1024**2:.0f} are the most "
            f"here. {_SMALLER}"
        )
    heic = _is_heic(file)
    try:
        # One at a time: ten visitors who bring the largest allowed must not need ten times its memory.
        with _one_at_a_time, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Remarks on sizes below our limits and on broken notes.
            return Picture(np.asarray(_decoded_heic(file) if heic else _decoded(file)))
    except UploadError:
        raise
    except MemoryError:
        raise UploadError(f"This picture needs more memory than there is. {_SMALLER}") from None
    except Exception as error:  # Decoders raise a dozen kinds over a broken file.
        if heic:
            raise UploadError(_HEIC) from error
        if isinstance(error, Image.DecompressionBombError):
            raise UploadError(f"This picture is far too large. {_SMALLER}") from None
        unknown = isinstance(error, UnidentifiedImageError) and file[4:11] != b"ftypavi"
        raise UploadError(_NOT_READ if unknown else _BROKEN) from error


def _decoded(file: bytes) -> Image.Image:
    file = _first_frame_alone(_without_notes(file))
    # Pillow sets up its WebP decoder, and the memory for it, on opening.
    if size := _webp_size(file):
        _check(size, MOST_PIXELS)
    with Image.open(io.BytesIO(file), formats=_FORMATS) as image:
        _check(image.size, MOST_PIXELS_JPEG if image.format in ("JPEG", "MPO") else MOST_PIXELS)
        return _upright(image, _small(image))


def _decoded_heic(file: bytes) -> Image.Image:
    heic = pi_heif.open_heif(io.BytesIO(file))
    _check(heic.size, MOST_PIXELS)
    return _small(heic.to_pillow())  # It comes upright already.


def _check(size: tuple[int, int], most: int) -> None:
    pixels = size[0] * size[1]
    if pixels > most:
        raise UploadError(
            f"This picture has {pixels / 1e6:,.0f} megapixels; {most / 1e6:.0f} are the most for its format. "
            f"{_SMALLER}"
        )


def _small(image: Image.Image) -> Image.Image:
    """The middle square, 64x64, RGB."""
    image.draft(None, _DRAFT)  # Only JPEG does anything; None keeps the mode.
    image.load()
    if image.mode.startswith("I") or image.mode == "F":
        image = _eight_bits(image)
    elif image.has_transparency_data:
        image = image.convert("RGBA")
    elif image.mode not in ("L", "RGB", "CMYK"):
        image = image.convert("RGB")
    width, height = image.size
    side = min(width, height)
    left, top = (width - side) / 2, (height - side) / 2
    small = image.resize((SIDE, SIDE), Resampling.LANCZOS, box=(left, top, left + side, top + side))
    if small.mode == "RGBA":
        white = Image.new("RGBA", small.size, "white")
        small = Image.alpha_composite(white, small).convert("RGB")
    return _in_srgb(small, image.info.get("icc_profile"))


def _eight_bits(image: Image.Image) -> Image.Image:
    # Pillow's own conversion cuts everything above 255 off instead of scaling.
    deep = np.asarray(image, np.float32)
    return Image.fromarray(np.rint(np.clip(deep / 257, 0, 255)).astype(np.uint8))


def _in_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Colours as a screen shows them; a profile that is broken or of other colours is left out of account."""
    if profile:
        try:
            space = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            srgb = ImageCms.createProfile("sRGB")
            converted = ImageCms.profileToProfile(image, space, srgb, outputMode="RGB")
            if converted is not None:
                return converted
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            pass
    return image.convert("RGB")


def _upright(image: Image.Image, small: Image.Image) -> Image.Image:
    """``small`` turned as the camera says that ``image`` was held; the middle stays the middle."""
    try:
        turn = _TURNS.get(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # A broken note about the picture does not break the picture.
        turn = None
    return small if turn is None else small.transpose(turn)


def _is_heic(file: bytes) -> bool:
    brands = (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1")
    length = int.from_bytes(file[:4], "big")
    return file[4:8] == b"ftyp" and file[8:12] in brands and b"avif" not in file[16 : min(length, 256)]


def _without_notes(file: bytes) -> bytes:
    """A PNG file without its texts, and without a colour profile of more than ``_LARGEST_PROFILE`` bytes."""
    if not file.startswith(_PNG):
        return file
    kept, at = [_PNG], len(_PNG)
    while at + 12 <= len(file):
        kind, end = file[at + 4 : at + 8], at + 12 + int.from_bytes(file[at : at + 4], "big")
        if end > len(file):
            break
        profile = kind == b"iCCP" and _unpacks_to_more(file[at + 8 : end - 4], _LARGEST_PROFILE)
        if kind not in (b"tEXt", b"zTXt", b"iTXt") and not profile:
            kept.append(file[at:end])
        at = end
    return b"".join([*kept, file[at:]])


def _unpacks_to_more(chunk: bytes, most: int) -> bool:
    """Whether a colour profile (name, zero, method, deflated data) has more than ``most`` bytes, or is broken."""
    deflated = chunk.partition(b"\0")[2][1:]
    try:
        return len(zlib.decompressobj().decompress(deflated, most + 1)) > most
    except zlib.error:
        return True


def _first_frame_alone(file: bytes) -> bytes:
    """A GIF file whose screen is beyond all measure, with a screen of the size of its first frame.

    Browsers show such files; the screen is a claim that takes no bytes, while a frame must be there.
    """
    if file[:6] not in (b"GIF87a", b"GIF89a") or len(file) < 14:
        return file
    width, height, flags = struct.unpack("<HHB", file[6:11])
    if width * height <= MOST_PIXELS:
        return file
    at = 13 + (3 << (flags & 7) + 1 if flags & 0x80 else 0)
    while file[at : at + 1] == b"\x21":
        at += 2
        while at < len(file) and file[at]:
            at += 1 + file[at]
        at += 1
    if file[at : at + 1] != b"\x2c" or len(file) < at + 10:
        return file
    return file[:6] + file[at + 5 : at + 9] + file[10 : at + 1] + bytes(4) + file[at + 5 :]


def _webp_size(file: bytes) -> tuple[int, int] | None:
    """Width and height that a WebP file's first chunk claims (RFC 9649); None for what is no WebP file."""
    if file[:4] != b"RIFF" or file[8:12] != b"WEBP" or len(file) < 30:
        return None
    kind = file[12:16]
    if kind == b"VP8X":
        return 1 + int.from_bytes(file[24:27], "little"), 1 + int.from_bytes(file[27:30], "little")
    if kind == b"VP8L":
        bits = int.from_bytes(file[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    width, height = struct.unpack("<HH", file[26:30])
    return width & 0x3FFF, height & 0x3FFF
