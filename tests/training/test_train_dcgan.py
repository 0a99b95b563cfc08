"""Training the generator on a few covers painted by the test, stopping it, killing it and going on."""

from __future__ import annotations

import copy
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from albumjudge.skipgan import SkipGenerator
from albumjudge.styled import StyledGenerator
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor, nn
from training.projected import ProjectedDiscriminator

from albumjudge.domain.conditions import DECADES, GENRES
from albumjudge.inference.checkpoints import load_generator, read_checkpoint
from albumjudge.models.dcgan import Discriminator, Generator
from tests.cover_folders import cover_folder
from tests.quick_features import QuickFeatures
from training import reading
from training.data.covers import CoverEntry, CoverSet, DataError, label_numbers, load_covers
from training.engine.state import read_state, write_state
from training.generator import dcgan_trainer as generator_trainer
from training.generator.dcgan_trainer import DcganTrainer, contact_sheet
from training.generator.presets import PRESETS, GeneratorConfig
from training.metrics.efficientnet import LiteFeatures
from training.train_dcgan import main, train

CONFIG = GeneratorConfig(
    source=None, size=8, epochs=3, batch=4, latent_size=4, width=2, average_half_life=20, flip=True, seed=5
)
TINY_PROJECTED = replace(
    PRESETS["projected"],
    held_out=0,
    size=16,
    epochs=2,
    batch=8,
    latent_size=4,
    width=2,
    feature_side=32,
    watch_first=8,
    average_half_life=20,
    seed=5,
)
TINY_AIDED = replace(TINY_PROJECTED, recipe="aided", beta1=0.5, settle=0.5)
TINY_STYLED = replace(TINY_AIDED, recipe="styled", generator_rate=1e-3)
CPU = torch.device("cpu")
ROOT = Path(__file__).parents[2]
MEASURED = ("seconds", "covers_per_second", "peak_memory_gb")


@pytest.fixture(scope="module", autouse=True)
def small_steps() -> Iterator[None]:
    """One thread, so that sums are always added in the same order, and fewer latents to calibrate on."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(generator_trainer, "CALIBRATION_BATCHES", 2)
        yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """14 covers: three batches of four, and two that are left over."""
    return cover_folder(tmp_path_factory.mktemp("data") / "covers", 14)


@pytest.fixture(scope="module")
def covers(folder: Path) -> CoverSet:
    return load_covers(folder, size=8)


def trainer_of(covers: CoverSet, config: GeneratorConfig = CONFIG) -> DcganTrainer:
    return DcganTrainer(config, covers, device=CPU)


def weights(out: Path) -> dict[str, Tensor]:
    return load_file(out / "checkpoint" / "model.safetensors")


def curves(out: Path) -> list[dict[str, float]]:
    """The history without the columns that clock and machine decide."""
    lines: list[dict[str, float]] = json.loads((out / "checkpoint" / "history.json").read_text())
    return [{key: value for key, value in line.items() if key not in MEASURED} for line in lines]


def assert_same_run(one: Path, other: Path) -> None:
    a, b = weights(one), weights(other)
    assert a.keys() == b.keys()
    for name, value in a.items():
        assert torch.equal(value, b[name]), name
    assert curves(one) == curves(other)
    samples = {path.name: path.read_bytes() for path in (one / "samples").iterdir()}
    assert samples == {path.name: path.read_bytes() for path in (other / "samples").iterdir()}


@pytest.fixture(scope="module")
def whole(covers: CoverSet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that nothing interrupted."""
    out = tmp_path_factory.mktemp("whole")
    assert train(CONFIG, covers, out, device=CPU) == out / "checkpoint"
    return out


