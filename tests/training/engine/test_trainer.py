"""The training loop, for every trainer: runs that are stopped, killed, spoiled and continued."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tests.training.trainers import KINDS, make_trainer, tensors_of
from training.data.covers import CoverSet, DataError, load_covers
from training.engine.state import read_state, write_state
from training.engine.trainer import STATE, Trainer, train, update_average

pytestmark = pytest.mark.usefixtures("small")
OTHERS = [pytest.param(kind, marks=pytest.mark.slow) for kind in KINDS if kind != "dcgan"]
every_kind = pytest.mark.parametrize("kind", ["dcgan", *OTHERS])
"""Trainers share their loop, so one of them is enough on every save."""


@pytest.fixture(scope="module")
def all_covers(nine_covers: Path) -> dict[int, CoverSet]:
    return {size: load_covers(nine_covers, size=size) for size in (8, 64)}


def make(all_covers: dict[int, CoverSet], kind: str, **changes: Any) -> Trainer[Any]:
    return make_trainer(kind, all_covers[8 if kind == "dcgan" else 64], **changes)


def files_of(out: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in [*(out / "samples").iterdir(), out / "history.json"]}


def assert_same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> None:
    assert one.keys() == other.keys()
    for name, value in one.items():
        assert torch.equal(value, other[name]), name


@every_kind
def test_a_stopped_run_goes_on_to_the_same_weights_history_and_samples(
    all_covers: dict[int, CoverSet], tmp_path: Path, kind: str
) -> None:
    whole = make(all_covers, kind)
    assert train(whole, tmp_path / "whole")
    assert whole.step == 6 and [line["images_seen"] for line in whole.history] == [8, 16, 24]
    assert set(whole.metrics) < whole.history[0].keys()
    assert all(np.isfinite(list(line.values())).all() for line in whole.history)
    for stop in (1, 4):
        assert not train(make(all_covers, kind), tmp_path / "cut", stop_after=stop)
    resumed = make(all_covers, kind)
    assert train(resumed, tmp_path / "cut")
    assert_same(tensors_of(whole), tensors_of(resumed))
    assert files_of(tmp_path / "whole") == files_of(tmp_path / "cut")


def test_a_killed_run_goes_on_from_the_last_saved_state(
    all_covers: dict[int, CoverSet], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = make(all_covers, "dcgan")
    train(whole, tmp_path / "whole")
    killed = make(all_covers, "dcgan")
    step = killed.train_step

    def dies() -> Any:
        if killed.step == 3:
            raise KeyboardInterrupt
        return step()

    monkeypatch.setattr(killed, "train_step", dies)
    with pytest.raises(KeyboardInterrupt):
        train(killed, tmp_path / "run", save_every=0)
    assert read_state(tmp_path / "run" / STATE)[1]["step"] == 3
    resumed = make(all_covers, "dcgan")
    assert train(resumed, tmp_path / "run")
    assert_same(tensors_of(whole), tensors_of(resumed))
    board = EventAccumulator(str(tmp_path / "run" / "tensorboard")).Reload()
    for name in resumed.metrics:
        drawn = [(event.step, event.value) for event in board.Scalars(name)]
        assert drawn == [(line["images_seen"], pytest.approx(line[name])) for line in resumed.history]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_run_after_a_step_with_its_state_saved(
    all_covers: dict[int, CoverSet], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    trainer = make(all_covers, "dcgan")
    step, before = trainer.train_step, signal.getsignal(number)

    def interrupted() -> Any:
        if trainer.step == 2:
            os.kill(os.getpid(), number)
        return step()

    monkeypatch.setattr(trainer, "train_step", interrupted)
    assert not train(trainer, tmp_path)
    assert read_state(tmp_path / STATE)[1]["step"] == 3
    assert signal.getsignal(number) is before


def test_a_run_is_not_continued_with_other_settings_or_covers(
    all_covers: dict[int, CoverSet], tmp_path: Path
) -> None:
    train(make(all_covers, "dcgan", epochs=1), tmp_path)
    before = (tmp_path / STATE).read_bytes()
    other = CoverSet(255 - all_covers[8].pixels, all_covers[8].entries)
    for changed, what in (
        (make(all_covers, "dcgan", seed=6, lr_decay=0.1), "lr_decay, seed"),
        (make_trainer("dcgan", other, epochs=1), "covers"),
    ):
        with pytest.raises(DataError, match=rf"other settings \({what}\).*Give another --out"):
            train(changed, tmp_path)
    assert (tmp_path / STATE).read_bytes() == before


def test_a_finished_run_takes_no_step_but_can_be_given_more_epochs(
    all_covers: dict[int, CoverSet], tmp_path: Path
) -> None:
    train(make(all_covers, "dcgan", epochs=2), tmp_path)
    again = make(all_covers, "dcgan", epochs=2)
    assert train(again, tmp_path) and again.step == 4
    more = make(all_covers, "dcgan", epochs=3)
    assert train(more, tmp_path)
    whole = make(all_covers, "dcgan", epochs=3)
    train(whole, tmp_path / "whole")
    assert_same(tensors_of(whole), tensors_of(more))


@pytest.mark.parametrize("damage", ["short", "no state", "lacks a tensor", "other shape", "lacks a note"])
def test_a_broken_state_is_refused_in_a_sentence_and_kept(
    all_covers: dict[int, CoverSet], tmp_path: Path, damage: str
) -> None:
    path = tmp_path / STATE
    train(make(all_covers, "dcgan", epochs=1), tmp_path)
    tensors, notes = read_state(path)
    if damage == "short":
        path.write_bytes(path.read_bytes()[:-9])
    elif damage == "no state":
        save_file({"a": torch.zeros(1)}, path)
    else:
        name = "generator/layers.0.weight"
        changed = {"lacks a tensor": {}, "other shape": {name: torch.zeros(1)}, "lacks a note": tensors}[
            damage
        ]
        kept = {k: v for k, v in tensors.items() if k != name}
        write_state(path, kept | changed, {} if damage == "lacks a note" else notes)
    before = path.read_bytes()
    with pytest.raises(DataError, match=r"Delete it to start anew\."):
        train(make(all_covers, "dcgan"), tmp_path)
    assert path.read_bytes() == before


@every_kind
def test_every_network_learns_all_that_it_has_and_averages_lag_behind(
    all_covers: dict[int, CoverSet], kind: str
) -> None:
    trainer = make(all_covers, kind)
    before = tensors_of(trainer)
    learning = {
        f"{name}/{key}"
        for name, network in trainer.networks.items()
        for key, parameter in network.named_parameters()
        if not (kind == "regression" and "decoder" in key)
    }
    for _ in range(6):
        trainer.advance()
    after = tensors_of(trainer)
    still = {name for name in learning if torch.equal(before[name], after[name])}
    assert still == set(), still
    for name in {key for key in learning if key.startswith("average/")}:
        fast = next(n for n in ("student", "generator", "velocity") if n in trainer.networks)
        own = name.replace("average/", f"{fast}/")
        assert not torch.equal(after[name], after[own]), name


@every_kind
def test_runs_in_half_precision_learn_much_the_same(all_covers: dict[int, CoverSet], kind: str) -> None:
    found = []
    for precision in ("fp32", "bf16"):
        trainer = make(all_covers, kind, precision=precision)
        found.append([value.item() for value in trainer.train_step()])
    assert found[0] == pytest.approx(found[1], abs=0.1, rel=0.1)


@every_kind
def test_painting_samples_does_not_move_a_run(all_covers: dict[int, CoverSet], kind: str) -> None:
    quiet, shown = make(all_covers, kind), make(all_covers, kind)
    for _ in range(2):
        quiet.advance()
        shown.samples()
        shown.advance()
    assert_same(tensors_of(quiet), tensors_of(shown))


def test_the_order_of_covers_and_the_learning_rate_follow_settings_and_epoch(
    all_covers: dict[int, CoverSet],
) -> None:
    trainer = make(all_covers, "dcgan", lr_decay=0.5, learning_rate=1.0)
    rates = []
    for trainer.step in range(6):
        trainer.set_learning_rate(1.0)
        rates += [
            group["lr"] for optimiser in trainer.optimisers.values() for group in optimiser.param_groups
        ]
    assert rates == pytest.approx([1, 1, 1, 1, 1, 1, 1, 1, 2 / 3, 2 / 3, 1 / 3, 1 / 3])

    def order(seed: int) -> list[list[int]]:
        trainer, found = make(all_covers, "dcgan", seed=seed), []
        for trainer.step in range(6):
            found.append(trainer.batch_indices().tolist())
        return found

    first = order(5)
    assert first == order(5) != order(6)
    assert all(len({*a, *b}) == 8 for a, b in zip(first[::2], first[1::2], strict=True))
    assert first[:2] != first[2:4]
    with pytest.raises(DataError, match="9 covers are too few for a batch of 16"):
        make(all_covers, "dcgan", batch=16)


def test_an_average_halves_what_was_before() -> None:
    slow, fast = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)
    expected = (slow.weight + fast.weight) / 2
    update_average(slow, fast, 0.5)
    assert torch.allclose(slow.weight, expected)
