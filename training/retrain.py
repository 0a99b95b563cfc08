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

import hashlib
import json
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from training.data.command import command_parser, exit_status
from training.data.images import DataError
from training.engine.state import read_object, write_json

KNOWN = "retrain.json"
AGAIN = "The same command goes on there."
READ_WHOLE = 1_000_000
"""Files up to so many bytes are hashed by content, larger ones by name, size and time."""
WEIGHTS, STATE = "model.safetensors", "state.safetensors"
WEIGHTS_WITHIN = f"checkpoint/{WEIGHTS}"
READS = {
    **dict.fromkeys(("data", "covers", "others"), ""),
    **dict.fromkeys(("teacher", "generator", "checkpoints"), WEIGHTS),
    "autoencoder": STATE,
    # Not the jury's weights: the correction of its prior is written into them.
    "judge": "training.json",
}
"""Options that name what a step reads, and the file in that folder; of data all files."""

Known = dict[str, dict[str, Any]]
Options = Mapping[str, Path | str | int | bool | Sequence[Path]]


@dataclass(frozen=True)
class Step:
    """One command.

    Attributes:
        name: also of its folder in the output folder.
        script: module of ``training``.
        minutes: on two processor cores.
        options: of the script.
        writes: what must be there afterwards.
        owns: folder that is moved away before the step is begun anew, None if it only adds to another's.
        more: options that were asked for.
    """

    name: str
    script: str
    minutes: float
    options: Options
    writes: tuple[Path, ...]
    owns: Path | None = None
    more: tuple[str, ...] = ()

    @property
    def command(self) -> list[str]:
        """What is run."""
        words = [sys.executable, "-m", f"training.{self.script}"]
        for name, value in self.options.items():
            words += [f"--{name}", *([] if value is True else map(str, _several(value)))]
        return [*words, *self.more]

    @property
    def reads(self) -> list[Path]:
        """Files and folders; changed content makes the step out of date."""
        return [
            Path(str(folder)) / READS[name]
            for name, value in self.options.items()
            if name in READS
            for folder in _several(value)
        ]

    @property
    def fingerprint(self) -> str:
        """A hash of the command and of all that is read."""
        digest = hashlib.sha256(json.dumps(self.command[1:]).encode())
        for root in self.reads:
            for file in sorted(root.rglob("*")) if root.is_dir() else [root]:
                if file.is_file():
                    size, time_ns = file.stat().st_size, file.stat().st_mtime_ns
                    digest.update(f"{file.relative_to(root)} {size}".encode())
                    digest.update(file.read_bytes() if size <= READ_WHOLE else str(time_ns).encode())
        return digest.hexdigest()[:32]


def _several(value: object) -> Sequence[object]:
    return value if isinstance(value, list | tuple) else [value]


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
    weights: Options = {"features": features} if features else {}
    painters = [out / name / "checkpoint" for name in ("seed", "plain", "flow", "one-step")]
    flow, painter = painters[2:]
    jury = out / "jury" / "checkpoint"

    def train(name: str, script: str, minutes: float, options: Options, result: str = WEIGHTS_WITHIN) -> Step:
        return Step(name, script, minutes, {**options, "out": out / name}, (out / name / result,), out / name)

    def judge(name: str, script: str, minutes: float, options: Options) -> Step:
        return Step(name, script, minutes, {**options, "write": True}, (jury / "metrics.json",))

    data: Options = {"data": covers}
    judge_data: Options = {"data": paintings, "others": others, **weights}
    measured: Options = {"checkpoints": painters, "out": out / "painters", "cache": out / "features"}
    both: Options = {"judge": jury, "generator": painter}
    return [
        train("seed", "train_dcgan", 75, {**data, "preset": "seed"}),
        train("plain", "train_dcgan", 75, {**data, "preset": "plain"}),
        train("autoencoder", "train_autoencoder", 60, data, STATE),
        train("flow", "train_flow", 240, {**data, "autoencoder": out / "autoencoder"}),
        train("one-step", "train_one_step", 480, {**data, "teacher": flow, **weights}),
        Step(
            "painters",
            "evaluate_painter",
            30,
            {**data, **measured, "training-sample": sample, "write": True, **weights},
            (out / "painters" / "benchmark.md", *(folder / "metrics.json" for folder in painters)),
            out / "painters",
        ),
        train("jury", "train_jury", 5, judge_data),
        judge("judges", "benchmark_judge", 60, {**judge_data, "out": out / "judges", "judge": jury}),
        judge("prior", "fit_prior_correction", 10, {**both, "data": paintings, "covers": covers}),
        judge("saliency", "evaluate_saliency", 15, both),
    ]


def out_of_date(planned: Sequence[Step], known: Known) -> list[Step]:
    """Steps that were not done with what they would read now, or will have to be when those before are done."""
    found: list[Step] = []
    for step in planned:
        renewed = [other.owns for other in found if other.owns]
        done = known.get(step.name, {}).get("done") == step.fingerprint
        if not (done and all(path.exists() for path in step.writes)) or any(
            path.is_relative_to(folder) for path in step.reads for folder in renewed
        ):
            found.append(step)
    return found


