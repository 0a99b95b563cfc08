"""Files that survive a kill or a power cut at any moment: whole or not there at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """A place to write a file to, which becomes ``path`` when all is on the disk. Makes its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    yield part
    _sync(part)
    part.replace(path)
    _sync(path.parent)


def write_durably(path: Path, content: bytes) -> None:
    """Write a file, or replace it, in one step that is on the disk when this returns."""
    with written_whole(path) as part:
        part.write_bytes(content)


def append_durably(path: Path, line: str) -> None:
    """Append a line to a UTF-8 file; it is on the disk when this returns.

    A line that a kill cut short gets its line break first, so that it spoils none but itself.
    """
    new = not path.exists()
    with path.open("a+b") as file:
        torn = b""
        if file.seek(0, os.SEEK_END):
            file.seek(-1, os.SEEK_END)
            torn = b"" if file.read(1) == b"\n" else b"\n"
        file.write(torn + line.encode() + b"\n")
    _sync(path)
    if new:
        _sync(path.parent)


def _sync(path: Path) -> None:
    """Force a file or a folder onto the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
