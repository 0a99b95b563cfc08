"""Files that survive a kill or a power cut."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from training.data.files import append_durably, write_durably


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What happened to the disk, in order: inodes that were forced onto it, and new names."""
    seen = list[object]()
    fsync, replace = os.fsync, Path.replace

    def noted_fsync(handle: int) -> None:
        seen.append(os.fstat(handle).st_ino)
        fsync(handle)

    def noted_replace(path: Path, target: Path) -> Path:
        seen.append(target.name)
        return replace(path, target)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(Path, "replace", noted_replace)
    return seen


def test_a_file_is_on_the_disk_before_it_gets_its_name_and_the_name_before_one_goes_on(
    tmp_path: Path, events: list[object]
) -> None:
    path = tmp_path / "new" / "file"
    write_durably(path, b"old")
    write_durably(path, b"content")
    assert path.read_bytes() == b"content"
    assert [file.name for file in path.parent.iterdir()] == ["file"]
    folder = path.parent.stat().st_ino
    assert events[-3:] == [path.stat().st_ino, "file", folder] and events[1:3] == ["file", folder]


def test_a_line_is_on_the_disk_before_one_goes_on(tmp_path: Path, events: list[object]) -> None:
    path = tmp_path / "lines"
    append_durably(path, "eins")
    append_durably(path, "zwölf")
    assert path.read_bytes() == "eins\nzwölf\n".encode()
    inode = path.stat().st_ino
    assert events == [inode, tmp_path.stat().st_ino, inode]


def test_a_torn_line_spoils_none_but_itself(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    path.write_bytes(b"whole\nto")
    append_durably(path, "next")
    assert path.read_bytes() == b"whole\nto\nnext\n"
