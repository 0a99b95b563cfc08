"""Compare ways to predict what people feel before a painting, in one table.

    python -m training.benchmark_judge --data ../shared/data/abstract --others ../shared/data/paintings \\
        --features ../shared/data/weights/vgg16_imagenet_features.safetensors --out runs/benchmark --write

Without ``--features`` torchvision downloads the ImageNet weights. Every method learns from the same paintings
and is asked about the same others, by the splits in ``training/splits.json``: repeated five-fold
cross-validation and the literature's 70/30, on raw vote shares; 70/30 also on shares scaled the way that the
papers on label distribution learning do. Whatever a method has to choose it chooses inside the paintings that
it learns from. Predictions are kept in ``--out``, so a killed run is continued by the same command.

The fine-tuned recipe takes hours on a processor. ``--carry`` does not run it but leaves its row as an earlier
run measured it, and the table says of which day it is.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import softmax
from scipy.stats import spearmanr
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from albumjudge.domain.verdict import mutual_information
from albumjudge.models.vgg16 import FEATURE_WIDTHS
from training.data.abstract import PaintingSet, load_paintings
from training.data.covers import DataError
from training.data.paintings import load_other_paintings
from training.engine.state import merge_metrics, read_metrics, write_json, write_text
from training.judge import rivals, vote_noise
from training.judge.cross_validation import SEED, Protocol, Split, read
from training.judge.features import both_ways, imagenet_trunk, plain, reports_of
from training.judge.jurors import LIVES, JurorConfig, JuryConfig, fit_jury, read_others
from training.judge.kernel_regression import Matrix
from training.metrics import distributions as judge_metrics
from training.metrics.distributions import Shares
from training.reports.model_card import write_card
from training.reports.tables import markdown_table
from training.train_judge import PRESETS, JudgeConfig, Views, see
from training.train_judge import fit as fine_tune
from training.train_jury import standardised, with_readings

RECIPE = "seed_recipe"
OURS, BEST, NOISE = "jury", "best_juror", "vote_noise"
CONFIG = JuryConfig()
BOOTSTRAPS = 2000
WORLDS = 200
Method = Callable[[Split, Shares], NDArray[np.float64]]
"""A split and all targets ``(n, 8)`` to predictions, ``(k, asked, 8)``: k is 1, or the number of jurors."""


@dataclass(frozen=True)
class Material:
    """All that methods may look at.

    Attributes:
        reports, mirrored: of the trunk on whole and on mirrored paintings, raw, shape ``(n, 4416)``.
        reading: weights and offsets learnt from other paintings, see :func:`training.judge.jurors.read_others`.
        lite: features of EfficientNet-lite0, for a rival.
        size: side at which the trunk looked.
    """

    paintings: PaintingSet
    reports: Matrix
    mirrored: Matrix
    reading: tuple[Matrix, Matrix]
    lite: Matrix
    size: int


def gather(
    data: Path, others: Path, features: Path | None, out: Path, size: int
) -> tuple[Material, torch.nn.Module]:
    """Look at all pictures once, or read what was seen before."""
    paintings, elsewhere = load_paintings(data), load_other_paintings(others)
    trunk = imagenet_trunk(size, features)
    reports, mirrored = both_ways(trunk, paintings.pixels, out)
    weights, offsets, _ = read_others(reports_of(trunk, elsewhere.pixels, cache=out), elsewhere.scores)
    return Material(
        paintings, reports, mirrored, (weights, offsets), lite_features(paintings, out), size
    ), trunk.features


def lite_features(paintings: PaintingSet, out: Path) -> Matrix:
    """Mean and maximum of EfficientNet-lite0's maps at 224 pixels, square roots, shape ``(n, 992)``."""
    from training.metrics.efficientnet import LiteFeatures

    file = out / "lite.npy"
    if file.is_file():
        kept: Matrix = np.load(file)
        if len(kept) == len(paintings):
            return kept
    network = LiteFeatures(224)
    found = []
    with torch.inference_mode():
        for part in tqdm(
            np.array_split(paintings.pixels, max(1, len(paintings) // 16)), desc="lite0", mininterval=10
        ):
            images = torch.from_numpy(np.ascontiguousarray(part)).permute(0, 3, 1, 2).float() / 127.5 - 1
            maps = network(images)
            found.append(torch.cat([torch.cat([m.mean((2, 3)), m.amax((2, 3))], 1) for m in maps], 1))
    features: Matrix = torch.cat(found).double().numpy()
    features = np.sign(features) * np.sqrt(np.abs(features))
    out.mkdir(parents=True, exist_ok=True)
    np.save(file, features)
    return features


def jury_method(
    material: Material, config: JuryConfig, lives: Sequence[JurorConfig], split: Split, shares: Shares
) -> NDArray[np.float64]:
    """Each juror's shares on the paintings asked about, whole and unmirrored, shape ``(jurors, asked, 8)``."""
    mean = (material.reports + material.mirrored) / 2
    learnt, asked = standardised(
        with_readings(mean[split.learnt], *material.reading),
        # Asked as the exhibit asks: one look, not mirrored.
        with_readings(material.reports[split.asked], *material.reading),
    )
    jury = fit_jury(learnt, shares[split.learnt], config, lives)
    return np.stack([softmax(juror.logits(asked, learnt), axis=1) for juror in jury])


def rival_method(
    features: Matrix, rival: Callable[[Matrix, Matrix, Matrix], Matrix], split: Split, shares: Shares
) -> NDArray[np.float64]:
    # As for the jury: these matrices are small, and threads would only get in each other's way.
    with threadpool_limits(limits=1, user_api="blas"):
        return rival(features[split.learnt], features[split.asked], shares[split.learnt])[None]


class SeedRecipe:
    """The 2019 project's recipe on our splits: the argmax alone, VGG16's last block fine-tuned.

    Args:
        features: the ImageNet trunk.
    """

    def __init__(self, features: torch.nn.Module, paintings: PaintingSet) -> None:
        from albumjudge.models.vgg16 import VGG16EmotionClassifier

        self.config: JudgeConfig = PRESETS["seed"]
        self.paintings = paintings
        torch.manual_seed(self.config.seed)
        self.start = VGG16EmotionClassifier(size=self.config.size).eval()
        self.start.features.load_state_dict(features.state_dict())
        self.views: Views | None = None

    def __call__(self, split: Split, shares: Shares) -> NDArray[np.float64]:
        self.views = self.views or see(self.start, self.paintings, self.config)
        learnt, asked = torch.from_numpy(split.learnt), torch.from_numpy(split.asked)
        _, _, found = fine_tune(
            self.start, self.views, self.paintings, self.config, learnt, asked, "seed's recipe"
        )
        return found[None]


def methods(material: Material, trunk: torch.nn.Module, *, slow: bool, ablations: bool) -> dict[str, Method]:
    """All methods by the names in the table; without ``slow`` the fine-tuned recipe is left out."""
    # Rivals are others' methods: they have what a plain trunk reports.
    reports = plain(material.reports)
    last = reports[:, -FEATURE_WIDTHS[-1] : -FEATURE_WIDTHS[-1] // 2]
    config = replace(CONFIG, size=material.size)
    first = LIVES[:1]
    found: dict[str, Method] = {
        "predict the mean": partial(rival_method, last, rivals.always_the_mean),
        "always the majority’s emotion": partial(rival_method, last, rivals.majority),
        "k nearest neighbours (AA-kNN)": partial(rival_method, reports, rivals.nearest_neighbours),
        "SA-BFGS on conv5_3": partial(rival_method, last, rivals.sa_bfgs),
        "linear probe on five blocks": partial(rival_method, reports, rivals.linear_probe),
        "rival: EfficientNet-lite0 probe": partial(rival_method, material.lite, rivals.linear_probe),
    }
    if slow:
        found[RECIPE] = SeedRecipe(trunk, material.paintings)
    found["jury"] = partial(jury_method, material, config, LIVES)
    if ablations:
        found |= {
            "ours, emotions kept apart": partial(
                jury_method, material, replace(config, geometries=(0.0,)), first
            ),
            "ours, one setting chosen": partial(jury_method, material, replace(config, chosen=True), first),
            "ours, linear kernel": partial(
                jury_method,
                material,
                replace(config, sharpness=0.01, ridges=(5e-6, 1e-5, 2e-5, 4e-5)),
                first,
            ),
            "ours, neither": partial(
                jury_method,
                material,
                replace(config, sharpness=0.01, ridges=(5e-6, 1e-5, 2e-5, 4e-5), geometries=(0.0,)),
                (replace(LIVES[0], others=False),),
            ),
        }
    return found


def scaled(shares: Shares) -> Shares:
    """Shares as papers on label distribution learning scale them.

    Each image's smallest share becomes 0 and its largest 1; the result is divided by its sum.
    """
    low, high = shares.min(1, keepdims=True), shares.max(1, keepdims=True)
    ranged = (shares - low) / np.where(high > low, high - low, 1)
    whole: Shares = np.where(high > low, ranged, 1.0)
    normalised: Shares = whole / whole.sum(1, keepdims=True)
    return normalised


def predict(method: Method, protocol: Protocol, shares: Shares, file: Path, name: str) -> NDArray[np.float64]:
    """Predictions of a method in every split: shape ``(k, splits, n, 8)``, NaN where it was not asked.

    What ``file`` holds from a run before is not computed again.
    """
    found: NDArray[np.float64] | None = None
    done = 0
    if file.is_file():
        with np.load(file) as kept:
            found, done = kept["found"], int(kept["done"])
    for number in tqdm(
        range(done, len(protocol.splits)), desc=name, mininterval=10, disable=done == len(protocol.splits)
    ):
        split = protocol.splits[number]
        said = method(split, shares)
        if found is None:
            found = np.full((len(said), len(protocol.splits), *shares.shape), np.nan)
        found[:, number, split.asked] = said
        file.parent.mkdir(parents=True, exist_ok=True)
        part = file.with_suffix(".part.npz")
        np.savez_compressed(part, found=found, done=number + 1)
        part.replace(file)
    assert found is not None
    return found


def passes(found: NDArray[np.float64], protocol: Protocol) -> list[tuple[NDArray[np.int64], Shares]]:
    """Join the splits of each repeat: which paintings were asked about, and what was said, ``(asked, 8)``.

    Args:
        found: of one predictor, shape ``(splits, n, 8)``.
    """
    joined = []
    for repeat in dict.fromkeys(split.repeat for split in protocol.splits):
        said = np.full(found.shape[1:], np.nan)
        for number, split in enumerate(protocol.splits):
            if split.repeat == repeat:
                said[split.asked] = found[number, split.asked]
        asked = np.flatnonzero(~np.isnan(said[:, 0]))
        joined.append((asked, said[asked]))
    return joined


def row(
    found: NDArray[np.float64], protocol: Protocol, true: Shares, clear: NDArray[np.bool_]
) -> dict[str, float]:
    """All measures of one predictor: means over the repeats."""
    rows = []
    for asked, said in passes(found, protocol):
        measured = judge_metrics.table_row(true[asked], said, clear[asked])
        measured["ECE, tempered"] = tempered_error(true[asked], said, clear[asked])
        rows.append(measured)
    return {name: float(np.mean([each[name] for each in rows])) for name in rows[0]}


def tempered_error(true: Shares, said: Shares, clear: NDArray[np.bool_], folds: int = 5) -> float:
    """Calibration error of the top emotion once a temperature has been fitted for it on other paintings.

    The temperature of each fifth is the one that makes the top emotions of the other four most probable.
    """
    logs, top = np.log(said[clear] + 1e-12), true[clear].argmax(1)
    places = np.arange(len(top)) % folds
    confidence, hits = np.empty(len(top)), judge_metrics.top_hits(true[clear], said[clear])
    grid = np.geomspace(0.1, 10, 61)
    for fold in range(folds):
        inside, outside = places != fold, places == fold
        losses = [
            -np.log(softmax(logs[inside] / t, axis=1)[np.arange(inside.sum()), top[inside]] + 1e-12).mean()
            for t in grid
        ]
        confidence[outside] = softmax(logs[outside] / grid[int(np.argmin(losses))], axis=1).max(1)
    return judge_metrics.calibration_error(confidence, hits)


MEASURES: dict[str, Callable[[Shares, Shares], NDArray[np.float64]]] = {
    "KL": judge_metrics.kl,
    "cosine": judge_metrics.cosine,
    "top-1": lambda true, said: judge_metrics.top_hits(true, said).astype(float),
    "polarity": lambda true, said: judge_metrics.polarity_hits(true, said).astype(float),
}


def by_image(
    found: NDArray[np.float64], protocol: Protocol, true: Shares, clear: NDArray[np.bool_]
) -> dict[str, NDArray[np.float64]]:
    """Each measure for each image, a mean over the repeats in which it was asked about; NaN where it never was.

    Top-1 is kept for clear images only.
    """
    sums = {name: np.zeros(len(true)) for name in MEASURES}
    asked_times = np.zeros(len(true))
    for asked, said in passes(found, protocol):
        asked_times[asked] += 1
        for name, measure in MEASURES.items():
            sums[name][asked] += measure(true[asked], said)
    means = {
        name: np.where(asked_times > 0, total / np.maximum(asked_times, 1), np.nan)
        for name, total in sums.items()
    }
    means["top-1"] = np.where(clear, means["top-1"], np.nan)
    return means


def paired_interval(
    difference: NDArray[np.float64], seed: int = SEED, level: float = 0.95
) -> tuple[float, float, float]:
    """Mean of paired differences and its percentile bootstrap interval over images (NaN are left out)."""
    known = difference[np.isfinite(difference)]
    chance = np.random.default_rng(seed)
    means = known[chance.integers(0, len(known), (BOOTSTRAPS, len(known)))].mean(1)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(known.mean()), float(low), float(high)


def noise_row(paintings: PaintingSet, transform: Callable[[Shares], Shares]) -> dict[str, float]:
    """What a judge would score that knew everybody's true shares, see :mod:`training.judge.vote_noise`."""
    rows = []
    for known, votes in vote_noise.worlds(paintings.votes, WORLDS, SEED):
        ranked = np.sort(votes, axis=1)
        clear = ranked[:, -1] > ranked[:, -2]
        true = transform(votes / votes.sum(1, keepdims=True))
        rows.append(judge_metrics.table_row(true, transform(known), clear))
    return {name: float(np.mean([each[name] for each in rows])) for name in rows[0]}


def disagreement(found: NDArray[np.float64], protocol: Protocol, true: Shares) -> dict[str, dict[str, float]]:
    """Does the jury's disagreement say where people disagree? On paintings that no juror has met.

    Returns:
        rows: Spearman correlations over paintings of the entropy of people's votes with several measures of
        the jury, each with a bootstrap interval over paintings.
    """
    jurors = [passes(each, protocol) for each in found]
    information, entropy, firsts = (np.zeros(len(true)) for _ in range(3))
    for repeat in range(len(jurors[0])):
        asked = jurors[0][repeat][0]
        each = np.stack([juror[repeat][1] for juror in jurors])
        information[asked] += [mutual_information(each[:, i].tolist()) for i in range(len(asked))]
        firsts[asked] += [len(set(each[:, i].argmax(1))) for i in range(len(asked))]
        mean = each.mean(0)
        entropy[asked] -= (mean * np.log(mean)).sum(1)
    human = -(true * np.log(np.where(true > 0, true, 1))).sum(1)
    chance = np.random.default_rng(SEED)
    draws = chance.integers(0, len(true), (BOOTSTRAPS // 2, len(true)))
    measures = {
        "how many feelings the jurors name first": firsts,
        "mutual information of jurors and feeling": information,
        "entropy of the jury’s mean": entropy,
    }
    rows = {}
    for name, values in measures.items():
        spread = [spearmanr(values[d], human[d]).statistic for d in draws]
        low, high = np.quantile(spread, [0.025, 0.975])
        known = float(spearmanr(values, human).statistic)
        rows[name] = finite({"rank correlation": known, "low": float(low), "high": float(high)})
    return rows


Rows = dict[str, dict[str, float]]


def carried(rows: Rows, table: Mapping[str, Any]) -> tuple[Rows, str | None]:
    """Rows with the recipe's from an earlier table, before ours, and the day that it was measured on.

    Nothing is carried, and there is no day, where the recipe was run or the earlier table has none.
    """
    kept = table.get("rows", {}).get(RECIPE)
    if kept is None or RECIPE in rows:
        return rows, None
    joined: Rows = {}
    for name, values in rows.items():
        if name == BEST:
            joined[RECIPE] = kept
        joined[name] = values
    return joined, str(table.get("carried_from", table["date"]))


def finite(values: Mapping[str, float]) -> dict[str, float]:
    """Rounded for a table; what is infinite (KL of a prediction that rules something out) is left out."""
    return {name: round(value, 4) for name, value in values.items() if math.isfinite(value)}


def run(
    material: Material,
    trunk: torch.nn.Module,
    out: Path,
    *,
    slow: bool,
    ablations: bool,
    before: Mapping[str, Any] | None = None,
) -> dict[str, dict[str, object]]:
    """All tables, as they stand in ``metrics.json``.

    Args:
        before: tables of an earlier run, from which the recipe's rows are carried over where it is not run.
    """
    paintings = material.paintings
    clear = paintings.clear
    crossed, held = read(paintings.file_names)
    date = datetime.now(UTC).date().isoformat()
    tables: dict[str, dict[str, object]] = {}
    runs = (
        ("benchmark", crossed, paintings.shares, lambda shares: shares, "raw vote shares"),
        ("benchmark_70_30", held, paintings.shares, lambda shares: shares, "raw vote shares"),
        (
            "benchmark_scaled",
            held,
            scaled(paintings.shares),
            scaled,
            "shares scaled per painting to 0..1, then to a sum of 1",
        ),
    )
    for key, protocol, true, transform, labels in runs:
        predictions: dict[str, NDArray[np.float64]] = {}
        jurors: NDArray[np.float64] | None = None
        for name, method in methods(
            material, trunk, slow=slow, ablations=ablations and key == "benchmark"
        ).items():
            # The argmax of scaled shares is that of raw ones: the same predictions serve.
            folder = (
                "benchmark_70_30" if isinstance(method, SeedRecipe) and key == "benchmark_scaled" else key
            )
            safe = "".join(letter if letter.isalnum() else "-" for letter in name)
            found = predict(method, protocol, true, out / folder / f"{safe}.npz", f"{key}: {name}")
            if name == "jury":
                jurors = found
                predictions[BEST], predictions[OURS] = found[0], found.mean(0)
                if key == "benchmark":
                    predictions |= {
                        f"juror: {life.name}": each for life, each in zip(LIVES[1:], found[1:], strict=True)
                    }
            else:
                predictions[name] = found[0]
        rows = {name: finite(row(found, protocol, true, clear)) for name, found in predictions.items()}
        rows[NOISE] = finite(noise_row(paintings, transform))
        rows, day = carried(rows, (before or {}).get(key, {}))
        remark = f" The seed’s recipe was run earlier, on {day}, on the same splits." if day else ""
        ours = by_image(predictions[OURS], protocol, true, clear)
        differences: dict[str, dict[str, float]] = {}
        for name, found in predictions.items():
            if name == OURS or name.startswith("juror"):
                continue
            theirs = by_image(found, protocol, true, clear)
            line: dict[str, float] = {}
            for measure in MEASURES:
                if np.isfinite(theirs[measure][np.isfinite(ours[measure])]).all():
                    mean, low, high = paired_interval(ours[measure] - theirs[measure])
                    line |= {measure: mean, f"{measure}, low": low, f"{measure}, high": high}
            differences[name] = finite(line)
        facts = {"seed": SEED, "date": date}
        tables[key] = {
            "what": (
                f"{protocol.name} on {len(paintings)} abstract paintings of about "
                f"{int(paintings.votes.sum(1).mean().round())} votes each, {labels}; top-1, top-2, balanced "
                f"accuracy and ECE on the {int(clear.sum())} with one clear top emotion. Every painting is "
                "judged by a network that never saw it. The last row knows what everybody would feel and "
                f"still misses the votes of so few.{remark}"
            ),
            **facts,
            **({"carried_from": day} if day else {}),
            "rows": rows,
        }
        tables[f"{key}_differences"] = {
            "what": f"Our jury less each other method ({protocol.name}, {labels}), with 95 % intervals: paired "
            f"bootstrap over paintings, {BOOTSTRAPS:,} draws.",
            **facts,
            "rows": differences,
        }
        if key == "benchmark":
            assert jurors is not None
            tables["disagreement"] = {
                "what": "Spearman correlation, over paintings that no juror has met, of how divided people were "
                "(entropy of their votes) with how divided the jury is; 95 % bootstrap intervals over paintings.",
                **facts,
                "rows": disagreement(jurors, protocol, true),
            }
    return tables


def main(arguments: list[str] | None = None) -> int:
    """Run the script; returns its exit status."""
    parser = argparse.ArgumentParser(prog="python -m training.benchmark_judge", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--data", type=Path, required=True, help="folder with the table of votes and Images/")
    parser.add_argument("--others", type=Path, required=True, help="folder of other paintings, metadata.csv")
    parser.add_argument("--features", type=Path, help="ImageNet's VGG16 trunk; default: download")
    parser.add_argument("--out", type=Path, required=True, help="folder for what is computed on the way")
    parser.add_argument("--size", type=int, default=JuryConfig.size, help="side at which the trunk looks")
    parser.add_argument("--threads", type=int, help="CPU threads; default: torch's own choice")
    parser.add_argument("--quick", action="store_true", help="without the fine-tuned recipe and ablations")
    parser.add_argument(
        "--carry", action="store_true", help="leave the fine-tuned recipe's rows as the checkpoint has them"
    )
    parser.add_argument("--checkpoint", type=Path, default=Path("checkpoints/judge"))
    parser.add_argument("--write", action="store_true", help="save the tables in the checkpoint's metrics")
    given = parser.parse_args(arguments)
    if given.threads:
        torch.set_num_threads(given.threads)
    try:
        material, trunk = gather(given.data, given.others, given.features, given.out, given.size)
        tables = run(
            material,
            trunk,
            given.out,
            slow=not (given.quick or given.carry),
            ablations=not given.quick,
            before=read_metrics(given.checkpoint) if given.carry else None,
        )
        text = [f"{table['what']}\n\n{markdown_table(table['rows'])}\n" for table in tables.values()]  # type: ignore[arg-type]
        print("\n".join(text))
        write_json(given.out / "benchmark.json", tables)
        write_text(given.out / "benchmark.md", "\n".join(text))
        if given.write:
            merge_metrics(given.checkpoint, dict(tables))
            write_card(given.checkpoint)
    except (DataError, ValueError, json.JSONDecodeError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
