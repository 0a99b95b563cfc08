"""The distances between real and painted covers, against closed forms and by the script."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from albumjudge.skipgan import SkipGenerator
from numpy.typing import NDArray
from scipy.linalg import sqrtm
from torch import Tensor, nn

from albumjudge.domain.cover import CoverIdentity
from albumjudge.inference.painter import Painter, asked
from albumjudge.models.dcgan import Generator
from tests.cover_folders import cover_folder
from training import evaluate_painter as evaluate_generator
from training.data.covers import DataError
from training.engine.state import save_checkpoint, write_json
from training.evaluate_painter import (
    FRECHET,
    KERNEL,
    SPREAD,
    Describer,
    describe,
    evaluate,
    frechet_distance,
    kernel_distance,
    main,
    paint,
    untrained,
)
from training.metrics.imagenet import DEVIATION, MEAN


@pytest.fixture(autouse=True)
def fewer_subsets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluate_generator, "SUBSETS", 20)


class MeanColour(Describer):
    """Stands in for VGG16: the features of a cover are its mean colour, so all can be reckoned."""

    def __init__(self) -> None:
        super().__init__(nn.Identity(), num_features=3, size=8)
        self.calls = 0

    def forward(self, covers: Tensor) -> Tensor:
        self.calls += 1
        described: Tensor = super().forward(covers)
        return described


class OneColour(Generator):
    """Paints every cover in one grey level."""

    def __init__(self, level: int) -> None:
        super().__init__(latent_size=4, width=2, size=8)
        self.level = level

    def forward(self, latents: Tensor) -> Tensor:
        return torch.full((len(latents), 3, 8, 8), self.level / 127.5 - 1)


def cloud(count: int, mean: NDArray[np.float64], root: NDArray[np.float64], seed: int = 0) -> Tensor:
    """Points whose sample mean is exactly ``mean`` and whose covariance is exactly ``root @ root.T``."""
    points = np.random.default_rng(seed).standard_normal((count, len(mean)))
    white = np.linalg.qr(points - points.mean(0))[0] * np.sqrt(count - 1)
    return torch.from_numpy(white @ root.T + mean)


def covers_of(colours: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Plain covers: colours ``(n, 3)`` to uint8 ``(n, 3, 8, 8)``."""
    return np.broadcast_to(colours[:, :, None, None], (*colours.shape, 8, 8)).copy()


def test_the_frechet_distance_of_round_clouds_is_known_by_heart() -> None:
    """Covariances a^2 I and b^2 I: |mean difference|^2 + d (a - b)^2."""
    one = cloud(30, np.zeros(4), 3 * np.eye(4))
    other = cloud(25, np.array([1.0, 2.0, 0.0, -2.0]), 0.5 * np.eye(4), seed=1)
    assert frechet_distance(one, other) == pytest.approx(9 + 4 * 2.5**2, rel=1e-9)


def test_the_frechet_distance_of_any_clouds_is_the_formula() -> None:
    chance = np.random.default_rng(3)
    (m1, m2), (r1, r2) = chance.standard_normal((2, 6)), chance.standard_normal((2, 6, 6))
    s1, s2 = r1 @ r1.T, r2 @ r2.T
    expected = ((m1 - m2) ** 2).sum() + np.trace(s1 + s2 - 2 * sqrtm(s1 @ s2).real)
    assert frechet_distance(cloud(40, m1, r1), cloud(50, m2, r2, 1)) == pytest.approx(expected, rel=1e-7)


def test_the_frechet_distance_of_a_cloud_from_itself_is_nothing() -> None:
    one = cloud(40, np.ones(6), np.random.default_rng(0).standard_normal((6, 6)))
    assert frechet_distance(one, one.flip(0)) == pytest.approx(0, abs=1e-8)


def test_a_frechet_distance_needs_more_covers_than_features() -> None:
    with pytest.raises(DataError, match="over 6 features needs more than 6 covers on each side, not 6"):
        frechet_distance(torch.randn(6, 6), torch.randn(9, 6))


def test_the_kernel_distance_of_two_points_is_known_by_heart() -> None:
    """All of one cloud at x, all of the other at y: k(x, x) + k(y, y) - 2 k(x, y)."""
    x, y = torch.tensor([1.0, 0.0, 2.0]), torch.tensor([-1.0, 1.0, 0.5])
    mean, deviation = kernel_distance(x.repeat(10, 1), y.repeat(12, 1), seed=0)
    kernel = {"xx": (5 / 3 + 1) ** 3, "yy": (2.25 / 3 + 1) ** 3, "xy": (0 / 3 + 1) ** 3}
    assert mean == pytest.approx(kernel["xx"] + kernel["yy"] - 2 * kernel["xy"], rel=1e-12)
    assert deviation == pytest.approx(0, abs=1e-12)


def test_the_kernel_distance_of_like_clouds_is_about_nothing_and_of_unlike_ones_is_not() -> None:
    torch.manual_seed(0)
    one, like, unlike = torch.randn(400, 5), torch.randn(400, 5), torch.randn(400, 5) + 0.5
    floor, deviation = kernel_distance(one, like, seed=0)
    assert abs(floor) < 2 * deviation
    assert kernel_distance(one, unlike, seed=0)[0] > 10 * deviation


