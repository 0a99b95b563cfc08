"""Cut the film of a training from the samples that its runs left: 16 latents at log-spaced moments.

    python -m training.reports.film --out runs/one-step/checkpoint runs/flow runs/one-step

Runs are given in the order in which one began with the other's weights; ``@`` and a number of covers says where
a run was left for the next one. A checkpoint with a film of its own may stand in for a run whose samples are
gone. All must have painted the same latents, so the same ``--seed``. Writes ``film.webp`` (an animation, one
frame per moment) and ``film.json`` (what each frame shows) beside the weights.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from albumjudge.inference.film import FILM, FRAMES
from training.data.command import command_parser, exit_status
from training.data.images import DataError
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
    before, latents = 0, set()
    for folder, until in runs:
        if (folder / FILM).is_file():
            config = _read(folder / "training.json")["config"]
            moments = enumerate(_read(folder / FRAMES))
            found = [
                Frame(folder / FILM, m["covers_seen"], m["recipe"], config["size"], n) for n, m in moments
            ]
            end = until
        else:
            config = read_state(folder / "state.safetensors")[1]["config"]
            before = _shown_before(folder, before)
            found = [
                Frame(sheet, before + int(sheet.stem), str(config["recipe"]), config["size"])
                for sheet in sorted((folder / "samples").glob("*.png"))
            ]
            end = None if until is None else before + until
            # A later run's first sheet shows what the earlier one ended with.
            found = [frame for frame in found if frame.covers_seen > before or not frames]
        found = [frame for frame in found if end is None or frame.covers_seen <= end]
        if not found:
            raise DataError(f"{folder} holds no samples to make a film of.")
        before = found[-1].covers_seen if end is None else end
        latents.add((config["seed"], config.get("latent_size")))
        frames += found
    if len({seed for seed, _ in latents}) > 1 or len({size for _, size in latents if size}) > 1:
        raise DataError("These runs painted different latents: they have other seeds or latent sizes.")
    return frames


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise DataError(f"{path} cannot be read ({error}).") from error


def _shown_before(run: Path, so_far: int) -> int:
    """How many covers a run's networks had been shown when it began."""
    finished = run / "checkpoint" / "training.json"
    record = _read(finished) if finished.is_file() else {}
    # What an autoencoder was shown, its velocity network was not.
    return so_far if "autoencoder" in record else int(record.get("images_seen_before", so_far))


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
    parser = command_parser("training.reports.film", __doc__)
    parser.add_argument("runs", nargs="+", type=run_and_end, help="folders of runs, FOLDER or FOLDER@COVERS")
    parser.add_argument("--out", type=Path, required=True, help="folder of the checkpoint")
    given = parser.parse_args(arguments)
    return exit_status(lambda: f"Wrote {make_film(given.runs, given.out)} frames into {given.out / FILM}.")


if __name__ == "__main__":
    sys.exit(main())
