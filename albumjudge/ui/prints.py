"""Covers as framed prints with museum labels, in HTML, so that pixels stay crisp."""

from __future__ import annotations

import base64
from functools import lru_cache
from html import escape
from typing import Literal

from albumjudge.domain.cover import Cover
from albumjudge.domain.verdict import JudgedCover
from albumjudge.ui import colours, names

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
def colour_words(cover: Cover) -> str:
    """Colours of a cover in words."""
    return colours.in_words(cover.pixels)


def alt_text(cover: Cover, feeling: str | None = None) -> str:
    """What a screen reader says: the number, the colours and, unless the cover is blind, the feeling."""
    said = f"Cover {cover.identity.seed}, {colour_words(cover)}"
    return f"{said}; the machine feels: {feeling}." if feeling else f"{said}."


def label_lines(cover: Cover) -> str:
    """First line of the museum label: ``No. 004711 · The DCGAN of 2019``, and what it was asked for."""
    order = f" · asked for {cover.identity.conditions}" if cover.identity.conditions else ""
    return f"No. {cover.identity.number} · {names.title(cover.identity.generator)}{order}"


def lit(judged: JudgedCover, png: bytes) -> str:
    """HTML of a cover that is dimmed where it does not speak for the strongest feeling.

    Args:
        png: what :meth:`albumjudge.inference.exhibit.Exhibit.saliency_png` gave.
    """
    source = data_uri(png)
    feeling = judged.verdict.top
    seed = judged.cover.identity.seed
    return (
        f'<figure class="print large lit"><img src="{source}" alt="Cover {seed}, lit where it speaks for '
        f'{feeling} and dark where it does not."><figcaption>'
        f'<span class="number">{escape(label_lines(judged.cover))}</span>'
        f'<span class="note">Light falls on what speaks for {feeling}, as far as a network can tell why.</span>'
        "</figcaption></figure>"
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
        feeling: what the machine feels, in words, second line of the label; None keeps the cover blind.
        note: another line for the label.
        short: whether the label leaves out the painter, as it always does on the wall.
        name: stands in place of the number, for covers that have none of their own.
    """
    source = picture(cover)
    if name:
        painter = f'<span class="number">{escape(name)}</span>'
    elif short or size == "wall":
        painter = f'<span class="number">No. {cover.identity.number}</span>'
    else:
        painter = f'<span class="number">{escape(label_lines(cover))}</span>'
    second = f'<span class="feeling">{escape(feeling)}</span>' if feeling else ""
    third = f'<span class="note">{escape(note)}</span>' if note else ""
    return (
        f'<figure class="print {size}"><img src="{source}" alt="{escape(alt_text(cover, feeling))}" '
        f'width="{len(cover.pixels)}" height="{len(cover.pixels)}">'
        f"<figcaption>{painter}{second}{third}</figcaption></figure>"
    )


def pointed(png: bytes, feeling: str, who: str) -> str:
    """HTML of a cover as one juror looks at it: dimmed where it does not speak for what that one feels most.

    Args:
        png: one of those that :meth:`albumjudge.inference.exhibit.Exhibit.saliency_pngs` gave.
    """
    source = data_uri(png)
    return (
        f'<figure class="print wall"><img src="{source}" alt="The same cover as {escape(who)} looks at it, lit '
        f'where it speaks for {escape(feeling)}."><figcaption><span class="note">What speaks for '
        f"{escape(feeling)}</span></figcaption></figure>"
    )
