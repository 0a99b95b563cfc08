"""Model cards say what the files of a checkpoint say, and nothing else."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from huggingface_hub import ModelCard
from PIL import Image
from torch import Tensor

from albumjudge.domain.emotions import NAMES
from albumjudge.inference import checkpoints
from albumjudge.inference.checkpoints import BUNDLED
from albumjudge.models.dcgan import Generator
from training.data.covers import DataError
from training.engine.state import save_checkpoint, write_json
from training.reports.model_card import generator_card, judge_card, main, progress, write_card

GENERATOR: dict[str, Any] = {
    "kind": "generator",
    "name": "dcgan-seed",
    "preset": "seed",
    "config": {"source": "shawheen_wcd", "size": 64, "epochs": 70, "learning_rate": 2e-4, "flip": False},
    "planned_epochs": 70,
    "epochs_done": 70,
    "covers": 3829,
    "images_seen": 264_320,
    "date": "2026-11-22",
    "machine": "pdp11",
}
JUDGE: dict[str, Any] = {
    "kind": "judge",
    "name": "vgg16-distribution",
    "preset": "distribution",
    "config": {"epochs": 9, "folds": 5},
    "paintings": 280,
    "date": "2026-11-22",
}
METRICS: dict[str, Any] = {
    "generator": {
        "what": "Distance from real covers.",
        "date": "2026-11-23",
        "seed": 4,
        "count": 1234,
        "rows": {"painted covers": {"VGG16 Frechet distance": 12.345}, "other real covers": {"other": 0.5}},
    },
    "cross_validation": {
        "what": "Five folds.",
        "rows": {"this judge": {"KL": 0.4567, "top-1": 0.41}, "predict the mean": {"KL": 0.557}},
    },
}


def code_of(card: str) -> str:
    (code,) = re.findall(r"```python\n(.*?)```", card, re.DOTALL)
    assert isinstance(code, str)
    return code


@pytest.mark.parametrize(
    ("card", "task", "tag"),
    [
        (generator_card(GENERATOR, METRICS), "unconditional-image-generation", "dcgan"),
        (judge_card(JUDGE, METRICS), "image-classification", "vgg16"),
    ],
)
def test_the_hub_can_read_the_front_matter(card: str, task: str, tag: str) -> None:
    data = ModelCard(card).data.to_dict()  # type: ignore[no-untyped-call]
    assert data["license"] == "mit"
    assert data["library_name"] == "albumjudge"
    assert data["pipeline_tag"] == task
    assert tag in data["tags"]


def test_a_generator_card_says_what_it_learned_from_and_how_long() -> None:
    card = generator_card(GENERATOR, {})
    assert "# albumjudge generator: dcgan-seed" in card
    assert "3,829 album covers" in card
    assert "archive.org" in card
    assert "copyrighted" in card
    assert "Trained for 70 epochs (264,320 pictures seen), as planned." in card
    assert "| learning rate | 0.0002 |" in card
    assert "| flip | no |" in card
    assert "Not measured yet." in card
    assert "ended early" not in card
    assert "pdp11" not in card


@pytest.mark.parametrize(
    ("source", "said"), [("mine", "source `mine` of a folder"), (None, "all of a folder")]
)
def test_other_data_are_not_called_the_old_ones(source: str | None, said: str) -> None:
    card = generator_card(GENERATOR | {"config": {"source": source}}, {})
    assert said in card
    assert "archive.org" not in card


def test_the_card_of_the_bundled_jury_tells_the_jurors_lives_and_all_that_was_measured() -> None:
    folder = BUNDLED["judge"]
    record, metrics = (
        json.loads((folder / name).read_text("utf-8")) for name in ("training.json", "metrics.json")
    )
    card = judge_card(record, metrics)
    assert all(f"| {life['name']} | {life['told']} |" in card for life in record["lives"])
    assert f"A jury of {len(record['lives'])} judges" in card
    assert all(table["what"] in card for table in metrics.values())
    assert "not recorded" not in card and "fine-tuned here" not in card
    assert card == (folder / "README.md").read_text("utf-8")


def test_a_judge_card_says_what_the_judge_is_for_and_what_not() -> None:
    card = judge_card(JUDGE, {})
    assert "# albumjudge judge: vgg16-distribution" in card
    assert "280 abstract paintings" in card
    assert ", ".join(NAMES) in card
    assert "Machajdik & Hanbury" in card
    assert "shares of all votes" in judge_card(JUDGE | {"config": {"labels": "distribution"}}, {})
    assert "ties went to the first" in judge_card(JUDGE | {"config": {"labels": "argmax"}}, {})
    for heading in ("## Data", "## Training", "## How good it is", "## What not to use it for", "## Licence"):
        assert heading in card


def test_every_measured_table_is_shown_with_its_remarks() -> None:
    card = generator_card(GENERATOR, METRICS)
    assert "Not measured yet." not in card
    assert "### Generator\n\nDistance from real covers.\n\n| " in card
    assert re.search(r"\| painted covers +\| +12\.35 \|", card)
    assert "date 2026-11-23; seed 4; count 1234" in card
    assert "### Cross validation\n\nFive folds." in card
    assert re.search(r"\| this judge +\| 0\.4567 \| 0\.4100 \|", card)


def test_what_is_no_table_of_numbers_does_not_break_a_card() -> None:
    metrics = {"note": "later", "broken": {"rows": 3}, "mixed": {"rows": {"a": {"x": 1.5, "why": "text"}}}}
    card = judge_card(JUDGE, metrics)
    assert "1.500" in card
    assert "why" not in card
    assert "later" not in card


@pytest.mark.parametrize("write", [generator_card, judge_card])
def test_a_run_that_ended_early_is_called_that(write: Any) -> None:
    record = GENERATOR | {"epochs_done": 31, "images_seen": 117_056}
    assert (
        "**Training ended early**, after 31 of the 70 planned epochs (117,056 pictures seen). "
        "This is an unfinished run" in write(record, {})
    )


@pytest.mark.parametrize(
    ("record", "said"),
    [
        ({}, "How long it was trained was not recorded."),
        ({"epochs_done": 1}, "Trained for 1 epoch."),
        ({"images_seen": 5000}, "5,000 pictures seen."),
        ({"epochs_done": 80, "planned_epochs": 70}, "Trained for 80 epochs, more than the 70 planned."),
        (
            {"epochs_done": 3, "images_seen": 30, "images_seen_before": 9, "hardware": "a fast GPU"},
            "3 epochs (30 pictures seen, after 9 by the network that it began with) on a fast GPU.",
        ),
        (
            {"epochs_done": 3, "images_seen": 30, "images_seen_before": 9, "inker": {}},
            "3 epochs (30 pictures seen, after 9 by its inker and its novice).",
        ),
        ({"epochs_done": 0, "planned_epochs": 2}, "after 0 of the 2 planned epochs. This"),
    ],
)
def test_how_long(record: dict[str, Any], said: str) -> None:
    assert said in progress(record)


def test_the_example_of_a_generator_card_paints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_checkpoint(Generator(4, 2, 16), tmp_path, GENERATOR)
    monkeypatch.chdir(tmp_path)
    exec(code_of(write_card(tmp_path).read_text(encoding="utf-8")), {})
    with Image.open("cover.png") as image:
        assert image.size == (16, 16)


def test_the_example_of_a_judge_card_judges(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def logits(pictures: Tensor) -> Tensor:
        return torch.zeros(len(pictures), 8)

    monkeypatch.setattr(checkpoints, "read_checkpoint", lambda path, kind: (path, kind))
    monkeypatch.setattr(checkpoints, "load_judge", lambda checkpoint: logits)
    exec(code_of(judge_card(JUDGE, {})), {})
    assert "'awe': 0.125" in capsys.readouterr().out


def test_the_script_writes_the_card_of_either_kind_anew(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    readme = tmp_path / "README.md"
    for record in (GENERATOR, JUDGE):
        write_json(tmp_path / "training.json", record)
        assert main(["--checkpoint", str(tmp_path)]) == 0
        assert capsys.readouterr().out == f"Wrote {readme}.\n"
        assert record["name"] in readme.read_text(encoding="utf-8")
        assert "Not measured yet." in readme.read_text(encoding="utf-8")
    write_json(tmp_path / "metrics.json", METRICS)
    assert main(["--checkpoint", str(tmp_path)]) == 0
    assert "0.4567" in readme.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("training.json", None, "training.json is missing"),
        ("training.json", "{", "training.json cannot be read"),
        ("training.json", "[]", "does not hold a JSON object"),
        ("training.json", json.dumps({"kind": "jury"}), "says kind 'jury'; known are generator and judge"),
        ("metrics.json", "{", "metrics.json cannot be read"),
    ],
)
def test_broken_files_are_named_and_the_old_card_stays(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], file: str, content: str | None, said: str
) -> None:
    write_json(tmp_path / "training.json", JUDGE)
    (tmp_path / "README.md").write_text("old")
    (tmp_path / file).unlink(missing_ok=True)
    if content is not None:
        (tmp_path / file).write_text(content)
    assert main(["--checkpoint", str(tmp_path)]) == 1
    assert said in capsys.readouterr().err
    assert (tmp_path / "README.md").read_text() == "old"
    with pytest.raises(DataError):
        write_card(tmp_path)


def test_a_record_without_weights_offers_no_code_that_loads_them(tmp_path: Path) -> None:
    write_json(tmp_path / "training.json", JUDGE)
    card = write_card(tmp_path).read_text(encoding="utf-8")
    assert "not its weights" in card and "load_judge" not in card
    (tmp_path / "model.safetensors").write_bytes(b"")
    assert "load_judge" in write_card(tmp_path).read_text(encoding="utf-8")
