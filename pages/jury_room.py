"""Jury room."""

from __future__ import annotations

from frame import room

room.need_frame()
room.heading("Jury room", "This room is being furnished.")
