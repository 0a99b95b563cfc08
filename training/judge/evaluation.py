"""Measures of predicted shares under fixed splits, and intervals of their differences."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import entr, softmax
from scipy.stats import spearmanr
from tqdm import tqdm

from albumjudge.domain.emotions import NAMES
from albumjudge.domain.verdict import mutual_information
from training.data.abstract import PaintingSet
from training.judge import vote_noise
from training.judge.kernel_regression import Matrix
from training.judge.protocols import SEED, Protocol
from training.metrics import distributions as measures
from training.metrics.distributions import POSITIVE, Shares

Rows = dict[str, dict[str, float]]
BOOTSTRAPS = 2000
WORLDS = 200
NEGATIVE = ("anger", "disgust", "fear", "sadness")
MEASURES: dict[str, Callable[[Shares, Shares], NDArray[Any]]] = {
    "kl": measures.kl,
    "cosine": measures.cosine,
    "top1": measures.top_hits,
    "polarity": measures.polarity_hits,
}
"""Those that differences are reported of."""
SCALES = {
    f"{source}_{scale}": (f"{prefix}_{scale}", NAMES.index(emotion))
    for source, prefix in (("wikiart", "wikiart"), ("feelingblue", "bws"))
    for scale, emotion in (*((name, name) for name in NEGATIVE), ("happiness", "contentment"))
}
"""By metric: a scale of the other paintings, and the emotion whose share should go with it."""


def predict(
    method: Callable[[NDArray[np.int64], NDArray[np.int64]], Shares],
    protocol: Protocol,
    count: int,
    file: Path,
    name: str,
) -> NDArray[np.float64]:
    """Predictions in every split, continued from ``file``.

    Args:
        method: see :mod:`training.judge.methods`.
        count: of pictures.

    Returns:
        shape ``(k, splits, count, 8)``, NaN where not tested.
    """
    found: NDArray[np.float64] | None = None
    done, total = 0, len(protocol)
    if file.is_file():
        with np.load(file) as kept:
            found, done = kept["found"], int(kept["done"])
    for number in tqdm(range(done, total), desc=name, mininterval=10, disable=done == total):
        split = protocol[number]
        predicted = method(split.train, split.test)
        if found is None:
            found = np.full((len(predicted), total, count, len(NAMES)), np.nan)
        found[:, number, split.test] = predicted
        file.parent.mkdir(parents=True, exist_ok=True)
        part = file.with_suffix(".part.npz")
        np.savez_compressed(part, found=found, done=number + 1)
        part.replace(file)
    assert found is not None
    return found


def repeats(found: NDArray[np.float64], protocol: Protocol) -> list[tuple[NDArray[np.int64], Shares]]:
    """Join the splits of each repeat: paintings tested, and their predictions ``(tests, 8)``.

    Args:
        found: of one predictor, shape ``(splits, n, 8)``.
    """
    joined = []
    for repeat in dict.fromkeys(split.repeat for split in protocol):
        predicted = np.full(found.shape[1:], np.nan)
        for number, split in enumerate(protocol):
            if split.repeat == repeat:
                predicted[split.test] = found[number, split.test]
        tested = np.flatnonzero(~np.isnan(predicted[:, 0]))
        joined.append((tested, predicted[tested]))
    return joined


def abstract_row(
    found: NDArray[np.float64], protocol: Protocol, true: Shares, clear: NDArray[np.bool_]
) -> dict[str, float]:
    """All measures of one predictor on the abstract paintings: means over the repeats."""
    rows = []
    for tested, predicted in repeats(found, protocol):
        row = measures.table_row(true[tested], predicted, clear[tested])
        row["stands_out"] = float((lifted(true[tested]) == lifted(predicted)).mean())
        row["ece_tempered"] = tempered_error(true[tested], predicted, clear[tested])
        rows.append(row)
    return finite({name: float(np.mean([row[name] for row in rows])) for name in rows[0]})


def lifted(shares: Shares) -> NDArray[np.int64]:
    """The emotion of each picture with the largest multiple of its mean over pictures, shape ``(n,)``."""
    emotions: NDArray[np.int64] = (shares / np.maximum(shares.mean(0), 1e-9)).argmax(1)
    return emotions


def tempered_error(true: Shares, predicted: Shares, clear: NDArray[np.bool_], folds: int = 5) -> float:
    """Calibration error of the top emotion with a temperature fitted for it on the other folds."""
    logs, top = np.log(predicted[clear] + 1e-12), true[clear].argmax(1)
    places = np.arange(len(top)) % folds
    confidence, hits = np.empty(len(top)), measures.top_hits(true[clear], predicted[clear])
    grid = np.geomspace(0.1, 10, 61)
    for fold in range(folds):
        inside, outside = places != fold, places == fold
        losses = [
            -np.log(softmax(logs[inside] / t, axis=1)[np.arange(inside.sum()), top[inside]] + 1e-12).mean()
            for t in grid
        ]
        confidence[outside] = softmax(logs[outside] / grid[int(np.argmin(losses))], axis=1).max(1)
    return measures.calibration_error(confidence, hits)


def by_image(
    found: NDArray[np.float64], protocol: Protocol, true: Shares, clear: NDArray[np.bool_]
) -> dict[str, NDArray[np.float64]]:
    """Each measure for each image, its mean over the repeats; NaN where untested, and top-1 where unclear."""
    sums = {name: np.zeros(len(true)) for name in MEASURES}
    times = np.zeros(len(true))
    for tested, predicted in repeats(found, protocol):
        times[tested] += 1
        for name, measure in MEASURES.items():
            sums[name][tested] += measure(true[tested], predicted)
    means = {name: np.where(times > 0, s / np.maximum(times, 1), np.nan) for name, s in sums.items()}
    means["top1"] = np.where(clear, means["top1"], np.nan)
    return means


def paired_interval(difference: NDArray[np.float64], seed: int = SEED) -> tuple[float, float, float]:
    """Mean of paired differences and its 95 % percentile bootstrap interval over images (NaN are left out)."""
    known = difference[np.isfinite(difference)]
    chance = np.random.default_rng(seed)
    means = known[chance.integers(0, len(known), (BOOTSTRAPS, len(known)))].mean(1)
    low, high = np.quantile(means, [0.025, 0.975])
    return float(known.mean()), float(low), float(high)


def difference_row(
    ours: Mapping[str, NDArray[np.float64]], theirs: Mapping[str, NDArray[np.float64]]
) -> dict[str, float]:
    """Ours less theirs, with intervals, in all measures that are finite for both."""
    row: dict[str, float] = {}
    for name in MEASURES:
        if np.isfinite(theirs[name][np.isfinite(ours[name])]).all():
            mean, low, high = paired_interval(ours[name] - theirs[name])
            row |= {name: mean, f"{name}_low": low, f"{name}_high": high}
    return finite(row)


def noise_row(paintings: PaintingSet) -> dict[str, float]:
    """What a judge would score that knew everybody's true shares, see :mod:`training.judge.vote_noise`."""
    rows = []
    for known, votes in vote_noise.worlds(paintings.votes, WORLDS, SEED):
        ranked = np.sort(votes, axis=1)
        true = votes / votes.sum(1, keepdims=True)
        rows.append(measures.table_row(true, known, ranked[:, -1] > ranked[:, -2]))
    return finite({name: float(np.mean([each[name] for each in rows])) for name in rows[0]})


