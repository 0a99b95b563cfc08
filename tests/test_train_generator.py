"""Training the generator on a few covers painted by the test, stopping it, killing it and going on."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from albumjudge.checkpoints import load_generator, read_checkpoint
from tests.cover_folders import cover_folder
from training import train_generator
from training.cover_data import CoverSet, DataError, load_covers
from training.runs import read_state, write_state
from training.train_generator import PRESETS, GeneratorConfig, Trainer, contact_sheet, main, train

CONFIG = GeneratorConfig(
    source=None, size=8, epochs=3, batch=4, latent_size=4, width=2, average_half_life=20, flip=True, seed=5
)
CPU = torch.device("cpu")
ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module", autouse=True)
def small_steps() -> Iterator[None]:
    """One thread, so that sums are always added in the same order, and fewer latents to calibrate on."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train_generator, "CALIBRATION_BATCHES", 2)
        yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """14 covers: three batches of four, and two that are left over."""
    return cover_folder(tmp_path_factory.mktemp("data") / "covers", 14)


@pytest.fixture(scope="module")
def covers(folder: Path) -> CoverSet:
    return load_covers(folder, size=8)


def trainer_of(covers: CoverSet, config: GeneratorConfig = CONFIG) -> Trainer:
    return Trainer(config, covers, device=CPU)


def weights(out: Path) -> dict[str, Tensor]:
    return load_file(out / "checkpoint" / "model.safetensors")


def curves(out: Path) -> list[dict[str, float]]:
    """The history without the one column that the clock decides."""
    lines: list[dict[str, float]] = json.loads((out / "checkpoint" / "history.json").read_text())
    return [{key: value for key, value in line.items() if key != "seconds"} for line in lines]


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
    assert {path.suffix for path in files} == {".safetensors", ".json", ".png", ".md"}
    for path in files:
        head = path.read_bytes()[:2]
        assert head not in (b"PK", b"\x80\x02", b"\x80\x04"), path


def test_both_networks_learn_and_the_average_follows(covers: CoverSet) -> None:
    trainer = trainer_of(covers)
    before = {name: [p.clone() for p in net.parameters()] for name, net in trainer._networks().items()}
    trainer.train_step(next(trainer.batches()))
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
    step = Trainer.train_step

    def step_with_a_visitor(self: Trainer, batch: Tensor) -> None:
        step(self, batch)
        if self.step == 5:
            signal.raise_signal(number)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "train_step", step_with_a_visitor)
        assert train(CONFIG, covers, tmp_path, device=CPU) is None
    assert "Stopped after 20 covers" in capsys.readouterr().out
    assert signal.getsignal(number) is before
    assert read_state(tmp_path / "state.safetensors")[1]["step"] == 5
    train(CONFIG, covers, tmp_path, device=CPU)
    assert_same_run(tmp_path, whole)


KILLED_AT_STEP_8 = """
import os, signal, sys
from training import train_generator

def train_step(self, batch):
    step(self, batch)
    if self.step == 8:
        os.kill(os.getpid(), signal.SIGKILL)

train_generator.CALIBRATION_BATCHES = 2
step, train_generator.Trainer.train_step = train_generator.Trainer.train_step, train_step
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
    tensors, notes = Trainer(replace(PRESETS["tiny"], size=8), covers, device=CPU).state()
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


def test_the_average_has_batch_statistics_that_fit_its_own_weights(covers: CoverSet) -> None:
    trainer = trainer_of(covers)
    for batch in trainer.batches():
        trainer.train_step(batch)
    averaged = trainer.averaged_generator()
    chance = torch.Generator().manual_seed(CONFIG.seed + 3)
    latents = torch.randn(train_generator.CALIBRATION_BATCHES * 128, CONFIG.latent_size, generator=chance)
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
    trainer.train_step(next(trainer.batches()))
    before = {name: value.clone() for name, value in trainer.state()[0].items()}
    trainer.paint_samples(tmp_path)
    after = trainer.state()[0]
    assert all(torch.equal(value, after[name]) for name, value in before.items())


def test_every_epoch_sees_each_cover_at_most_once_in_an_order_of_its_own(covers: CoverSet) -> None:
    trainer = trainer_of(covers)
    seen: list[list[bytes]] = [[], [], []]
    for batch in trainer.batches():
        assert batch.shape == (4, 3, 8, 8)
        seen[trainer.step // 3] += [cover.numpy().tobytes() for cover in batch]
        trainer.step += 1
    assert [len(epoch) for epoch in seen] == [12, 12, 12]
    assert [len(set(epoch)) for epoch in seen] == [12, 12, 12]
    assert seen[0] != seen[1] != seen[2]
    assert len(set(seen[0] + seen[1] + seen[2])) > 12


def test_flipping_mirrors_some_real_covers_and_leaves_the_others(tmp_path: Path) -> None:
    half = np.zeros((16, 3, 8, 8), np.uint8)
    half[..., :4] = 255
    covers = CoverSet(half, ())
    object.__setattr__(covers, "entries", (None,) * 16)
    for flip, expected in ((False, {1.0}), (True, {1.0, -1.0})):
        trainer = trainer_of(covers, replace(CONFIG, batch=16, flip=flip))
        given: list[Tensor] = []
        trainer.discriminator.register_forward_pre_hook(lambda _, args, given=given: given.append(args[0]))
        trainer.train_step(next(trainer.batches()))
        real = given[0]
        assert set(real[:, 0, 0, 0].tolist()) == expected
        assert torch.equal(real[..., 0], -real[..., 7])


def test_bf16_trains_to_finite_weights(covers: CoverSet) -> None:
    trainer = Trainer(CONFIG, covers, device=CPU, precision="bf16")
    trainer.train_step(next(trainer.batches()))
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
