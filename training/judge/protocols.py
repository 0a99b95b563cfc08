"""Which pictures are trained on and which are tested on: fixed splits, kept in ``splits.json``.

    python -m training.judge.protocols --data ../shared/data/abstract --others ../shared/data/paintings

writes the file anew, which changes nothing unless the seed or the pictures do. The abstract paintings are
cross-validated (5 x 5 folds, and 70/30 ten times). Of the other paintings a fifth is held out, drawn by a hash
of the file name: nothing that is measured is trained on it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.data.abstract import load_paintings
from training.data.covers import DataError
from training.data.paintings import load_other_paintings
from training.engine.state import write_text

SPLITS = Path(__file__).parent / "splits.json"
SEED = 2010
REPEATS, FOLDS, HOLDOUTS, HELD_OUT = 5, 5, 10, 0.3
PARTS = 5


@dataclass(frozen=True)
class Split:
    """Indices of abstract paintings to train and to test on; ``repeat`` counts full passes."""

    repeat: int
    train: NDArray[np.int64]
    test: NDArray[np.int64]


@dataclass(frozen=True)
class Protocol:
    """A name for people, and its splits."""

    name: str
    splits: tuple[Split, ...]


def part(file_name: str) -> int:
    """Which of five parts a file belongs to, by the SHA-256 of its name; part 0 is held out."""
    return int(hashlib.sha256(file_name.encode()).hexdigest(), 16) % PARTS


def draw_splits(names: Sequence[str], seed: int = SEED) -> dict[str, str]:
    """Draw the splits of the abstract paintings.

    Returns:
        for each painting five digits, its fold in each of the five repeats, a blank, and ten digits: 1 where
        it is held out.
    """
    count = len(names)
    places = np.empty((REPEATS, count), int)
    for repeat in range(REPEATS):
        order = np.random.default_rng([seed, repeat]).permutation(count)
        places[repeat, order] = np.arange(count) % FOLDS
    held = np.zeros((HOLDOUTS, count), int)
    for draw in range(HOLDOUTS):
        order = np.random.default_rng([seed, 100 + draw]).permutation(count)
        held[draw, order[: round(HELD_OUT * count)]] = 1
    return {
        name: "".join(map(str, places[:, i])) + " " + "".join(map(str, held[:, i]))
        for i, name in enumerate(names)
    }


def read_splits(names: Sequence[str], file: Path = SPLITS) -> tuple[Protocol, Protocol]:
    """The committed splits of the abstract paintings: repeated five-fold cross-validation, and ten times 70/30.

    Raises:
        DataError: if the file is missing, broken, or speaks of other paintings.
    """
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))["splits"]
        lines = [kept[name].split() for name in names]
        places = np.array([[int(digit) for digit in line[0]] for line in lines]).T
        held = np.array([[int(digit) for digit in line[1]] for line in lines]).T
    except (OSError, KeyError, ValueError, IndexError) as error:
        raise DataError(
            f"{file} does not fit these paintings ({error!r}). python -m training.judge.protocols writes it anew."
        ) from error
    folds = tuple(
        Split(repeat, np.flatnonzero(places[repeat] != fold), np.flatnonzero(places[repeat] == fold))
        for repeat in range(len(places))
        for fold in np.unique(places[repeat])
    )
    holdouts = tuple(
        Split(draw, np.flatnonzero(held[draw] == 0), np.flatnonzero(held[draw])) for draw in range(len(held))
    )
    return (
        Protocol(f"{len(places)} x {places.max() + 1}-fold cross-validation", folds),
        Protocol(f"70/30, {len(held)} times", holdouts),
    )


def main(arguments: list[str] | None = None) -> int:
    """Run the script; returns its exit status."""
    parser = argparse.ArgumentParser(prog="python -m training.judge.protocols", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--data", type=Path, required=True, help="folder with the table of votes and Images/")
    parser.add_argument("--others", type=Path, required=True, help="folder of other paintings, metadata.csv")
    given = parser.parse_args(arguments)
    try:
        splits = draw_splits(load_paintings(given.data).file_names)
        held_out = [name for name in load_other_paintings(given.others).file_names if part(name) == 0]
    except DataError as error:
        print(error, file=sys.stderr)
        return 1
    lines = ",\n".join(f"  {json.dumps(name)}: {json.dumps(line)}" for name, line in splits.items())
    held = ",\n".join(f"  {json.dumps(name)}" for name in sorted(held_out))
    write_text(SPLITS, f'{{"seed": {SEED}, "splits": {{\n{lines}\n}}, "held_out": [\n{held}\n]}}\n')
    print(f"Wrote {SPLITS}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
