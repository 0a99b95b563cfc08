"""Retraining does what is out of date, and only that, and goes on where it was stopped."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import import_module
from itertools import count
from pathlib import Path
from threading import Thread

import pytest

from albumjudge.inference.checkpoints import load_generator, read_checkpoint
from tests.cover_folders import cover_folder
from training.data.images import DataError
from training.retrain import (
    Step,
    exhibit_command,
    main,
    more_options,
    out_of_date,
    read_known,
    retrain,
    run,
    steps,
)

UNIQUE = count()


@dataclass
class Runner:
    """Runs steps by writing their results."""

    planned: list[Step]
    fails: set[str] = field(default_factory=set)
    ran: list[str] = field(default_factory=list)

    def __call__(self, command: Sequence[str]) -> int:
        (step,) = (step for step in self.planned if step.command == command)
        self.ran.append(step.name)
        if step.name in self.fails:
            return 3
        for path in step.writes:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{step.name} {next(UNIQUE)}")
        if step.name == "jury":
            (step.writes[0].parent / "training.json").write_text(f"{next(UNIQUE)}")
        return 0


@pytest.fixture
def folders(tmp_path: Path) -> dict[str, Path]:
    found = {name: tmp_path / name for name in ("covers", "abstract", "paintings", "runs")}
    for name in ("covers", "abstract", "paintings"):
        found[name].mkdir()
        (found[name] / "metadata.csv").write_text("file_name\n")
    return found


def plan(folders: dict[str, Path]) -> list[Step]:
    return steps(folders["covers"], folders["abstract"], folders["paintings"], folders["runs"], None)


def again(folders: dict[str, Path], options: Sequence[str] = (), fails: set[str] | None = None) -> list[str]:
    """Names of the steps that a call runs."""
    planned = more_options(plan(folders), options)
    runner = Runner(planned, fails or set())
    retrain(planned, folders["runs"], run=runner)
    return runner.ran


EVERYTHING = [
    *("seed", "plain", "autoencoder", "flow", "one-step", "painters"),
    *("jury", "judges", "prior", "saliency"),
]


def test_everything_is_done_once_and_changed_options_and_lost_results_are_noticed(
    folders: dict[str, Path],
) -> None:
    assert again(folders) == EVERYTHING
    assert again(folders) == []
    again(folders)
    assert again(folders, ["seed=--epochs 2"]) == ["seed", "painters"]
    (folders["runs"] / "plain" / "checkpoint" / "model.safetensors").unlink()
    assert again(folders, ["seed=--epochs 2"])[0] == "plain"


def test_changed_data_concern_those_who_read_them_and_all_who_read_their_results(
    folders: dict[str, Path],
) -> None:
    again(folders)
    (folders["abstract"] / "metadata.csv").write_text("file_name\nnew.png\n")
    to_do = out_of_date(plan(folders), read_known(folders["runs"]))
    assert [step.name for step in to_do] == ["jury", "judges", "prior", "saliency"]
    assert again(folders) == ["jury", "judges", "prior", "saliency"]
    assert again(folders) == []
    old = list((folders["runs"] / "old").iterdir())
    assert len(old) == 1 and old[0].name.startswith("jury-")
    assert (old[0] / "checkpoint" / "model.safetensors").read_text().startswith("jury")
    (folders["covers"] / "metadata.csv").unlink()
    assert again(folders) == [*EVERYTHING[:6], "prior", "saliency"]


def test_a_step_that_fails_ends_the_run_and_goes_on_without_losing_what_it_had(
    folders: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(DataError, match=r"The step flow is not done: .* The same command goes on there"):
        again(folders, fails={"flow"})
    state = folders["runs"] / "flow" / "state.safetensors"
    state.parent.mkdir()
    state.write_text("half-way")
    capsys.readouterr()
    assert again(folders) == EVERYTHING[3:]
    assert state.read_text() == "half-way" and not (folders["runs"] / "old").exists()
    out = capsys.readouterr().out
    assert "Step 1 of 10, seed: up to date." in out and "Step 4 of 10, flow. All steps may be done by" in out


def test_who_is_told_to_stop_lets_the_step_save_what_it_has(tmp_path: Path) -> None:
    child = (
        "import pathlib, signal, sys, time; here = pathlib.Path(sys.argv[1]);"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit((here / 'saved').touch()));"
        "(here / 'up').touch(); time.sleep(60)"
    )

    def stop() -> None:
        while not (tmp_path / "up").exists():
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGTERM)

    before = signal.getsignal(signal.SIGTERM)
    Thread(target=stop, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        run([sys.executable, "-c", child, str(tmp_path)])
    assert (tmp_path / "saved").exists() and signal.getsignal(signal.SIGTERM) is before


def test_a_half_done_step_is_begun_anew_if_its_data_changed(folders: dict[str, Path]) -> None:
    with pytest.raises(DataError):
        again(folders, fails={"seed"})
    (folders["runs"] / "seed").mkdir()
    (folders["runs"] / "seed" / "state.safetensors").write_text("half-way")
    (folders["covers"] / "metadata.csv").write_text("file_name\nnew.png\n")
    again(folders)
    assert not (folders["runs"] / "seed" / "state.safetensors").exists()


def test_scripts_take_the_options_that_they_are_given(folders: dict[str, Path]) -> None:
    for step in plan(folders):
        with pytest.raises(SystemExit) as stopped:
            import_module(f"training.{step.script}").main([*step.command[3:], "--help"])
        assert stopped.value.code == 0


def test_the_script_says_what_is_to_do_and_what_is_missing(
    folders: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["--covers", str(folders["covers"]), "--paintings", str(folders["abstract"])]
    given += ["--out", str(folders["runs"])]
    assert main([*given, "--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == EVERYTHING and all("to do" in line for line in lines)
    assert main([*given, "--options", "polish=--fast"]) == 1
    assert "names no step" in capsys.readouterr().err
    assert main([*given, "--covers", str(folders["runs"] / "nowhere")]) == 1
    assert "There is no folder" in capsys.readouterr().err
    again(folders)
    assert main(given) == 0
    assert exhibit_command(folders["runs"]) in capsys.readouterr().out
    (folders["runs"] / "retrain.json").write_text("{")
    assert main(given) == 1
    assert "Without it, all steps are done again" in capsys.readouterr().err


@pytest.mark.slow
def test_painters_are_trained_by_the_scripts_themselves(tmp_path: Path) -> None:
    """Tiny networks on a few covers, each script in a process of its own; again, nothing is left to do."""
    covers = cover_folder(tmp_path / "covers", 24, size=64)
    paintings = covers  # The jury's steps are left out.
    out = tmp_path / "runs"
    tiny = "--epochs 1 --batch 4 --held-out 4 --device cpu --precision fp32 --threads 1"
    planned = more_options(
        steps(covers, paintings, paintings, out, None)[:4],
        [
            f"seed={tiny} --source all --width 2 --latent-size 4",
            f"plain={tiny} --width 2 --latent-size 4",
            f"autoencoder={tiny} --width 8",
            f"flow={tiny} --width 8 --latent-size 4 --autoguidance-width 8 --autoguidance-epochs 1 --views 1",
        ],
    )
    retrain(planned, out)
    for name in ("seed", "plain", "flow"):
        assert load_generator(read_checkpoint(out / name / "checkpoint", "generator")).size == 64
    runner = Runner(planned)
    retrain(planned, out, run=runner)
    assert runner.ran == []
