"""Which paintings are learnt from and which are asked: fixed splits, kept in a file.

    python -m training.judge.cross_validation --data ../shared/data/abstract

writes ``training/splits.json`` anew, which changes nothing unless the seed or the paintings do.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.data.abstract import load_paintings
from training.data.covers import DataError
from training.engine.state import write_text

SPLITS = Path(__file__).parent / "splits.json"
SEED = 2010
REPEATS, FOLDS, HOLDOUTS, HELD_OUT = 5, 5, 10, 0.3


@dataclass(frozen=True)
class Split:
    """One division: indices of paintings to learn from and to ask about; ``repeat`` counts full passes."""

    repeat: int
    learnt: NDArray[np.int64]
    asked: NDArray[np.int64]


@dataclass(frozen=True)
class Protocol:
    """A name for people, and its splits."""

    name: str
    splits: tuple[Split, ...]


def make(names: Sequence[str], seed: int = SEED) -> dict[str, str]:
    """Draw all splits.

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


def read(names: Sequence[str], file: Path = SPLITS) -> tuple[Protocol, Protocol]:
    """The committed splits: repeated five-fold cross-validation, and ten times 70/30.

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
            f"{file} does not fit these paintings ({error!r}). python -m "
            "training.judge.cross_validation writes it anew."
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
    parser = argparse.ArgumentParser(prog="python -m training.judge.cross_validation", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--data", type=Path, required=True, help="folder with the table of votes and Images/")
    given = parser.parse_args(arguments)
    try:
        splits = make(load_paintings(given.data).file_names)
    except DataError as error:
        print(error, file=sys.stderr)
        return 1
    lines = ",\n".join(f"  {json.dumps(name)}: {json.dumps(line)}" for name, line in splits.items())
    write_text(SPLITS, f'{{"seed": {SEED}, "splits": {{\n{lines}\n}}}}\n')
    print(f"Wrote {SPLITS}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
