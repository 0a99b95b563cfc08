"""Cut the film of a training from the samples that its runs left: 16 latents at log-spaced moments.

    python -m training.reports.film --out checkpoints/generator runs/plain@98400 runs/aided

Runs are given in the order in which one began with the other's weights; ``@`` and a number of covers says where
a run was left for the next one. A checkpoint with a film of its own may stand in for a run whose samples are
gone. All must have painted the same latents, so the same ``--seed``. Writes ``film.webp`` (an animation, one
picture per frame) and ``film.json`` (what each frame shows) beside the weights.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from albumjudge.inference.film import FILM, FRAMES
from training.data.covers import DataError
from training.engine.state import read_state, write_json

SIDE = 4
MOST_FRAMES = 24
FIRST = 256
MILLISECONDS = 500


@dataclass(frozen=True)
class Frame:
    """Where a frame is to be cut from, and what it stands for.

    Attributes:
        sheet: of samples; or a film, of which frame ``place`` is taken as it is.
    """

    sheet: Path
    covers_seen: int
    recipe: str
    size: int
    place: int | None = None


def frames_of(runs: list[tuple[Path, int | None]]) -> list[Frame]:
    """All moments of runs that follow on one another.

    Args:
        runs: folders of runs or of checkpoints with a film, each with the number of covers after which the next
            one began; None for the end. Where a run's checkpoint says how many covers its start had been shown,
            that holds.

    Raises:
        DataError: if a run left no samples, or the runs painted other latents.
    """
    frames: list[Frame] = []
    before, seeds = 0, set()
    for folder, until in runs:
        if (folder / FILM).is_file():
            record = json.loads((folder / "training.json").read_text(encoding="utf-8"))
            seeds.add((record["config"]["seed"], record["config"]["latent_size"]))
            told = json.loads((folder / FRAMES).read_text(encoding="utf-8"))
            frames += [
                Frame(folder / FILM, moment["covers_seen"], moment["recipe"], record["config"]["size"], place)
                for place, moment in enumerate(told)
                if until is None or moment["covers_seen"] <= until
            ]
            before = until if until is not None else frames[-1].covers_seen
            continue
        _, notes = read_state(folder / "state.safetensors")
        config = notes["config"]
        assert isinstance(config, dict)
        seeds.add((config["seed"], config["latent_size"]))
        finished = folder / "checkpoint" / "training.json"
        if finished.is_file():
            record = json.loads(finished.read_text(encoding="utf-8"))
            # What an inker was shown, its sketcher was not.
            if "inker" not in record:
                before = int(record.get("images_seen_before", before))
        here = []
        for sheet in sorted((folder / "samples").glob("*.png")):
            seen = int(sheet.stem)
            # A later run's first sheet shows what the earlier one ended with.
            if (until is None or seen <= until) and (seen > 0 or not frames):
                here.append(Frame(sheet, before + seen, str(config["recipe"]), int(config["size"])))
        if not here:
            raise DataError(f"{folder} holds no samples to make a film of.")
        frames += here
        before = before + until if until is not None else here[-1].covers_seen
    if len(seeds) > 1:
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
    with Image.open(frame.sheet) as sheet:
        if frame.place is not None:
            sheet.seek(frame.place)
            return sheet.convert("RGB")
        columns = sheet.width // frame.size
        film = Image.new("RGB", (SIDE * frame.size, SIDE * frame.size))
        for number in range(SIDE * SIDE):
            row, column = divmod(number, columns)
            left, top = column * frame.size, row * frame.size
            print_ = sheet.crop((left, top, left + frame.size, top + frame.size))
            film.paste(print_, (number % SIDE * frame.size, number // SIDE * frame.size))
        return film


def make_film(runs: list[tuple[Path, int | None]], out: Path) -> int:
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


def run_and_end(text: str) -> tuple[Path, int | None]:
    """``runs/plain@98400`` to folder and number."""
    folder, at, until = text.rpartition("@")
    return (Path(folder), int(until)) if at and until.isdecimal() else (Path(text), None)


def main(arguments: list[str] | None = None) -> int:
    """Run the script; returns its exit status."""
    parser = argparse.ArgumentParser(prog="python -m training.reports.film", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("runs", nargs="+", type=run_and_end, help="folders of runs, FOLDER or FOLDER@COVERS")
    parser.add_argument("--out", type=Path, required=True, help="folder of the checkpoint")
    given = parser.parse_args(arguments)
    try:
        count = make_film(given.runs, given.out)
    except (DataError, OSError, json.JSONDecodeError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"Wrote {count} frames into {given.out / FILM}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
