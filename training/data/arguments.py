"""Numbers on command lines."""

from __future__ import annotations

import argparse
from collections.abc import Callable


def within(least: int, most: int) -> Callable[[str], int]:
    """A type for argparse: whole numbers from ``least`` to ``most``."""

    def read(text: str) -> int:
        if not text.isdecimal() or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {least:,} to {most:,}")
        return int(text)

    return read
