"""Train a generator of album covers.

    python -m training.train_dcgan --data ../shared/data/covers --preset seed --out runs/seed
    accelerate launch --num_processes 4 -m training.train_dcgan --data ... --preset projected-128 --out ...

The first command trains in one process, on one GPU, on Apple silicon or on the CPU. The second shares each
batch out to four processes with a GPU each, on several machines, too (``accelerate config`` asks for their
addresses); together they learn what one process would. ``accelerate launch --multi_gpu --num_processes 2`` with
``--device cpu`` at the end does so on CPUs.

A run killed at any moment is continued by the same command, or by the other: it goes on from the last saved
state. With as many processes as before it ends in the same weights as if nothing had happened. Then
``runs/seed`` holds ``checkpoint/`` (for the exhibit), ``samples/`` (the same latents painted along the way, file
names count the covers seen), ``tensorboard/`` (``tensorboard --logdir runs``) and ``state.safetensors``.
"""

from __future__ import annotations

import argparse
import hashlib
import signal
import sys
import time
from contextlib import ExitStack
from dataclasses import asdict, fields, replace
from pathlib import Path
from types import FrameType

import torch
from tqdm import tqdm

from albumjudge.inference.checkpoints import CheckpointError, load_generator, read_checkpoint
from albumjudge.inference.painter import GeneratorNetwork
from training.data.covers import CoverSet, DataError, load_covers
from training.engine.distributed import Processes, join_processes, leave_processes
from training.engine.hardware import choose_precision, hardware
from training.engine.state import read_state, save_checkpoint, write_json, write_state
from training.engine.tensorboard import Board
from training.generator.dcgan_trainer import DcganTrainer
from training.generator.presets import PRESETS, GeneratorConfig
from training.reports.model_card import write_card


def train(
    config: GeneratorConfig,
    covers: CoverSet,
    out: Path,
    *,
    preset: str = "custom",
    device: torch.device | None = None,
    precision: str = "fp32",
    crew: Processes | None = None,
    start: GeneratorNetwork | None = None,
    seen_before: int = 0,
    save_every: float = 300.0,
    stop_after: int | None = None,
) -> Path | None:
    """Train, or go on training, in ``out``.

    Args:
        device: where to compute; None is the CPU, or what the crew says.
        crew: the processes that train together, each of which has to call this; None for this one alone.
        start: a generator to begin with.
        seen_before: covers that ``start`` had been shown when it was trained; noted in the checkpoint.
        save_every: seconds between saves of the state; it is saved at the end of every epoch, too.
        stop_after: end early after so many steps, as a kill would, but with the state saved.

    Returns:
        The folder of the finished checkpoint, or None if the run ended early.

    Raises:
        DataError: if there are too few covers, ``out`` holds another run, or the processes of the crew were given
            different data or settings.
    """
    trainer = DcganTrainer(config, covers, device=device, precision=precision, crew=crew)
    crew, state_file = trainer.crew, out / "state.safetensors"
    _begin(trainer, state_file, start)
    with ExitStack() as at_the_end:
        board: Board | None = None
        if crew.first:
            board = Board(out / "tensorboard", seen=trainer.images_seen)
            at_the_end.callback(board.close)
            if not trainer.step:
                board.add_samples(trainer.paint_samples(out / "samples"), 0)
        stop = at_the_end.enter_context(_StopSignal())
        bar = tqdm(
            total=trainer.steps * config.batch,
            initial=trainer.images_seen,
            unit="img",
            unit_scale=True,
            mininterval=0.5 if sys.stderr.isatty() else 60,
            maxinterval=120,
            desc=f"{preset}, {config.epochs} epochs",
            disable=not crew.first,
        )
        at_the_end.enter_context(bar)
        started = saved = epoch_started = time.monotonic()
        epoch_began_at = trainer.images_seen
        for batch in trainer.batches():
            trainer.train_step(*batch)
            bar.update(config.batch)
            now = time.monotonic()
            ended = trainer.step % trainer.steps_per_epoch == 0
            stopping = crew.any(stop.asked) or trainer.step == stop_after
            if ended:
                line = trainer.close_epoch(now - epoch_started, trainer.images_seen - epoch_began_at)
                epoch_started, epoch_began_at = now, trainer.images_seen
                if board:
                    tqdm.write("  ".join(f"{key} {value:g}" for key, value in line.items()))
                    board.add_epoch(line)
            if board and (ended or (trainer.step >= 16 and trainer.step.bit_count() == 1)):
                board.add_samples(trainer.paint_samples(out / "samples"), trainer.images_seen)
            if board and (ended or stopping or now - saved > save_every):
                board.flush()
                write_state(state_file, *trainer.state())
                saved = now
            if stopping and trainer.step < trainer.steps:
                if crew.first:
                    print(
                        f"Stopped after {trainer.images_seen:,} covers; the same command goes on from here."
                    )
                return None
    if not crew.first:
        return out / "checkpoint"
    minutes = (time.monotonic() - started) / 60
    print(f"Done in {minutes:.1f} minutes since this start.")
    return finish(trainer, out, preset, seen_before)


