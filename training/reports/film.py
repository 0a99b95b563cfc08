"""Cut the film of a training from the samples that its runs left: 16 latents at log-spaced moments.

    python -m training.reports.film --out runs/one-step/checkpoint runs/flow runs/one-step

Runs are given in the order in which one began with the other's weights. All must have painted the same latents,
so the same ``--seed``. Writes ``film.webp`` (an animation, one frame per moment) and ``film.json`` (what each
frame shows) beside the weights.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from albumjudge.inference.film import FILM, FRAMES
from training.data.command import command_parser, exit_status
from training.data.images import DataError
from training.engine.state import read_state, write_json
from training.engine.trainer import STATE

SIDE = 4
MOST_FRAMES = 24
FIRST = 256
MILLISECONDS = 500


@dataclass(frozen=True)
class Frame:
    """A sheet of samples, how many covers had been shown by then, the recipe, and a cover's side in pixels."""

    sheet: Path
    covers_seen: int
    recipe: str
    size: int


def frames_of(runs: Sequence[Path]) -> list[Frame]:
    """All moments of runs that follow on one another.

    Raises:
        DataError: if a run left no samples, or the runs painted other latents.
    """
    frames: list[Frame] = []
    latents = set()
    for folder in runs:
        config = read_state(folder / STATE)[1]["config"]
        latents.add((config["seed"], config.get("latent_size")))
        before = frames[-1].covers_seen if frames else 0
        found = [
            Frame(sheet, before + int(sheet.stem), str(config["recipe"]), config["size"])
            for sheet in sorted((folder / "samples").glob("*.png"))
        ]
        if not found:
            raise DataError(f"{folder} holds no samples to make a film of.")
        # A later run's first sheet shows what the earlier one ended with.
        frames += found[bool(frames) :]
    if len({seed for seed, _ in latents}) > 1 or len({size for _, size in latents if size}) > 1:
        raise DataError("These runs painted different latents: they have other seeds or latent sizes.")
    return frames


def log_spaced(seen: list[int], most: int = MOST_FRAMES) -> list[int]:
    """Places of at most ``most`` numbers, the first and the last among them, that are evenly far apart in
    their logarithms.

    Args:
        seen: rising numbers, 0 or more.
    """
    if len(seen) <= most:
        return list(range(len(seen)))
    logs = np.log(np.maximum(seen, FIRST))
    wanted = np.linspace(logs[1], logs[-1], most - 1)
    return [0, *sorted({int(np.abs(logs[1:] - moment).argmin()) + 1 for moment in wanted})]


def cut(frame: Frame) -> Image.Image:
    """The first pictures of a sheet in a square, ``SIDE`` by ``SIDE``."""
    size, film = frame.size, Image.new("RGB", (SIDE * frame.size, SIDE * frame.size))
    with Image.open(frame.sheet) as sheet:
        for number in range(SIDE * SIDE):
            row, column = divmod(number, sheet.width // size)
            left, top = column * size, row * size
            cover = sheet.crop((left, top, left + size, top + size))
            film.paste(cover, (number % SIDE * size, number // SIDE * size))
    return film


def make_film(runs: Sequence[Path], out: Path) -> int:
    """Write the film into ``out`` and return its number of frames.

    Raises:
        DataError: as :func:`frames_of`.
    """
    frames = frames_of(runs)
    frames = [frames[place] for place in log_spaced([frame.covers_seen for frame in frames])]
    first, *others = [cut(frame) for frame in frames]
    first.save(
        out / FILM, save_all=True, append_images=others, duration=MILLISECONDS, loop=0, quality=90, method=6
    )
    write_json(out / FRAMES, [{"covers_seen": f.covers_seen, "recipe": f.recipe} for f in frames])
    with Image.open(out / FILM) as film:
        if film.n_frames != len(frames):  # type: ignore[attr-defined]
            raise DataError("Two moments look exactly alike, so the film lost one. Leave one of them out.")
    return len(frames)


def main(arguments: list[str] | None = None) -> int:
    """Run the script; returns its exit status."""
    parser = command_parser("training.reports.film", __doc__)
    parser.add_argument("runs", nargs="+", type=Path, help="folders of runs")
    parser.add_argument("--out", type=Path, required=True, help="folder of the checkpoint")
    given = parser.parse_args(arguments)
    return exit_status(lambda: f"Wrote {make_film(given.runs, given.out)} frames into {given.out / FILM}.")


if __name__ == "__main__":
    sys.exit(main())
