"""Teaching an inker, then a sketcher, on a few covers painted by the test; stopping them and going on."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import Tensor, nn

from albumjudge.domain.conditions import DECADES, GENRES
from albumjudge.inference.checkpoints import load_generator, read_checkpoint
from albumjudge.models.autoencoder import Encoder
from albumjudge.models.flow import FlowGenerator
from tests.cover_folders import cover_folder
from tests.quick_features import QuickFeatures
from tests.training.engine.test_distributed import ROOT, free_port
from training import train_autoencoder as train_inker
from training import train_flow as train_sketcher
from training.data.covers import CoverSet, DataError, load_covers
from training.engine.distributed import Processes
from training.engine.state import read_state, write_state
from training.engine.tensorboard import GROUPS
from training.engine.trainer import Trainer, teach
from training.train_autoencoder import AutoencoderConfig, AutoencoderTrainer
from training.train_flow import FlowConfig, FlowTrainer, begin, mixed, trace_all

INKER = AutoencoderConfig(held_out=0, epochs=2, batch=4, depth=3, width=4, seed=5)
SKETCHER = FlowConfig(
    held_out=0,
    epochs=2,
    batch=4,
    latent_size=6,
    width=8,
    warm=8,
    steps=2,
    novice=8,
    novice_epochs=1,
    views=2,
    seed=5,
)
CPU = torch.device("cpu")
STEPS = 6
"""Two epochs of three steps: 14 covers in batches of four."""


@pytest.fixture(scope="module", autouse=True)
def small() -> Iterator[None]:
    """One thread, so that sums are always added in the same order; networks and features that cost nothing."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train_inker, "LiteFeatures", QuickFeatures)
        for script in (train_inker, train_sketcher):
            patch.setattr(script, "Encoder", partial(Encoder, width=4))
        yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return cover_folder(tmp_path_factory.mktemp("data") / "covers", 14)


@pytest.fixture(scope="module")
def covers(folder: Path) -> CoverSet:
    return load_covers(folder, size=64)


@pytest.fixture(scope="module")
def labelled(covers: CoverSet) -> CoverSet:
    """The same covers, each of a genre and decade that no other has together."""
    entries = [
        replace(entry, genres=(GENRES[k % len(GENRES)],), decade=DECADES[k % len(DECADES)])
        for k, entry in enumerate(covers.entries)
    ]
    return CoverSet(covers.pixels, tuple(entries))


def options(config: AutoencoderConfig | FlowConfig) -> list[str]:
    """Settings as they are given on the command line, in the precision of pupils that tests make themselves."""
    given = {key: value for key, value in asdict(config).items() if value is not None and key != "recipe"}
    given["precision"] = "fp32"
    return [part for key, value in given.items() for part in (f"--{key.replace('_', '-')}", str(value))]


