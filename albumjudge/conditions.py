"""What a cover can be asked for: a genre and a decade."""

from __future__ import annotations

GENRES = ("country", "hiphop", "rock", "pop", "electronic", "metal", "kpop", "jazz", "classical", "reggae")
DECADES = tuple(f"{year}s" for year in range(1950, 2030, 10))
