"""Covers as framed prints with museum labels, in HTML, so that pixels stay crisp."""

from __future__ import annotations

import base64
from functools import lru_cache
from html import escape
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from albumjudge.domain.cover import Cover, CoverIdentity
from albumjudge.domain.verdict import JudgedCover
from albumjudge.ui import colours, names
from albumjudge.ui.words import _, language, translate

Size = Literal["wall", "large", "small"]
"""Side of a print, always a whole multiple of 64 pixels: 128 or 192, 320 or 384, 128 (see theme.css)."""


def data_uri(png: bytes) -> str:
    """A PNG as the source of an image."""
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")


@lru_cache(maxsize=1024)
def picture(cover: Cover) -> str:
    """Source of a cover's image; covers are compared by identity, and the exhibit keeps those that hang."""
    return data_uri(cover.png())


@lru_cache(maxsize=1024)
def _described(cover: Cover, _language: str) -> str:
    return described(cover.pixels)


def described(pixels: NDArray[np.uint8]) -> str:
    """A picture for those who hear it: its colours and how they lie."""
    return f"{colours.in_words(pixels)}, {colours.layout(pixels)}"


def alt_text(cover: Cover, feeling: str | None = None) -> str:
    """What a screen reader says: number, colours, layout and, unless the cover is blind, the feeling."""
    said = {"number": cover.identity.seed, "looks": _described(cover, language())}
    if feeling:
        return _("Cover {number}, {looks}; the machine feels: {feeling}.", **said, feeling=feeling)
    return _("Cover {number}, {looks}.", **said)


def label_lines(cover: Cover) -> str:
    """First line of the museum label: ``No. 004711 · The DCGAN of 2019``, and what it was asked for."""
    asked = asked_for(cover.identity)
    order = f" · {_('asked for {what}', what=asked)}" if asked else ""
    return f"{number(cover)} · {names.title(cover.identity.generator)}{order}"


def asked_for(identity: CoverIdentity) -> str:
    """What a cover was asked for: ``1970s jazz``; empty if nothing."""
    return " ".join(map(translate, identity.conditions.split()))


def number(cover: Cover) -> str:
    """``No. 004711``."""
    return _("No. {number}", number=cover.identity.number)


def lit(judged: JudgedCover, png: bytes) -> str:
    """HTML of a cover that is dimmed where it does not speak for the strongest feeling.

    Args:
        png: what :meth:`albumjudge.inference.exhibit.Exhibit.saliency_png` gave.
    """
    source = data_uri(png)
    feeling = _(judged.verdict.top)
    alt = _(
        "Cover {number}, lit where it speaks for {feeling} and dark where it does not.",
        number=judged.cover.identity.seed,
        feeling=feeling,
    )
    return (
        f'<figure class="print large lit"><img src="{source}" alt="{escape(alt)}"><figcaption>'
        f'<span class="number">{escape(label_lines(judged.cover))}</span>'
        f'<span class="note">{escape(lit_note(judged.verdict.top))}</span></figcaption></figure>'
    )


def lit_note(emotion: str) -> str:
    """What the light on a picture means."""
    return _(
        "Light falls on what speaks for {feeling}, as far as a network can tell why.", feeling=_(emotion)
    )


def brought(png: bytes, alt: str, note: str, *, size: Size) -> str:
    """HTML of a picture that nobody here painted.

    Args:
        png: 64x64 pixels.
        alt: what a screen reader says.
        note: what stands on the label; empty for no label.
    """
    source = data_uri(png)
    label = f'<figcaption><span class="note">{escape(note)}</span></figcaption>' if note else ""
    return (
        f'<figure class="print {size}"><img src="{source}" alt="{escape(alt)}" width="64" height="64">'
        f"{label}</figure>"
    )


def framed(
    cover: Cover,
    *,
    size: Size,
    feeling: str | None = None,
    note: str | None = None,
    short: bool = False,
    name: str | None = None,
) -> str:
    """HTML of one print.

    Args:
        cover: what hangs in the frame.
        size: how large.
        feeling: what the machine feels, as the visitor reads it, second line of the label; None keeps it blind.
        note: another line for the label.
        short: whether the label leaves out the painter, as it always does on the wall.
        name: stands in place of the number, for covers that have none of their own.
    """
    source = picture(cover)
    if name:
        painter = f'<span class="number">{escape(name)}</span>'
    elif short or size == "wall":
        painter = f'<span class="number">{escape(number(cover))}</span>'
    else:
        painter = f'<span class="number">{escape(label_lines(cover))}</span>'
    second = f'<span class="feeling">{escape(feeling)}</span>' if feeling else ""
    third = f'<span class="note">{escape(note)}</span>' if note else ""
    return (
        f'<figure class="print {size}"><img src="{source}" alt="{escape(alt_text(cover, feeling))}" '
        f'width="{len(cover.pixels)}" height="{len(cover.pixels)}">'
        f"<figcaption>{painter}{second}{third}</figcaption></figure>"
    )


def pointed(png: bytes, emotion: str, who: str) -> str:
    """HTML of a cover as one juror looks at it: dimmed where it does not speak for what that one feels most.

    Args:
        png: one of those that :meth:`albumjudge.inference.exhibit.Exhibit.saliency_pngs` gave.
    """
    alt = _(
        "The same cover as {who} looks at it, lit where it speaks for {feeling}.",
        who=translate(who),
        feeling=_(emotion),
    )
    return brought(png, alt, _("What speaks for {feeling}", feeling=_(emotion)), size="wall")
