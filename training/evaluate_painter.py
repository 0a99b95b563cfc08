"""Measure how far painted covers are from real ones.

    python -m training.evaluate_painter --checkpoint checkpoints/generator \\
        --reference ../shared/data/covers --json generator.json \\
        --features ../shared/data/weights/vgg16_imagenet_features.safetensors

Covers are described by VGG16 features (ImageNet; mean over the picture of conv5_3 after its ReLU; 512
numbers). Two clouds of descriptions are compared by the Frechet distance between the Gaussians fitted to
them (Heusel et al. 2017) and by the unbiased squared MMD with a cubic kernel (Binkowski et al. 2018). Both
papers use Inception-v3: what is measured here is the same idea seen through another network, and its
numbers must not be compared with published FID or KID. Compare them with the other rows of the table
instead: what other real covers reach (the floor) and what the network paints before any training. All rows
have equally many covers, because the Frechet distance falls with their number. Same seed, same table.
"""

from __future__ import annotations

import argparse
import hashlib
import math
import sys
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn.functional import interpolate
from torchmetrics.image.fid import FrechetInceptionDistance
from torchmetrics.image.kid import KernelInceptionDistance
from tqdm import tqdm

from albumjudge.domain.cover import LAST_SEED, latent
from albumjudge.inference.checkpoints import CheckpointError, load_generator, read_checkpoint
from albumjudge.inference.painter import GeneratorNetwork, to_pixels
from albumjudge.models.dcgan import Generator
from training.data.covers import DataError, load_covers
from training.engine.state import merge_metrics, write_json
from training.metrics.imagenet import DEVIATION, MEAN, vgg16_features
from training.reports.model_card import write_card
from training.reports.tables import markdown_table

SEEN_SIZE = 128
BATCH = 32
SUBSETS, SUBSET_SIZE = 100, 500
FRECHET, KERNEL, SPREAD = "VGG16 Frechet distance", "VGG16 kernel distance", "VGG16 kernel distance sd"
WHAT = (
    "Distance from real covers in the feature space of an ImageNet VGG16 (mean over the picture of conv5_3 "
    f"after ReLU, 512 numbers, covers enlarged to {SEEN_SIZE} pixels), with equally many covers in each row. "
    "Lower is better; the row of other real covers is the floor. The spread of the kernel distance is over "
    "random subsets. Not comparable with published FID or KID values."
)