def test_the_script_trains_from_a_folder_of_covers_to_a_checkpoint(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    command = ["--data", str(folder), "--preset", "tiny", "--out", str(out), "--device", "cpu"]
    assert main(command) == 0
    assert f"Wrote {out / 'checkpoint'}" in capsys.readouterr().out

    checkpoint = read_checkpoint(out / "checkpoint", "generator")
    assert checkpoint.name == "dcgan-tiny"
    assert checkpoint.training["config"] == asdict(PRESETS["tiny"])
    assert checkpoint.training["covers"] == 14
    assert checkpoint.training["epochs_done"] == checkpoint.training["planned_epochs"] == 2
    assert checkpoint.training["images_seen"] == 2 * 8
    assert [line["epoch"] for line in checkpoint.history] == [1, 2]
    assert [line["images_seen"] for line in checkpoint.history] == [8, 16]
    for line in checkpoint.history:
        assert 0 < line["real_score"] < 1
        assert 0 < line["fake_score"] < 1
        assert line["loss_discriminator"] > 0
        assert line["loss_generator"] > 0
    painted = load_generator(checkpoint)(torch.randn(2, 8))
    assert painted.shape == (2, 3, 16, 16)
    assert painted.isfinite().all()
    assert sorted(path.name for path in (out / "samples").iterdir()) == [
        "00000000.png",
        "00000008.png",
        "00000016.png",
    ]


def test_nothing_that_a_run_leaves_is_a_pickle(whole: Path) -> None:
    files = [path for path in whole.rglob("*") if path.is_file()]
    events = [path for path in files if path.name.startswith("events.out.tfevents.")]
    assert {path.parent for path in events} == {whole / "tensorboard"}
    files = [path for path in files if path not in events]
    assert {path.suffix for path in files} == {".safetensors", ".json", ".png", ".md"}
    for path in files:
        head = path.read_bytes()[:2]
        assert head not in (b"PK", b"\x80\x02", b"\x80\x04"), path


def test_both_networks_learn_and_the_average_follows(covers: CoverSet) -> None:
    trainer = trainer_of(covers)
    before = {name: [p.clone() for p in net.parameters()] for name, net in trainer._networks().items()}
    trainer.train_step(*next(trainer.batches()))
    for name, network in trainer._networks().items():
        for old, new in zip(before[name], network.parameters(), strict=True):
            assert not torch.equal(old, new), name
    assert all(p.requires_grad for p in trainer.discriminator.parameters())
    assert trainer.step == 1


@pytest.mark.parametrize("steps", [1, 6, 8])
def test_a_run_that_was_stopped_ends_as_if_it_had_not_been(
    covers: CoverSet, whole: Path, tmp_path: Path, steps: int
) -> None:
    """An epoch has three steps, so 6 stops between two epochs and the others within one."""
    assert train(CONFIG, covers, tmp_path, device=CPU, stop_after=steps) is None
    assert not (tmp_path / "checkpoint").exists()
    assert train(CONFIG, covers, tmp_path, device=CPU) is not None
    assert_same_run(tmp_path, whole)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_polite_signal_saves_the_state_first(
    covers: CoverSet,
    whole: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    number: signal.Signals,
) -> None:
    before = signal.getsignal(number)
    step = DcganTrainer.train_step

    def step_with_a_visitor(self: DcganTrainer, batch: Tensor, labels: Tensor) -> None:
        step(self, batch, labels)
        if self.step == 5:
            signal.raise_signal(number)

    with monkeypatch.context() as patch:
        patch.setattr(DcganTrainer, "train_step", step_with_a_visitor)
        assert train(CONFIG, covers, tmp_path, device=CPU) is None
    assert "Stopped after 20 covers" in capsys.readouterr().out
    assert signal.getsignal(number) is before
    assert read_state(tmp_path / "state.safetensors")[1]["step"] == 5
    train(CONFIG, covers, tmp_path, device=CPU)
    assert_same_run(tmp_path, whole)


KILLED_AT_STEP_8 = """
import os, signal, sys
from training.generator import dcgan_trainer as generator_trainer
from training import train_dcgan as train_generator

def train_step(self, *batch):
    step(self, *batch)
    if self.step == 8:
        os.kill(os.getpid(), signal.SIGKILL)

generator_trainer.CALIBRATION_BATCHES = 2
step, generator_trainer.DcganTrainer.train_step = generator_trainer.DcganTrainer.train_step, train_step
sys.exit(train_generator.main())
"""


def test_a_killed_run_goes_on_with_the_same_command_to_the_same_weights(folder: Path, tmp_path: Path) -> None:
    def command(out: Path) -> list[str]:
        options = {"data": folder, "preset": "tiny", "size": 8, "batch": 4, "epochs": 4, "threads": 1}
        options |= {"out": out, "device": "cpu", "precision": "fp32"}
        return [part for key, value in options.items() for part in (f"--{key}", str(value))]

    killed, untouched = tmp_path / "killed", tmp_path / "untouched"
    process = subprocess.run(
        [sys.executable, "-c", KILLED_AT_STEP_8, *command(killed)], cwd=ROOT, capture_output=True, check=False
    )
    assert process.returncode == -signal.SIGKILL, process.stderr.decode()
    assert not (killed / "checkpoint").exists()
    # An epoch has three steps and ends with a save: two steps of the third are lost and must be made again.
    assert read_state(killed / "state.safetensors")[1]["step"] == 6

    assert main(command(killed)) == 0
    assert main(command(untouched)) == 0
    assert_same_run(killed, untouched)


def test_a_finished_run_can_be_asked_for_more_epochs(covers: CoverSet, whole: Path, tmp_path: Path) -> None:
    train(replace(CONFIG, epochs=1), covers, tmp_path, device=CPU)
    assert len(curves(tmp_path)) == 1
    train(CONFIG, covers, tmp_path, device=CPU)
    assert_same_run(tmp_path, whole)


def test_another_seed_gives_another_run(covers: CoverSet, whole: Path, tmp_path: Path) -> None:
    train(replace(CONFIG, seed=6), covers, tmp_path, device=CPU)
    assert any(not torch.equal(value, weights(whole)[name]) for name, value in weights(tmp_path).items())


def test_a_run_with_other_settings_is_not_continued(covers: CoverSet, tmp_path: Path) -> None:
    train(CONFIG, covers, tmp_path, device=CPU, stop_after=1)
    state = (tmp_path / "state.safetensors").read_bytes()
    other = replace(CONFIG, learning_rate=1e-3, width=4)
    with pytest.raises(DataError, match=r"other settings \(learning_rate, width\)\. Give another --out"):
        train(other, covers, tmp_path, device=CPU)
    assert (tmp_path / "state.safetensors").read_bytes() == state


@pytest.mark.parametrize("damage", ["short", "lacks a tensor", "other shape"])
def test_a_broken_state_gives_a_sentence(
    folder: Path, covers: CoverSet, tmp_path: Path, capsys: pytest.CaptureFixture[str], damage: str
) -> None:
    path = tmp_path / "state.safetensors"
    tensors, notes = DcganTrainer(replace(PRESETS["tiny"], size=8), covers, device=CPU).state()
    if damage == "lacks a tensor":
        del tensors["average/layers.0.weight"]
    elif damage == "other shape":
        tensors["average/layers.0.weight"] = torch.zeros(3)
    write_state(path, tensors, notes)
    if damage == "short":
        path.write_bytes(path.read_bytes()[:-9])
    command = ["--data", str(folder), "--preset", "tiny", "--size", "8", "--out", str(tmp_path)]
    assert main(command) == 1
    said = capsys.readouterr().err
    assert "saved state" in said
    assert said.endswith("Delete it to start anew.\n")


def test_a_checkpoint_can_be_had_before_the_end(folder: Path, covers: CoverSet, tmp_path: Path) -> None:
    config = replace(PRESETS["tiny"], size=8, batch=4)
    train(config, covers, tmp_path, preset="tiny", device=CPU, stop_after=4)
    options = ["--preset", "tiny", "--size", "8", "--batch", "4", "--out", str(tmp_path), "--finish-now"]
    assert main(["--data", str(folder), *options]) == 0
    assert "Training ended early" in (tmp_path / "checkpoint" / "README.md").read_text(encoding="utf-8")
    record = read_checkpoint(tmp_path / "checkpoint", "generator").training
    assert (record["epochs_done"], record["planned_epochs"], record["images_seen"]) == (1, 2, 16)


def test_there_is_no_checkpoint_without_a_state(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--data", str(folder), "--preset", "tiny", "--out", str(tmp_path), "--finish-now"]) == 1
    assert "cannot be read" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--batch", "15"], "14 covers do not fill one batch of 15. Give more or --batch."),
        (["--size", "20"], "A DCGAN paints squares of 8, 16"),
        (["--source", "elsewhere"], "lists no cover of source 'elsewhere'"),
        (["--data", "nowhere"], "There is no folder nowhere."),
    ],
)
def test_what_cannot_work_is_said_in_a_sentence(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], said: str
) -> None:
    command = ["--data", str(folder), "--preset", "tiny", "--out", str(tmp_path), "--device", "cpu"]
    assert main([*command, *options]) == 1
    caught = capsys.readouterr().err
    assert said in caught
    assert "Traceback" not in caught


