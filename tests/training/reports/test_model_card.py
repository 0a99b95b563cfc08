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

from albumjudge import metrics
from albumjudge.domain.emotions import NAMES
from albumjudge.inference import checkpoints
from albumjudge.inference.folders import BUNDLED, GUESTS
from albumjudge.models.dcgan import Generator
from training.data.images import DataError
from training.engine.state import read_object, save_checkpoint, write_json
from training.reports.model_card import card, main, progress, write_card

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
FLOW = GENERATOR | {
    "network": "FlowGenerator",
    "config": {"guidance_scale": 5.0, "source": None, "held_out": 1500},
}
JUDGE: dict[str, Any] = {
    "kind": "judge",
    "name": "vgg16-distribution",
    "config": {"epochs": 9, "labels": "distribution"},
    "paintings": 280,
}
METRICS: dict[str, Any] = {
    "painter_distance": {
        "what": "Distance from real covers.",
        "date": "2026-11-23",
        "seed": 4,
        "rows": {
            "dcgan-seed-00000000": {"frechet_vgg16_pooled": 12.345},
            "real_covers": {"kernel_lite0": 0.5},
        },
    },
    "cross_validation": {"rows": {"this judge": {"KL": 0.4567, "top-1": 0.41, "why": "text"}}},
    "note": "later",
    "broken": {"rows": 3},
}


def code_of(text: str) -> str:
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert isinstance(code, str)
    return code


@pytest.mark.parametrize(
    ("record", "task", "tag"),
    [
        (GENERATOR, "unconditional-image-generation", "dcgan"),
        (FLOW, "unconditional-image-generation", "flow-matching"),
        (JUDGE, "image-classification", "vgg16"),
    ],
)
def test_the_hub_can_read_the_front_matter(record: dict[str, Any], task: str, tag: str) -> None:
    data = ModelCard(card(record, METRICS)).data.to_dict()  # type: ignore[no-untyped-call]
    assert (data["license"], data["library_name"], data["pipeline_tag"]) == ("mit", "albumjudge", task)
    assert tag in data["tags"]


@pytest.mark.parametrize(
    ("record", "says", "not_said"),
    [
        (
            GENERATOR,
            [
                *("# albumjudge generator: dcgan-seed", "3,829 album covers: archive.org", "copyrighted"),
                *("Trained for 70 epochs (264,320 covers shown), as planned.", "| learning rate | 0.0002 |"),
                *("| flip | no |", "Not measured yet.", "trained to pass its discriminators"),
            ],
            ["ended early", "pdp11"],
        ),
        (GENERATOR | {"config": {"source": "mine"}}, ["source `mine` of a folder"], []),
        (
            FLOW,
            ["| guidance scale | 5 |", "all of a folder, less 1,500 that are held out"],
            ["discriminator", "adversarial"],
        ),
        (
            JUDGE,
            ["280 abstract paintings", ", ".join(NAMES), "Machajdik & Hanbury", "shares of all votes"],
            [],
        ),
        (JUDGE | {"config": {"labels": "argmax"}}, ["ties went to the first"], []),
    ],
)
def test_a_card_says_what_was_learned_from_and_how(
    record: dict[str, Any], says: list[str], not_said: list[str]
) -> None:
    text = card(record, {})
    assert not [said for said in says if said not in text] and not [said for said in not_said if said in text]


@pytest.mark.parametrize("folder", [*BUNDLED.values(), *GUESTS], ids=lambda folder: folder.name)
def test_bundled_cards_say_what_their_files_say(folder: Path) -> None:
    record, measured = (read_object(folder / name) for name in ("training.json", "metrics.json"))
    assert record is not None
    text = card(record, measured or {})
    assert all(f"| {juror['name']} | {juror['description']} |" in text for juror in record.get("jurors", ()))
    assert "not recorded" not in text
    assert text == (folder / "README.md").read_text("utf-8")


def test_measured_tables_are_shown_by_their_titles_and_what_is_none_is_left_out() -> None:
    text = card(GENERATOR, METRICS)
    title = metrics.table("painter_distance").title
    assert f"### {title}\n\nDistance from real covers.\n\n| " in text
    assert (
        re.search(r"\| dcgan-seed-00000000 +\| +12\.35 \|", text)
        and metrics.get("kernel_lite0").label in text
    )
    assert "date 2026-11-23; seed 4" in text
    assert re.search(r"\| this judge +\| +0\.4567 \| +0\.4100 \|", text)
    assert "why" not in text and "later" not in text and "Not measured yet." not in text


@pytest.mark.parametrize(
    ("record", "said"),
    [
        ({}, "How long it was trained was not recorded."),
        (
            {"epochs_done": 0, "images_seen": 0, "images_seen_before": 1234},
            "Not trained on: the networks that it was made of had been shown 1,234 covers.",
        ),
        ({"epochs_done": 0, "images_seen": 7}, "Trained for less than an epoch (7 covers shown)."),
        ({"epochs_done": 80, "planned_epochs": 70}, "Trained for 80 epochs, more than the 70 planned."),
        (
            {"epochs_done": 3, "images_seen": 30, "images_seen_before": 9, "hardware": "a fast GPU"},
            "3 epochs (30 covers shown, after 9 to the networks that it began with) on a fast GPU.",
        ),
        (
            {"epochs_done": 31, "planned_epochs": 70, "images_seen": 117_056},
            "**Training ended early**, after 31 of the 70 planned epochs (117,056 covers shown). "
            "This is an unfinished run",
        ),
    ],
)
def test_how_long(record: dict[str, Any], said: str) -> None:
    assert said in progress(record)


def test_the_examples_of_the_cards_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def logarithms(pictures: Tensor) -> Tensor:
        return torch.full((len(pictures), 8), 1 / 8).log()

    save_checkpoint(Generator(4, 2, 16), tmp_path, GENERATOR)
    monkeypatch.chdir(tmp_path)
    exec(code_of(write_card(tmp_path).read_text(encoding="utf-8")), {})
    with Image.open("cover.png") as image:
        assert image.size == (16, 16)
    monkeypatch.setattr(checkpoints, "read_checkpoint", lambda path, kind: (path, kind))
    monkeypatch.setattr(checkpoints, "load_judge", lambda checkpoint: logarithms)
    exec(code_of(card(JUDGE, {})), {})
    assert "'awe': 0.125" in capsys.readouterr().out


def test_the_script_writes_the_card_anew_and_offers_no_code_without_weights(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    readme = tmp_path / "README.md"
    for record in (GENERATOR, JUDGE):
        write_json(tmp_path / "training.json", record)
        assert main(["--checkpoint", str(tmp_path)]) == 0
        assert capsys.readouterr().out == f"Wrote {readme}.\n"
        text = readme.read_text(encoding="utf-8")
        assert record["name"] in text and "Not measured yet." in text
        assert "not its weights" in text and "load_" not in text
    (tmp_path / "model.safetensors").write_bytes(b"")
    write_json(tmp_path / "metrics.json", METRICS)
    text = write_card(tmp_path).read_text(encoding="utf-8")
    assert "0.4567" in text and "load_judge" in text


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("training.json", None, "training.json is missing"),
        ("training.json", "{", "training.json cannot be read"),
        ("training.json", "[]", "does not hold a JSON object"),
        ("training.json", json.dumps({"kind": "jury"}), "says kind 'jury'; known are generator and judge"),
        ("training.json", json.dumps({"kind": "judge", "network": "X"}), "says network 'X'; known are"),
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