class Describer(nn.Module):
    """Covers to feature vectors: uint8 ``(n, 3, s, s)`` RGB to float32 ``(n, num_features)``.

    Args:
        trunk: layers whose output ``(n, channels, h, w)`` is averaged over the picture.
        num_features: its channels.
        size: covers are enlarged to this side before.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, trunk: nn.Module, num_features: int = 512, size: int = SEEN_SIZE) -> None:
        super().__init__()
        self.trunk, self.num_features, self.size = trunk, num_features, size
        self.register_buffer("mean", torch.tensor(MEAN)[:, None, None])
        self.register_buffer("deviation", torch.tensor(DEVIATION)[:, None, None])

    @torch.inference_mode()
    def forward(self, covers: Tensor) -> Tensor:
        """Describe; see the class."""
        seen = covers.to(self.mean.device).float() / 255
        if seen.shape[-1] != self.size:
            seen = interpolate(seen, size=(self.size, self.size), mode="bilinear", align_corners=False)
        described: Tensor = self.trunk((seen - self.mean) / self.deviation).mean((2, 3))
        return described


def vgg16_describer(features: Path | None) -> Describer:
    """The describer named in the module's text: VGG16 up to conv5_3 and its ReLU.

    Raises:
        DataError: as :func:`training.metrics.imagenet.vgg16_features`.
    """
    return Describer(vgg16_features(features)[:30])


class _Given(nn.Module):
    """Stands where torchmetrics expects a network: the features exist, and each set is used several times."""

    def __init__(self, num_features: int) -> None:
        super().__init__()
        self.num_features = num_features

    def forward(self, features: Tensor) -> Tensor:
        return features


def frechet_distance(real: Tensor, other: Tensor) -> float:
    """Squared Frechet distance between Gaussians fitted to two feature clouds, computed in double precision.

    Args:
        real, other: shapes ``(n, d)`` and ``(m, d)``.

    Raises:
        DataError: if n or m is not above d: the covariance would be singular and the distance meaningless.
    """
    if min(len(real), len(other)) <= real.shape[1]:
        raise DataError(
            f"A Frechet distance over {real.shape[1]} features needs more than {real.shape[1]} covers on "
            f"each side, not {min(len(real), len(other))}. Give a larger --count, or a larger reference."
        )
    metric = FrechetInceptionDistance(feature=_Given(real.shape[1]))
    metric.update(real.double(), real=True)
    metric.update(other.double(), real=False)
    return float(metric.compute())


def kernel_distance(real: Tensor, other: Tensor, *, seed: int) -> tuple[float, float]:
    """Unbiased squared MMD with the kernel ``(x.y / d + 1)^3``: mean and deviation over random subsets.

    Args:
        real, other: shapes ``(n, d)`` and ``(m, d)``.
        seed: of the subsets.
    """
    subset = min(SUBSET_SIZE, len(real) // 2, len(other) // 2)
    with warnings.catch_warnings(), torch.random.fork_rng():
        warnings.filterwarnings("ignore", message="Metric `Kernel Inception Distance`")
        torch.manual_seed(seed)
        metric = KernelInceptionDistance(
            feature=_Given(real.shape[1]), subsets=SUBSETS, subset_size=subset, degree=3
        )
        metric.update(real.double(), real=True)
        metric.update(other.double(), real=False)
        mean, deviation = metric.compute()
    return float(mean), float(deviation)


def describe(
    covers: NDArray[np.uint8], describer: Describer, *, name: str = "", cache: Path | None = None
) -> Tensor:
    """Features of covers, ``(n, 3, s, s)`` to ``(n, d)``, in batches with a progress bar.

    Args:
        name: shown beside the bar.
        cache: folder to keep the result in, under a hash of covers and network; None keeps nothing.
    """
    covers = np.ascontiguousarray(covers)
    kept = cache / f"{_fingerprint(covers, describer)}.safetensors" if cache else None
    if kept and kept.is_file():
        try:
            return load_file(kept)["features"]
        except (SafetensorError, KeyError):
            kept.unlink()  # half written by a run that was killed
    batches = [
        describer(torch.from_numpy(covers[start : start + BATCH])).cpu()
        for start in tqdm(range(0, len(covers), BATCH), desc=name, unit_scale=BATCH, unit="img", leave=False)
    ]
    features = torch.cat(batches)
    if kept:
        kept.parent.mkdir(parents=True, exist_ok=True)
        save_file({"features": features}, kept)
    return features


def _fingerprint(covers: NDArray[np.uint8], describer: Describer) -> str:
    digest = hashlib.sha256(f"{covers.shape} {describer.size}".encode())
    digest.update(covers.tobytes())
    for value in describer.state_dict().values():
        digest.update(value.cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:32]


@torch.inference_mode()
def paint(
    generator: GeneratorNetwork, seeds: Sequence[int], labels: Tensor | None = None
) -> NDArray[np.uint8]:
    """Paint the covers that the exhibit shows for these seeds: uint8, shape ``(n, 3, size, size)``.

    Args:
        labels: genre and decade of each, int64, shape ``(n, 2)``, 0 for any; not heeded by a generator that
            takes none. None: any.
    """
    latents = torch.from_numpy(np.stack([latent(seed, generator.latent_size) for seed in seeds])).float()
    if labels is None:
        labels = torch.zeros(len(seeds), 2, dtype=torch.long)
    painted = [
        generator(part, *asked.unbind(1)) if isinstance(generator, CONDITIONAL) else generator(part)
        for part, asked in zip(torch.split(latents, 100), torch.split(labels, 100), strict=True)
    ]
    return to_pixels(torch.cat(painted)).transpose(0, 3, 1, 2)


def untrained(like: GeneratorNetwork, *, seed: int) -> GeneratorNetwork:
    """A generator of the same shape as its training starts from: fresh weights, statistics of each batch."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        kind = type(like) if isinstance(like, CONDITIONAL) else Generator
        return kind(like.latent_size, like.width, like.size).train()