def test_the_average_is_the_one_that_was_announced(covers: CoverSet) -> None:
    """Against the closed form: each past value weighs by the decays that came after it."""
    trainer = trainer_of(covers)
    start = [p.clone() for p in trainer.average.parameters()]
    decays, values = [], [3.0, -1.0, 4.0, 1.5, -9.0]
    for step, value in enumerate(values):
        trainer.step = step
        for parameter in trainer.generator.parameters():
            nn.init.constant_(parameter, value)
        trainer._follow(0.3)
        decays.append(min(0.3, (1 + step) / (10 + step)))
    assert decays[0] == 0.1 and decays[-1] == 0.3
    shares = [(1 - d) * np.prod(decays[i + 1 :]) for i, d in enumerate(decays)]
    drawn = float(sum(share * value for share, value in zip(shares, values, strict=True)))
    for first, parameter in zip(start, trainer.average.parameters(), strict=True):
        assert torch.allclose(parameter, float(np.prod(decays)) * first + drawn, atol=1e-5)


def calibration(covers: CoverSet, config: GeneratorConfig) -> tuple[Tensor, Tensor]:
    """Latents and labels that the average's batch statistics are measured on."""
    chance = torch.Generator().manual_seed(config.seed + 3)
    latents, labels = [], []
    for _ in range(generator_trainer.CALIBRATION_BATCHES):
        latents.append(torch.randn(128, config.latent_size, generator=chance))
        if config.recipe == "dcgan":
            labels.append(torch.zeros(128, 2, dtype=torch.long))
            continue
        chosen = torch.randint(len(covers), (128,), generator=chance).tolist()
        labels.append(label_numbers([covers.entries[i] for i in chosen], chance))
    return torch.cat(latents), torch.cat(labels)


def test_the_average_has_batch_statistics_that_fit_its_own_weights(covers: CoverSet) -> None:
    trainer = trainer_of(covers)
    for batch in trainer.batches():
        trainer.train_step(*batch)
    averaged = trainer.averaged_generator()
    latents, _ = calibration(covers, CONFIG)
    assert isinstance(averaged, Generator)
    first, norm = averaged.layers[0], averaged.layers[1]
    assert isinstance(norm, nn.BatchNorm2d)
    assert norm.running_mean is not None
    with torch.no_grad():
        assert torch.allclose(norm.running_mean, first(latents[:, :, None, None]).mean((0, 2, 3)), atol=1e-6)
    for one, other in zip(averaged.parameters(), trainer.average.parameters(), strict=True):
        assert torch.equal(one, other)
    assert not averaged.training


def test_looking_at_samples_does_not_move_the_run(covers: CoverSet, tmp_path: Path) -> None:
    trainer = trainer_of(covers)
    trainer.train_step(*next(trainer.batches()))
    before = {name: value.clone() for name, value in trainer.state()[0].items()}
    trainer.paint_samples(tmp_path)
    after = trainer.state()[0]
    assert all(torch.equal(value, after[name]) for name, value in before.items())


