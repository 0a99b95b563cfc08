"""Measuring painters: rows that are known beforehand, and the script from end to end."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from albumjudge import metrics
from albumjudge.domain.conditions import DECADES, GENRES
from albumjudge.domain.cover import CoverIdentity
from albumjudge.inference.checkpoints import load_generator, read_checkpoint
from albumjudge.inference.painter import Painter, condition_labels
from albumjudge.models.dcgan import Generator
from tests.checkpoint_fixtures import tiny_flow
from tests.cover_folders import cover_folder, rows, write_metadata
from tests.quick_features import SquaredDifference
from training import evaluate_painter
from training.data.covers import DataError, hold_out, read_metadata
from training.engine.state import save_checkpoint, write_json
from training.evaluate_painter import HELD_OUT, REAL, UNTRAINED, main
from training.metrics import condition_classifier, features, kernel, painter_benchmark
from training.metrics.features import FeatureExtractor, Lite0Stages, Vgg16Conv5, extract
from training.metrics.imagenet import DEVIATION, MEAN
from training.metrics.painter_benchmark import PainterBenchmark, RealCovers, load_real_covers
from training.metrics.samples import paint, untrained
from training.reports import sheets
from training.reports.painter_page import TABLES, as_markdown

SIZE = 64
Pixels = NDArray[np.uint8]


class MeanColours(nn.Module):
    """Stands in for a network: mean red, green and blue, 0 to 1, so many times."""

    def __init__(self, times: int = 1) -> None:
        super().__init__()
        self.times, self.calls = times, 0
        self.register_buffer("kind", torch.tensor(times))

    def forward(self, covers: Tensor) -> Tensor:
        self.calls += 1
        return (covers.float().mean((2, 3)) / 255).repeat(1, self.times)


class ColourExtractor(FeatureExtractor):
    """Sees mean colours only."""

    def __init__(
        self, weights: Path | None = None, cache: Path | None = None, *, halved: bool = False
    ) -> None:
        self.vgg16, self.lite0, self.lpips, self.cache = (
            MeanColours(3),
            MeanColours(),
            SquaredDifference(),
            cache,
        )


@pytest.fixture(autouse=True)
def small_and_fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel.kernel_distance, "__kwdefaults__", {"subsets": 5})
    monkeypatch.setattr(evaluate_painter, "FeatureExtractor", ColourExtractor)
    for name, value in {"PER_CLASS": 2, "LPIPS_PATHS": 2, "PATH_STEPS": 3}.items():
        monkeypatch.setattr(painter_benchmark, name, value)
    monkeypatch.setattr(condition_classifier, "LEAST_COVERS", 1)
    monkeypatch.setattr(sheets, "SHEET_COVERS", 4)
    monkeypatch.setattr(sheets, "SHEET_COLUMNS", 2)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """80 covers with all genres and decades, no two alike, and two checkpoints, one of which takes conditions."""
    root = tmp_path_factory.mktemp("benchmark")
    (root / "covers" / "images").mkdir(parents=True)
    rng = np.random.default_rng(3)
    rows = []
    for k in range(80):
        small = Image.fromarray(rng.integers(0, 256, (4, 4, 3)).astype(np.uint8))
        name = f"images/{k:03d}.png"
        small.resize((SIZE, SIZE), Image.Resampling.BICUBIC).save(root / "covers" / name)
        labels = {"genre": GENRES[k % 10], "decade": DECADES[k % 8]}
        rows.append({"file_name": name, "source": "test", **labels})
    write_metadata(root / "covers", rows)
    torch.manual_seed(0)
    checkpoint_in(root / "plain", Generator(4, 2, SIZE))
    checkpoint_in(root / "flow", tiny_flow())
    return root


def checkpoint_in(folder: Path, network: nn.Module, **config: object) -> Path:
    record: dict[str, object] = {
        "kind": "generator",
        "network": type(network).__name__,
        "name": f"test-{type(network).__name__.lower()}",
        "preset": "test",
        "images_seen": 4000,
        "images_seen_before": 242,
        "config": {"source": None, "held_out": 30, "seed": 2019, **config},
    }
    save_checkpoint(network, folder, record)
    return folder


@pytest.fixture
def command(folder: Path, tmp_path: Path) -> list[str]:
    return [
        *("--data", str(folder / "covers"), "--held-out", "30", "--out", str(tmp_path / "out")),
        *("--checkpoints", str(folder / "plain"), str(folder / "flow"), "--cache", str(tmp_path / "cache")),
    ]


def found_in(out: Path) -> dict[str, dict[str, dict[str, float]]]:
    found: dict[str, dict[str, dict[str, float]]] = json.loads((out / "benchmark.json").read_text("utf-8"))
    return found


def real_covers(data: Path, count: int = 1500, sample: int | None = None) -> RealCovers:
    return load_real_covers(data, size=SIZE, source=None, held_out=30, count=count, seed=0, sample=sample)


@pytest.fixture(scope="module")
def real(folder: Path) -> RealCovers:
    return real_covers(folder / "covers")


@pytest.fixture
def bench(real: RealCovers) -> PainterBenchmark:
    return PainterBenchmark(real, ColourExtractor(), seed=0)


# Features


def test_vgg16_gives_means_before_and_after_relu_and_pooling(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "SIDE", 8)
    torch.manual_seed(0)
    trunk = nn.Sequential(*[nn.Identity() for _ in range(28)], nn.Conv2d(3, 5, 3, padding=1), nn.ReLU(True))
    covers = torch.randint(0, 256, (2, 3, 8, 8), dtype=torch.uint8)
    maps = trunk[28](
        (covers / 255 - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(DEVIATION).view(3, 1, 1)
    )
    expected = [m.mean((2, 3)) for m in (maps, maps.relu(), nn.MaxPool2d(2)(maps.relu()))]
    with torch.inference_mode():
        torch.testing.assert_close(Vgg16Conv5(trunk)(covers), torch.cat(expected, 1))
        half = Vgg16Conv5(trunk, halved=True)(covers)
    assert half.dtype == torch.float32 and 0 < (half - torch.cat(expected, 1)).abs().max() < 0.02


@pytest.mark.slow
def test_lite0_gives_the_means_of_its_stages() -> None:
    stages = Lite0Stages()
    stages.network.side = 32
    covers = torch.randint(0, 256, (2, 3, 32, 32), dtype=torch.uint8)
    with torch.inference_mode():
        maps = stages.network(covers / 127.5 - 1)
        expected = torch.cat([m.mean((2, 3)) for m in maps], 1)
        torch.testing.assert_close(stages(covers), expected, rtol=1e-4, atol=1e-5)
    assert expected.shape == (2, 496) and maps[-1].shape[1] == Lite0Stages.last


def test_features_are_kept_part_by_part_and_only_for_the_same_covers_and_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(features, "KEPT_TOGETHER", 10)
    covers = np.random.default_rng(0).integers(0, 256, (35, 3, 8, 8)).astype(np.uint8)
    network = MeanColours()

    def killed(*_: object) -> None:
        if network.calls == 3:
            raise KeyboardInterrupt

    hook = network.register_forward_hook(killed)
    with pytest.raises(KeyboardInterrupt):
        extract(network, covers, cache=tmp_path)
    hook.remove()
    assert len(list(tmp_path.iterdir())) == 2
    found = extract(network, covers, cache=tmp_path)
    np.testing.assert_allclose(found, covers.mean((2, 3)) / 255, rtol=1e-5)
    assert network.calls == 3 + 2
    extract(network, covers[::-1], cache=tmp_path)
    assert network.calls == 5 + 4
    other = MeanColours()
    other.register_buffer("another", torch.ones(1))
    extract(other, covers, cache=tmp_path)
    assert other.calls == 4
    for file in tmp_path.iterdir():
        file.write_bytes(b"half writ")
    np.testing.assert_array_equal(extract(network, covers, cache=tmp_path), found)


# Painting


@pytest.mark.parametrize("make", [lambda: Generator(4, 4, 16).eval(), tiny_flow])
def test_what_is_measured_is_what_the_exhibit_shows(make: Callable[[], Generator]) -> None:
    generator = make()
    identities = [CoverIdentity("test-00000000", seed) for seed in (3, 999_999)]
    if not isinstance(generator, Generator):
        identities.append(CoverIdentity("test-00000000", 3, "jazz"))
    shown = Painter(generator, "test-00000000").paint_each(identities)
    painted = paint(generator, [i.seed for i in identities], condition_labels(identities)).transpose(
        0, 2, 3, 1
    )
    for one, other in zip(shown, painted, strict=True):
        assert np.abs(one.pixels.astype(int) - other).max() <= 1
    assert (painted[0] != painted[-1]).any()


@pytest.mark.parametrize("kind", ["plain", "flow"])
def test_an_untrained_network_is_drawn_from_its_seed_alone(folder: Path, kind: str) -> None:
    like = load_generator(read_checkpoint(folder / kind, "generator"))
    before = torch.get_rng_state()
    network = untrained(like, seed=3)
    assert torch.equal(torch.get_rng_state(), before)
    covers = paint(network, range(5))
    assert covers.shape == (5, 3, SIZE, SIZE)
    assert (paint(untrained(like, seed=3), range(5)) == covers).all()
    assert (paint(like, range(5)) != covers).any()


# Rows


def test_the_reference_holds_no_cover_that_training_has_seen(folder: Path, tmp_path: Path) -> None:
    data = tmp_path / "covers"
    (data / "images").mkdir(parents=True)
    learned, held = hold_out(read_metadata(folder / "covers"), 30)
    for file in (folder / "covers" / "images").iterdir():
        (data / "images" / file.name).write_bytes(file.read_bytes())
    (data / "metadata.csv").write_bytes((folder / "covers" / "metadata.csv").read_bytes())
    (data / held[4].file_name).write_bytes((data / learned[0].file_name).read_bytes())
    found = real_covers(data)
    assert found.dropped == 1 and len(found.reference) == len(found.others) == 29
    names = {entry.file_name for entry in found.reference.entries}
    assert held[4].file_name not in names and names < {entry.file_name for entry in held}
    known = {cover.tobytes() for cover in found.training.pixels}
    assert len(known) == 50 and {cover.tobytes() for cover in found.others} <= known
    fewer = real_covers(data, count=12, sample=5)
    assert len(fewer.reference) == len(fewer.others) == 12
    assert len(fewer.sample) == 5 and set(fewer.sample.entries) <= set(fewer.training.entries)
    assert len(fewer.prints) == len(fewer.training) == 50


def test_copies_repeats_and_the_reference_itself_are_recognised(
    bench: PainterBenchmark, real: RealCovers, folder: Path
) -> None:
    covers = real.reference.pixels
    row = bench.distances(covers, "itself") | bench.copying(covers, "itself")
    for id in (i for i in row if i.startswith("frechet")):
        assert row[id] == pytest.approx(0, abs=1e-8)
    ones = [row[i] for i in row if i.startswith(("spectrum", "grid"))]
    ones += [row[i] for i in ("precision", "recall", "density", "coverage", "nearest_training")]
    assert ones == pytest.approx([1.0] * 15)
    assert row["copies"] == row["repeats"] == 0
    row = bench.copying(real.training.pixels[: bench.count], "copies")
    assert row == {"copies": 1, "very_close": 1, "nearest_training": 0}
    row = bench.distances(real.reference.pixels[:1].repeat(30, 0), "one")
    assert row["repeats"] == 1 and row["diversity_lpips"] == 0 and row["recall"] < 0.2
    with pytest.raises(DataError, match="3 held-out covers are too few: 3 features need more than 3"):
        PainterBenchmark(real_covers(folder / "covers", 3), ColourExtractor(), seed=0)


# The script


@pytest.mark.slow
def test_the_script_measures_writes_and_paints(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*command, "--seed", "3"]) == 0
    out = tmp_path / "out"
    found = json.loads((out / "benchmark.json").read_text(encoding="utf-8"))
    plain, flow = found["checkpoints"]
    assert list(found["rows"]) == [REAL, plain, flow, HELD_OUT, UNTRAINED]
    assert (found["seed"], found["count"]) == (3, 30)
    assert found["checkpoints"][plain]["covers_seen"] == 4242 and found["checkpoints"][plain]["seed"] == 2019
    columns = {id for columns in TABLES.values() for id in columns}
    assert found["rows"][flow].keys() == columns
    assert found["rows"][plain].keys() == columns - set(TABLES["painter_conditioning"])
    assert all(metrics.get(id) for id in columns)
    for name in (plain, flow):
        assert all(np.isfinite(value) for value in found["rows"][name].values())
        assert found["rows"][name]["reference_learned"] == 0
        assert Image.open(out / f"{name}.png").size == (2 * SIZE * 2, 2 * SIZE * 2)
    held_out = found["rows"][HELD_OUT]
    assert held_out["genre_chance"] == 0.1 and held_out["decade_chance"] == 1 / 8
    assert "copies" not in found["rows"][REAL] and (out / "spectrum.png").is_file()
    page = (out / "benchmark.md").read_text(encoding="utf-8")
    assert page == as_markdown(found) and all(f"## {metrics.table(table).title}" in page for table in TABLES)
    assert f"| {metrics.row_label(REAL)}" in page and "4,242" in page
    assert capsys.readouterr().out.endswith(page + "\n")


@pytest.mark.slow
def test_what_is_known_already_outlives_a_kill(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> dict[str, float]:
        raise KeyboardInterrupt

    monkeypatch.setattr(PainterBenchmark, "reference_row", killed)
    assert main(command) == 130
    rows = found_in(tmp_path / "out")["rows"]
    assert len(rows) == 3 and all("frechet_lite0" in row for row in rows.values())


@pytest.mark.slow
def test_the_same_command_gives_the_same_numbers_and_may_write_them_beside_the_weights(
    command: list[str], folder: Path, tmp_path: Path
) -> None:
    plain = checkpoint_in(tmp_path / "plain", Generator(4, 2, SIZE), held_out=0)
    write_json(plain / "metrics.json", {"kept": {"rows": {}}, "painter_distance": {"rows": "of yesterday"}})
    command[command.index("--checkpoints") + 1 : -2] = [str(plain)]
    rows = []
    for arguments in ([*command, "--write"], command, command[:-2]):
        assert main(arguments) == 0
        rows.append(found_in(tmp_path / "out")["rows"])
    assert rows[0] == rows[1] == rows[2]
    (revision,) = found_in(tmp_path / "out")["checkpoints"]
    assert rows[0][revision]["reference_learned"] == 30
    written = json.loads((plain / "metrics.json").read_text(encoding="utf-8"))
    assert written["kept"] == {"rows": {}} and written.keys() == {"kept", *TABLES}
    assert written["painter_distance"]["count"] == 30 and HELD_OUT in written["painter_conditioning"]["rows"]
    card = (plain / "README.md").read_text(encoding="utf-8")
    assert metrics.get("frechet_vgg16_pooled").label in card and f"| {revision}" in card


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


@pytest.mark.slow
def test_painters_of_several_sizes_and_covers_without_labels_are_refused(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small = checkpoint_in(tmp_path / "small", Generator(4, 2, 32))
    assert main([*command, "--checkpoints", str(small), command[-3]]) == 1
    assert "Covers of [32, 64] pixels cannot stand in one table" in capsys.readouterr().err
    bare = cover_folder(tmp_path / "bare", 50)
    write_metadata(bare, [{"file_name": row["file_name"]} for row in rows(bare)], ("file_name",))
    assert main([*command, "--data", str(bare), "--held-out", "20"]) == 1
    assert "Too few covers have a genre to learn from" in capsys.readouterr().err
