"""Property tests: no deadline, for machines are busy, and fewer examples than by default."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("statistics", deadline=None, max_examples=40)
settings.load_profile("statistics")
