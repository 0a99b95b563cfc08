"""The scripts that train painters, from a folder of covers to checkpoints that paint."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from albumjudge.domain.conditions import DECADES, GENRES
from albumjudge.inference.checkpoints import load_generator, read_checkpoint
from albumjudge.models.autoencoder import Encoder
from albumjudge.models.one_step import OneStepGenerator
from tests.training.trainers import (
    AUTOENCODER,
    DCGAN,
    FLOW,
    ONE_STEP,
    flow_generator,
    make_trainer,
)
from training import train_autoencoder, train_dcgan, train_flow, train_one_step
from training.data.covers import load_covers
from training.engine.state import read_state, save_checkpoint
from training.engine.trainer import STATE, train
from training.generator.dcgan_trainer import PRESETS
from training.generator.painter_trainer import sample_labels

Main = Callable[[list[str]], int]
pytestmark = pytest.mark.usefixtures("small")


def options(config: object, data: Path, out: Path, **more: object) -> list[str]:
    """The command line of a run with these settings."""
    settings = {name: value for name, value in asdict(config).items() if value is not None}  # type: ignore[call-overload]
    given = {
        "source": "all",
        **settings,
        "data": data,
        "out": out,
        "device": "cpu",
        "precision": "fp32",
        **more,
    }
    words = []
    for name, value in given.items():
        option = "--" + name.replace("_", "-")
        if isinstance(value, bool):
            words.append(option if value else option.replace("--", "--no-", 1))
        elif value is not None and name != "recipe":
            words += [option, str(value)]
    return words


@pytest.fixture(scope="module")
def autoencoder(small: None, nine_covers: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("autoencoder")
    assert train_autoencoder.main(options(AUTOENCODER, nine_covers, out)) == 0
    return out


@pytest.fixture(scope="module")
def flow(nine_covers: Path, autoencoder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("flow")
    assert train_flow.main(options(FLOW, nine_covers, out, autoencoder=autoencoder)) == 0
    return out


def test_a_dcgan_is_trained_to_a_checkpoint_that_paints(nine_covers: Path, tmp_path: Path) -> None:
    words = ["--data", str(nine_covers), "--preset", "tiny", "--out", str(tmp_path), "--device", "cpu"]
    assert train_dcgan.main(words) == 0
    checkpoint = read_checkpoint(tmp_path / "checkpoint", "generator")
    assert checkpoint.name == "dcgan-tiny"
    assert checkpoint.training["config"] == asdict(PRESETS["tiny"])
    assert checkpoint.training["epochs_done"] == checkpoint.training["planned_epochs"] == 2
    assert checkpoint.training["images_seen"] == 2 * 8
    assert [line["images_seen"] for line in checkpoint.history] == [8, 16]
    assert (tmp_path / "checkpoint" / "README.md").is_file()
    assert load_generator(checkpoint)(torch.randn(2, 8)).shape == (2, 3, 16, 16)


def test_a_checkpoint_holds_the_average_with_statistics_of_its_own(nine_covers: Path) -> None:
    trainer = make_trainer("dcgan", load_covers(nine_covers, size=8))
    for _ in range(4):
        trainer.advance()
    averaged = trainer.painter()  # type: ignore[attr-defined]
    for name, value in averaged.named_parameters():
        assert torch.equal(value, trainer.networks["average"].get_parameter(name))
    latents = torch.randn(256, DCGAN.latent_size)
    with torch.no_grad():
        kept = averaged(latents)
        by_batch = averaged.train()(latents)
    assert (kept - by_batch).abs().mean() < 0.1


def test_an_unfinished_run_can_be_made_a_checkpoint(nine_covers: Path, tmp_path: Path) -> None:
    assert train_dcgan.main(options(replace(DCGAN, epochs=1), nine_covers, tmp_path)) == 0
    (tmp_path / "checkpoint" / "model.safetensors").unlink()
    assert train_dcgan.main([*options(DCGAN, nine_covers, tmp_path), "--finish-now"]) == 0
    assert read_checkpoint(tmp_path / "checkpoint", "generator").training["epochs_done"] == 1


def test_an_autoencoder_leaves_a_state_and_private_samples(autoencoder: Path) -> None:
    tensors, notes = read_state(autoencoder / STATE)
    assert notes["left"] == 0
    assert {name.partition("/")[0] for name in tensors} >= {"encoder", "decoder"}
    assert all(path.stem.endswith("-private") for path in (autoencoder / "samples").iterdir())


def test_a_flow_painter_is_trained_to_a_checkpoint_that_paints(flow: Path, autoencoder: Path) -> None:
    checkpoint = read_checkpoint(flow / "checkpoint", "generator")
    assert checkpoint.name == "flow-64" and checkpoint.network == "FlowGenerator"
    assert checkpoint.training["config"] == asdict(FLOW)
    assert checkpoint.training["images_seen"] == 24
    # The autoencoder's and the autoguidance network's.
    assert checkpoint.training["images_seen_before"] == 24 + 8
    generator = load_generator(checkpoint)
    painted = generator(torch.randn(2, 4), torch.tensor([0, 1]), torch.tensor([2, 0]))
    assert painted.shape == (2, 3, 64, 64) and painted.isfinite().all()
    kept, taught = load_file(flow / "checkpoint" / "model.safetensors"), read_state(autoencoder / STATE)[0]
    average, small = read_state(flow / STATE)[0], read_state(flow / "autoguidance" / STATE)[0]
    for name, value in kept.items():
        room, _, rest = name.partition(".")
        source = {"decoder": taught.get(f"decoder/{rest}"), "unet": average.get(f"average/{rest}")}
        source["autoguidance_unet"] = small.get(f"average/{rest}")
        if room in source:
            assert torch.equal(value, source[room].half()), name  # type: ignore[union-attr]


@pytest.mark.parametrize("fault", ["unfinished", "other covers", "no run"])
def test_an_autoencoder_that_does_not_fit_is_refused_in_a_sentence(
    nine_covers: Path, autoencoder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], fault: str
) -> None:
    config, place = FLOW, autoencoder
    if fault == "unfinished":
        place = tmp_path / "cut"
        trainer = make_trainer("autoencoder", load_covers(nine_covers, size=64))
        train(trainer, place, stop_after=1)
    elif fault == "other covers":
        config = replace(FLOW, held_out=1)
    else:
        place = tmp_path
    assert train_flow.main(options(config, nine_covers, tmp_path / "out", autoencoder=place)) == 1
    assert {
        "unfinished": "has 5 steps to go",
        "other covers": "trained with another held_out (0)",
        "no run": "cannot be read",
    }[fault] in capsys.readouterr().err


def test_covers_are_encoded_once_as_they_are_and_then_shifted(nine_covers: Path) -> None:
    covers = load_covers(nine_covers, size=64)
    torch.manual_seed(0)
    encoder = Encoder(2, width=4)
    whole = train_flow.encode_all(encoder, covers, FLOW, torch.device("cpu"))
    assert whole.shape == (2, 9, 2, 8, 8)
    pictures = torch.from_numpy(covers.pixels).float() / 127.5 - 1
    with torch.no_grad():
        assert torch.allclose(whole[0], encoder(pictures), atol=1e-5)
    assert not torch.allclose(whole[0], whole[1], atol=1e-3)
    moved = train_flow.shift(pictures, torch.Generator().manual_seed(1))
    assert moved.shape == pictures.shape and not torch.equal(moved, pictures)


@pytest.mark.slow
def test_a_velocity_network_learns_the_way_to_the_only_latent_image(nine_covers: Path) -> None:
    trainer = make_trainer(
        "flow", load_covers(nine_covers, size=64), epochs=100, warmup=0, learning_rate=3e-3
    )
    trainer.latent_images = torch.ones_like(trainer.latent_images)  # type: ignore[attr-defined]
    losses = [trainer.train_step()[0].item() for trainer.step in range(100)]
    assert np.mean(losses[-10:]) < 0.7 * np.mean(losses[:10])


def test_a_one_step_painter_is_trained_from_a_flow_painter(
    nine_covers: Path, flow: Path, tmp_path: Path
) -> None:
    teacher = flow / "checkpoint"
    config = replace(ONE_STEP, epochs=1, regression_epochs=1)
    assert train_one_step.main(options(config, nine_covers, tmp_path, teacher=teacher)) == 0
    checkpoint = read_checkpoint(tmp_path / "checkpoint", "generator")
    assert checkpoint.name == "one-step-64" and checkpoint.network == "OneStepGenerator"
    assert checkpoint.training["teacher"] == read_checkpoint(teacher, "generator").revision
    assert checkpoint.training["images_seen_before"] == checkpoint.training["images_seen"] == 8
    painted = load_generator(checkpoint)(torch.randn(2, 4))
    assert painted.shape == (2, 3, 64, 64) and painted.isfinite().all()
    # Its own checkpoint is a start; with a velocity rate of 0 every cover keeps its composition.
    again = tmp_path / "again"
    words = options(replace(config, velocity_rate=0.0), nine_covers, again, teacher=teacher)
    assert train_one_step.main([*words, "--start-from", str(tmp_path / "checkpoint")]) == 0
    record = read_checkpoint(again / "checkpoint", "generator").training
    assert record["start"] == checkpoint.revision
    before, after = (load_file(out / "checkpoint" / "model.safetensors") for out in (tmp_path, again))
    assert all(torch.equal(value, after[name]) for name, value in before.items() if name.startswith("unet"))
    assert any(not torch.equal(v, after[n]) for n, v in before.items() if n.startswith("decoder"))


def saved_student(folder: Path, student: torch.nn.Module) -> Path:
    record: dict[str, object] = {"kind": "generator", "network": "OneStepGenerator", "name": "tiny"}
    save_checkpoint(student, folder, record)
    return folder


@pytest.mark.parametrize("blend", [0.0, 0.5, 1.0])
def test_a_student_is_a_start_whose_decoder_can_be_blended(tmp_path: Path, blend: float) -> None:
    teacher = flow_generator()
    trained = train_one_step.student_of(teacher)
    for value in trained.state_dict().values():
        value.add_(2)
    folder = saved_student(tmp_path / "student", trained)
    student, origin = train_one_step.started_from(folder, teacher, blend)
    assert origin == read_checkpoint(folder, "generator").revision
    for name, value in student.unet.state_dict().items():
        assert torch.allclose(value, trained.unet.state_dict()[name], atol=1e-2)
    for name, value in student.decoder.state_dict().items():
        assert torch.allclose(value, teacher.decoder.state_dict()[name] + 2 * blend, atol=1e-2)


def test_a_start_or_a_teacher_that_does_not_fit_is_refused_in_a_sentence(
    nine_covers: Path, flow: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    student = saved_student(tmp_path / "student", train_one_step.student_of(flow_generator()))
    stranger = saved_student(tmp_path / "stranger", OneStepGenerator(4, 3, 8))
    for start, teacher, said in (
        (stranger, flow / "checkpoint", "holds no weights for a student of this teacher"),
        (stranger, student, "holds no flow painter"),
    ):
        words = options(ONE_STEP, nine_covers, tmp_path / "out", teacher=teacher, start_from=start)
        assert train_one_step.main(words) == 1
        assert said in capsys.readouterr().err


def test_pairs_are_made_once(nine_covers: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    covers, teacher, path = (
        load_covers(nine_covers, size=64),
        flow_generator(),
        tmp_path / "pairs.safetensors",
    )
    first = train_one_step.load_pairs(teacher, covers, path, ONE_STEP)
    monkeypatch.setattr(train_one_step, "make_pairs", lambda *_: pytest.fail("made again"))
    again = train_one_step.load_pairs(teacher, covers, path, ONE_STEP)
    assert torch.equal(first.latent_images, again.latent_images)
    assert first.labels.shape == (8, 2) and first.latent_images.shape == (8, 2, 8, 8)


def test_half_of_the_samples_are_unlabelled_and_the_rest_show_every_genre_and_decade() -> None:
    labels = sample_labels(64)
    assert not labels[:32].any()
    assert set(labels[32:, 0].tolist()) == set(range(1, len(GENRES) + 1))
    assert set(labels[32:, 1].tolist()) == set(range(1, len(DECADES) + 1))


@pytest.mark.parametrize("main", [train_dcgan.main, train_autoencoder.main])
def test_a_folder_without_covers_is_refused_in_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], main: Main
) -> None:
    assert main(["--data", str(tmp_path), "--out", str(tmp_path / "out"), "--device", "cpu"]) == 1
    assert "metadata.csv is missing" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
