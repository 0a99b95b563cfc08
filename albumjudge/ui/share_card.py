"""Pictures to keep and to share: a round with what both felt, and the preview card of a link."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from albumjudge.domain import emotions
from albumjudge.domain.cover import Cover
from albumjudge.domain.emotions import EMOTIONS, NOTHING
from albumjudge.ui.words import _

WIDTH, HEIGHT = 1080, 1350
"""Pixels; four to five, as phones and their networks like it."""
ENLARGE = 4
COLUMNS, MOST = 3, 6
PRINT = 64 * ENLARGE
MAT = 14
"""Pixels of dark mat between a cover and its frame."""
MARGIN, GUTTER = 72, 70
FIRST_ROW, ROW = 302, 450
"""Where the first row of covers begins, and how far below it the next one."""
WALL, INK, QUIET, LINE, BRASS = "#131110", "#efe8dc", "#a69b8b", "#4a423a", "#d8b98a"
GROUND = "#0b0a09"
"""The mat."""
SIZES = (48, 42, 36, 30)
"""Of the sentence at the top, the first that fits."""
PREVIEW = (1200, 630)
"""Pixels of the card that messengers and networks show of a link."""
FIRST_LINE, SECOND_LINE = MAT + 14, MAT + 56
"""How far below a cover its two lines begin."""


@dataclass(frozen=True, eq=False)
class Face:
    """One cover of the card.

    Attributes:
        cover: 64x64 pixels.
        yours: one of the eight emotions, or ``NOTHING``.
        machines: one of the eight emotions.
    """

    cover: Cover
    yours: str
    machines: str


def corner(place: int) -> tuple[int, int]:
    """Left and upper edge, in pixels, of the print at a place, counted from 0 by rows."""
    row, column = divmod(place, COLUMNS)
    return MARGIN + MAT + column * (PRINT + GUTTER), FIRST_ROW + row * ROW


def draw(
    faces: Sequence[Face], title: str, sentence: str, link: str = "", *, lettering: Path | None = None
) -> bytes:
    """Draw the card.

    Args:
        faces: one to six.
        title: a few words, at the top.
        sentence: what came of it, large; long ones take two lines.
        link: where to see more, at the foot; left out if it does not fit.
        lettering: a font file in a format that Pillow reads; without one, or if it cannot be read, the font that
            Pillow brings along.

    Returns:
        PNG, RGB, ``WIDTH`` x ``HEIGHT``. Every pixel of a cover becomes ``ENLARGE`` x ``ENLARGE`` pixels of
        its very colour. Where both felt the same, the frame is of brass.

    Raises:
        ValueError: if there are no faces or more than six, or one of them feels what nobody can.
    """
    if not 1 <= len(faces) <= MOST:
        raise ValueError(f"A card has 1 to {MOST} covers, not {len(faces)}.")
    image = Image.new("RGB", (WIDTH, HEIGHT), WALL)
    pen = ImageDraw.Draw(image)
    pen.text((MARGIN, 66), title, QUIET, _font(36, lettering))
    large, lines = _fitting(sentence, WIDTH - 2 * MARGIN, lettering)
    for number, line in enumerate(lines):
        pen.text((MARGIN, 118 + 58 * number), line, INK, large)
    for place, face in enumerate(faces):
        left, top = corner(place)
        same = face.yours == face.machines
        pen.rectangle(
            (left - MAT - 1, top - MAT - 1, left + PRINT + MAT, top + PRINT + MAT),
            fill=GROUND,
            outline=BRASS if same else LINE,
            width=1,
        )
        image.paste(_enlarged(face.cover), (left, top))
        _words(pen, left - MAT, top + PRINT + FIRST_LINE, _("I"), face.yours, lettering)
        _words(pen, left - MAT, top + PRINT + SECOND_LINE, _("machine"), face.machines, lettering)
    sign = _font(30, lettering)
    pen.line((MARGIN, HEIGHT - 112, WIDTH - MARGIN, HEIGHT - 112), LINE)
    pen.text((MARGIN, HEIGHT - 90), "Album judge", BRASS, sign)
    small = _font(26, lettering)
    if small.getlength(link) + sign.getlength("Album judge") < WIDTH - 2.5 * MARGIN:
        pen.text((WIDTH - MARGIN, HEIGHT - 86), link, QUIET, small, anchor="ra")
    return _png(image)


def preview(covers: Sequence[Cover], title: str, line: str, *, lettering: Path | None = None) -> bytes:
    """Draw the preview card of a wall of up to six covers, words to the left: PNG, RGB, ``PREVIEW``."""
    image = Image.new("RGB", PREVIEW, WALL)
    pen = ImageDraw.Draw(image)
    edge, gap = 46, 14
    left = PREVIEW[0] - edge - COLUMNS * PRINT - (COLUMNS - 1) * gap
    top = edge
    for size, colour, words in ((44, INK, title), (28, QUIET, line)):
        font = _font(size, lettering)
        for part in _lines(words, left - 2 * edge, font):
            pen.text((edge, top), part, colour, font)
            top += round(size * 1.25)
        top += 22
    pen.text((edge, PREVIEW[1] - edge), "Album judge", BRASS, _font(30, lettering), anchor="ls")
    for place, cover in enumerate(covers[:MOST]):
        row, column = divmod(place, COLUMNS)
        at = (left + column * (PRINT + gap), (PREVIEW[1] - 2 * PRINT - gap) // 2 + row * (PRINT + gap))
        image.paste(_enlarged(cover), at)
    return _png(image)


def _enlarged(cover: Cover) -> Image.Image:
    return Image.fromarray(cover.pixels.repeat(ENLARGE, axis=0).repeat(ENLARGE, axis=1))


def _png(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG", optimize=True)
    return file.getvalue()


def _words(
    pen: ImageDraw.ImageDraw, left: int, top: int, who: str, feeling: str, lettering: Path | None
) -> None:
    """A line such as "I  fear", the feeling in its hue and with a mark beside it."""
    hue = QUIET if feeling == NOTHING else EMOTIONS[emotions.index(feeling)].colour
    pen.rectangle((left, top + 4, left + 4, top + 35), hue)
    small = _font(22, lettering)
    column = left + 28 + max(84, round(small.getlength(_("machine"))))
    pen.text((left + 16, top + 29), who, QUIET, small, anchor="ls")
    pen.text((column, top + 29), _(feeling), hue, _font(28, lettering), anchor="ls")


def _fitting(sentence: str, width: int, lettering: Path | None) -> tuple[ImageFont.FreeTypeFont, list[str]]:
    """The largest letters in which a sentence takes no more than two lines, and those lines."""
    for size in SIZES:
        font = _font(size, lettering)
        lines = _lines(sentence, width, font)
        if len(lines) <= 2:
            break
    return font, lines


def _lines(sentence: str, width: int, font: ImageFont.FreeTypeFont) -> list[str]:
    """Break a sentence into lines that fit."""
    lines = [""]
    for word in sentence.split():
        longer = f"{lines[-1]} {word}".strip()
        if font.getlength(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


@lru_cache(maxsize=16)
def _font(size: int, lettering: Path | None) -> ImageFont.FreeTypeFont:
    if lettering is not None:
        try:
            return ImageFont.truetype(lettering, size)
        except OSError:
            # Whether Pillow reads a compressed font depends on how it was built.
            pass
    # Pillow brings this one along.
    font = ImageFont.load_default(size)
    assert isinstance(font, ImageFont.FreeTypeFont)
    return font