def test_every_epoch_sees_each_cover_at_most_once_in_an_order_of_its_own(covers: CoverSet) -> None:
    trainer = trainer_of(covers)
    seen: list[list[bytes]] = [[], [], []]
    for batch, labels in trainer.batches():
        assert batch.shape == (4, 3, 8, 8)
        assert labels.tolist() == [[0, 0]] * 4
        seen[trainer.step // 3] += [cover.numpy().tobytes() for cover in batch]
        trainer.step += 1
    assert [len(epoch) for epoch in seen] == [12, 12, 12]
    assert [len(set(epoch)) for epoch in seen] == [12, 12, 12]
    assert seen[0] != seen[1] != seen[2]
    assert len(set(seen[0] + seen[1] + seen[2])) > 12


def test_flipping_mirrors_some_real_covers_and_leaves_the_others(tmp_path: Path) -> None:
    half = np.zeros((16, 3, 8, 8), np.uint8)
    half[..., :4] = 255
    covers = CoverSet(half, (CoverEntry("a.png", "", (), None),) * 16)
    for flip, expected in ((False, {1.0}), (True, {1.0, -1.0})):
        trainer = trainer_of(covers, replace(CONFIG, batch=16, flip=flip))
        given: list[Tensor] = []
        trainer.discriminator.register_forward_pre_hook(lambda _, args, given=given: given.append(args[0]))
        trainer.train_step(*next(trainer.batches()))
        real = given[0]
        assert set(real[:, 0, 0, 0].tolist()) == expected
        assert torch.equal(real[..., 0], -real[..., 7])


def test_bf16_trains_to_finite_weights(covers: CoverSet) -> None:
    trainer = DcganTrainer(CONFIG, covers, device=CPU, precision="bf16")
    trainer.train_step(*next(trainer.batches()))
    assert trainer.totals.isfinite().all()
    for parameter in trainer.average.parameters():
        assert parameter.dtype == torch.float32
        assert parameter.isfinite().all()


def test_a_contact_sheet_is_read_like_a_page() -> None:
    covers = torch.linspace(-1, 1, 5)[:, None, None, None].expand(5, 3, 2, 2)
    sheet = contact_sheet(covers, columns=3)
    assert sheet.shape == (4, 6, 3)
    assert sheet[0, ::2, 0].tolist() == [0, 64, 128]
    assert sheet[2, ::2, 0].tolist() == [191, 255, 0]


@pytest.fixture(scope="module")
def quick() -> Iterator[None]:
    """Small discriminators on features that cost nothing, and a preset for them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(generator_trainer, "LiteFeatures", QuickFeatures)
        patch.setattr(generator_trainer, "ProjectedDiscriminator", partial(ProjectedDiscriminator, width=4))
        patch.setitem(PRESETS, "tiny-projected", TINY_PROJECTED)
        patch.setitem(PRESETS, "tiny-aided", TINY_AIDED)
        patch.setitem(PRESETS, "tiny-styled", TINY_STYLED)
        yield


@pytest.fixture(scope="module")
def larger(folder: Path) -> CoverSet:
    """14 covers of the size that the other recipe takes at least: one batch of eight."""
    return load_covers(folder, size=16)


@pytest.fixture(scope="module")
def more(tmp_path_factory: pytest.TempPathFactory) -> CoverSet:
    """18 covers: two batches of eight, and two that are left over."""
    return load_covers(cover_folder(tmp_path_factory.mktemp("more") / "covers", 18), size=16)


def snapshot(network: nn.Module) -> dict[str, Tensor]:
    return {name: parameter.detach().clone() for name, parameter in network.named_parameters()}


def moved(before: dict[str, Tensor], network: nn.Module) -> set[str]:
    return {name for name, p in network.named_parameters() if not torch.equal(p, before[name])}


@pytest.fixture(scope="module")
def whole_projected(more: CoverSet, tmp_path_factory: pytest.TempPathFactory, quick: None) -> Path:
    """A projected run that nothing interrupted: four steps, of which the first only watches."""
    out = tmp_path_factory.mktemp("whole-projected")
    train(TINY_PROJECTED, more, out, device=CPU)
    return out


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("config", [TINY_AIDED, TINY_STYLED], ids=["aided", "styled"])
def test_a_run_that_was_stopped_while_it_settles_ends_in_the_same_weights(
    more: CoverSet, tmp_path: Path, config: GeneratorConfig
) -> None:
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    train(config, more, whole, device=CPU)
    assert train(config, more, stopped, device=CPU, stop_after=3) is None
    train(config, more, stopped, device=CPU)
    assert_same_run(stopped, whole)
    assert_same_state(stopped, whole)


@pytest.mark.usefixtures("quick")
def test_the_aided_generator_hears_pixels_and_features_as_loudly_as_was_announced(larger: CoverSet) -> None:
    """With no pixels' gradient left, nothing is heard; else the two lengths stand as announced."""

    def heard(say: float) -> dict[str, Tensor]:
        trainer = trainer_of(larger, replace(TINY_AIDED, watch_first=0, features_say=say))
        trainer.train_step(*next(trainer.batches()))
        return {
            name: p.grad.clone() for name, p in trainer.generator.named_parameters() if p.grad is not None
        }

    silent, one, two = (heard(say) for say in (0.0, 1.0, 2.0))
    by_features = {name: one[name] - silent[name] for name in one}
    assert max(slope.abs().max().item() for slope in by_features.values()) > 1e-4
    for name, slope in by_features.items():
        torch.testing.assert_close(two[name] - silent[name], 2 * slope, atol=1e-5, rtol=1e-3)


@pytest.mark.usefixtures("quick")
def test_beside_the_features_a_dcgans_discriminator_looks_at_the_pixels(larger: CoverSet) -> None:
    trainer = trainer_of(larger, TINY_AIDED)
    assert isinstance(trainer.discriminator, ProjectedDiscriminator)
    assert isinstance(trainer.discriminator.pixels, Discriminator)
    by_pixels, by_features = trainer.discriminator_steps.param_groups
    assert (by_pixels["betas"], by_features["betas"]) == ((0.5, 0.999), (0.0, 0.99))
    assert {id(p) for p in by_pixels["params"]} == {id(p) for p in trainer.discriminator.pixels.parameters()}
    before = snapshot(trainer.discriminator)
    trainer.train_step(*next(trainer.batches()))
    fixed = {name for name in before if name.startswith("projection.")}
    assert moved(before, trainer.discriminator) == before.keys() - fixed


@pytest.mark.usefixtures("quick")
def test_learning_rates_fall_to_zero_over_the_last_part_of_a_run(more: CoverSet) -> None:
    trainer = trainer_of(more, replace(TINY_AIDED, epochs=5, settle=0.4, generator_rate=1e-3))
    rates = []
    for batch in trainer.batches():
        trainer.train_step(*batch)
        rates.append(trainer.generator_steps.param_groups[0]["lr"])
    assert rates == pytest.approx([1e-3] * 7 + [0.75e-3, 0.5e-3, 0.25e-3])


def assert_same_state(one: Path, other: Path) -> None:
    a, b = (read_state(out / "state.safetensors")[0] for out in (one, other))
    assert a.keys() == b.keys()
    for name, value in a.items():
        assert torch.equal(value, b[name]), name


class KilledError(Exception):
    """What a test kills a run with: nothing is saved on the way out."""


def test_a_projected_run_that_was_killed_ends_in_the_same_weights(
    more: CoverSet, whole_projected: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = DcganTrainer.train_step

    def step_and_die(self: DcganTrainer, batch: Tensor, labels: Tensor) -> None:
        step(self, batch, labels)
        if self.step == 3:
            raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(DcganTrainer, "train_step", step_and_die)
        with pytest.raises(KilledError):
            train(TINY_PROJECTED, more, tmp_path, device=CPU)
    # Saved at the end of the epoch: the third step is lost and must be made again.
    assert read_state(tmp_path / "state.safetensors")[1]["step"] == 2
    train(TINY_PROJECTED, more, tmp_path, device=CPU)
    assert_same_run(tmp_path, whole_projected)
    assert_same_state(tmp_path, whole_projected)


def test_a_projected_run_stopped_while_it_only_watches_ends_in_the_same_weights(
    more: CoverSet, whole_projected: Path, tmp_path: Path
) -> None:
    """Then the generator's optimiser has no moments yet."""
    assert train(TINY_PROJECTED, more, tmp_path, device=CPU, stop_after=1) is None
    tensors = read_state(tmp_path / "state.safetensors")[0]
    assert not any(name.startswith("generator_adam/") for name in tensors)
    train(TINY_PROJECTED, more, tmp_path, device=CPU)
    assert_same_run(tmp_path, whole_projected)
    assert_same_state(tmp_path, whole_projected)


@pytest.mark.usefixtures("quick")
def test_the_generator_learns_nothing_until_its_critics_have_seen_enough(larger: CoverSet) -> None:
    trainer = trainer_of(larger, TINY_PROJECTED)
    assert isinstance(trainer.discriminator, ProjectedDiscriminator)
    painting, slow = snapshot(trainer.generator), snapshot(trainer.average)
    judging = snapshot(trainer.discriminator)
    batch = next(trainer.batches())
    trainer.train_step(*batch)
    assert not moved(painting, trainer.generator)
    assert not moved(slow, trainer.average)
    learning = {name for name, p in trainer.discriminator.named_parameters() if p.requires_grad}
    assert moved(judging, trainer.discriminator) == learning
    assert judging.keys() - learning == {name for name in judging if name.startswith("projection.")}

    trainer.train_step(*batch)
    # What a residual block adds is multiplied by zero at first, so its convolution waits for a step.
    waiting = {name for name in painting if name.endswith(".3.layers.0.weight")}
    assert len(waiting) == 2
    assert moved(painting, trainer.generator) == moved(slow, trainer.average) == painting.keys() - waiting
    trainer.train_step(*batch)
    assert moved(painting, trainer.generator) == painting.keys()


@pytest.mark.usefixtures("quick")
def test_without_a_time_to_watch_both_learn_at_once_and_at_their_own_rates(larger: CoverSet) -> None:
    trainer = trainer_of(
        larger, replace(TINY_PROJECTED, watch_first=0, learning_rate=3e-3, generator_rate=1e-3)
    )
    painting, judging = snapshot(trainer.generator), snapshot(trainer.discriminator)
    trainer.train_step(*next(trainer.batches()))
    for before, network, rate in (
        (painting, trainer.generator, 1e-3),
        (judging, trainer.discriminator, 3e-3),
    ):
        steps = [(p - before[name]).abs().max().item() for name, p in network.named_parameters()]
        # Adam's first step is as long as its rate wherever the slope is not nearly nothing.
        assert max(steps) == pytest.approx(rate, rel=1e-2)


@pytest.mark.usefixtures("quick")
def test_the_projected_generator_learns_from_the_mean_of_all_logits(larger: CoverSet) -> None:
    """The losses noted are the hinge losses of what the discriminator said, of real and painted covers."""
    trainer = trainer_of(larger, TINY_PROJECTED)
    said: list[list[Tensor]] = []
    trainer.discriminator.register_forward_hook(
        lambda _, __, logits: said.append([x.detach() for x in logits])
    )
    trainer.train_step(*next(trainer.batches()))
    real, fake, fooled = said
    assert len(real) == 5
    hinge = np.mean(
        [((1 - r).relu().mean() + (1 + f).relu().mean()).item() for r, f in zip(real, fake, strict=True)]
    )
    assert trainer.totals[0].item() == pytest.approx(hinge, rel=1e-5)
    assert trainer.totals[1].item() == pytest.approx(-np.mean([f.mean().item() for f in fooled]), abs=1e-6)
    scores = [torch.cat([x.flatten() for x in logits]).sigmoid().mean().item() for logits in (real, fake)]
    assert trainer.totals[2:].tolist() == pytest.approx(scores, rel=1e-5)


def test_real_covers_are_judged_with_their_own_labels_and_painted_ones_with_those_they_were_painted_from(
    larger: CoverSet, quick: None
) -> None:
    trainer = trainer_of(larger, replace(TINY_PROJECTED, forget_label=0.5))
    judged: list[list[list[int]]] = []
    painted: list[list[list[int]]] = []
    trainer.discriminator.register_forward_pre_hook(
        lambda _, given: judged.append(torch.stack(given[1:], 1).tolist())
    )
    trainer.generator.register_forward_pre_hook(
        lambda _, given: painted.append(torch.stack(given[1:], 1).tolist())
    )
    batch, labels = next(trainer.batches())
    trainer.train_step(batch, labels)
    assert judged == [labels.tolist(), painted[0], painted[0]]
    assert labels.tolist() != painted[0]


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_labels_are_forgotten_at_the_share_that_was_announced(larger: CoverSet, share: float) -> None:
    trainer = trainer_of(larger, replace(TINY_PROJECTED, forget_label=share))
    count = 4000
    labels = trainer.labels(np.arange(count) % len(larger))
    forgotten = (labels == 0).double()
    error = (share * (1 - share) / count) ** 0.5
    assert (forgotten.mean(0) - share).abs().max() <= 5 * error
    # Genre and decade are forgotten on their own.
    assert abs(forgotten.prod(1).mean() - share**2) <= 5 * error
    known = {1 + GENRES.index("rock"), 1 + GENRES.index("pop")} if share < 1 else set()
    assert set(labels[:, 0].tolist()) - {0} == known
    assert set(labels[:, 1].tolist()) - {0} == ({1 + DECADES.index("1970s")} if share < 1 else set())


def test_the_plain_dcgan_needs_no_labels_and_draws_nothing_for_them(covers: CoverSet) -> None:
    trainer = trainer_of(covers)
    before = trainer.chance.get_state()
    assert trainer.labels(np.arange(5)).tolist() == [[0, 0]] * 5
    assert torch.equal(trainer.chance.get_state(), before)
    seen = torch.randn(2, 3, 8, 8)
    (looked_at,) = trainer.look(seen)
    assert looked_at is seen
    assert torch.equal(trainer.chance.get_state(), before)


@pytest.mark.usefixtures("quick")
def test_painting_hands_the_labels_on(larger: CoverSet) -> None:
    trainer = trainer_of(larger, TINY_PROJECTED)
    generator = trainer.generator.eval()
    latents, labels = torch.randn(2, 4), torch.tensor([[1, 2], [3, 0]])
    with torch.no_grad():
        expected = generator(latents, labels[:, 0], labels[:, 1])
        assert torch.equal(trainer.paint(generator, latents, labels), expected)
        assert not torch.equal(trainer.paint(generator, latents, labels.flip(1)), expected)


@pytest.mark.usefixtures("quick")
def test_half_of_the_samples_are_of_any_kind_and_the_rest_show_every_genre_and_decade(
    larger: CoverSet,
) -> None:
    labels = trainer_of(larger, TINY_PROJECTED).sample_labels
    assert labels.shape == (generator_trainer.SAMPLES, 2)
    half = generator_trainer.SAMPLES // 2
    assert not labels[:half].any()
    assert set(labels[half:, 0].tolist()) == set(range(1, 1 + len(GENRES)))
    assert set(labels[half:, 1].tolist()) == set(range(1, 1 + len(DECADES)))


@pytest.mark.usefixtures("quick")
def test_the_averages_batch_statistics_are_measured_on_labels_of_real_covers(larger: CoverSet) -> None:
    trainer = trainer_of(larger, TINY_PROJECTED)
    for embedding in (trainer.average.genre, trainer.average.decade):
        assert isinstance(embedding, nn.Embedding)
        nn.init.normal_(embedding.weight, 0.0, 30.0)
    averaged = trainer.averaged_generator()
    assert isinstance(averaged, SkipGenerator)
    assert not averaged.training
    latents, labels = calibration(larger, TINY_PROJECTED)
    asked = torch.cat([latents, averaged.genre(labels[:, 0]), averaged.decade(labels[:, 1])], 1)
    first, norm = averaged.first[0], averaged.first[1]
    assert isinstance(norm, nn.BatchNorm2d) and norm.running_mean is not None
    with torch.no_grad():
        expected = first(asked[:, :, None, None]).mean((0, 2, 3))
    assert torch.allclose(norm.running_mean, expected, rtol=1e-4, atol=1e-5)


def test_a_state_from_before_a_setting_existed_can_be_continued(
    covers: CoverSet, whole: Path, tmp_path: Path
) -> None:
    """What a plain run saved before there was another recipe."""
    train(CONFIG, covers, tmp_path, device=CPU, stop_after=4)
    path = tmp_path / "state.safetensors"
    tensors, notes = read_state(path)
    new = {"recipe", "held_out", "generator_rate", "start", "watch_first", "feature_side", "forget_label"}
    was = notes["config"]
    assert isinstance(was, dict) and new < was.keys()
    write_state(path, tensors, notes | {"config": {k: v for k, v in was.items() if k not in new}})
    assert train(CONFIG, covers, tmp_path, device=CPU) is not None
    assert_same_run(tmp_path, whole)


@pytest.mark.usefixtures("quick")
def test_a_setting_that_the_state_does_not_know_had_its_default(larger: CoverSet) -> None:
    trainer = trainer_of(larger, TINY_PROJECTED)
    tensors, notes = trainer.state()
    was = {k: v for k, v in asdict(TINY_PROJECTED).items() if k not in ("watch_first", "forget_label")}
    with pytest.raises(DataError, match=r"other settings \(watch_first\)"):
        trainer.restore(tensors, notes | {"config": was})
    trainer_of(larger, replace(TINY_PROJECTED, watch_first=0)).restore(tensors, notes | {"config": was})


@pytest.fixture
def dcgan(folder: Path, tmp_path: Path) -> Path:
    """The checkpoint of a DCGAN that the tiny projected recipe can begin with."""
    options = {"preset": "tiny", "size": 16, "epochs": 1, "latent-size": 4, "width": 2, "device": "cpu"}
    given = [part for key, value in options.items() for part in (f"--{key}", str(value))]
    assert main(["--data", str(folder), "--out", str(tmp_path / "dcgan"), *given]) == 0
    return tmp_path / "dcgan" / "checkpoint"


@pytest.mark.usefixtures("quick")
def test_a_run_can_begin_with_a_dcgans_pictures(
    folder: Path, dcgan: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pictures are compared where gates (none at this size) and conditions have no part in them."""
    began: list[DcganTrainer] = []

    paint = DcganTrainer.paint_samples

    def note(self: DcganTrainer, folder: Path) -> NDArray[np.uint8]:
        if self.step == 0:
            began.append(copy.deepcopy(self))
        return paint(self, folder)

    monkeypatch.setattr(DcganTrainer, "paint_samples", note)
    out = tmp_path / "run"
    command = ["--data", str(folder), "--preset", "tiny-projected", "--out", str(out), "--device", "cpu"]
    assert main([*command, "--start-from", str(dcgan)]) == 0

    checkpoint = read_checkpoint(dcgan, "generator")
    start = load_generator(checkpoint)
    latents = torch.randn(8, 4)
    (trainer,) = began
    for network in (trainer.generator, trainer.average):
        assert isinstance(network, SkipGenerator)
        with torch.no_grad():
            network.genre.weight.zero_()
            network.decade.weight.zero_()
            assert torch.allclose(network.eval()(latents), start(latents), atol=1e-6)
    record = read_checkpoint(out / "checkpoint", "generator").training
    assert record["config"]["start"] == checkpoint.revision
    assert record["images_seen_before"] == checkpoint.training["images_seen"]

    # The same command goes on; without --start-from it would be another run.
    assert main([*command, "--start-from", str(dcgan), "--epochs", "3"]) == 0
    assert main([*command, "--epochs", "3"]) == 1


@pytest.mark.usefixtures("quick")
def test_a_start_that_does_not_fit_is_refused_in_a_sentence(
    folder: Path, dcgan: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(*options: str) -> str:
        out = tmp_path / "refused"
        assert main(["--data", str(folder), "--out", str(out), "--device", "cpu", *options]) == 1
        assert not (out / "state.safetensors").exists()
        return capsys.readouterr().err

    projected = ("--preset", "tiny-projected", "--start-from")
    assert "There is no folder nowhere" in refused(*projected, "nowhere")
    assert "width 3 cannot begin as a DCGAN with 2" in refused(*projected, str(dcgan), "--width", "3")
    assert "latent_size 8 cannot begin as one with" in refused("--preset", "tiny", "--start-from", str(dcgan))

    out = tmp_path / "projected"
    command = ["--data", str(folder), "--preset", "tiny-projected", "--out", str(out), "--device", "cpu"]
    assert main([*command, "--epochs", "1"]) == 0
    of_its_own = ("--preset", "tiny", "--start-from", str(out / "checkpoint"))
    assert "A Generator cannot begin with the weights of a SkipGenerator" in refused(*of_its_own)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("preset", ["tiny", "tiny-projected"])
def test_a_run_can_begin_where_another_of_its_kind_ended(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, preset: str
) -> None:
    command = ["--data", str(folder), "--preset", preset, "--device", "cpu", "--epochs", "1"]
    assert main([*command, "--out", str(tmp_path / "first")]) == 0
    began: list[dict[str, torch.Tensor]] = []
    paint = DcganTrainer.paint_samples

    def note(self: DcganTrainer, folder: Path) -> NDArray[np.uint8]:
        if self.step == 0:
            began.append({key: value.clone() for key, value in self.generator.state_dict().items()})
        return paint(self, folder)

    monkeypatch.setattr(DcganTrainer, "paint_samples", note)
    ended = tmp_path / "first" / "checkpoint"
    assert main([*command, "--out", str(tmp_path / "second"), "--start-from", str(ended)]) == 0
    wanted = load_generator(read_checkpoint(ended, "generator")).state_dict()
    assert all(torch.equal(began[0][key], value) for key, value in wanted.items())


def test_other_recipes_are_refused_with_the_names_of_those_there_are(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--data", str(folder), "--preset", "tiny", "--out", str(tmp_path), "--recipe", "oil"]) == 1
    assert "Recipes are 'dcgan', 'projected', 'aided', 'styled', not 'oil'." in capsys.readouterr().err


def test_the_script_trains_the_projected_recipe_on_the_real_features(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generator_trainer, "LiteFeatures", LiteFeatures)
    monkeypatch.setattr(generator_trainer, "ProjectedDiscriminator", ProjectedDiscriminator)
    monkeypatch.setitem(PRESETS, "tiny-projected", replace(TINY_PROJECTED, size=32, held_out=5))
    out = tmp_path / "run"
    command = ["--data", str(folder), "--preset", "tiny-projected", "--out", str(out), "--device", "cpu"]
    assert main([*command, "--precision", "fp32"]) == 0
    checkpoint = read_checkpoint(out / "checkpoint", "generator")
    assert checkpoint.name == "tiny-projected-32"
    assert checkpoint.network == "SkipGenerator"
    assert checkpoint.training["covers"] == 14 - 5
    assert [line["images_seen"] for line in checkpoint.history] == [8, 16]
    generator = load_generator(checkpoint)
    assert isinstance(generator, SkipGenerator)
    painted = generator(torch.randn(2, 4), torch.tensor([0, 1]), torch.tensor([2, 0]))
    assert painted.shape == (2, 3, 32, 32)
    assert painted.isfinite().all()


@pytest.mark.usefixtures("quick")
def test_the_projected_recipe_trains_in_bf16_to_finite_weights(larger: CoverSet) -> None:
    config = replace(TINY_PROJECTED, watch_first=0)
    trainer = DcganTrainer(config, larger, device=CPU, precision="bf16")
    before = snapshot(trainer.generator)
    trainer.train_step(*next(trainer.batches()))
    assert moved(before, trainer.generator)
    assert trainer.totals.isfinite().all()
    for parameter in trainer.average.parameters():
        assert parameter.dtype == torch.float32
        assert parameter.isfinite().all()


@pytest.fixture
def styled(larger: CoverSet, quick: None) -> DcganTrainer:
    """About to take its first step; real covers have been looked at."""
    trainer = trainer_of(larger, replace(TINY_STYLED, watch_first=0))
    trainer.prepare()
    return trainer


def test_moments_and_reader_look_at_real_covers_once_and_are_kept_in_the_state(
    styled: DcganTrainer, larger: CoverSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert styled.moments is not None and styled.reading is not None
    assert styled.moments.known and styled.reading.known
    tensors, notes = styled.state()
    again = trainer_of(larger, replace(TINY_STYLED, watch_first=0))
    again.restore(tensors, notes)

    def never(*_: object, **__: object) -> None:
        raise AssertionError("looked twice")

    monkeypatch.setattr(type(styled.moments), "learn", never)
    monkeypatch.setattr(type(styled.reading), "learn", never)
    again.prepare()
    assert again.moments is not None
    assert torch.equal(again.moments.turn, styled.moments.turn)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("say", ["features_say", "reading_say"])
def test_the_styled_generator_hears_moments_and_reader_as_loudly_as_was_announced(
    larger: CoverSet, say: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "CLEAR", 0.0)
    genres = [("jazz",), ("metal",)]
    entries = tuple(replace(entry, genres=genres[k % 2]) for k, entry in enumerate(larger.entries))
    two_kinds = CoverSet(larger.pixels, entries)

    def slopes(loud: float) -> Tensor:
        config = replace(TINY_STYLED, watch_first=0, features_say=0.0, reading_say=0.0)
        trainer = trainer_of(two_kinds, replace(config, **{say: loud}))  # type: ignore[arg-type]
        trainer.prepare()
        latents = torch.randn(8, 4, generator=torch.Generator().manual_seed(0))
        wanted = torch.tensor([[1 + GENRES.index("jazz"), 0]] * 8)
        fake = trainer.paint(trainer.generator, latents, wanted)
        loss = trainer.realness([fake], wanted)[0].mean()
        return trainer._guided(fake, loss, wanted)

    silent, one, three = slopes(0.0), slopes(1.0), slopes(3.0)
    assert (one - silent).norm().item() == pytest.approx(silent.norm().item(), rel=1e-3)
    assert torch.allclose(three - silent, 3 * (one - silent), atol=1e-6)


def test_half_of_the_orders_are_open_and_every_genre_and_decade_is_asked_for(styled: DcganTrainer) -> None:
    orders = torch.cat([styled._orders() for _ in range(400)])
    for column, known in zip(orders.T, (GENRES, DECADES), strict=True):
        counts = torch.bincount(column, minlength=len(known) + 1)
        assert len(counts) == len(known) + 1
        assert counts[0] / len(orders) == pytest.approx(0.5, abs=0.05)
        assert counts[1:].min() > 0.7 * counts[1:].max()


def test_what_orders_mean_is_learnt_in_longer_steps_that_settle_as_well(styled: DcganTrainer) -> None:
    rest, orders = styled.generator_steps.param_groups
    assert isinstance(styled.generator, StyledGenerator)
    assert {id(p) for p in orders["params"]} == {
        id(styled.generator.genre.weight),
        id(styled.generator.decade.weight),
    }
    everything = {id(p) for p in styled.generator.parameters()}
    assert {id(p) for group in (rest, orders) for p in group["params"]} == everything
    for step, share in ((0, 1.0), (styled.steps // 2, 1.0), (styled.steps - 1, 2 / styled.steps)):
        styled.step = step
        styled._settle()
        assert rest["lr"] == pytest.approx(1e-3 * share)
        assert orders["lr"] == pytest.approx(generator_trainer.ORDERS_HASTE * rest["lr"])


def test_the_styled_critic_is_a_dcgans_and_looks_at_pixels_alone(styled: DcganTrainer) -> None:
    assert isinstance(styled.discriminator, Discriminator)
    before = snapshot(styled.generator), snapshot(styled.discriminator)
    styled.train_step(*next(styled.batches()))
    assert moved(before[1], styled.discriminator) == before[1].keys()
    assert {"genre.weight", "decade.weight", "touch.weight", "first.weight"} <= moved(
        before[0], styled.generator
    )


@pytest.mark.usefixtures("quick")
def test_a_styled_run_begins_with_a_dcgans_pictures(folder: Path, dcgan: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    command = ["--data", str(folder), "--preset", "tiny-styled", "--out", str(out), "--device", "cpu"]
    assert main([*command, "--start-from", str(dcgan)]) == 0
    record = read_checkpoint(out / "checkpoint", "generator")
    assert (record.name, record.network) == ("tiny-styled-16", "StyledGenerator")
    assert (
        record.training["images_seen_before"] == read_checkpoint(dcgan, "generator").training["images_seen"]
    )
