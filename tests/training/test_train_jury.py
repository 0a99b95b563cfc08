"""The jury's scripts from end to end on a few paintings made here."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from albumjudge.inference.checkpoints import load_generator, load_judge, read_checkpoint
from albumjudge.inference.judge import Judge
from albumjudge.inference.painter import Painter
from albumjudge.models.multitask_jury import MultitaskJury
from benchmarks import judge as time_judge
from tests.jury_fixtures import COUNT, jury_options
from training import benchmark_judge, evaluate_saliency, fit_prior_correction, train_jury
from training.data.abstract import load_paintings
from training.data.paintings import load_other_paintings
from training.judge import evaluation
from training.judge.features import features_of, imagenet_backbone
from training.judge.jurors import JURORS, JuryConfig, fit_jury
from training.judge.pictures import gather_pictures
from training.judge.protocols import cross_validation


def images_of(root: Path) -> torch.Tensor:
    return torch.from_numpy(load_paintings(root / "abstract").pixels).permute(0, 3, 1, 2).float() / 255


def test_the_exhibit_can_load_the_jury(root: Path) -> None:
    checkpoint = read_checkpoint(root / "run/checkpoint", "judge", "directory")
    assert checkpoint.network == "MultitaskJury" and checkpoint.name == "vgg16-jury"
    names = [juror.name for juror in JURORS]
    assert [juror["name"] for juror in checkpoint.training["jurors"]] == names
    generator = read_checkpoint(root / "generator", "generator", "directory")
    covers = Painter(load_generator(generator), generator.revision).paint([1, 2])
    verdict = Judge(load_judge(checkpoint), checkpoint.revision).judge(covers)[0]
    said = np.array([juror.probabilities for juror in verdict.jurors])
    assert len(said) == len(names) and verdict.disagreement >= 0 and verdict.firsts
    assert (said.min(0) - 1e-5 <= verdict.probabilities).all()
    assert (verdict.probabilities <= said.max(0) + 1e-5).all()


@pytest.mark.slow
@torch.no_grad()
def test_the_network_gives_the_shares_of_the_fits(root: Path) -> None:
    paintings, others = load_paintings(root / "abstract"), load_other_paintings(root / "others")
    backbone = imagenet_backbone(32, root / "trunk.safetensors")
    pictures = gather_pictures(paintings, others, backbone, root / "run")
    fitted = fit_jury(pictures, np.arange(COUNT), JuryConfig(size=32))
    expected = fitted.predict(pictures, np.arange(COUNT))
    built = train_jury.build(32, backbone.features, JURORS, fitted, pictures)
    images = images_of(root)
    jurors, jury = built.verdicts_of(built.extract(images))
    np.testing.assert_allclose(torch.cat([jury[None], jurors]), expected, atol=2e-3)
    loaded = load_judge(read_checkpoint(root / "run/checkpoint", "judge", "directory"))
    # In half precision; of random convolutions the last blocks alone say nothing that would survive it.
    np.testing.assert_allclose(loaded.juror_probabilities(images)[:3], expected[1:4], atol=0.06)
    assert expected[0, ::2, 3].mean() > 2 * expected[0, 1::2, 3].mean()


def test_features_are_computed_once(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    backbone = imagenet_backbone(32, root / "trunk.safetensors")
    pixels = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)
    first = features_of(backbone, pixels, cache=root / "cache")
    monkeypatch.setattr(type(backbone), "extract", None)
    assert (features_of(backbone, pixels, cache=root / "cache") == first).all()


@pytest.mark.slow
def test_the_benchmark_from_end_to_end_and_again(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(evaluation, "WORLDS", 5)
    monkeypatch.setattr(evaluation, "BOOTSTRAPS", 50)
    monkeypatch.setattr(benchmark_judge, "CONFIG", JuryConfig(size=32))
    monkeypatch.setattr(benchmark_judge, "cross_validation", lambda count: cross_validation(count)[:5])
    checkpoint = root / "run/checkpoint"
    arguments = [*jury_options(root, "bench"), "--quick", "--threads", "1", "--judge", str(checkpoint)]
    assert benchmark_judge.main([*arguments, "--write"]) == 0
    first = capsys.readouterr().out
    tables = json.loads((checkpoint / "metrics.json").read_text(encoding="utf-8"))
    rows = tables["benchmark"]["rows"]
    assert rows["jury"]["kl"] < rows["mean_prediction"]["kl"] > rows["vote_noise"]["kl"]
    assert {"best_juror", "juror: the homebody"} <= set(rows)
    difference = tables["benchmark_differences"]["rows"]["mean_prediction"]
    assert difference["kl_low"] < difference["kl"] < difference["kl_high"] < 0
    assert "disagreement" in tables
    others = tables["other_paintings"]["rows"]
    assert set(others) >= {"jury", "linear_probe", "juror: the traveller"}
    assert others["jury"]["valence_correlation"] > 0
    assert "other paintings" in (checkpoint / "README.md").read_text(encoding="utf-8")
    # What was predicted before is read again, and gives the same tables.
    assert benchmark_judge.main(arguments) == 0
    assert capsys.readouterr().out == first


@pytest.mark.slow
def test_the_prior_is_corrected_by_real_covers(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    judge, covers = root / "run/checkpoint", root / "covers"
    covers.mkdir()
    chance = np.random.default_rng(3)
    lines = ["file_name,genre,decade"]
    for i in range(12):
        noise = chance.integers(0, 256, (64, 64, 3), dtype=np.uint8)
        Image.fromarray(noise // (1 + i % 2)).save(covers / f"{i}.png")
        lines.append(f"{i}.png,{('metal', 'kpop|pop')[i % 2]},{'1990s' if i < 4 else ''}")
    (covers / "metadata.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    arguments = ["--judge", str(judge), "--generator", str(root / "generator"), "--covers", str(covers)]
    arguments += ["--data", str(root / "abstract"), "--count", "10", "--write"]
    before = read_checkpoint(judge, "judge", "directory").revision
    assert fit_prior_correction.main(arguments) == 0
    assert "Correction:" in capsys.readouterr().out
    assert read_checkpoint(judge, "judge", "directory").revision != before
    correction = load_file(judge / "model.safetensors")["prior_correction"]
    assert correction.abs().max() > 0 and correction.dtype == torch.float16
    tables = json.loads((judge / "metrics.json").read_text(encoding="utf-8"))
    rows = tables["on_covers"]["rows"]
    assert rows["painted covers: the jury corrected"] != rows["painted covers: the jury uncorrected"]
    by_genre = tables["covers_by_genre"]["rows"]
    assert set(by_genre) == {"all covers", "metal", "kpop", "pop", "1990s", "metal less K-pop"}
    metal, difference = by_genre["metal"], by_genre["metal less K-pop"]
    assert metal["share_anger_low"] <= metal["share_anger"] <= metal["share_anger_high"]
    assert difference["share_awe"] == pytest.approx(
        metal["share_awe"] - by_genre["kpop"]["share_awe"], abs=2e-4
    )
    # The mean over real covers is now that of people's votes.
    jury = load_judge(read_checkpoint(judge, "judge", "directory"))
    assert isinstance(jury, MultitaskJury)
    pixels = np.stack([np.asarray(Image.open(covers / f"{i}.png")) for i in range(12)])
    with torch.no_grad():
        shares = jury(torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255).exp().mean(0)
    people = load_paintings(root / "abstract").shares.mean(0)
    np.testing.assert_allclose(shares, people, atol=0.01)


@pytest.mark.slow
def test_saliency_is_measured(root: Path) -> None:
    judge = root / "run/checkpoint"
    arguments = ["--judge", str(judge), "--generator", str(root / "generator"), "--count", "6", "--write"]
    assert evaluate_saliency.main(arguments) == 0
    rows = json.loads((judge / "metrics.json").read_text(encoding="utf-8"))["saliency"]["rows"]
    assert rows["painted over: random squares"]["pictures"] == 6
    assert -1 <= rows["map of random convolutions"]["map_correlation"] <= 1


@pytest.mark.slow
def test_the_jury_is_timed_against_one_network_and_its_change_measured(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    judge = ["--judge", str(root / "run/checkpoint"), "--generator", str(root / "generator"), "--write"]
    assert time_judge.main([*judge, "--covers", "2", "--rounds", "2", "--count", "4", "--threads", "1"]) == 0
    assert "jury / plain VGG16" in capsys.readouterr().out
    tables = json.loads((root / "run/checkpoint/metrics.json").read_text(encoding="utf-8"))
    assert 0 <= tables["time"]["rows"]["exhibit less float32"]["share_change"] < 0.1


@pytest.mark.parametrize(
    ("script", "arguments"),
    [
        (train_jury, ["--data", "gone", "--others", "gone", "--out", "gone"]),
        (benchmark_judge, ["--data", "gone", "--others", "gone", "--out", "gone"]),
        (fit_prior_correction, ["--judge", "gone", "--data", "gone", "--covers", "gone"]),
        (evaluate_saliency, ["--judge", "gone"]),
        (time_judge, ["--judge", "gone"]),
    ],
)
def test_what_is_missing_is_said_in_a_sentence(
    script: object,
    arguments: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert script.main(arguments) == 1  # type: ignore[attr-defined]
    assert capsys.readouterr().err.strip().endswith(".")