def test_the_kernel_distance_draws_its_subsets_from_its_seed_alone() -> None:
    torch.manual_seed(0)
    one, other = torch.randn(30, 3), torch.randn(30, 3)
    before = torch.get_rng_state()
    first = kernel_distance(one, other, seed=1)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(99)
    assert kernel_distance(one, other, seed=1) == first
    assert kernel_distance(one, other, seed=2) != first


def test_a_describer_normalises_and_averages() -> None:
    colours = np.array([[0, 128, 255], [10, 20, 30]], np.uint8)
    described = MeanColour()(torch.from_numpy(covers_of(colours)))
    assert np.allclose(described.numpy(), (colours / 255 - MEAN) / DEVIATION, atol=1e-6)


def test_a_describer_enlarges_covers_without_a_shift() -> None:
    ramp = torch.arange(0, 256, 32, dtype=torch.uint8).expand(1, 3, 8, 8)
    small, large = (Describer(nn.Identity(), 3, size)(ramp) for size in (8, 32))
    assert torch.allclose(small, large, atol=1e-6)


def test_the_table_of_known_covers_is_the_closed_form() -> None:
    real = covers_of(np.full((40, 3), 100, np.uint8))
    table = evaluate(OneColour(151).eval(), real, MeanColour(), count=20)
    assert table.count == 20
    expected = sum((51 / 255 / deviation) ** 2 for deviation in DEVIATION)
    assert table.rows["painted covers"][FRECHET] == pytest.approx(expected, rel=1e-4)
    assert table.rows["other real covers"] == {
        FRECHET: pytest.approx(0, abs=1e-9),
        KERNEL: pytest.approx(0, abs=1e-9),
        SPREAD: pytest.approx(0, abs=1e-9),
    }
    assert table.rows["the same network before training"][FRECHET] > 0


