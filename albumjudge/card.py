"""A round as a picture to keep: six covers, what you felt, what the machine felt."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFont

from albumjudge import emotions
from albumjudge.covers import Cover
from albumjudge.emotions import EMOTIONS, NOTHING

WIDTH, HEIGHT = 1080, 1350
"""Pixels; four to five, as phones and their networks like it."""
ENLARGE = 5
COLUMNS, MOST = 3, 6
PRINT = 64 * ENLARGE
MARGIN, GUTTER = 36, 24
FIRST_ROW, ROW = 216, 470
"""Where the first row of covers begins, and how far below it the next one."""
WALL, INK, QUIET, LINE, BRASS = "#131110", "#efe8dc", "#a69b8b", "#3a342e", "#d8b98a"


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
    return MARGIN + column * (PRINT + GUTTER), FIRST_ROW + row * ROW


def draw(faces: Sequence[Face], title: str, sentence: str, link: str = "") -> bytes:
    """Draw the card.

    Args:
        faces: one to six.
        title: a few words, at the top.
        sentence: what came of it, below; long ones take two lines.
        link: where to see more, at the foot; left out if it does not fit.

    Returns:
        PNG, RGB, ``WIDTH`` x ``HEIGHT``. Every pixel of a cover becomes ``ENLARGE`` x ``ENLARGE`` pixels of
        its very colour.

    Raises:
        ValueError: if there are no faces or more than six, or one of them feels what nobody can.
    """
    if not 1 <= len(faces) <= MOST:
        raise ValueError(f"A card has 1 to {MOST} covers, not {len(faces)}.")
    image = Image.new("RGB", (WIDTH, HEIGHT), WALL)
    pen = ImageDraw.Draw(image)
    pen.text((MARGIN, 48), title, INK, _font(64))
    pen.text((MARGIN, 138), "What I felt, blind, and what the machine felt.", QUIET, _font(32))
    for place, face in enumerate(faces):
        left, top = corner(place)
        pixels = face.cover.pixels.repeat(ENLARGE, axis=0).repeat(ENLARGE, axis=1)
        image.paste(Image.fromarray(pixels), (left, top))
        pen.rectangle((left - 1, top - 1, left + PRINT, top + PRINT), outline=LINE)
        _words(pen, left, top + PRINT + 16, "I", face.yours)
        _words(pen, left, top + PRINT + 64, "machine", face.machines)
    foot = HEIGHT - 178
    for line in _lines(sentence, WIDTH - 2 * MARGIN, 36):
        pen.text((MARGIN, foot), line, INK, _font(36))
        foot += 46
    sign = _font(28)
    pen.text((MARGIN, HEIGHT - 62), "Album judge", BRASS, sign)
    if sign.getlength(link) + sign.getlength("Album judge") < WIDTH - 3 * MARGIN:
        pen.text((WIDTH - MARGIN, HEIGHT - 62), link, QUIET, sign, anchor="ra")
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def _words(pen: ImageDraw.ImageDraw, left: int, top: int, who: str, feeling: str) -> None:
    """A line such as "I  fear", the feeling in its hue and with a mark beside it."""
    hue = QUIET if feeling == NOTHING else EMOTIONS[emotions.index(feeling)].colour
    pen.rectangle((left, top + 3, left + 5, top + 38), hue)
    pen.text((left + 16, top + 6), who, QUIET, _font(27))
    pen.text((left + 132, top + 3), feeling, hue, _font(32))


def _lines(sentence: str, width: int, size: int) -> list[str]:
    """Break a sentence into lines that fit."""
    font, lines = _font(size), [""]
    for word in sentence.split():
        longer = f"{lines[-1]} {word}".strip()
        if font.getlength(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def _font(size: int) -> ImageFont.FreeTypeFont:
    # Pillow brings this one along, so that a card looks the same on every machine.
    font = ImageFont.load_default(size)
    assert isinstance(font, ImageFont.FreeTypeFont)
    return font
