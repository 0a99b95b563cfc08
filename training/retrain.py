"""Retrain everything: from data to checkpoints, model cards and measured tables.

    python -m training.retrain --covers ../shared/data/covers --paintings ../shared/data/abstract --out runs \\
        --features ../shared/data/weights/vgg16_imagenet_features.safetensors

Each step is a script of training/ in a process of its own; ``--list`` names them. A step is done again only
if its command or what it reads has changed since it was last done, as hashes in ``--out/retrain.json`` tell;
its earlier result is then moved to ``--out/old``. A step that was interrupted goes on where it was. The time
of the end is estimated from how long steps took before, else from two processor cores.

``--options STEP="..."`` gives a step more options of its script, such as ``--options flow="--epochs 20"``.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from training.data.images import DataError
from training.engine.state import write_json

READ_WHOLE = 1_000_000
"""Files up to so many bytes are hashed by content, larger ones by name, size and time."""


@dataclass(frozen=True)
class Step:
    """One command.

    Attributes:
        name: also of its folder in the output folder.
        script: module of ``training``.
        options: of the script.
        reads: files and folders; changed content makes the step out of date.
        writes: what must be there afterwards.
        minutes: on two processor cores.
        owns: folder that is moved away before the step is begun anew, None if it only adds to another's.
    """

    name: str
    script: str
    options: tuple[str, ...]
    reads: tuple[Path, ...]
    writes: tuple[Path, ...]
    minutes: float
    owns: Path | None = None

    @property
    def command(self) -> list[str]:
        """What is run."""
        return [sys.executable, "-m", f"training.{self.script}", *self.options]


def steps(
    covers: Path, paintings: Path, others: Path, out: Path, features: Path | None, sample: int = 2500
) -> list[Step]:
    """All steps in their order.

    Args:
        covers, paintings, others: folders of covers, of paintings with votes, and of other paintings.
        out: where all results go.
        features: VGG16's weights, None for torchvision's download.
        sample: training covers that painters' measurements look at.
    """
    weights = ("--features", str(features)) if features else ()
    painters = {name: out / name / "checkpoint" for name in ("seed", "plain", "flow", "one-step")}
    return [
        *_painter_steps(covers, painters, out, weights, sample),
        *_judge_steps(covers, paintings, others, painters["one-step"], out, weights),
    ]


def _painter_steps(
    covers: Path, painters: Mapping[str, Path], out: Path, weights: tuple[str, ...], sample: int
) -> list[Step]:
    data = ("--data", str(covers))

    def training(name: str, script: str, minutes: float, *options: str, reads: Sequence[Path] = ()) -> Step:
        folder = out / name
        result = folder / ("state.safetensors" if name == "autoencoder" else "checkpoint/model.safetensors")
        given = (*data, *options, "--out", str(folder))
        return Step(name, script, given, (covers, *reads), (result,), minutes, folder)

    return [
        training("seed", "train_dcgan", 75, "--preset", "seed"),
        training("plain", "train_dcgan", 75, "--preset", "plain"),
        training("autoencoder", "train_autoencoder", 60),
        training(
            "flow",
            "train_flow",
            240,
            *("--autoencoder", str(out / "autoencoder")),
            reads=[out / "autoencoder" / "state.safetensors"],
        ),
        training(
            "one-step",
            "train_one_step",
            480,
            *("--teacher", str(painters["flow"]), *weights),
            reads=[_weights(painters["flow"])],
        ),
        Step(
            "painters",
            "evaluate_painter",
            (
                *(*data, "--checkpoints", *map(str, painters.values()), "--out", str(out / "painters")),
                *("--cache", str(out / "features"), "--training-sample", str(sample), "--write", *weights),
            ),
            (covers, *map(_weights, painters.values())),
            (out / "painters" / "benchmark.md", *(folder / "metrics.json" for folder in painters.values())),
            30,
            out / "painters",
        ),
    ]


def _judge_steps(
    covers: Path, paintings: Path, others: Path, painter: Path, out: Path, weights: tuple[str, ...]
) -> list[Step]:
    jury = out / "jury" / "checkpoint"

    def judging(name: str, script: str, minutes: float, *options: str, reads: Sequence[Path] = ()) -> Step:
        # Not the jury's weights: the correction of its prior is written into them.
        signature = jury / "training.json"
        return Step(name, script, options, (signature, *reads), (jury / "metrics.json",), minutes)

    judge_data = ("--data", str(paintings), "--others", str(others), *weights)
    return [
        Step(
            "jury",
            "train_jury",
            (*judge_data, "--out", str(out / "jury")),
            (paintings, others),
            (_weights(jury),),
            5,
            out / "jury",
        ),
        judging(
            "judges",
            "benchmark_judge",
            60,
            *(*judge_data, "--out", str(out / "judges"), "--quick", "--checkpoint", str(jury), "--write"),
            reads=[paintings, others],
        ),
        judging(
            "prior",
            "fit_prior_correction",
            10,
            *("--judge", str(jury), "--generator", str(painter)),
            *("--data", str(paintings), "--covers", str(covers), "--write"),
            reads=[paintings, covers, _weights(painter)],
        ),
        judging(
            "saliency",
            "evaluate_saliency",
            15,
            *("--judge", str(jury), "--generator", str(painter), "--write"),
            reads=[_weights(painter)],
        ),
    ]


def _weights(checkpoint: Path) -> Path:
    return checkpoint / "model.safetensors"


def fingerprint(step: Step) -> str:
    """A hash of a step's command and of all that it reads."""
    digest = hashlib.sha256(json.dumps(step.command[1:]).encode())
    for root in step.reads:
        for file in sorted(root.rglob("*")) if root.is_dir() else [root]:
            if file.is_file():
                found = file.stat()
                digest.update(f"{file.relative_to(root)} {found.st_size}".encode())
                digest.update(
                    file.read_bytes() if found.st_size <= READ_WHOLE else str(found.st_mtime_ns).encode()
                )
    return digest.hexdigest()[:32]