def test_the_two_real_halves_are_disjoint_and_all_rows_equally_many(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: dict[str, NDArray[np.uint8]] = {}

    def remember(
        covers: NDArray[np.uint8], describer: Describer, *, name: str, cache: Path | None = None
    ) -> Tensor:
        shown[name] = covers
        return describe(covers, describer, cache=cache)

    monkeypatch.setattr(evaluate_generator, "describe", remember)
    colours = np.arange(90, dtype=np.uint8).reshape(30, 3)
    table = evaluate(OneColour(9).eval(), covers_of(colours), MeanColour(), count=1000)
    assert table.count == 15
    assert [len(covers) for covers in shown.values()] == [15] * 4
    halves = [set(shown[name][:, 0, 0, 0].tolist()) for name in ("reference", "other real covers")]
    assert not halves[0] & halves[1]
    assert len(halves[0] | halves[1]) == 30


def test_the_same_seed_gives_the_same_table_and_another_seed_another() -> None:
    torch.manual_seed(0)
    generator = Generator(4, 2, 8).eval()
    real = np.random.default_rng(0).integers(0, 256, (40, 3, 8, 8)).astype(np.uint8)
    first = evaluate(generator, real, MeanColour(), count=20, seed=1)
    torch.manual_seed(5)
    assert evaluate(generator, real, MeanColour(), count=20, seed=1) == first
    other = evaluate(generator, real, MeanColour(), count=20, seed=2)
    assert all(other.rows[name][FRECHET] != row[FRECHET] for name, row in first.rows.items())


def test_too_few_covers_are_refused_before_anything_is_painted() -> None:
    describer = MeanColour()
    with pytest.raises(DataError, match="3 covers on each side are too few: 3 features need more than 3"):
        evaluate(OneColour(0), covers_of(np.zeros((7, 3), np.uint8)), describer, count=100)
    assert describer.calls == 0


def test_what_is_measured_is_what_the_exhibit_shows() -> None:
    torch.manual_seed(0)
    generator = Generator(4, 4, 16).eval()
    shown = Painter(generator, "dcgan-test-00000000").paint([3, 999_999])
    painted = paint(generator, [3, 999_999]).transpose(0, 2, 3, 1)
    for one, other in zip(shown, painted, strict=True):
        # The exhibit reckons in double precision; that may move a pixel by one level.
        assert np.abs(one.pixels.astype(int) - other).max() <= 1


def test_a_generator_to_order_paints_what_the_exhibit_shows_for_the_order() -> None:
    torch.manual_seed(0)
    generator = SkipGenerator(4, 4, 16).eval()
    torch.nn.init.normal_(generator.genre.weight)
    identities = [CoverIdentity("ours-test-00000000", 3, "jazz"), CoverIdentity("ours-test-00000000", 3)]
    shown = Painter(generator, "ours-test-00000000").paint_each(identities)
    painted = paint(generator, [3, 3], asked(identities)).transpose(0, 2, 3, 1)
    for one, other in zip(shown, painted, strict=True):
        assert np.abs(one.pixels.astype(int) - other).max() <= 1
    assert (painted[0] != painted[1]).any()
    assert (paint(generator, [3]).transpose(0, 2, 3, 1)[0] == painted[1]).all()


def test_the_untrained_network_paints_varied_noise() -> None:
    like = Generator(4, 2, 16)
    before = torch.get_rng_state()
    network = untrained(like, seed=3)
    assert torch.equal(torch.get_rng_state(), before)
    covers = paint(network, range(50))
    assert covers.shape == (50, 3, 16, 16)
    assert len({cover.tobytes() for cover in covers}) == 50
    assert (paint(untrained(like, seed=3), range(50)) == covers).all()


def test_kept_features_are_used_again_only_for_the_same_covers_and_network(tmp_path: Path) -> None:
    real = np.random.default_rng(0).integers(0, 256, (5, 3, 8, 8)).astype(np.uint8)
    describer = MeanColour()
    first = describe(real, describer, cache=tmp_path)
    assert torch.equal(describe(real, describer, cache=tmp_path), first)
    assert describer.calls == 1
    describe(real[::-1], describer, cache=tmp_path)
    assert describer.calls == 2
    other = MeanColour()
    other.mean += 1
    assert torch.allclose(describe(real, other, cache=tmp_path), first - 1 / torch.tensor(DEVIATION))

    for kept in tmp_path.iterdir():
        kept.write_bytes(b"half writ")
    assert torch.equal(describe(real, describer, cache=tmp_path), first)
    assert describer.calls == 3


def checkpoint_in(folder: Path, source: str | None = "test") -> Path:
    torch.manual_seed(0)
    record: dict[str, object] = {"kind": "generator", "name": "dcgan-test", "config": {"source": source}}
    save_checkpoint(Generator(4, 2, 8), folder, record)
    return folder


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A call of the script that works, on 12 covers, with mean colours in place of VGG16."""
    monkeypatch.setattr(evaluate_generator, "vgg16_describer", lambda _: MeanColour())
    reference = cover_folder(tmp_path / "covers", 12)
    checkpoint = checkpoint_in(tmp_path / "checkpoint")
    return ["--checkpoint", str(checkpoint), "--reference", str(reference)]


def test_the_script_prints_and_saves_the_table(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    metrics = tmp_path / "checkpoint" / "metrics.json"
    write_json(metrics, {"generator": {"rows": "of yesterday"}, "kept": {"rows": {}}})
    file = tmp_path / "new" / "table.json"
    assert main([*command, "--seed", "4", "--json", str(file), "--write"]) == 0

    saved = json.loads(file.read_text(encoding="utf-8"))
    assert saved.keys() == {"generator"}
    table = saved["generator"]
    assert table.keys() == {"what", "date", "seed", "count", "reference", "rows"}
    assert (table["seed"], table["count"], table["reference"]) == (4, 6, "covers, source test")
    assert list(table["rows"]) == ["painted covers", "other real covers", "the same network before training"]
    for row in table["rows"].values():
        assert row.keys() == {FRECHET, KERNEL, SPREAD}
        assert all(name.startswith("VGG16") for name in row)
    assert json.loads(metrics.read_text(encoding="utf-8")) == {"kept": {"rows": {}}, **saved}
    assert "| painted covers" in (tmp_path / "checkpoint" / "README.md").read_text(encoding="utf-8")

    printed = capsys.readouterr().out
    assert printed.splitlines()[0].startswith("| 6 covers each, source test, seed 4")
    assert "painted covers" in printed


def test_without_being_asked_the_script_leaves_the_checkpoint_alone(
    command: list[str], tmp_path: Path
) -> None:
    assert main(command) == 0
    assert not (tmp_path / "checkpoint" / "metrics.json").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--checkpoint", "nowhere"], "There is no folder nowhere."),
        (["--reference", "nowhere"], "There is no folder nowhere."),
        (["--source", "elsewhere"], "lists no cover of source 'elsewhere'"),
        (["--count", "3"], "3 covers on each side are too few"),
    ],
)
def test_what_cannot_work_is_said_in_a_sentence(
    command: list[str], capsys: pytest.CaptureFixture[str], options: list[str], said: str
) -> None:
    assert main([*command, *options]) == 1
    assert said in capsys.readouterr().err


def test_a_metrics_file_that_is_no_json_is_not_overwritten(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    metrics = tmp_path / "checkpoint" / "metrics.json"
    metrics.write_text("[1, 2")
    assert main([*command, "--write"]) == 1
    assert "metrics.json" in capsys.readouterr().err
    assert metrics.read_text() == "[1, 2"


def test_missing_weights_of_the_eyes_are_said_in_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reference = cover_folder(tmp_path / "covers", 12)
    command = ["--checkpoint", str(checkpoint_in(tmp_path / "checkpoint")), "--reference", str(reference)]
    assert main([*command, "--features", str(tmp_path / "none.safetensors")]) == 1
    assert "none.safetensors. Give --features" in capsys.readouterr().err
