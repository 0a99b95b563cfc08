"""Pictures to keep and to share: a round with what both felt, and the preview card of a link."""

from __future__ import annotations

import io
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import streamlit as st
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


def draw(faces: Sequence[Face], title: str, sentence: str, link: str = "") -> bytes:
    """Draw the card.

    Args:
        faces: one to six.
        title: a few words, at the top.
        sentence: what came of it, large; long ones take two lines.
        link: where to see more, at the foot; left out if it does not fit.

    Returns:
        PNG, RGB, ``WIDTH`` x ``HEIGHT``. Every pixel of a cover becomes ``ENLARGE`` x ``ENLARGE`` pixels of
        its very colour. Where both felt the same, the frame is of brass.
    """
    image = Image.new("RGB", (WIDTH, HEIGHT), WALL)
    pen = ImageDraw.Draw(image)
    pen.text((MARGIN, 66), title, QUIET, font(36))
    large = next((size for size in SIZES if len(_lines(sentence, WIDTH - 2 * MARGIN, size)) <= 2), SIZES[-1])
    for number, line in enumerate(_lines(sentence, WIDTH - 2 * MARGIN, large)):
        pen.text((MARGIN, 118 + 58 * number), line, INK, font(large))
    for place, face in enumerate(faces):
        left, top = corner(place)
        frame = (left - MAT - 1, top - MAT - 1, left + PRINT + MAT, top + PRINT + MAT)
        pen.rectangle(frame, GROUND, BRASS if face.yours == face.machines else LINE)
        image.paste(_enlarged(face.cover), (left, top))
        lines = ((FIRST_LINE, _("I"), face.yours), (SECOND_LINE, _("machine"), face.machines))
        for down, who, feeling in lines:
            _feels(pen, left - MAT, top + PRINT + down, who, feeling)
    pen.line((MARGIN, HEIGHT - 112, WIDTH - MARGIN, HEIGHT - 112), LINE)
    pen.text((MARGIN, HEIGHT - 90), "Album judge", BRASS, font(30))
    if font(26).getlength(link) + font(30).getlength("Album judge") < WIDTH - 2.5 * MARGIN:
        pen.text((WIDTH - MARGIN, HEIGHT - 86), link, QUIET, font(26), anchor="ra")
    return _png(image)


def preview(covers: Sequence[Cover], title: str, line: str) -> bytes:
    """Draw the preview card of a wall of up to six covers, words to the left: PNG, RGB, ``PREVIEW``."""
    image = Image.new("RGB", PREVIEW, WALL)
    pen = ImageDraw.Draw(image)
    edge, gap = 46, 14
    left, top = PREVIEW[0] - edge - COLUMNS * PRINT - (COLUMNS - 1) * gap, edge
    for size, colour, words in ((44, INK, title), (28, QUIET, line)):
        for part in _lines(words, left - 2 * edge, size):
            pen.text((edge, top), part, colour, font(size))
            top += round(size * 1.25)
        top += 22
    pen.text((edge, PREVIEW[1] - edge), "Album judge", BRASS, font(30), anchor="ls")
    for place, cover in enumerate(covers[:MOST]):
        row, column = divmod(place, COLUMNS)
        at = (left + column * (PRINT + gap), (PREVIEW[1] - 2 * PRINT - gap) // 2 + row * (PRINT + gap))
        image.paste(_enlarged(cover), at)
    return _png(image)


def _enlarged(cover: Cover) -> Image.Image:
    return Image.fromarray(cover.pixels.repeat(ENLARGE, axis=0).repeat(ENLARGE, axis=1))


def _png(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def _feels(pen: ImageDraw.ImageDraw, left: int, top: int, who: str, feeling: str) -> None:
    """A line such as "I  fear", the feeling in its hue and with a mark beside it."""
    hue = QUIET if feeling == NOTHING else EMOTIONS[emotions.index(feeling)].colour
    pen.rectangle((left, top + 4, left + 4, top + 35), hue)
    column = left + 28 + max(84, round(font(22).getlength(_("machine"))))
    pen.text((left + 16, top + 29), who, QUIET, font(22), anchor="ls")
    pen.text((column, top + 29), _(feeling), hue, font(28), anchor="ls")


def _lines(sentence: str, width: int, size: int) -> list[str]:
    """Break a sentence into lines that fit."""
    lines = [""]
    for word in sentence.split():
        longer = f"{lines[-1]} {word}".strip()
        if font(size).getlength(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


@lru_cache
def font(size: int) -> ImageFont.FreeTypeFont:
    """The serif of the museum labels, which Streamlit brings along for browsers, else Pillow's own font."""
    for file in (Path(st.__file__).parent / "static" / "static" / "media").glob("SourceSerif*-Roman*"):
        # Whether Pillow reads a compressed font depends on how it was built.
        with suppress(OSError):
            return ImageFont.truetype(file, size)
    found = ImageFont.load_default(size)
    assert isinstance(found, ImageFont.FreeTypeFont)
    return found