class Progress:
    """What ``retrain.json`` knows of each step: ``begun`` and ``done`` (fingerprints) and ``seconds``."""

    def __init__(self, out: Path) -> None:
        self.path = out / "retrain.json"
        try:
            self.known: dict[str, dict[str, Any]] = (
                json.loads(self.path.read_text("utf-8")) if self.path.is_file() else {}
            )
        except (OSError, ValueError) as error:
            raise DataError(
                f"{self.path} cannot be read ({error}). Delete it to do all steps again."
            ) from error

    def note(self, step: Step, **facts: object) -> None:
        """Remember facts about a step."""
        self.known[step.name] = {**self.known.get(step.name, {}), **facts}
        write_json(self.path, self.known)

    def up_to_date(self, step: Step) -> bool:
        """Whether a step was done with what it would read now, and its results are there."""
        done = self.known.get(step.name, {}).get("done")
        return done == fingerprint(step) and all(path.exists() for path in step.writes)

    def seconds(self, step: Step) -> float:
        """How long a step takes, as it did last time or on two processor cores."""
        return float(self.known.get(step.name, {}).get("seconds", 60 * step.minutes))


def run(command: Sequence[str]) -> int:
    """Run a command that says by itself how far it is; returns its exit status."""
    return subprocess.run(command, check=False).returncode


