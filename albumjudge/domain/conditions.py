"""What a cover can be asked for: a genre and a decade."""

from __future__ import annotations

GENRES = ("country", "hiphop", "rock", "pop", "electronic", "metal", "kpop", "jazz", "classical", "reggae")
GENRE_WORDS = {genre: genre for genre in GENRES} | {"hiphop": "hip-hop", "kpop": "K-pop"}
"""Genres as people write them."""
DECADES = tuple(f"{year}s" for year in range(1950, 2030, 10))
