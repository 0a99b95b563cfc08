"""Your picture."""

from __future__ import annotations

from frame import room

room.need_frame()
room.heading("Your picture", "This room is being furnished.")
