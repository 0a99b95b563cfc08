"""All measurements of a painter, compared with real covers that it was not trained on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from albumjudge.domain.cover import LAST_SEED
from albumjudge.inference.painter import CONDITIONAL, GeneratorNetwork
from training.data.covers import CoverSet, DataError, label_numbers, load_covers
from training.data.near_duplicates import Fingerprint, fingerprints, like_any, repeats
from training.metrics.condition_classifier import CONDITIONS, ConditionClassifier, labels_of
from training.metrics.features import CoverFeatures, FeatureExtractor, Features, Pixels
from training.metrics.frechet import frechet_distance
from training.metrics.kernel import kernel_distance
from training.metrics.lpips import diversity, smoothness
from training.metrics.precision_recall import nearest, precision_recall, share_closer
from training.metrics.samples import paint, paint_latents
from training.metrics.spectrum import Spectrum, power_spectrum, spectrum_ratios

PER_CLASS = 50
LPIPS_COVERS, LPIPS_PATHS, PATH_STEPS = 500, 20, 10
VERY_CLOSE = 0.01
Row = dict[str, float]


@dataclass(frozen=True)
class RealCovers:
    """Real covers that painted ones are compared with.

    Attributes:
        reference: covers held out from training and unlike all training covers.
        training: the other covers.
        sample: those of them whose features are computed, for nearest neighbours and the condition classifiers.
        prints: of the training covers.
        others: training covers in random order, as many as the reference: the floor of every distance.
        dropped: held-out covers left out because a training cover looks the same.
    """

    reference: CoverSet
    training: CoverSet
    sample: CoverSet
    prints: list[Fingerprint]
    others: Pixels
    dropped: int


def load_real_covers(
    data: Path,
    *,
    size: int,
    source: str | None,
    held_out: int,
    count: int,
    seed: int,
    sample: int | None = None,
) -> RealCovers:
    """Load both sides and leave out near-duplicates between them.

    Args:
        size, source, held_out: as in training.
        count: most covers in the reference.
        seed: of all random choices.
        sample: most training covers whose features are computed; None for all.

    Raises:
        DataError: if covers cannot be used or none is left.
    """
    training = load_covers(data, size=size, source=source, held_out=held_out)
    held = load_covers(data, size=size, source=source, held_out=held_out, held=True)
    prints = fingerprints(training.pixels)
    kept = np.flatnonzero(~like_any(fingerprints(held.pixels), prints))
    dropped = len(held) - len(kept)
    rng = np.random.default_rng(seed)
    kept = np.sort(rng.permutation(kept)[:count])
    if not len(kept):
        raise DataError("All held-out covers look like training covers, so there is nothing to measure with.")
    if len(training) < len(kept):
        raise DataError(
            f"{len(training)} training covers are fewer than the {len(kept)} held-out ones. Lower --count."
        )
    others = training.pixels[rng.permutation(len(training))[: len(kept)]]
    sampled = np.sort(rng.permutation(len(training))[:sample])
    return RealCovers(_subset(held, kept), training, _subset(training, sampled), prints, others, dropped)


def _subset(covers: CoverSet, indices: NDArray[np.int64]) -> CoverSet:
    return CoverSet(covers.pixels[indices], tuple(covers.entries[i] for i in indices))


class PainterBenchmark:
    """Measures rows of numbers by metric id (see :mod:`albumjudge.metrics`), all against the same reference.

    Raises:
        DataError: if there are too few covers for a Frechet distance.
    """

    def __init__(self, real: RealCovers, extractor: FeatureExtractor, *, seed: int) -> None:
        self.real, self.extractor, self.seed = real, extractor, seed
        self.count = len(real.reference)
        self.reference: CoverFeatures = extractor(real.reference.pixels, "held-out covers")
        size = self.reference.pooled.shape[1]
        if self.count <= size:
            raise DataError(
                f"{self.count} held-out covers are too few: {size} features need more than {size}. Hold more "
                "out, or give a larger --count."
            )
        self.spectrum: Spectrum = power_spectrum(real.reference.pixels)

    # Features of all training covers take longest, so they are computed when the first row needs them.

    @cached_property
    def training(self) -> CoverFeatures:
        """Features of the sampled training covers."""
        return self.extractor(self.real.sample.pixels, "training covers")

    @cached_property
    def usual_distances(self) -> Features:
        """Distances of held-out covers to the nearest training cover, ``(n,)``."""
        return nearest(self.reference.pooled, self.training.pooled)[0][:, 0]

    @cached_property
    def classifiers(self) -> dict[str, ConditionClassifier]:
        """One for each condition, fitted to training covers."""
        features, entries = self.training.joined(), self.real.sample.entries
        return {
            name: ConditionClassifier(name, features, [labels_of(entry, name) for entry in entries])
            for name in CONDITIONS
        }

    def requests(self) -> tuple[list[int], torch.Tensor]:
        """Seeds of the covers to paint, and genre and decade of each, as training covers are labelled."""
        rng = np.random.default_rng(self.seed)
        seeds = rng.choice(LAST_SEED + 1, self.count, replace=False).tolist()
        entries = self.real.training.entries
        chosen = [entries[i] for i in rng.integers(0, len(entries), self.count)]
        return seeds, label_numbers(chosen, torch.Generator().manual_seed(self.seed))

    def distances(self, covers: Pixels, name: str) -> Row:
        """Distances from the reference and overlap with it, variety and power spectrum."""
        found, reference = self.extractor(covers, name), self.reference
        kernel, deviation = kernel_distance(reference.pooled, found.pooled, seed=self.seed)
        return {
            "frechet_vgg16_pooled": frechet_distance(reference.pooled, found.pooled),
            "kernel_vgg16_pooled": kernel,
            "kernel_vgg16_pooled_sd": deviation,
            "frechet_vgg16_relu": frechet_distance(reference.relu, found.relu),
            "frechet_vgg16_conv": frechet_distance(reference.conv, found.conv),
            "frechet_lite0": frechet_distance(reference.lite, found.lite),
            "kernel_lite0": kernel_distance(reference.lite, found.lite, seed=self.seed)[0],
            **precision_recall(reference.pooled, found.pooled),
            **self._variety(covers),
            **spectrum_ratios(self.spectrum, power_spectrum(covers)),
        }

    def _variety(self, covers: Pixels) -> Row:
        shown = np.random.default_rng(self.seed).permutation(len(covers))[:LPIPS_COVERS]
        return {
            "diversity_lpips": diversity(self.extractor.lpips, covers[shown]),
            "repeats": repeats(fingerprints(covers)),
        }

    def smoothness(self, generator: GeneratorNetwork) -> Row:
        """How much a cover changes in a small step of the latent vector."""
        mean, largest = smoothness(
            self.extractor.lpips,
            lambda latents: paint_latents(generator, latents),
            generator.latent_size,
            paths=LPIPS_PATHS,
            steps=PATH_STEPS,
            seed=self.seed,
        )
        return {"step_lpips": mean, "largest_step_lpips": largest}

    def reference_row(self) -> Row:
        """The same of the reference itself, as far as that makes sense."""
        row = self._variety(self.real.reference.pixels)
        row |= {"copies": 0.0, "nearest_training": 1.0}
        row["very_close"] = share_closer(self.usual_distances, self.usual_distances, VERY_CLOSE)
        for name, classifier in self.classifiers.items():
            labels = [labels_of(entry, name) for entry in self.real.reference.entries]
            row[f"{name}_accuracy"] = classifier.accuracy(self.reference.joined(), labels)
            row[f"{name}_chance"] = classifier.chance
        return row

    def copying(self, covers: Pixels, name: str) -> Row:
        """How near painted covers are to those of training."""
        distances = nearest(self.extractor(covers, name).pooled, self.training.pooled)[0][:, 0]
        return {
            "copies": float(like_any(fingerprints(covers), self.real.prints).mean()),
            "nearest_training": float(np.median(distances) / np.median(self.usual_distances)),
            "very_close": share_closer(distances, self.usual_distances, VERY_CLOSE),
        }

    def conditioning(self, generator: GeneratorNetwork, name: str) -> Row:
        """How often the genre and the decade that covers were asked for are recognised."""
        if not isinstance(generator, CONDITIONAL):
            return {}
        row = {}
        for column, (condition, classifier) in enumerate(self.classifiers.items()):
            asked = [answer for answer in classifier.classes for _ in range(PER_CLASS)]
            labels = torch.zeros(len(asked), 2, dtype=torch.long)
            labels[:, column] = torch.tensor([1 + CONDITIONS[condition].index(answer) for answer in asked])
            features = self.extractor(paint(generator, range(len(asked)), labels), f"{name}, by {condition}")
            row[f"{condition}_accuracy"] = classifier.accuracy(features.joined(), [(a,) for a in asked])
            row[f"{condition}_chance"] = classifier.chance
        return row