def _begin(trainer: DcganTrainer, state_file: Path, start: GeneratorNetwork | None) -> None:
    """Stand where the run was left, if it was, or begin as another generator, if one is given.

    Only the first process reads the state, since other machines may not have it; the others take what it has.
    """
    crew = trainer.crew
    if crew.size > 1:
        same = hashlib.sha256(repr((trainer.config, trainer.precision, trainer.covers.entries)).encode())
        same.update(trainer.covers.pixels.data)
        crew.agree(same.hexdigest(), "settings, precision or covers")

    def first() -> tuple[dict[str, torch.Tensor], dict[str, object]]:
        if state_file.is_file():
            trainer.restore(*read_state(state_file))
            print(f"Going on after {trainer.images_seen:,} covers seen.")
        elif start is not None:
            trainer.begin_as(start)
        trainer.prepare()
        tensors, notes = trainer.state()
        return {name: tensor.cpu() for name, tensor in tensors.items()}, notes

    state = crew.from_first(first)
    if not crew.first:
        trainer.restore(*state)


def finish(trainer: DcganTrainer, out: Path, preset: str, seen_before: int = 0) -> Path:
    """Write ``out/checkpoint``: half-precision weights, config, curves, how they came about, and a card."""
    folder, config = out / "checkpoint", trainer.config
    named = preset if preset.endswith(f"-{config.size}") else f"{preset}-{config.size}"
    record: dict[str, object] = {
        "kind": "generator",
        "network": type(trainer.generator).__name__,
        "name": f"dcgan-{preset}" if config.recipe == "dcgan" else named,
        "preset": preset,
        "config": asdict(config),
        "planned_epochs": PRESETS[preset].epochs if preset in PRESETS else config.epochs,
        "epochs_done": trainer.step // trainer.steps_per_epoch,
        "covers": len(trainer.covers),
        "images_seen": trainer.images_seen,
        "precision": trainer.precision,
        "processes": trainer.crew.size,
        "hardware": hardware(trainer.device),
    }
    if seen_before:
        record["images_seen_before"] = seen_before
    save_checkpoint(trainer.averaged_generator(), folder, record)
    write_json(folder / "history.json", trainer.history)
    write_card(folder)
    return folder


class _StopSignal:
    """Turns Ctrl-C and SIGTERM into a wish that the loop heeds between two steps."""

    def __init__(self) -> None:
        self.asked = False

    def __enter__(self) -> _StopSignal:
        self._before = {s: signal.signal(s, self._ask) for s in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _ask(self, _number: int, _frame: FrameType | None) -> None:
        self.asked = True


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m training.train_dcgan", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--data", type=Path, required=True, help="folder with images and metadata.csv")
    parser.add_argument("--preset", choices=sorted(PRESETS), default="seed")
    parser.add_argument(
        "--out", type=Path, required=True, help="folder of the run; an old run there is continued"
    )
    parser.add_argument("--device", default="auto")
    parser.add_argument("--precision", choices=("auto", "fp32", "bf16"), default="auto")
    parser.add_argument("--threads", type=int, help="CPU threads; default: torch's own choice")
    parser.add_argument(
        "--finish-now", action="store_true", help="write the checkpoint of the saved state and end"
    )
    for field in fields(GeneratorConfig):
        option = "--" + field.name.replace("_", "-")
        if field.name == "start":
            parser.add_argument("--start-from", type=Path, help="checkpoint of a generator to begin with")
        elif field.name == "source":
            parser.add_argument(option, help="train on this source only; 'all' takes all")
        elif field.name == "flip":
            parser.add_argument(option, action=argparse.BooleanOptionalAction, default=None)
        else:
            parser.add_argument(option, type=float if field.default is None else type(field.default))
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Run the script; returns its exit status."""
    given = parse(arguments)
    names = [field.name for field in fields(GeneratorConfig) if field.name != "start"]
    changes = {name: getattr(given, name) for name in names if getattr(given, name) is not None}
    if changes.get("source") == "all":
        changes["source"] = None
    crew = Processes()
    try:
        # Numbers too small to matter would each cost a processor as much as a hundred others.
        torch.set_flush_denormal(True)
        crew = join_processes(given.device)
        if given.threads:
            torch.set_num_threads(given.threads)
        start: GeneratorNetwork | None = None
        seen_before = 0
        if given.start_from:
            checkpoint = read_checkpoint(given.start_from, "generator", "directory")
            start, changes["start"] = load_generator(checkpoint), checkpoint.revision
            told = checkpoint.training
            seen_before = int(told.get("images_seen", 0)) + int(told.get("images_seen_before", 0))
        config = replace(PRESETS[given.preset], **changes)
        covers = load_covers(given.data, size=config.size, source=config.source, held_out=config.held_out)
        precision = choose_precision(given.precision, crew.device)
        if given.finish_now:
            if crew.first:
                trainer = DcganTrainer(config, covers, device=crew.device, precision=precision)
                trainer.restore(*read_state(given.out / "state.safetensors"))
                print(f"Wrote {finish(trainer, given.out, given.preset, seen_before)}.")
            return 0
        if crew.first:
            together = f", {crew.size} processes" if crew.size > 1 else ""
            print(
                f"{len(covers):,} covers, {crew.device}{together}, {precision}; runs are kept in {given.out}."
            )
        with crew.together():
            folder = train(
                config,
                covers,
                given.out,
                preset=given.preset,
                crew=crew,
                precision=precision,
                start=start,
                seen_before=seen_before,
            )
    except (CheckpointError, DataError, FileNotFoundError, ValueError) as error:
        print(error if crew.size == 1 else f"Process {crew.rank} of {crew.size}: {error}", file=sys.stderr)
        return 1
    finally:
        torch.set_flush_denormal(False)
        leave_processes(crew)
    if folder and crew.first:
        print(f"Wrote {folder}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