def run(command: Sequence[str]) -> int:
    """Run a command that says by itself how far it is; returns its exit status.

    When this process is told to stop, so is the command, which may take a moment to save what it has.
    """
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    with subprocess.Popen(command) as process:
        try:
            return process.wait()
        except KeyboardInterrupt:
            process.terminate()
            process.wait()
            raise
        finally:
            signal.signal(signal.SIGTERM, before)


def retrain(planned: Sequence[Step], out: Path, *, run: Callable[[Sequence[str]], int] = run) -> None:
    """Do what is out of date, with what is known of each step (``begun``, ``done``, ``seconds``) in a file.

    Args:
        run: runs a command and returns its exit status.

    Raises:
        DataError: if a step fails; the next call goes on there.
    """
    known = read_known(out)

    def note(step: Step, **facts: object) -> None:
        known[step.name] = {**known.get(step.name, {}), **facts}
        write_json(out / KNOWN, known)

    for place, step in enumerate(planned, start=1):
        title = f"Step {place} of {len(planned)}, {step.name}"
        to_do = out_of_date(planned[place - 1 :], known)
        if step not in to_do:
            print(f"{title}: up to date.", flush=True)
            continue
        if known.get(step.name, {}).get("begun") != (now := step.fingerprint):
            _move_away(step, out)
            note(step, begun=now)
        left = sum(known.get(other.name, {}).get("seconds", 60 * other.minutes) for other in to_do)
        end = datetime.now() + timedelta(seconds=left)
        print(f"{title}. All steps may be done by {end:%A, %H:%M}.\n  {shlex.join(step.command)}", flush=True)
        started = time.monotonic()
        status = run(step.command)
        if missing := [str(path) for path in step.writes if not path.exists()]:
            raise DataError(f"The step {step.name} is not done: {missing[0]} was not written. {AGAIN}")
        if status:
            raise DataError(f"The step {step.name} is not done: it ended with status {status}. {AGAIN}")
        note(step, done=now, seconds=round(time.monotonic() - started, 1))


def _move_away(step: Step, out: Path) -> None:
    """Take an older result, that was begun with something else, out of a step's way."""
    if step.owns and step.owns.exists():
        old = out / "old" / f"{step.owns.name}-{datetime.now():%Y%m%d-%H%M%S-%f}"
        old.parent.mkdir(parents=True, exist_ok=True)
        step.owns.rename(old)
        print(f"What {step.name} was before is now in {old}.", flush=True)


def read_known(out: Path) -> Known:
    """What is known of each step.

    Raises:
        DataError: if the file is broken.
    """
    try:
        return read_object(out / KNOWN) or {}
    except DataError as error:
        raise DataError(f"{error} Without it, all steps are done again.") from error


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
    return [replace(step, more=added.get(step.name, ())) for step in planned]


def exhibit_command(out: Path) -> str:
    """What opens the exhibit on the new networks."""
    folders = {"GENERATOR": out / "one-step" / "checkpoint", "JUDGE": out / "jury" / "checkpoint"}
    settings = [f"ALBUMJUDGE_{kind}_DIR={shlex.quote(str(folder))}" for kind, folder in folders.items()]
    return f"{' '.join(settings)} make run"


def main(arguments: list[str] | None = None) -> int:
    """Run the script; returns its exit status."""
    parser = command_parser("training.retrain", __doc__)
    add = parser.add_argument
    add("--covers", type=Path, required=True, help="folder of covers and metadata.csv")
    add("--paintings", type=Path, required=True, help="folder with the table of votes and Images/")
    add("--other-paintings", type=Path, help="folder; default: paintings/ beside --paintings")
    add("--features", type=Path, help="VGG16's weights; default: torchvision's download")
    add("--out", type=Path, default=Path("runs"), help="where all results go (default runs)")
    add("--options", action="append", default=[], metavar="STEP=OPTIONS", help="more options of a step")
    add("--list", action="store_true", help="say what would be done, and do nothing")
    given = parser.parse_args(arguments)
    others = given.other_paintings or given.paintings.parent / "paintings"

    def body() -> str:
        for folder in (given.covers, given.paintings, others):
            if not folder.is_dir():
                raise DataError(f"There is no folder {folder}. docs/retraining.md says what it holds.")
        all_steps = steps(given.covers, given.paintings, others, given.out, given.features)
        planned = more_options(all_steps, given.options)
        if given.list:
            to_do = out_of_date(planned, read_known(given.out))
            states = {True: "to do", False: "up to date"}
            return "\n".join(f"{s.name:12} {states[s in to_do]:10} {shlex.join(s.command)}" for s in planned)
        retrain(planned, given.out)
        return f"All is up to date. To open the exhibit on the new networks:\n  {exhibit_command(given.out)}"

    return exit_status(body)


if __name__ == "__main__":
    sys.exit(main())
