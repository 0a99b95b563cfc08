"""The benchmark of generators: eyes, ground, rows that are known beforehand, and the script from end to end."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from albumjudge.skipgan import SkipGenerator
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from albumjudge.domain.conditions import DECADES, GENRES
from albumjudge.models.dcgan import Generator
from tests.cover_folders import cover_folder, write_metadata
from training import benchmark_painters as benchmark_generator
from training import evaluate_painter as evaluate_generator
from training.benchmark_painters import (
    HELD,
    LEARNT,
    REAL,
    SEEN,
    TABLES,
    UNTRAINED,
    Bench,
    as_markdown,
    lay_ground,
    like_any,
    main,
    prints_of,
    repeats,
)
from training.data.covers import DataError, hold_out, read_metadata
from training.engine.state import save_checkpoint
from training.evaluate_painter import Describer, describe
from training.metrics import condition_classifier as read_back
from training.metrics.extractors import AllViews, Extractors, LiteStages, Looker
from training.metrics.imagenet import DEVIATION, MEAN
from training.metrics.lpips import Perceptual
from training.reports.sheets import sheet

Pixels = NDArray[np.uint8]
NUMBERS = "VGG16 Frechet", "VGG16 kernel", "precision", "recall", "density", "coverage", "repeats", "copies"


class ThreeTimes(nn.Module):
    """Stands in for the trunk of VGG16: the three views are all the picture itself."""

    def forward(self, pictures: Tensor) -> Tensor:
        return pictures.repeat(1, 3, 1, 1)


class PlainSquares(Perceptual):
    """Stands in for LPIPS: the mean squared difference of pixels in [0, 1]."""

    def __init__(self) -> None:
        nn.Module.__init__(self)
        self.weights = nn.ParameterList()

    def forward(self, pictures: Tensor) -> list[Tensor]:
        return [pictures.float() / 255]

    def between(self, one: list[Tensor], other: list[Tensor]) -> Tensor:
        return (one[0] - other[0]).square().mean((1, 2, 3))


def stand_in(_: object = None, *, halved: bool = False) -> Extractors:
    """Extractors that see mean colours only: three numbers per view, three by the second network."""
    return Extractors(Describer(ThreeTimes(), 9, 8), Describer(nn.Identity(), 3, 8), 3, PlainSquares())


@pytest.fixture(autouse=True)
def small_and_blind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluate_generator, "SUBSETS", 5)
    monkeypatch.setattr(benchmark_generator, "load_extractors", stand_in)
    monkeypatch.setattr(benchmark_generator, "PER_ANSWER", 2)
    monkeypatch.setattr(read_back, "LEAST_PER_NAME", 1)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """80 covers with all genres and decades, no two alike."""
    root = tmp_path / "covers"
    (root / "images").mkdir(parents=True)
    chance = np.random.default_rng(3)
    rows = []
    for k in range(80):
        small = Image.fromarray(chance.integers(0, 256, (4, 4, 3)).astype(np.uint8))
        small.resize((16, 16), Image.Resampling.BICUBIC).save(root / f"images/{k:03d}.png")
        rows.append(
            {
                "file_name": f"images/{k:03d}.png",
                "source": "test",
                "genre": GENRES[k % 10],
                "decade": DECADES[k % 8],
            }
        )
    write_metadata(root, rows)
    return root


def checkpoint_in(folder: Path, network: nn.Module, **config: object) -> Path:
    record: dict[str, object] = {
        "kind": "generator",
        "network": type(network).__name__,
        "name": f"test-{type(network).__name__.lower()}",
        "preset": "test",
        "images_seen": 4242,
        "config": {"recipe": "made up", "source": None, "held_out": 30, "seed": 2019, **config},
    }
    save_checkpoint(network, folder, record)
    return folder


@pytest.fixture
def command(data: Path, tmp_path: Path) -> list[str]:
    torch.manual_seed(0)
    plain = checkpoint_in(tmp_path / "plain", Generator(4, 2, 16))
    ours = checkpoint_in(tmp_path / "ours", SkipGenerator(4, 2, 16))
    return [
        *("--data", str(data), "--checkpoints", str(plain), str(ours), "--held-out", "30"),
        *("--out", str(tmp_path / "out"), "--cache", str(tmp_path / "cache")),
    ]


def ground(data: Path, count: int = 1500) -> benchmark_generator.Ground:
    return lay_ground(data, size=16, source=None, held_out=30, count=count, seed=0)


def test_fewer_training_covers_can_be_looked_at_and_nothing_else_changes(data: Path) -> None:
    whole = ground(data)
    some = lay_ground(data, size=16, source=None, held_out=30, count=1500, seed=0, studied=5)
    assert whole.studied.entries == whole.training.entries
    assert len(some.studied) == 5 < len(some.training)
    assert set(some.studied.entries) <= set(whole.training.entries)
    places = [whole.training.entries.index(entry) for entry in some.studied.entries]
    assert (some.studied.pixels == whole.training.pixels[places]).all()
    assert (some.rivals == whole.rivals).all()
    assert some.reference.entries == whole.reference.entries
    assert len(some.prints) == len(whole.training)


def test_the_three_views_are_before_and_after_the_relu_and_pooled() -> None:
    torch.manual_seed(0)
    trunk = nn.Sequential(*[nn.Identity() for _ in range(28)], nn.Conv2d(3, 5, 3, padding=1), nn.ReLU(True))
    pictures = torch.randn(2, 3, 8, 8)
    seen = AllViews(trunk)(pictures).mean((2, 3)).chunk(3, 1)
    maps = trunk[28](pictures)
    pooled = nn.MaxPool2d(2)(maps.relu())
    for found, expected in zip(seen, (maps, maps.relu(), pooled), strict=True):
        torch.testing.assert_close(found, expected.mean((2, 3)))


def test_half_precision_sees_nearly_the_same_and_is_remembered_apart(tmp_path: Path) -> None:
    torch.manual_seed(0)
    trunk = nn.Sequential(*[nn.Identity() for _ in range(28)], nn.Conv2d(3, 5, 3, padding=1))
    covers = np.random.default_rng(0).integers(0, 256, (4, 3, 8, 8)).astype(np.uint8)
    whole, half = (
        describe(covers, Describer(AllViews(trunk, halved=halved), 15, 8), cache=tmp_path)
        for halved in (False, True)
    )
    assert whole.dtype == half.dtype == torch.float32
    assert 0 < (whole - half).abs().max() < 0.02
    assert len(list(tmp_path.iterdir())) == 2


def test_the_second_network_sees_the_colours_that_it_expects() -> None:
    """Its own normalisation, once: the same as asking it for pictures in [-1, 1]."""
    stages = LiteStages()
    stages.network.side = 32
    describer = Describer(stages, 496, 32)
    describer.mean.zero_()
    describer.deviation.fill_(1)
    covers = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (2, 3, 32, 32)).astype(np.uint8))
    with torch.inference_mode():
        maps = stages.network(covers.float() / 127.5 - 1)
    expected = torch.cat([m.mean((2, 3)) for m in maps], 1)
    torch.testing.assert_close(describer(covers), expected, rtol=1e-4, atol=1e-5)


def test_kept_features_are_not_reckoned_again_even_after_a_kill(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.metrics.extractors.PART", 10)
    covers = np.random.default_rng(0).integers(0, 256, (35, 3, 8, 8)).astype(np.uint8)
    eyes = stand_in()
    calls = []

    def count(*_: object) -> None:
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt

    hook = eyes.vgg.register_forward_hook(count)
    looker = Looker(eyes, tmp_path)
    with pytest.raises(KeyboardInterrupt):
        looker.describe(covers, "covers")
    assert len(list(tmp_path.iterdir())) == 2
    found = looker.describe(covers, "covers")
    assert len(calls) == 3 + 2
    hook.remove()
    whole = Looker(stand_in(), None).describe(covers, "covers")
    np.testing.assert_allclose(found.pooled, whole.pooled)
    colours = (covers.mean((2, 3)) / 255 - MEAN) / DEVIATION
    np.testing.assert_allclose(found.before, colours, atol=1e-5)


def test_diversity_is_the_mean_over_neighbours_and_is_kept(tmp_path: Path) -> None:
    levels = np.array([0, 255, 0, 0], np.uint8)
    covers = np.broadcast_to(levels[:, None, None, None], (4, 3, 8, 8)).copy()
    looker = Looker(stand_in(), tmp_path)
    assert looker.diversity(covers) == 0.5
    (kept,) = tmp_path.iterdir()
    kept.write_bytes(b"half writ")
    assert looker.diversity(covers) == 0.5
    assert looker.diversity(covers[:1].repeat(3, 0)) == 0


def test_near_duplicates_are_found_across_and_within(data: Path) -> None:
    covers = ground(data).training.pixels
    prints, few = prints_of(covers), prints_of(np.concatenate([covers[5:7], 255 - covers[:1]]))
    assert like_any(few, prints).tolist() == [True, True, False]
    assert repeats(prints) == 0
    assert repeats(prints_of(covers[[0, 1, 1, 2]])) == 0.5


def test_the_reference_holds_no_cover_that_training_has_seen(data: Path) -> None:
    learnt, held = hold_out(read_metadata(data), 30)
    (data / held[4].file_name).write_bytes((data / learnt[0].file_name).read_bytes())
    found = ground(data)
    assert found.dropped == 1 and len(found.reference) == len(found.rivals) == 29
    names = {entry.file_name for entry in found.reference.entries}
    assert held[4].file_name not in names and names < {entry.file_name for entry in held}
    assert len(found.training) == 50
    known = {cover.tobytes() for cover in found.training.pixels}
    assert {cover.tobytes() for cover in found.rivals} <= known


def test_fewer_can_be_asked_for(data: Path) -> None:
    found = ground(data, 12)
    assert len(found.reference) == len(found.rivals) == 12


def test_the_reference_measured_against_itself_is_perfect(data: Path) -> None:
    here = ground(data)
    bench = Bench(here, Looker(stand_in(), None), seed=0)
    row = bench.row(here.reference.pixels, "itself") | bench.copying(here.reference.pixels, "itself")
    for name in (
        "VGG16 Frechet",
        "VGG16 Frechet, before ReLU",
        "VGG16 Frechet, before pooling",
        "lite0 Frechet",
    ):
        assert row[name] == pytest.approx(0, abs=1e-8)
    assert [row[n] for n in ("precision", "recall", "density", "coverage")] == [1, 1, 1, 1]
    assert row["to nearest training cover"] == 1 and row["copies"] == row["repeats"] == 0


def test_who_copies_is_found_out(data: Path) -> None:
    here = ground(data)
    bench = Bench(here, Looker(stand_in(), None), seed=0)
    row = bench.copying(here.training.pixels[: len(here.reference)], "copies")
    assert row["copies"] == row["of that very close"] == 1
    assert row["to nearest training cover"] == 0


def test_who_repeats_itself_is_found_out(data: Path) -> None:
    here = ground(data)
    row = Bench(here, Looker(stand_in(), None), seed=0).row(here.reference.pixels[:1].repeat(30, 0), "one")
    assert row["repeats"] == 1 and row["LPIPS between covers"] == 0 and row["recall"] < 0.2


def test_too_few_covers_are_refused(data: Path) -> None:
    with pytest.raises(DataError, match="3 held-out covers are too few: 3 features need more than 3"):
        Bench(ground(data, 3), Looker(stand_in(), None), seed=0)


def test_a_sheet_is_read_like_a_page() -> None:
    levels = np.arange(5, dtype=np.uint8)
    covers = np.broadcast_to(levels[:, None, None, None], (5, 3, 4, 4))
    laid = np.asarray(sheet(covers, 3, 2))
    assert laid.shape == (16, 24, 3)
    assert laid[::8, ::8, 0].tolist() == [[0, 1, 2], [3, 4, 0]]


def test_the_script_measures_writes_and_paints(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*command, "--seed", "3"]) == 0
    out = tmp_path / "out"
    found = json.loads((out / "benchmark.json").read_text(encoding="utf-8"))["generators"]
    plain, ours = found["checkpoints"]
    assert plain.startswith("test-generator-") and ours.startswith("test-skipgenerator-")
    assert list(found["rows"]) == [REAL, plain, ours, UNTRAINED, HELD]
    assert (found["seed"], found["count"]) == (3, 30) and "cores" in found["hardware"]
    for name in (plain, ours):
        row = found["rows"][name]
        assert all(np.isfinite(row[key]) for key in NUMBERS)
        assert row[SEEN] == 4242 and row[LEARNT] == 0
        assert (
            found["checkpoints"][name]["recipe"] == "made up" and found["checkpoints"][name]["seed"] == 2019
        )
        assert Image.open(out / f"{name}.png").size == (16 * 16 * 2, 8 * 16 * 2)
    assert "genre read back" in found["rows"][ours] and "genre read back" not in found["rows"][plain]
    assert found["rows"][HELD]["chance, genre"] == 0.1 and found["rows"][HELD]["chance, decade"] == 1 / 8
    assert Image.open(out / f"{ours}-genres.png").size == (512, 10 * 32)
    assert Image.open(out / f"{ours}-decades.png").size == (512, 8 * 32)
    assert not list(out.glob("*private*"))
    assert "copies" not in found["rows"][REAL]
    known = {column for columns in TABLES.values() for column in columns}
    assert {column for row in found["rows"].values() for column in row} <= known
    page = (out / "benchmark.md").read_text(encoding="utf-8")
    assert page == as_markdown(found) and all(f"## {title}" in page for title in TABLES)
    assert f"| {REAL}" in page and "4,242" in page
    assert capsys.readouterr().out.endswith(page + "\n")


def test_what_is_known_already_outlives_a_kill(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> dict[str, float]:
        raise KeyboardInterrupt

    monkeypatch.setattr(Bench, "held_row", killed)
    with pytest.raises(KeyboardInterrupt):
        main(command)
    found = json.loads((tmp_path / "out" / "benchmark.json").read_text(encoding="utf-8"))["generators"]
    assert len(found["rows"]) == 4 and all("VGG16 Frechet" in row for row in found["rows"].values())
    page = (tmp_path / "out" / "benchmark.md").read_text(encoding="utf-8")
    assert "VGG16 Frechet" in page and "Does it paint what it is asked for?" not in page


def test_the_same_command_gives_the_same_numbers_with_and_without_a_cache(
    command: list[str], tmp_path: Path
) -> None:
    rows = []
    for arguments in (command, command, command[:-2]):
        assert main(arguments) == 0
        text = (tmp_path / "out" / "benchmark.json").read_text(encoding="utf-8")
        rows.append(json.loads(text)["generators"]["rows"])
    assert rows[0] == rows[1] == rows[2]


def test_neighbours_are_shown_only_when_asked_for(command: list[str], tmp_path: Path) -> None:
    assert main([*command, "--show-neighbours"]) == 0
    sheets = sorted((tmp_path / "out").glob("*-neighbours-private.png"))
    assert len(sheets) == 2
    assert all(Image.open(file).size == (5 * 16 * 3, 8 * 16 * 3) for file in sheets)


def test_a_generator_that_learned_from_the_reference_is_called_out(
    command: list[str], data: Path, tmp_path: Path
) -> None:
    checkpoint_in(tmp_path / "plain", Generator(4, 2, 16), held_out=0)
    assert main(command) == 0
    found = json.loads((tmp_path / "out" / "benchmark.json").read_text(encoding="utf-8"))["generators"]
    plain, ours = found["checkpoints"]
    assert found["rows"][plain][LEARNT] == 30 and found["rows"][ours][LEARNT] == 0


def test_inception_that_cannot_be_had_is_a_sentence_and_the_rest_is_measured(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(**_: object) -> object:
        raise OSError("no route to host\nand more")

    monkeypatch.setattr(benchmark_generator, "FrechetInceptionDistance", unreachable)
    assert main([*command, "--inception"]) == 0
    page = (tmp_path / "out" / "benchmark.md").read_text(encoding="utf-8")
    assert (
        "Inception FID was not measured: its package or weights cannot be had here (no route to host)."
        in page
    )
    assert "| Inception FID" not in page


def test_inception_that_can_be_had_is_a_column(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Counts:
        def __init__(self, feature: int) -> None:
            self.seen = {True: 0, False: 0}
            assert feature == 2048

        def update(self, covers: Tensor, real: bool) -> None:
            assert covers.dtype == torch.uint8
            self.seen[real] += len(covers)

        def compute(self) -> Tensor:
            return torch.tensor(float(self.seen[True] + self.seen[False]))

    monkeypatch.setattr(benchmark_generator, "FrechetInceptionDistance", Counts)
    assert main([*command, "--inception"]) == 0
    rows = json.loads((tmp_path / "out" / "benchmark.json").read_text(encoding="utf-8"))["generators"]["rows"]
    assert {name: row.get("Inception FID") for name, row in rows.items() if name != HELD} == dict.fromkeys(
        [name for name in rows if name != HELD], 60.0
    )


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--checkpoints", "nowhere"], "There is no folder nowhere."),
        (["--data", "nowhere"], "There is no folder nowhere."),
        (["--source", "elsewhere"], "too few to hold 30 out|lists no cover of source 'elsewhere'"),
        (["--held-out", "80"], "80 covers are too few to hold 80 out"),
        (["--held-out", "60"], "fewer than the 60 held-out ones"),
        (["--count", "3"], "3 held-out covers are too few"),
    ],
)
def test_what_cannot_work_is_said_in_a_sentence(
    command: list[str], capsys: pytest.CaptureFixture[str], options: list[str], said: str
) -> None:
    assert main([*command, *options]) == 1
    error = capsys.readouterr().err
    assert any(part in error for part in said.split("|")) and "Traceback" not in error


def test_generators_of_several_sizes_do_not_share_a_table(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    checkpoint_in(tmp_path / "plain", Generator(4, 2, 32))
    assert main(command) == 1
    assert "Covers of [16, 32] pixels cannot stand in one table" in capsys.readouterr().err


def test_covers_without_labels_cannot_teach_a_reader(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bare = cover_folder(tmp_path / "bare", 50)
    with (bare / "metadata.csv").open(newline="", encoding="utf-8") as lines:
        names = [row["file_name"] for row in csv.DictReader(lines)]
    write_metadata(bare, [{"file_name": name} for name in names], ("file_name",))
    assert main([*command, "--data", str(bare), "--held-out", "20"]) == 1
    assert "Too few covers have a genre to learn from" in capsys.readouterr().err
