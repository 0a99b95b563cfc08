"""Curator."""

from __future__ import annotations

from frame import room

room.need_frame()
room.heading("Curator", "This room is being furnished.")
