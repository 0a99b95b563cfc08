"""Memory that page runs are done with goes back to the system: they run in threads, whose memory glibc keeps."""

from __future__ import annotations

import ctypes
import sys

_M_ARENA_MAX = -8
ARENAS = 2
"""As many threads can allocate at once; glibc's own bound is eight for each core, each of which fragments."""
TRIM_EVERY = 30.0
"""Seconds."""


def _glibc() -> ctypes.CDLL | None:
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None
    return libc if hasattr(libc, "malloc_trim") else None


def bound() -> None:
    """Let threads share few arenas."""
    if (libc := _glibc()) is not None:
        libc.mallopt(_M_ARENA_MAX, ARENAS)


def trim() -> None:
    """Give free pages of memory back to the system."""
    if (libc := _glibc()) is not None:
        libc.malloc_trim(0)
