"""Breed."""

from __future__ import annotations

from frame import room

room.need_frame()
room.heading("Breed", "This room is being furnished.")
