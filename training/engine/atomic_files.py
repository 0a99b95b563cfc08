"""Files that survive a kill or a power cut at any moment: whole or not there at all."""

from __future__ import annotations

import os
from pathlib import Path


def write_durably(path: Path, content: bytes) -> None:
    """Write a file, or replace it, in one step that is on the disk when this returns. Makes its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    with part.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    _sync_folder(path.parent)


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
        file.flush()
        os.fsync(file.fileno())
    if new:
        _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