@dataclass(frozen=True)
class Table:
    """Measured rows, each with ``FRECHET``, ``KERNEL`` and ``SPREAD``; ``count`` covers on each side."""

    count: int
    rows: dict[str, dict[str, float]]


def evaluate(
    generator: GeneratorNetwork,
    real: NDArray[np.uint8],
    describer: Describer,
    *,
    count: int,
    seed: int = 0,
    cache: Path | None = None,
) -> Table:
    """Compare a generator's covers, other real covers and an untrained generator's with real covers.

    Args:
        generator: in evaluation mode.
        real: uint8, shape ``(n, 3, size, size)``; two disjoint random parts of ``count`` are taken from it.
        count: covers on each side of each comparison; at most n / 2 are taken.

    Raises:
        DataError: if there are not more covers on a side than features.
    """
    count = min(count, len(real) // 2)
    if count <= describer.num_features:
        raise DataError(
            f"{count} covers on each side are too few: {describer.num_features} features need more "
            f"than {describer.num_features}. Give a larger --count, and a reference of twice as many."
        )
    chance = np.random.default_rng(seed)
    order = chance.permutation(len(real))
    seeds = chance.choice(LAST_SEED + 1, count, replace=False).tolist()
    reference = describe(real[order[:count]], describer, name="reference", cache=cache)
    rivals = {
        "painted covers": paint(generator, seeds),
        "other real covers": real[order[count : 2 * count]],
        "the same network before training": paint(untrained(generator, seed=seed), seeds),
    }
    rows = {}
    for name, covers in rivals.items():
        features = describe(covers, describer, name=name, cache=cache)
        mean, deviation = kernel_distance(reference, features, seed=seed)
        measured = {FRECHET: frechet_distance(reference, features), KERNEL: mean, SPREAD: deviation}
        rows[name] = {metric: float(f"{value:.5g}") for metric, value in measured.items()}
        if not all(math.isfinite(value) for value in measured.values()):
            raise DataError(f"The distance of {name} is not finite: the weights or the features are broken.")
    return Table(count, rows)


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m training.evaluate_painter", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--checkpoint", type=Path, required=True, help="folder with the generator")
    parser.add_argument(
        "--reference", type=Path, required=True, help="folder of real covers and metadata.csv"
    )
    parser.add_argument(
        "--source", help="real covers of this source only; default: as in training; 'all' takes all"
    )
    parser.add_argument(
        "--features", type=Path, help="safetensors with VGG16's convolutions; default: torchvision's download"
    )
    parser.add_argument(
        "--count", type=int, default=1000, help="covers on each side of a comparison (default 1000)"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="save the table in this file")
    parser.add_argument(
        "--write", action="store_true", help="put the table into the checkpoint's metrics and card"
    )
    parser.add_argument("--cache", type=Path, help="keep features in this folder; repeats take seconds")
    parser.add_argument("--device", default="cpu", help="where VGG16 runs")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Run the script; returns its exit status."""
    given = parse(arguments)
    try:
        checkpoint = read_checkpoint(given.checkpoint, "generator")
        generator = load_generator(checkpoint)
        source = given.source or checkpoint.training.get("config", {}).get("source") or "all"
        real = load_covers(
            given.reference, size=generator.size, source=None if source == "all" else source
        ).pixels
        describer = vgg16_describer(given.features).to(given.device)
        table = evaluate(generator, real, describer, count=given.count, seed=given.seed, cache=given.cache)
        found: dict[str, object] = {
            "generator": {
                "what": WHAT,
                "date": datetime.now(UTC).date().isoformat(),
                "seed": given.seed,
                "count": table.count,
                "reference": f"{given.reference.name}, source {source}",
                "rows": table.rows,
            }
        }
        if given.json:
            write_json(given.json, found)
        if given.write:
            merge_metrics(given.checkpoint, found)
            write_card(given.checkpoint)
    except (DataError, CheckpointError) as error:
        print(error, file=sys.stderr)
        return 1
    print(markdown_table(table.rows, f"{table.count:,} covers each, source {source}, seed {given.seed}"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
