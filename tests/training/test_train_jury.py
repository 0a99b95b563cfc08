"""A jury grows up on a few paintings made here: scripts from end to end, and what they leave behind."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from albumjudge.inference.checkpoints import load_generator, load_judge, read_checkpoint
from albumjudge.inference.judge import Judge
from albumjudge.inference.painter import Painter
from albumjudge.models.jury import Jury
from benchmarks import judge as time_judge
from tests.checkpoint_fixtures import make_generator
from tests.jury_fixtures import COUNT, make_others, make_paintings, make_trunk
from training import benchmark_judge, evaluate_saliency, train_jury
from training import fit_prior_correction as acclimatise
from training.benchmark_judge import BEST, NOISE, OURS, RECIPE, carried
from training.judge.cross_validation import Protocol, read
from training.judge.features import imagenet_trunk, reports_of
from training.judge.jurors import LIVES, JuryConfig


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("world")
    make_paintings(root / "abstract")
    make_others(root / "others")
    make_trunk(root / "trunk.safetensors")
    make_generator(root / "generator")
    options = {"--data": "abstract", "--others": "others", "--features": "trunk.safetensors", "--out": "run"}
    arguments = [word for option, name in options.items() for word in (option, str(root / name))]
    assert train_jury.main([*arguments, "--size", "32", "--threads", "1"]) == 0
    return root


def test_the_exhibit_can_load_what_grew_up(world: Path) -> None:
    checkpoint = read_checkpoint(world / "run/checkpoint", "judge", "directory")
    assert checkpoint.network == "Jury" and checkpoint.name == "vgg16-jury"
    assert [life["name"] for life in checkpoint.training["lives"]] == [life.name for life in LIVES]
    generator = read_checkpoint(world / "generator", "generator", "directory")
    covers = Painter(load_generator(generator), generator.revision).paint([1, 2])
    verdicts = Judge(load_judge(checkpoint), checkpoint.revision).judge(covers)
    assert [juror.name for juror in verdicts[0].jurors] == [life.name for life in LIVES]
    mean = np.mean([juror.probabilities for juror in verdicts[0].jurors], axis=0)
    assert verdicts[0].probabilities == pytest.approx(mean.tolist(), abs=1e-5)
    assert verdicts[0].disagreement >= 0
    assert verdicts[0].firsts


@torch.no_grad()
def test_it_learnt_what_people_felt(world: Path) -> None:
    from training.data.abstract import load_paintings

    jury = load_judge(read_checkpoint(world / "run/checkpoint", "judge", "directory"))
    paintings = load_paintings(world / "abstract")
    shares = jury.juror_probabilities(
        torch.from_numpy(paintings.pixels).permute(0, 3, 1, 2).float() / 255
    ).mean(0)
    contented = np.arange(COUNT) % 2 == 0
    assert shares[contented, 3].mean() > 2 * shares[~contented, 3].mean()


def test_reports_are_computed_once(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trunk = imagenet_trunk(32, world / "trunk.safetensors")
    pixels = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)
    first = reports_of(trunk, pixels, cache=world / "cache")
    monkeypatch.setattr(type(trunk), "reports", None)
    assert (reports_of(trunk, pixels, cache=world / "cache") == first).all()


def test_the_benchmark_from_end_to_end_and_again(
    world: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(benchmark_judge, "lite_features", lambda paintings, out: np.eye(len(paintings)))
    monkeypatch.setattr(benchmark_judge, "WORLDS", 5)
    monkeypatch.setattr(benchmark_judge, "BOOTSTRAPS", 50)
    short = JuryConfig(size=32, ridges=(1e-3,))
    monkeypatch.setattr(benchmark_judge, "CONFIG", short)

    def few(names: Sequence[str]) -> tuple[Protocol, Protocol]:
        crossed, held = read(names)
        return replace(crossed, splits=crossed.splits[:5]), replace(held, splits=held.splits[:1])

    monkeypatch.setattr(benchmark_judge, "read", few)
    options = {
        "--data": "abstract",
        "--others": "others",
        "--features": "trunk.safetensors",
        "--out": "bench",
    }
    arguments = [word for option, name in options.items() for word in (option, str(world / name))]
    arguments += ["--quick", "--size", "32", "--threads", "1"]
    checkpoint = world / "run/checkpoint"
    assert benchmark_judge.main([*arguments, "--checkpoint", str(checkpoint), "--write"]) == 0
    first = capsys.readouterr().out
    tables = json.loads((checkpoint / "metrics.json").read_text(encoding="utf-8"))
    rows = tables["benchmark"]["rows"]
    assert rows[OURS]["KL"] < rows["predict the mean"]["KL"]
    assert rows[NOISE]["KL"] < rows["predict the mean"]["KL"] and BEST in rows
    assert f"juror: {LIVES[1].name}" in rows
    difference = tables["benchmark_differences"]["rows"]["predict the mean"]
    assert difference["KL, low"] < difference["KL"] < difference["KL, high"] < 0
    assert set(tables) >= {"benchmark_70_30", "benchmark_scaled", "disagreement"}
    assert "predict the mean" in (checkpoint / "README.md").read_text(encoding="utf-8")
    # What was predicted before is read again, and gives the same tables.
    monkeypatch.setattr(benchmark_judge, "fit_jury", None)
    assert benchmark_judge.main([*arguments, "--checkpoint", str(checkpoint)]) == 0
    assert capsys.readouterr().out == first


def test_the_recipes_row_is_carried_over_with_its_day() -> None:
    rows = {"predict the mean": {"KL": 0.5}, BEST: {"KL": 0.4}, OURS: {"KL": 0.41}}
    table = {"date": "2026-01-02", "rows": {RECIPE: {"KL": 0.7}, BEST: {"KL": 0.45}, "gone": {"KL": 1.0}}}
    joined, day = carried(rows, table)
    assert list(joined) == ["predict the mean", RECIPE, BEST, OURS]
    assert joined[RECIPE] == {"KL": 0.7} and joined[BEST] == {"KL": 0.4} and day == "2026-01-02"
    # Carried once more it keeps the day on which it was measured.
    again, day = carried(rows, {"carried_from": day, "date": "2026-02-03", "rows": joined})
    assert again == joined and day == "2026-01-02"
    assert carried({**rows, RECIPE: {"KL": 0.6}}, table) == ({**rows, RECIPE: {"KL": 0.6}}, None)
    assert carried(rows, {}) == (rows, None)


def test_the_jury_gets_used_to_covers(world: Path, capsys: pytest.CaptureFixture[str]) -> None:
    judge = world / "run/checkpoint"
    arguments = ["--judge", str(judge), "--generator", str(world / "generator")]
    arguments += ["--data", str(world / "abstract"), "--count", "30", "--write"]
    before = read_checkpoint(judge, "judge", "directory").revision
    assert acclimatise.main(arguments) == 0
    assert "Setting:" in capsys.readouterr().out
    assert read_checkpoint(judge, "judge", "directory").revision != before
    setting = load_file(judge / "model.safetensors")["setting"]
    assert setting.abs().max() > 0 and setting.dtype == torch.float16
    jury = load_judge(read_checkpoint(judge, "judge", "directory"))
    assert isinstance(jury, Jury)
    rows = json.loads((judge / "metrics.json").read_text(encoding="utf-8"))["on_covers"]["rows"]
    assert rows["covers: the jury corrected"] != rows["covers: the jury uncorrected"]


def test_saliency_is_measured(world: Path) -> None:
    judge = world / "run/checkpoint"
    arguments = ["--judge", str(judge), "--generator", str(world / "generator"), "--count", "6", "--write"]
    assert evaluate_saliency.main(arguments) == 0
    rows = json.loads((judge / "metrics.json").read_text(encoding="utf-8"))["saliency"]["rows"]
    assert rows["painted over: random squares"]["n"] == 6
    assert -1 <= rows["map of a random trunk"]["rank correlation with the true map"] <= 1


def test_the_jury_is_timed_against_one_network(world: Path, capsys: pytest.CaptureFixture[str]) -> None:
    judge = world / "run/checkpoint"
    assert time_judge.main(["--judge", str(judge), "--covers", "2", "--rounds", "2", "--threads", "1"]) == 0
    assert "jury / plain VGG16" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("script", "arguments"),
    [
        (train_jury, ["--data", "gone", "--others", "gone", "--out", "gone"]),
        (benchmark_judge, ["--data", "gone", "--others", "gone", "--out", "gone"]),
        (acclimatise, ["--judge", "gone", "--data", "gone"]),
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