def correlation(left: Matrix, right: Matrix) -> float:
    """Spearman correlation where both are known; NaN where either is constant or fewer than three are known."""
    known = np.isfinite(left) & np.isfinite(right)
    if known.sum() < 3 or not np.ptp(left[known]) or not np.ptp(right[known]):
        return math.nan
    return float(spearmanr(left[known], right[known]).statistic)


def correlation_interval(left: Matrix, right: Matrix) -> tuple[float, float, float]:
    """The same with its 95 % percentile bootstrap interval."""
    draws = np.random.default_rng(SEED).integers(0, len(left), (BOOTSTRAPS // 2, len(left)))
    spread = np.array([correlation(left[draw], right[draw]) for draw in draws])
    low, high = np.nanquantile(spread, [0.025, 0.975]) if np.isfinite(spread).any() else (math.nan, math.nan)
    return correlation(left, right), float(low), float(high)


def other_row(
    predicted: Shares, valence: Matrix, columns: tuple[str, ...], scores: Matrix
) -> dict[str, float]:
    """Measures of one predictor on other paintings, of which no shares are known.

    Args:
        predicted: shape ``(n, 8)``.
        valence, scores: people's, shapes ``(n,)`` and ``(n, k)``, NaN where unknown. Paintings as pleasant as not
            are left out of the sign.
    """
    row = pleasant_row(predicted[:, POSITIVE].sum(1), valence)
    for name, (column, emotion) in SCALES.items():
        if column in columns:
            row[name] = correlation(predicted[:, emotion], scores[:, columns.index(column)])
    return finite(row)


def pleasant_row(pleasant: Matrix, valence: Matrix) -> dict[str, float]:
    """Rank correlation of pleasant shares with valence, and how often both have the same sign, with intervals."""
    known = np.flatnonzero(np.isfinite(valence))
    signed = known[valence[known] != 0]
    found = {
        "valence_correlation": correlation_interval(pleasant[known], valence[known]),
        "valence_sign": paired_interval(((pleasant[signed] > 0.5) == (valence[signed] > 0)).astype(float)),
    }
    row: dict[str, float] = {"pictures": len(known)}
    for name, (value, low, high) in found.items():
        row |= {name: value, f"{name}_low": low, f"{name}_high": high}
    return row


def disagreement(found: NDArray[np.float64], protocol: Protocol, true: Shares) -> Rows:
    """Whether the jury's disagreement says where people disagree, on paintings that no juror was trained on.

    Returns:
        Spearman correlations over paintings of the entropy of people's votes with measures of the jury, each with
        a bootstrap interval over paintings.
    """
    jurors = [repeats(each, protocol) for each in found]
    information, entropy, firsts = (np.zeros(len(true)) for _ in range(3))
    for repeat, (tested, _) in enumerate(jurors[0]):
        each = np.stack([juror[repeat][1] for juror in jurors])
        information[tested] += [mutual_information(each[:, i].tolist()) for i in range(len(tested))]
        firsts[tested] += [len(set(each[:, i].argmax(1))) for i in range(len(tested))]
        entropy[tested] += entr(each.mean(0)).sum(1)
    measured = {
        "how many emotions the jurors name first": firsts,
        "mutual information of jurors and emotion": information,
        "entropy of the jurors’ mean": entropy,
    }
    intervals = {name: correlation_interval(values, entr(true).sum(1)) for name, values in measured.items()}
    return {
        name: finite({"rank_correlation": value, "low": low, "high": high})
        for name, (value, low, high) in intervals.items()
    }


def finite(values: Mapping[str, float]) -> dict[str, float]:
    """Rounded for a table; what is infinite (KL of a prediction that rules something out) is left out."""
    return {
        name: value if isinstance(value, int) else round(value, 4)
        for name, value in values.items()
        if math.isfinite(value)
    }