@pytest.fixture(scope="module")
def taught(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An inker's run, by the script."""
    out = tmp_path_factory.mktemp("inker")
    where = ["--data", str(folder), "--out", str(out), "--device", "cpu", "--threads", "1"]
    assert train_inker.main([*where, *options(INKER)]) == 0
    return out


@pytest.fixture(scope="module")
def dreamt(folder: Path, taught: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sketcher's run, by the script."""
    out = tmp_path_factory.mktemp("sketcher")
    where = ["--data", str(folder), "--inker", str(taught), "--out", str(out), "--device", "cpu"]
    assert train_sketcher.main([*where, "--threads", "1", *options(SKETCHER)]) == 0
    return out


def inker_of(covers: CoverSet, config: AutoencoderConfig = INKER, crew: Processes | None = None) -> Trainer:
    return AutoencoderTrainer(config, covers, crew or Processes())


def sketcher_of(
    covers: CoverSet, taught: Path, config: FlowConfig = SKETCHER, crew: Processes | None = None
) -> FlowTrainer:
    painter, tracer, _ = begin(config, taught, CPU)
    sketches = trace_all(tracer, covers, config, Processes())
    if painter.novice is not None:
        lesson = replace(config, epochs=config.novice_epochs)
        novice = FlowTrainer(lesson, covers, Processes(), painter, sketches, novice=True)
        for _ in range(novice.steps):
            novice.train_step()
        painter.novice.load_state_dict(novice.average.state_dict())
    return FlowTrainer(config, covers, crew or Processes(), painter, sketches)


Make = Callable[..., Trainer]
Main = Callable[[list[str]], int]


@pytest.fixture(scope="module", params=["inker", "sketcher"])
def kind(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def whole(kind: str, taught: Path, dreamt: Path) -> Path:
    """A run that nothing interrupted."""
    return taught if kind == "inker" else dreamt


@pytest.fixture
def make(kind: str, covers: CoverSet, taught: Path) -> Make:
    """Makes a pupil of either kind, with settings changed and in a crew where asked."""

    def made(crew: Processes | None = None, **changes: Any) -> Trainer:
        if kind == "inker":
            return inker_of(covers, replace(INKER, **changes), crew)
        return sketcher_of(covers, taught, replace(SKETCHER, **changes), crew)

    return made


def snapshot(network: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in network.state_dict().items()}


def moved(before: dict[str, Tensor], network: nn.Module) -> set[str]:
    return {name for name, value in network.state_dict().items() if not torch.equal(value, before[name])}


def assert_same_run(one: Path, other: Path) -> None:
    (a, notes), (b, others) = (read_state(out / "state.safetensors") for out in (one, other))
    assert a.keys() == b.keys()
    for name, value in a.items():
        assert torch.equal(value, b[name]), name
    assert notes == others
    assert (one / "history.json").read_text() == (other / "history.json").read_text()
    samples = {path.name: path.read_bytes() for path in (one / "samples").iterdir()}
    assert samples == {path.name: path.read_bytes() for path in (other / "samples").iterdir()}


def test_the_first_script_teaches_a_inker_from_a_folder_of_covers(taught: Path) -> None:
    tensors, notes = read_state(taught / "state.safetensors")
    assert notes["config"] == asdict(INKER)
    assert notes["step"] == STEPS
    history = json.loads((taught / "history.json").read_text())
    assert history == notes["history"]
    assert [(line["epoch"], line["images_seen"]) for line in history] == [(1, 12), (2, 24)]
    for line in history:
        assert 0 < line["difference"] < 2
        assert 0 < line["unlikeness"] < 12
        assert 0 < line["smaller"] < 2
    assert all(value.isfinite().all() for value in tensors.values() if value.is_floating_point())
    # The covers are those of others: the names of the sheets say so.
    assert sorted(path.name for path in (taught / "samples").iterdir()) == [
        f"{seen:08d}-private.png" for seen in (0, 12, 24)
    ]
    assert not list(taught.glob("**/*.part"))


def test_the_second_script_teaches_a_sketcher_whose_checkpoint_paints(dreamt: Path) -> None:
    checkpoint = read_checkpoint(dreamt / "checkpoint", "generator")
    assert (checkpoint.name, checkpoint.network) == ("sketched-64", "FlowGenerator")
    assert checkpoint.config == {
        "latent_size": 6,
        "depth": 3,
        "width": 8,
        "size": 64,
        "ink": 4,
        "steps": 2,
        "guidance": 3.0,
        "insistence": 5.0,
        "patience": 0.3,
        "novice": 8,
    }
    record = checkpoint.training
    assert record["config"] == asdict(SKETCHER)
    assert record["inker"] == asdict(INKER)
    assert (record["covers"], record["epochs_done"], record["images_seen"]) == (14, 2, 24)
    assert record["processes"] == 1
    assert [(line["epoch"], line["images_seen"]) for line in checkpoint.history] == [(1, 12), (2, 24)]
    for line in checkpoint.history:
        assert 0 < line["loss_generator"] < 4
    generator = load_generator(checkpoint)
    assert isinstance(generator, FlowGenerator)
    painted = generator(torch.randn(2, 6), torch.tensor([0, 1]), torch.tensor([2, 0]))
    assert painted.shape == (2, 3, 64, 64)
    assert painted.isfinite().all()
    assert sorted(path.name for path in (dreamt / "samples").iterdir()) == [
        f"{seen:08d}.png" for seen in (0, 12, 24)
    ]
    card = (dreamt / "checkpoint" / "README.md").read_text(encoding="utf-8")
    assert "makes small sketches" in card
    assert "of 64x64 pixels" in card


@pytest.mark.parametrize("epochs", [1, 3])
def test_the_checkpoint_says_how_many_covers_inker_and_novice_were_shown(
    folder: Path, covers: CoverSet, dreamt: Path, tmp_path: Path, epochs: int
) -> None:
    record = read_checkpoint(dreamt / "checkpoint", "generator").training
    novice = int(read_state(dreamt / "novice" / "state.safetensors")[1]["step"])  # type: ignore[call-overload]
    assert novice > 0
    assert record["images_seen_before"] == STEPS * INKER.batch + novice * SKETCHER.batch
    assert teach(inker_of(covers, replace(INKER, epochs=epochs)), tmp_path)
    _, _, before = begin(SKETCHER, tmp_path, CPU)
    assert before == epochs * 3 * INKER.batch


def test_a_sketcher_does_not_begin_before_its_inker_has_learnt_all(covers: CoverSet, tmp_path: Path) -> None:
    assert not teach(inker_of(covers), tmp_path, stop_after=4)
    with pytest.raises(DataError, match=rf"has {STEPS - 4} steps to go\. Finish it"):
        begin(SKETCHER, tmp_path, CPU)
    assert teach(inker_of(covers), tmp_path)
    begin(SKETCHER, tmp_path, CPU)


def test_a_painter_is_another_one_where_it_makes_its_sketches_in_another_way(
    dreamt: Path, tmp_path: Path
) -> None:
    """Since the same seed would give another cover."""
    revisions = set()
    others = ({"steps": 3}, {"guidance": 1.5}, {"insistence": 2.0}, {"patience": 0.5})
    for number, changes in enumerate(({}, *others)):
        folder = tmp_path / str(number)
        shutil.copytree(dreamt / "checkpoint", folder)
        config = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps(config | changes))
        revisions.add(read_checkpoint(folder, "generator").revision)
    assert len(revisions) == 5


def test_the_checkpoints_inker_is_the_one_that_was_taught(taught: Path, dreamt: Path) -> None:
    generator = load_generator(read_checkpoint(dreamt / "checkpoint", "generator"))
    assert isinstance(generator, FlowGenerator)
    tensors, _ = read_state(taught / "state.safetensors")
    for name, value in generator.inker.state_dict().items():
        assert torch.equal(value, tensors[f"inker/{name}"].half().float()), name


def test_the_checkpoints_sketcher_is_the_average(dreamt: Path) -> None:
    generator = load_generator(read_checkpoint(dreamt / "checkpoint", "generator"))
    assert isinstance(generator, FlowGenerator)
    tensors, _ = read_state(dreamt / "state.safetensors")
    for name, value in generator.sketcher.state_dict().items():
        assert torch.equal(value, tensors[f"average/{name}"].half().float()), name


def test_the_checkpoints_novice_is_the_average_of_who_learnt_first(dreamt: Path) -> None:
    generator = load_generator(read_checkpoint(dreamt / "checkpoint", "generator"))
    assert isinstance(generator, FlowGenerator) and generator.novice is not None
    tensors, notes = read_state(dreamt / "novice" / "state.safetensors")
    assert (notes["step"], notes["config"]) == (3, asdict(replace(SKETCHER, epochs=1)))
    for name, value in generator.novice.state_dict().items():
        assert torch.equal(value, tensors[f"average/{name}"].half().float()), name
        assert value.shape == generator.sketcher.state_dict()[name].shape
    # It has learnt for half as long as the sketcher, on its own.
    assert moved(snapshot(generator.novice), generator.sketcher)


def test_a_novice_learns_without_the_sketcher(covers: CoverSet, taught: Path) -> None:
    painter, tracer, _ = begin(replace(SKETCHER, novice=16), taught, CPU)
    sketches = trace_all(tracer, covers, SKETCHER, Processes())
    pupil = FlowTrainer(SKETCHER, covers, Processes(), painter, sketches, novice=True)
    before, given = snapshot(painter), snapshot(pupil.sketcher)
    pupil.train_step()
    assert moved(given, pupil.sketcher)
    assert not moved(before, painter)
    alone = pupil.averaged_generator()
    assert alone.novice is None and alone.sketcher.enter.out_channels == 16
    assert not moved(snapshot(alone.sketcher), pupil.average)


def test_a_sketcher_can_do_without_a_novice(folder: Path, taught: Path, tmp_path: Path) -> None:
    where = ["--data", str(folder), "--inker", str(taught), "--out", str(tmp_path), "--device", "cpu"]
    lone = replace(SKETCHER, novice=0, epochs=1)
    assert train_sketcher.main([*where, "--threads", "1", *options(lone)]) == 0
    assert not (tmp_path / "novice").exists()
    generator = load_generator(read_checkpoint(tmp_path / "checkpoint", "generator"))
    assert isinstance(generator, FlowGenerator) and generator.novice is None
    assert generator(torch.randn(2, 6)).isfinite().all()


def test_the_same_command_ends_what_was_killed_after_the_novice(
    folder: Path, taught: Path, dreamt: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = ["--data", str(folder), "--inker", str(taught), "--out", str(tmp_path), "--device", "cpu"]
    command = [*where, "--threads", "1", *options(SKETCHER)]
    step = FlowTrainer.train_step

    def die_without_novice(self: FlowTrainer) -> None:
        if not self.is_novice and self.step == 4:
            raise KilledError
        step(self)

    with monkeypatch.context() as patch:
        patch.setattr(FlowTrainer, "train_step", die_without_novice)
        with pytest.raises(KilledError):
            train_sketcher.main(command)
    assert train_sketcher.main(command) == 0
    assert_same_run(tmp_path, dreamt)
    assert_same_run(tmp_path / "novice", dreamt / "novice")
    weights = ((out / "checkpoint" / "model.safetensors").read_bytes() for out in (tmp_path, dreamt))
    assert len(set(weights)) == 1


@pytest.mark.parametrize("kind", ["inker", "sketcher"], indirect=True)
def test_networks_may_compute_in_half_precision_and_learn_much_the_same(make: Make) -> None:
    one, other = make(learning_rate=1e-4), make(learning_rate=1e-4)
    other.precision = "bf16"
    for pupil in (one, other):
        for _ in range(STEPS // 2):
            pupil.train_step()
    exact, halved = ([line[name] for name in one.names] for line in (one.history[0], other.history[0]))
    assert halved == pytest.approx(exact, rel=0.05)
    assert all(moved(snapshot(one.networks[name]), network) for name, network in other.networks.items())
    for network in other.networks.values():
        assert {value.dtype for value in network.parameters()} == {torch.float32}


@pytest.mark.parametrize("steps", [1, 3, 5])
def test_a_run_that_was_stopped_ends_as_if_it_had_not_been(
    make: Make, whole: Path, tmp_path: Path, steps: int
) -> None:
    """3 stops between two epochs, the others within one; 1 while the rate still rises."""
    assert not teach(make(), tmp_path, stop_after=steps)
    assert read_state(tmp_path / "state.safetensors")[1]["step"] == steps
    assert teach(make(), tmp_path)
    assert_same_run(tmp_path, whole)


class KilledError(Exception):
    """What a test kills a run with: nothing is saved on the way out."""


def test_a_run_that_was_killed_goes_on_from_the_end_of_the_epoch(
    make: Make, whole: Path, tmp_path: Path
) -> None:
    pupil = make()
    step = pupil.train_step

    def step_and_die() -> None:
        step()
        if pupil.step == 5:
            raise KilledError

    pupil.train_step = step_and_die  # type: ignore[method-assign]
    with pytest.raises(KilledError):
        teach(pupil, tmp_path)
    assert read_state(tmp_path / "state.safetensors")[1]["step"] == 3
    teach(make(), tmp_path)
    assert_same_run(tmp_path, whole)


def test_the_state_is_saved_within_an_epoch_as_often_as_was_asked(make: Make, tmp_path: Path) -> None:
    pupil = make(epochs=1)
    seen: list[object] = []
    step = pupil.train_step

    def look_and_step() -> None:
        path = tmp_path / "state.safetensors"
        seen.append(read_state(path)[1]["step"] if path.is_file() else None)
        step()

    pupil.train_step = look_and_step  # type: ignore[method-assign]
    teach(pupil, tmp_path, save_every=-1)
    assert seen == [None, 1, 2]


def test_curves_speed_memory_and_samples_are_on_the_board_once_also_after_a_stop(
    make: Make, tmp_path: Path
) -> None:
    assert not teach(make(), tmp_path, stop_after=4)
    assert teach(make(), tmp_path)
    board = EventAccumulator(
        str(tmp_path / "tensorboard"), size_guidance={"images": 0, "scalars": 0}
    ).Reload()
    history = json.loads((tmp_path / "history.json").read_text())
    drawn = {key: name for key, name in GROUPS.items() if key in history[0]}
    speed = {GROUPS["covers_per_second"], GROUPS["peak_memory_gb"]}
    assert drawn and set(board.Tags()["scalars"]) == set(drawn.values()) | speed
    for key, name in drawn.items():
        assert [event.step for event in board.Scalars(name)] == [line["images_seen"] for line in history]
        assert [event.value for event in board.Scalars(name)] == pytest.approx(
            [line[key] for line in history]
        )
    for name in speed:
        assert len(board.Scalars(name)) == len(history)
        assert all(event.value > 0 for event in board.Scalars(name))
    kept = {int(path.stem.split("-")[0]) for path in (tmp_path / "samples").iterdir()}
    assert {event.step for event in board.Images("samples")} == kept


def test_the_same_command_does_nothing_more_to_a_finished_run(
    folder: Path, taught: Path, dreamt: Path, tmp_path: Path
) -> None:
    before = (dreamt / "state.safetensors").read_bytes()
    weights = (dreamt / "checkpoint" / "model.safetensors").read_bytes()
    where = ["--data", str(folder), "--inker", str(taught), "--out", str(dreamt), "--device", "cpu"]
    assert train_sketcher.main([*where, "--threads", "1", *options(SKETCHER)]) == 0
    assert (dreamt / "state.safetensors").read_bytes() == before
    assert (dreamt / "checkpoint" / "model.safetensors").read_bytes() == weights


def test_a_run_can_be_asked_for_more_epochs(make: Make, tmp_path: Path) -> None:
    """Without anything that depends on how many there are."""
    steady: dict[str, Any] = {"settle": 0.0}
    assert teach(make(**steady, epochs=1), tmp_path)
    assert teach(make(**steady), tmp_path)
    uninterrupted = make(**steady)
    for _ in range(STEPS):
        uninterrupted.train_step()
    tensors, notes = read_state(tmp_path / "state.safetensors")
    expected, told = uninterrupted.state()
    assert notes == told
    assert tensors.keys() == expected.keys()
    for name, value in expected.items():
        assert torch.equal(tensors[name], value), name


def test_how_sketches_are_made_may_change_in_the_middle_of_a_run(
    covers: CoverSet, taught: Path, dreamt: Path, tmp_path: Path
) -> None:
    """It is nothing that is learnt."""
    path = tmp_path / "state.safetensors"
    path.write_bytes((dreamt / path.name).read_bytes())
    changed = replace(SKETCHER, steps=3, guidance=1.5, insistence=3.0, patience=0.5, novice=16)
    trainer = sketcher_of(covers, taught, changed)
    assert teach(trainer, tmp_path)
    assert trainer.step == STEPS
    generator = trainer.averaged_generator()
    assert (generator.steps, generator.guidance) == (3, 1.5)
    assert (generator.insistence, generator.patience) == (3.0, 0.5)


def test_another_seed_gives_another_run(make: Make) -> None:
    one, other = make(), make(seed=6)
    assert not torch.equal(one.chance.get_state(), other.chance.get_state())
    for name, network in one.networks.items():
        weights = {key for key, value in network.named_parameters() if value.dim() == 4 and value.any()}
        assert weights <= moved(snapshot(network), other.networks[name])


def test_looking_at_samples_does_not_move_the_run(make: Make) -> None:
    pupil = make()
    pupil.train_step()
    before = {name: value.clone() for name, value in pupil.state()[0].items()}
    drawn = torch.get_rng_state()
    pupil.sheet()
    after = pupil.state()[0]
    assert before.keys() == after.keys()
    for name, value in before.items():
        assert torch.equal(value, after[name]), name
    assert torch.equal(torch.get_rng_state(), drawn)
    for name, network in pupil.networks.items():
        assert network.training == (name != "average")


@pytest.mark.parametrize("count", [8, 14])
def test_each_row_of_covers_hangs_above_what_the_inker_made_of_it(covers: CoverSet, count: int) -> None:
    fewer = CoverSet(covers.pixels[:count], covers.entries[:count])
    trainer = inker_of(fewer)
    assert isinstance(trainer, AutoencoderTrainer)
    kind, picture = trainer.sheet()
    assert kind == "-private"
    with torch.no_grad():
        made = trainer.inker(trainer.tracer.eval()(trainer.as_input(np.arange(count))))
    copies = made.add(1).mul(127.5).round().numpy()
    sheet = np.asarray(picture).astype(int).transpose(2, 0, 1)
    for k in range(count):
        top, left = 128 * (k // 8), 64 * (k % 8)
        for below, expected in ((0, fewer.pixels[k]), (64, copies[k])):
            shown = sheet[:, top + below : top + below + 64, left : left + 64]
            assert shown.shape == expected.shape
            assert abs(shown - expected).max() <= 1, (k, below)


def refused(main: Main, given: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """What a script says when it refuses."""
    capsys.readouterr()
    assert main(given) == 1
    said = capsys.readouterr().err
    assert "Traceback" not in said
    return said


Script = tuple[Main, list[str]]


@pytest.fixture
def script(kind: str, folder: Path, taught: Path) -> Script:
    """Either script and what it is given, but for ``--out``."""
    where = ["--data", str(folder), "--device", "cpu", "--threads", "1"]
    if kind == "inker":
        return train_inker.main, [*where, *options(INKER)]
    return train_sketcher.main, [*where, "--inker", str(taught), *options(SKETCHER)]


def test_a_run_with_other_settings_is_not_continued(
    script: Script, whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main, given = script
    path = tmp_path / "state.safetensors"
    before = (whole / path.name).read_bytes()
    path.write_bytes(before)
    other = ["--out", str(tmp_path), "--learning-rate", "3e-3", "--settle", "0.1"]
    said = refused(main, [*given, *other], capsys)
    assert "other settings (learning_rate, settle). Give another --out" in said
    assert path.read_bytes() == before


@pytest.mark.parametrize("damage", ["short", "no state", "lacks a tensor", "other shape", "lacks a note"])
def test_a_broken_state_gives_a_sentence(
    script: Script, whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], damage: str
) -> None:
    main, given = script
    path = tmp_path / "state.safetensors"
    tensors, notes = read_state(whole / path.name)
    name = next(key for key in tensors if key.endswith(("enlarge.0.weight", "halve.weight")))
    if damage == "lacks a tensor":
        del tensors[name]
    elif damage == "other shape":
        tensors[name] = torch.zeros(3)
    elif damage == "lacks a note":
        del notes["history"]
    write_state(path, tensors, notes)
    if damage == "short":
        path.write_bytes(path.read_bytes()[:-9])
    elif damage == "no state":
        path.write_bytes(b"no state")
    before = path.read_bytes()
    said = refused(main, [*given, "--out", str(tmp_path)], capsys)
    assert "saved state" in said
    assert said.endswith("Delete it to start anew.\n")
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (["--batch", "15"], "14 covers and 1 processes do not go with batches of 15. Give another --batch."),
        (["--source", "elsewhere"], "lists no cover of source 'elsewhere'"),
        (["--data", "nowhere"], "There is no folder nowhere."),
        (["--held-out", "14"], "14 covers are too few to hold 14 out."),
    ],
)
def test_what_cannot_work_is_said_in_a_sentence(
    script: Script, tmp_path: Path, capsys: pytest.CaptureFixture[str], changes: list[str], said: str
) -> None:
    main, given = script
    assert said in refused(main, [*given, "--out", str(tmp_path), *changes], capsys)
    assert not (tmp_path / "state.safetensors").exists()


@pytest.mark.parametrize("size", ["60", "72"])
def test_a_inker_for_covers_that_no_sketcher_can_sketch_is_refused_in_a_sentence(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], size: str
) -> None:
    where = ["--data", str(folder), "--out", str(tmp_path), "--device", "cpu"]
    said = refused(train_inker.main, [*where, *options(INKER), "--size", size], capsys)
    assert size in said
    assert not (tmp_path / "state.safetensors").exists()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (["--size", "128"], "was taught with another size (64)."),
        (["--held-out", "2"], "was taught with another held_out (0)."),
        (["--source", "test"], "was taught with another source (None)."),
        (["--inker", "nowhere"], "The saved state nowhere/state.safetensors cannot be read"),
    ],
)
def test_a_inker_that_does_not_fit_is_refused_in_a_sentence(
    folder: Path,
    taught: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    changes: list[str],
    said: str,
) -> None:
    where = ["--data", str(folder), "--inker", str(taught), "--out", str(tmp_path), "--device", "cpu"]
    assert said in refused(train_sketcher.main, [*where, *options(SKETCHER), *changes], capsys)
    assert not (tmp_path / "state.safetensors").exists()


@pytest.mark.parametrize("damage", ["short", "lacks a tensor", "a sketcher's run"])
def test_a_inkers_run_that_is_none_is_refused_in_a_sentence(
    folder: Path,
    taught: Path,
    dreamt: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    damage: str,
) -> None:
    run = tmp_path / "inker"
    path = run / "state.safetensors"
    tensors, notes = read_state((dreamt if damage == "a sketcher's run" else taught) / path.name)
    tensors.pop("inker/enter.weight" if damage == "lacks a tensor" else "totals")
    write_state(path, tensors, notes)
    if damage == "short":
        path.write_bytes(path.read_bytes()[:-9])
    where = ["--data", str(folder), "--inker", str(run), "--out", str(tmp_path / "run")]
    assert str(run) in refused(train_sketcher.main, [*where, "--device", "cpu", *options(SKETCHER)], capsys)
    assert not (tmp_path / "run" / "state.safetensors").exists()


def test_a_sketcher_does_not_go_on_with_the_sketches_of_another_inker(
    folder: Path, covers: CoverSet, dreamt: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its critic knows other ones by heart, and its inker would not know what to make of these."""
    other, run = tmp_path / "inker", tmp_path / "run"
    teach(inker_of(covers, replace(INKER, seed=6)), other)
    run.mkdir()
    (run / "state.safetensors").write_bytes((dreamt / "state.safetensors").read_bytes())
    where = ["--data", str(folder), "--inker", str(other), "--out", str(run), "--device", "cpu"]
    assert "inker" in refused(train_sketcher.main, [*where, *options(SKETCHER), "--epochs", "3"], capsys)


def test_a_batch_that_cannot_be_shared_evenly_is_refused(make: Make) -> None:
    with pytest.raises(DataError, match=r"14 covers and 3 processes do not go with batches of 4\."):
        make(Processes(0, 3))


def test_all_networks_learn_all_that_they_have(make: Make) -> None:
    """What reworks add is nothing at first, so their first halves wait for a step, and so on inwards."""
    pupil = make()
    before = {name: snapshot(network) for name, network in pupil.networks.items()}
    for _ in range(4):
        pupil.train_step()
    assert pupil.totals.isfinite().all()
    for name, network in pupil.networks.items():
        # Of the last bias nothing is left in the tracer's batch norm.
        idle = {"leave.bias"} if name == "tracer" else set()
        assert {key for key, _ in network.named_parameters()} - idle <= moved(before[name], network), name


def test_the_inker_does_not_change_while_the_sketcher_learns(covers: CoverSet, taught: Path) -> None:
    trainer = sketcher_of(covers, taught)
    before = snapshot(trainer.painter.inker)
    for _ in range(3):
        trainer.train_step()
    trainer.sheet()
    averaged = trainer.averaged_generator()
    assert not moved(before, trainer.painter.inker)
    assert not moved(before, averaged.inker)
    assert not any(p.requires_grad for p in trainer.painter.inker.parameters())
    fixed = {id(p) for p in trainer.painter.inker.parameters()}
    for steps in trainer.optimisers.values():
        assert not fixed & {id(p) for group in steps.param_groups for p in group["params"]}


def test_sketches_are_traced_as_the_inker_was_taught_and_then_moved_a_bit(
    covers: CoverSet, taught: Path
) -> None:
    _, tracer, _ = begin(SKETCHER, taught, CPU)
    sketches = trace_all(tracer, covers, replace(SKETCHER, views=3), Processes())
    assert sketches.shape == (3, 14, 3, 8, 8)
    pictures = torch.from_numpy(covers.pixels).float() / 127.5 - 1
    with torch.no_grad():
        assert torch.allclose(sketches[0], tracer.eval()(pictures), atol=1e-5)
    for view in (1, 2):
        gaps = (sketches[view] - sketches[0]).abs().amax((1, 2, 3))
        assert (gaps > 1e-3).sum() > 7
    assert not torch.equal(sketches[1], sketches[2])
    again = trace_all(tracer, covers, replace(SKETCHER, views=2), Processes())
    assert torch.equal(again, sketches[:2])


class Asked:
    """Notes what a sketcher is given in every step, and what it answers."""

    def __init__(self, trainer: FlowTrainer) -> None:
        self.sketches: list[Tensor] = []
        self.moments: list[Tensor] = []
        self.wishes: list[list[list[int]]] = []
        self.ways: list[Tensor] = []
        trainer.sketcher.register_forward_hook(self._note)

    def _note(self, _: nn.Module, given: tuple[Tensor, ...], ways: Tensor) -> None:
        sketches, moments, *wish = given
        self.sketches.append(sketches)
        self.moments.append(moments)
        self.wishes.append(torch.stack(wish, 1).tolist())
        self.ways.append(ways.detach())


@pytest.mark.parametrize("forget", [0.0, 0.5])
def test_a_sketcher_is_told_the_genre_and_decade_of_each_cover_unless_they_are_forgotten(
    labelled: CoverSet, taught: Path, forget: float
) -> None:
    trainer = sketcher_of(labelled, taught, replace(SKETCHER, batch=14, forget_label=forget))
    asked = Asked(trainer)
    own = []
    for k in trainer.batch().tolist():
        genre, decade = labelled.entries[k].genres[0], labelled.entries[k].decade
        own.append([1 + GENRES.index(genre), 1 + DECADES.index(str(decade))])
    trainer.train_step()
    if not forget:
        assert asked.wishes == [own]
        return
    found, told = torch.tensor(asked.wishes[0]), torch.tensor(own)
    assert torch.equal(found[found > 0], told[found > 0])
    assert 0 < (found == 0).sum() < 28


def test_half_finished_sketches_lie_on_the_line_from_noise_to_sketch() -> None:
    chance = torch.Generator().manual_seed(0)
    sketches, noise = torch.randn(2, 3, 4, 8, 8, generator=chance)
    half = mixed(sketches, noise, torch.tensor([0.0, 0.25, 1.0]))
    assert torch.allclose(half[0], noise[0])
    assert torch.allclose(half[1], 0.75 * noise[1] + 0.25 * sketches[1], atol=1e-6)
    assert torch.allclose(half[2], sketches[2])


def test_a_sketcher_is_shown_this_steps_sketches_in_noise_and_told_how_far_they_are(
    covers: CoverSet, taught: Path
) -> None:
    """What is left when the told share of the sketch is taken away must be noise, of the told share."""
    trainer = sketcher_of(covers, taught, replace(SKETCHER, batch=14, views=1))
    asked = Asked(trainer)
    numbers = torch.from_numpy(trainer.batch())
    trainer.train_step()
    (shown,), (moments,) = asked.sketches, asked.moments
    assert ((moments > 0) & (moments < 1)).all()
    assert len(set(moments.tolist())) == 14
    away = 1 - moments[:, None, None, None]
    noise = (shown - (1 - away) * trainer.sketches[0, numbers]) / away
    assert noise.mean().item() == pytest.approx(0, abs=0.1)
    assert noise.std().item() == pytest.approx(1, abs=0.1)
    # At first the sketcher stays where it is, so the loss is what there is to learn.
    assert not asked.ways[0].any()
    left = (trainer.sketches[0, numbers] - noise).square().mean()
    assert trainer.history[0]["loss_generator"] == pytest.approx(left.item(), rel=1e-3)


def test_a_sketcher_learns_the_way_to_the_only_sketch_there_is(covers: CoverSet, taught: Path) -> None:
    """Then the direction is known at every point: from here to there, in the time that is left."""
    config = replace(SKETCHER, epochs=150, batch=14, views=1, learning_rate=1e-2, width=16, novice=0)
    trainer = sketcher_of(covers, taught, config)
    trainer.sketches = trainer.sketches[:, :1].expand(-1, 14, -1, -1, -1)
    for _ in range(trainer.steps):
        trainer.train_step()
    assert trainer.history[-1]["loss_generator"] < 0.25 * trainer.history[0]["loss_generator"]
    generator = trainer.averaged_generator()
    generator.steps = 6
    with torch.no_grad():
        made = generator.sketch(trainer.sample_latents[:8], *torch.zeros(2, 8, dtype=torch.long))
    only = trainer.sketches[0, :1]
    assert (made - only).square().mean() < 0.2 * only.square().mean()


@pytest.mark.parametrize(("warm", "shares"), [(8, (0.5, 1, 1)), (0, (1, 1, 1)), (16, (0.25, 0.5, 0.75))])
def test_the_rate_of_a_sketcher_rises_at_first(
    covers: CoverSet, taught: Path, warm: int, shares: tuple[float, ...]
) -> None:
    trainer = sketcher_of(covers, taught, replace(SKETCHER, warm=warm, settle=0.0))
    for share in shares:
        trainer.train_step()
        (group,) = trainer.optimisers["sketcher"].param_groups
        assert group["lr"] == pytest.approx(share * SKETCHER.learning_rate)


def unhurried(kind: str) -> dict[str, Any]:
    """Settings with which a rate does not rise first."""
    return {"warm": 0} if kind == "sketcher" else {}


def test_learning_rates_settle_to_zero_at_the_end(make: Make, kind: str) -> None:
    pupil = make(settle=0.5, learning_rate=1e-3, **unhurried(kind))
    rates: list[list[float]] = []
    for _ in range(STEPS):
        pupil.train_step()
        rates.append([group["lr"] for steps in pupil.optimisers.values() for group in steps.param_groups])
    for row, share in zip(rates, (1, 1, 1, 1, 2 / 3, 1 / 3), strict=True):
        assert row == pytest.approx([1e-3 * share] * len(row))
    pupil.settle(1e-3)
    assert all(group["lr"] == 0 for steps in pupil.optimisers.values() for group in steps.param_groups)


def test_without_settling_learning_rates_stay(make: Make) -> None:
    pupil = make(settle=0.0, learning_rate=1e-3)
    for pupil.step in (0, STEPS - 1):
        pupil.settle(1e-3)
        assert all(group["lr"] == 1e-3 for steps in pupil.optimisers.values() for group in steps.param_groups)


def orders(pupil: Trainer) -> list[list[int]]:
    """The numbers of the covers of every epoch."""
    found: list[list[int]] = [[] for _ in range(pupil.lesson.epochs)]
    for step in range(pupil.steps):
        pupil.step = step
        found[step // pupil.steps_per_epoch] += pupil.batch().tolist()
    return found


def test_the_order_of_covers_depends_on_seed_and_epoch_alone(
    covers: CoverSet, taught: Path, make: Make
) -> None:
    expected = orders(make(epochs=3))
    assert [len(epoch) for epoch in expected] == [12, 12, 12]
    assert [len(set(epoch)) for epoch in expected] == [12, 12, 12]
    assert len({tuple(epoch) for epoch in expected}) == 3
    assert set().union(*expected) == set(range(14))
    used = make(epochs=4)
    used.train_step()
    torch.manual_seed(99)
    assert orders(used)[:3] == expected
    assert orders(make(Processes(1, 2), epochs=3)) == expected
    assert orders(make(epochs=3, seed=6)) != expected
    assert orders(inker_of(covers, replace(INKER, epochs=3))) == expected
    assert orders(sketcher_of(covers, taught, replace(SKETCHER, epochs=3))) == expected


def test_the_average_weighs_states_by_a_power_of_how_far_the_run_had_come(
    covers: CoverSet, taught: Path
) -> None:
    """Karras et al. 2023, equation 1, whose sum is Beta's integral where steps are many."""
    power, steps = 3.0, 400
    trainer = sketcher_of(covers, taught, replace(SKETCHER, average_power=power))
    for step in range(steps):
        for parameter in trainer.sketcher.parameters():
            nn.init.constant_(parameter, step / steps)
        trainer._follow((1 - 1 / (1 + step)) ** (power + 1))
    # The mean of x weighed by x to the power is (power + 1) / (power + 2).
    for parameter in trainer.average.parameters():
        assert torch.allclose(parameter, torch.tensor((power + 1) / (power + 2)), atol=5e-3)


def test_the_average_begins_with_the_first_step_and_lags_behind(covers: CoverSet, taught: Path) -> None:
    trainer = sketcher_of(covers, taught)
    trainer.train_step()
    assert not moved(snapshot(trainer.sketcher), trainer.average)
    first = snapshot(trainer.sketcher)
    trainer.train_step()
    share = 0.5 ** (SKETCHER.average_power + 1)
    for name, value in trainer.average.state_dict().items():
        expected = share * first[name] + (1 - share) * trainer.sketcher.state_dict()[name]
        assert torch.allclose(value, expected, atol=1e-6), name


def test_the_painters_latents_stand_for_what_traced_sketches_vary_most_in(
    covers: CoverSet, taught: Path
) -> None:
    trainer = sketcher_of(covers, taught)
    rows = trainer.sketches.flatten(0, 1).flatten(1)
    along = ((rows - rows.mean(0)) @ trainer.painter.unfolding.directions).square().sum(0)
    assert along[:6].sum() > 0.5 * along.sum()
    assert torch.equal(along[:6], along[:6].sort(descending=True).values)
    averaged = trainer.averaged_generator()
    assert torch.equal(averaged.unfolding.directions, trainer.painter.unfolding.directions)


def test_half_of_the_samples_are_of_any_kind_and_the_rest_show_every_genre_and_decade(
    covers: CoverSet, taught: Path
) -> None:
    trainer = sketcher_of(covers, taught)
    labels = trainer.sample_labels
    assert labels.shape == (train_sketcher.SAMPLES, 2)
    half = train_sketcher.SAMPLES // 2
    assert not labels[:half].any()
    assert set(labels[half:, 0].tolist()) == set(range(1, 1 + len(GENRES)))
    assert set(labels[half:, 1].tolist()) == set(range(1, 1 + len(DECADES)))
    kind, picture = trainer.sheet()
    assert (kind, picture.size) == ("", (8 * 64, train_sketcher.SAMPLES // 8 * 64))


class Watched:
    """Notes what the first network of a pupil is given in a step, and what is added to it."""

    def __init__(self, pupil: Trainer) -> None:
        self.given: list[tuple[Tensor, ...]] = []
        self.made: list[Tensor] = []
        for network in pupil.networks.values():
            network.register_forward_pre_hook(lambda _, given: self.given.append(given))
            network.register_forward_hook(lambda _, __, made: self.made.append(made.detach()))


@pytest.fixture
def without_an_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A member of a crew goes its own way where it would hear of the others."""
    monkeypatch.setattr("training.engine.sync_batchnorm.all_reduce", lambda tensor: tensor)
    monkeypatch.setattr(Processes, "average", lambda self, tensors: None)


@pytest.mark.usefixtures("without_an_engine")
@pytest.mark.parametrize("at_once", [13, 64])
def test_a_crew_traces_what_one_would(
    covers: CoverSet, taught: Path, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    """At 13 at once, a single cover is left in the end, and the second process has nothing to do."""
    monkeypatch.setattr(train_sketcher, "TRACED_AT_ONCE", at_once)
    _, tracer, _ = begin(SKETCHER, taught, CPU)
    whole, *parts = (
        trace_all(tracer, covers, SKETCHER, crew) for crew in (Processes(), Processes(0, 2), Processes(1, 2))
    )
    assert torch.allclose(sum(parts, torch.zeros(())) / 2, whole, atol=1e-5)
    by_first, by_second = (part.flatten(2).any(2) for part in parts)
    assert torch.equal(by_first, ~by_second)
    assert by_second.sum() == 2 * (6 if at_once == 13 else 7)


@pytest.mark.usefixtures("without_an_engine")
def test_all_of_a_inkers_crew_draw_the_same_and_keep_different_rows(covers: CoverSet) -> None:
    pupils = [inker_of(covers, crew=crew) for crew in (Processes(), Processes(0, 2), Processes(1, 2))]
    watched = [Watched(pupil) for pupil in pupils]
    for pupil in pupils:
        pupil.train_step()
    whole, *parts = (seen.given[0][0] for seen in watched)
    assert len(whole) == 4 and not torch.equal(whole[0], whole[1])
    assert all(torch.equal(whole[rank::2], part) for rank, part in enumerate(parts))
    whole, *parts = ((seen.given[1][0] - seen.made[0]).detach() for seen in watched)
    assert all(torch.allclose(whole[rank::2], part, atol=1e-6) for rank, part in enumerate(parts))
    assert whole.std().item() == pytest.approx(INKER.noise, rel=0.1)
    for pupil in pupils:
        assert torch.equal(pupil.chance.get_state(), pupils[0].chance.get_state())


@pytest.mark.usefixtures("without_an_engine")
def test_all_of_a_sketchers_crew_draw_the_same_and_keep_different_rows(
    covers: CoverSet, taught: Path
) -> None:
    pupils = [
        sketcher_of(covers, taught, crew=crew) for crew in (Processes(), Processes(0, 2), Processes(1, 2))
    ]
    watched = [Watched(pupil) for pupil in pupils]
    for pupil in pupils:
        pupil.train_step()
    # Half-finished sketches, moments, genres and decades.
    whole, *parts = (seen.given[0] for seen in watched)
    assert len(whole) == 4 and len(whole[0]) == 4 and not torch.equal(whole[0][0], whole[0][1])
    for rank, part in enumerate(parts):
        for all_rows, rows in zip(whole, part, strict=True):
            assert torch.equal(all_rows[rank::2], rows)
    for pupil in pupils:
        assert torch.equal(pupil.chance.get_state(), pupils[0].chance.get_state())


@pytest.mark.usefixtures("without_an_engine")
def test_only_the_first_of_a_crew_writes(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started = make(epochs=1).state()
    monkeypatch.setattr(Processes, "from_first", lambda self, make: make() if self.first else started)
    other = make(Processes(1, 2), epochs=1)
    assert teach(other, tmp_path / "other")
    assert other.step == other.steps == 3
    assert not (tmp_path / "other").exists()
    assert teach(make(Processes(0, 2), epochs=1), tmp_path / "first")
    assert sorted(path.name for path in (tmp_path / "first").iterdir()) == [
        "history.json",
        "samples",
        "state.safetensors",
        "tensorboard",
    ]


def launch(kind: str, given: list[str], *, processes: int) -> None:
    """Train in double precision, in processes of their own."""
    command = [sys.executable]
    if processes > 1:
        command += ["-m", "accelerate.commands.launch", "--multi_gpu", "--num_machines", "1"]
        command += ["--num_processes", str(processes), "--main_process_port", str(free_port())]
        command += ["--mixed_precision", "no", "--dynamo_backend", "no"]
    command += ["-m", "tests.sketch_member", kind, *given, "--device", "cpu", "--threads", "1"]
    loopback = {"GLOO_SOCKET_IFNAME": "lo"} if sys.platform == "linux" else {}
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1"} | loopback,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("Wrote") == (kind == "sketcher"), done.stdout


@pytest.mark.slow
def test_two_processes_end_in_what_one_does(tmp_path: Path, taught: Path, kind: str) -> None:
    folder = cover_folder(tmp_path / "covers", 37)
    given = ["--data", str(folder)]
    if kind == "inker":
        given += options(replace(INKER, batch=16))
    else:
        given += ["--inker", str(taught), *options(replace(SKETCHER, batch=16))]
    for processes, out in ((1, tmp_path / "one"), (2, tmp_path / "two")):
        launch(kind, [*given, "--out", str(out)], processes=processes)
    (a, notes), (b, others) = (read_state(tmp_path / out / "state.safetensors") for out in ("one", "two"))
    assert notes["step"] == others["step"] == 4
    assert a.keys() == b.keys()
    # Networks, their average, the optimisers' moments, running statistics, losses.
    for name, value in a.items():
        assert torch.allclose(value.double(), b[name].double(), rtol=1e-6, atol=1e-9), name
    assert torch.equal(a["chance"], b["chance"])
    if kind == "sketcher":
        record = read_checkpoint(tmp_path / "two" / "checkpoint", "generator").training
        assert record["processes"] == 2
    for path in (tmp_path / "one" / "samples").iterdir():
        one, two = (
            np.asarray(Image.open(tmp_path / out / "samples" / path.name)).astype(int)
            for out in ("one", "two")
        )
        assert abs(one - two).max() <= 1
