"""Training and evaluating a judge, end to end on a few small paintings made here."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from albumjudge.inference.checkpoints import load_judge, read_checkpoint
from albumjudge.models.vgg16 import VGG16EmotionClassifier
from training import train_judge
from training.data.abstract import load_paintings
from training.judge.fine_tuning import JudgeConfig, make_views, targets
from training.train_judge import split

COLOURS = {"red": (220, 30, 30), "blue": (30, 30, 220)}
VOTES = {"red": "1,9,0,0,2,1,1,0", "blue": "0,0,4,8,0,0,0,2"}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("paintings")
    (root / "Images").mkdir()
    lines = ["'file_path','Amusement','Anger','Awe','Content','Disgust','Excitement','Fear','Sad'"]
    chance = np.random.default_rng(0)
    for i in range(4):
        for colour, rgb in COLOURS.items():
            pixels = np.clip(np.array(rgb) + chance.normal(0, 25, (64, 64, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(root / "Images" / f"{colour}{i}.png")
            lines.append(f"'{colour}{i}.png',{VOTES[colour]}")
    (root / "ABSTRACT_groundTruth.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return root


@pytest.fixture(scope="module")
def trunk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(5)
    weights = {f"features.{k}": v for k, v in VGG16EmotionClassifier().features.state_dict().items()}
    path = tmp_path_factory.mktemp("weights") / "trunk.safetensors"
    save_file(weights, path)
    return path


@pytest.fixture(scope="module")
def run(data: Path, trunk: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("run")
    assert train_judge.main(arguments(data, trunk, out)) == 0
    return out


def arguments(data: Path, trunk: Path, out: Path) -> list[str]:
    options = {"--data": data, "--features": trunk, "--preset": "tiny", "--out": out}
    return [str(word) for pair in options.items() for word in pair]


def test_the_checkpoint_is_one_the_exhibit_takes(run: Path) -> None:
    checkpoint = read_checkpoint(run / "checkpoint", "judge", "directory")
    assert checkpoint.revision.startswith("vgg16-tiny-")
    network = load_judge(checkpoint)
    assert network(torch.rand(1, 3, 64, 64)).shape == (1, 8)
    weights = load_file(run / "checkpoint" / "model.safetensors")
    assert {value.dtype for value in weights.values()} == {torch.float16}


def test_it_learns_the_votes_on_red_and_blue(run: Path) -> None:
    rows = json.loads((run / "checkpoint/metrics.json").read_text(encoding="utf-8"))["cross_validation"][
        "rows"
    ]
    assert list(rows) == ["mean_prediction", "majority emotion", "vgg16-tiny"]
    assert rows["vgg16-tiny"]["kl"] < rows["mean_prediction"]["kl"] and rows["vgg16-tiny"]["top1"] == 1
    # Who rules out what people felt is infinitely surprised.
    assert rows["majority emotion"].keys() == rows["vgg16-tiny"].keys() - {"kl"}
    assert "Cross-validation" in (run / "checkpoint/README.md").read_text(encoding="utf-8")


def test_fine_tuning_moves_the_last_block_and_no_other(run: Path, trunk: Path) -> None:
    before, after = load_file(trunk), load_file(run / "checkpoint" / "model.safetensors")
    assert not torch.equal(before["features.28.weight"].half(), after["features.28.weight"])
    assert torch.equal(before["features.21.weight"].half(), after["features.21.weight"])


def test_a_run_killed_between_folds_ends_in_the_same_weights(
    run: Path, data: Path, trunk: Path, tmp_path: Path
) -> None:
    (tmp_path / "folds").mkdir()
    for name in ("config.json", "folds/0.json"):
        (tmp_path / name).write_bytes((run / name).read_bytes())
    assert train_judge.main(arguments(data, trunk, tmp_path)) == 0
    for name in ("model.safetensors", "out_of_fold.json"):
        assert (tmp_path / "checkpoint" / name).read_bytes() == (run / "checkpoint" / name).read_bytes()


def test_another_configuration_does_not_mix_with_an_old_run(
    run: Path, data: Path, trunk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train_judge.main([*arguments(data, trunk, run), "--ridge", "2"]) == 1
    assert "holds a run with other settings" in capsys.readouterr().err


def test_folds_are_even_and_fixed() -> None:
    places = split(280, 5, 2010)
    assert np.bincount(places).tolist() == [56] * 5
    assert np.array_equal(places, split(280, 5, 2010))
    assert not np.array_equal(places, split(280, 5, 2011))


def test_argmax_labels_put_ties_on_the_first_emotion(data: Path) -> None:
    paintings = load_paintings(data)
    paintings.votes[0] = [0, 0, 5, 5, 0, 0, 1, 0]
    assert targets(paintings, "argmax")[0].tolist() == [0, 0, 1, 0, 0, 0, 0, 0]
    assert targets(paintings, "distribution")[0].tolist() == pytest.approx(
        [v / 11 for v in (0, 0, 5, 5, 0, 0, 1, 0)]
    )


def test_views_begin_with_the_painting_and_its_mirror_image() -> None:
    images = torch.rand(2, 3, 32, 32)
    views = make_views(images, JudgeConfig(size=32, views=4))
    assert views.shape == (2, 4, 3, 32, 32)
    torch.testing.assert_close(views[:, 0], images)
    torch.testing.assert_close(views[:, 1], images.flip(3))
    assert views.min() >= 0 and views.max() <= 1


@pytest.mark.parametrize("wrong", [{"labels": "median"}, {"first_tuned_block": 0}, {"folds": 1}])
def test_impossible_settings_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"\.$"):
        JudgeConfig(**wrong)  # type: ignore[arg-type]