def retrain(
    planned: Sequence[Step],
    out: Path,
    *,
    run: Callable[[Sequence[str]], int] = run,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Do what is out of date.

    Args:
        run: runs a command and returns its exit status.
        clock: seconds.

    Raises:
        DataError: if a step fails; the next call goes on there.
    """
    progress = Progress(out)
    for place, step in enumerate(planned, start=1):
        title = f"Step {place} of {len(planned)}, {step.name}"
        if progress.up_to_date(step):
            print(f"{title}: up to date.", flush=True)
            continue
        _begin(step, progress, out)
        left = timedelta(seconds=sum(map(progress.seconds, planned[place - 1 :])))
        end = datetime.now() + left
        print(f"{title}. All steps may be done by {end:%A, %H:%M}.\n  {shlex.join(step.command)}", flush=True)
        started = clock()
        status = run(step.command)
        earlier = progress.known[step.name].get("spent", 0.0)
        spent = round(earlier + clock() - started, 1)
        progress.note(step, spent=spent)
        if missing := [str(path) for path in step.writes if not path.exists()]:
            status = status or 1
        if status:
            why = f"{missing[0]} was not written" if missing else f"it ended with status {status}"
            raise DataError(f"The step {step.name} is not done: {why}. The same command goes on there.")
        progress.note(step, done=progress.known[step.name]["begun"], seconds=spent, spent=0.0)


def _begin(step: Step, progress: Progress, out: Path) -> None:
    """Note that a step is begun, with the older result out of its way if that was begun with something else."""
    now = fingerprint(step)
    if progress.known.get(step.name, {}).get("begun") == now:
        return
    if step.owns and step.owns.exists():
        old = out / "old" / f"{step.owns.name}-{datetime.now():%Y%m%d-%H%M%S-%f}"
        old.parent.mkdir(parents=True, exist_ok=True)
        step.owns.rename(old)
        print(f"What {step.name} was before is now in {old}.", flush=True)
    progress.note(step, begun=now, spent=0.0)


def more_options(planned: Sequence[Step], given: Sequence[str]) -> list[Step]:
    """The steps with the options that ``STEP=...`` adds.

    Raises:
        DataError: if there is no such step.
    """
    added: dict[str, tuple[str, ...]] = {}
    for text in given:
        name, sign, options = text.partition("=")
        if not sign or name not in {step.name for step in planned}:
            names = ", ".join(step.name for step in planned)
            raise DataError(f'--options {text!r} names no step. Write STEP="..." with one of {names}.')
        added[name] = (*added.get(name, ()), *shlex.split(options))
    return [replace(step, options=(*step.options, *added.get(step.name, ()))) for step in planned]


def exhibit_command(out: Path) -> str:
    """What opens the exhibit on the new networks."""
    folders: Mapping[str, Path] = {
        "GENERATOR": out / "one-step" / "checkpoint",
        "JUDGE": out / "jury" / "checkpoint",
    }
    settings = [f"ALBUMJUDGE_{kind}_DIR={shlex.quote(str(folder))}" for kind, folder in folders.items()]
    return f"{' '.join(settings)} make run"


def main(arguments: list[str] | None = None) -> int:
    """Run the script; returns its exit status."""
    parser = argparse.ArgumentParser(prog="python -m training.retrain", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    add = parser.add_argument
    add("--covers", type=Path, required=True, help="folder of covers and metadata.csv")
    add("--paintings", type=Path, required=True, help="folder with the table of votes and Images/")
    add(
        "--other-paintings",
        type=Path,
        help="folder of other paintings; default: paintings/ beside --paintings",
    )
    add("--features", type=Path, help="VGG16's weights; default: torchvision's download")
    add("--out", type=Path, default=Path("runs"), help="where all results go (default runs)")
    add(
        "--options",
        action="append",
        default=[],
        metavar="STEP=OPTIONS",
        help="more options of a step's script",
    )
    add("--list", action="store_true", help="say what would be done, and do nothing")
    given = parser.parse_args(arguments)
    others = given.other_paintings or given.paintings.parent / "paintings"
    try:
        for folder in (given.covers, given.paintings, others):
            if not folder.is_dir():
                raise DataError(f"There is no folder {folder}. docs/retraining.md says what it holds.")
        planned = more_options(
            steps(given.covers, given.paintings, others, given.out, given.features), given.options
        )
        if given.list:
            progress = Progress(given.out)
            for step in planned:
                state = "up to date" if progress.up_to_date(step) else "to do"
                print(f"{step.name:12} {state:10} {shlex.join(step.command)}")
            return 0
        retrain(planned, given.out)
    except DataError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped; the same command goes on from here.", file=sys.stderr)
        return 130
    print(f"All is up to date. To open the exhibit on the new networks:\n  {exhibit_command(given.out)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
