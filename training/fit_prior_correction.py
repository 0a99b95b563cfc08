"""Measure what the jury says of real and painted covers, as against paintings, and correct its prior.

    python -m training.fit_prior_correction --judge runs/jury/checkpoint --generator checkpoints/generator \\
        --data ../shared/data/abstract --covers ../shared/data/covers --write

The correction is the one for a shift of priors (Saerens, Latinne & Decaestecker 2002,
https://doi.org/10.1162/089976602753284446): one number per emotion is added to the logits so that the mean
over real covers is that of people's votes on the paintings. That covers as a whole move people as paintings as
a whole do is an assumption that only votes can check. The order of covers by the odds of two emotions stays.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from scipy.optimize import minimize
from scipy.special import logsumexp, softmax

from albumjudge.domain.conditions import DECADES, GENRES
from albumjudge.domain.emotions import NAMES
from albumjudge.domain.verdict import mutual_information
from albumjudge.inference.checkpoints import CheckpointError, load_generator, load_judge, read_checkpoint
from albumjudge.inference.judge import as_images
from albumjudge.inference.painter import Painter
from albumjudge.models.jury import Jury
from albumjudge.models.multitask_jury import MultitaskJury
from training.data.abstract import PaintingSet, load_paintings
from training.data.covers import CoverEntry, load_covers
from training.data.images import DataError
from training.engine.state import merge_metrics
from training.judge.evaluation import BOOTSTRAPS, Rows, as_text, finite
from training.metrics.distributions import POSITIVE, Shares
from training.reports.model_card import write_card

Logits = NDArray[np.float64]
SEED = 0


@torch.inference_mode()
def logits_of(jury: Jury | MultitaskJury, images: torch.Tensor) -> Logits:
    """Each juror's logits without a prior correction, shape ``(jurors, n, 8)``."""
    parts = []
    for part in torch.split(images, 32):
        features = jury.extract(part)
        parts.append(jury.juror_logits(jury.standardise(features) if isinstance(jury, Jury) else features))
    found: Logits = np.asarray(torch.cat(parts, 1).double().numpy())
    return found


def fit_correction(logits: Logits, target: NDArray[np.float64]) -> NDArray[np.float64]:
    """What to add to logits so that the mean over jurors and images of their softmax is ``target``, shape (8,).

    The solution is unique up to a constant; its mean is zero.

    Args:
        logits: shape ``(jurors, n, 8)``.
        target: shape ``(8,)``, positive, adds up to one.
    """

    def loss(correction: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        # Convex, and its slope is the mean less the target.
        shifted = logits + correction
        value = logsumexp(shifted, axis=-1).mean() - target @ correction
        return float(value), softmax(shifted, axis=-1).mean((0, 1)) - target

    found: NDArray[np.float64] = minimize(
        loss, np.zeros(len(target)), jac=True, method="L-BFGS-B", options={"gtol": 1e-9, "ftol": 1e-15}
    ).x
    centred: NDArray[np.float64] = found - found.mean()
    return centred


def describe(shares: Shares) -> dict[str, float]:
    """A row: how often each emotion comes first and how often it stands out, how sure and united the jury is.

    An emotion stands out whose share is the largest multiple of its mean over the row's pictures.

    Args:
        shares: of each juror, shape ``(jurors, n, 8)``; one juror where there is no jury.
    """
    mean = shares.mean(0)
    tops = np.bincount(mean.argmax(1), minlength=len(NAMES)) / len(mean)
    lifts = np.bincount((mean / mean.mean(0)).argmax(1), minlength=len(NAMES)) / len(mean)
    row = {f"first_{name}": float(share) for name, share in zip(NAMES, tops, strict=True)}
    row |= {f"stands_out_{name}": float(share) for name, share in zip(NAMES, lifts, strict=True)}
    row["largest_share"] = float(mean.max(1).mean())
    if len(shares) > 1:
        row["juror_disagreement"] = float(
            np.mean([mutual_information(shares[:, i].tolist()) for i in range(shares.shape[1])])
        )
    row["pictures"] = len(mean)
    return finite(row)


def interval(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Lower and upper end of the 95 % bootstrap interval of the mean over rows, shape ``(2, columns)``."""
    chance = np.random.default_rng(SEED)
    counts = chance.multinomial(len(values), np.full(len(values), 1 / len(values)), BOOTSTRAPS)
    found: NDArray[np.float64] = np.quantile(counts @ values / len(values), [0.025, 0.975], axis=0)
    return found


def share_row(shares: Shares) -> dict[str, float]:
    """Mean share of each emotion and of the pleasant ones, with intervals over covers."""
    values = np.column_stack([shares, shares[:, POSITIVE].sum(1)])
    row: dict[str, float] = {}
    for name, mean, low, high in zip((*NAMES, "pleasant"), values.mean(0), *interval(values), strict=True):
        row |= {f"share_{name}": mean, f"share_{name}_low": low, f"share_{name}_high": high}
    return finite({**row, "pictures": len(values)})


def rows_by_group(shares: Shares, entries: Sequence[CoverEntry]) -> Rows:
    """A row per genre and per decade that has at least two covers, and metal less K-pop."""
    groups = {
        **{genre: [genre in entry.genres for entry in entries] for genre in GENRES},
        **{decade: [entry.decade == decade for entry in entries] for decade in DECADES},
    }
    rows = {name: share_row(shares[mask]) for name, mask in groups.items() if sum(mask) > 1}
    metal, kpop = (shares[groups[name]] for name in ("metal", "kpop"))
    if min(len(metal), len(kpop)) > 1:
        chance = np.random.default_rng(SEED)
        draws = [
            metal[chance.integers(0, len(metal), len(metal))].mean(0)
            - kpop[chance.integers(0, len(kpop), len(kpop))].mean(0)
            for _ in range(BOOTSTRAPS)
        ]
        rows["metal less K-pop"] = finite(
            {
                f"share_{name}{end}": value
                for end, values in (
                    ("", metal.mean(0) - kpop.mean(0)),
                    ("_low", np.quantile(draws, 0.025, axis=0)),
                    ("_high", np.quantile(draws, 0.975, axis=0)),
                )
                for name, value in zip(NAMES, values, strict=True)
            }
        )
    return rows


def tables_of(
    logits: Mapping[str, Logits],
    paintings: PaintingSet,
    entries: Sequence[CoverEntry],
    correction: NDArray[np.float64],
    painter: str,
) -> dict[str, dict[str, object]]:
    """The tables ``on_covers`` and ``covers_by_genre``.

    Args:
        logits: by ``paintings``, ``real`` and ``painted``.
        painter: revision of the painted covers' painter.
    """
    corrected = {name: softmax(each + correction, axis=2) for name, each in logits.items()}
    rows = {
        "paintings: people’s votes": describe(paintings.shares[None]),
        "paintings: the jury": describe(softmax(logits["paintings"], axis=2)),
    }
    for name in ("real", "painted"):
        rows[f"{name} covers: the jury uncorrected"] = describe(softmax(logits[name], axis=2))
        rows[f"{name} covers: the jury corrected"] = describe(corrected[name])
    facts = {"seed": SEED, "date": datetime.now(UTC).date().isoformat()}
    return {
        "on_covers": {
            "what": f"Which emotion comes first, and which stands out (has the largest multiple of its mean "
            "share), on "
            f"{len(paintings)} paintings (people’s votes; the jury, which was trained on them), on "
            f"{len(entries)} "
            f"real covers and on {logits['painted'].shape[1]} covers by {painter}, without and with the "
            f"correction of "
            "the prior, which was fitted to the real covers. It assumes that covers as a whole move people as "
            "paintings as a whole do. An emotion that seldom gets most votes from people, as anger and awe, "
            "hardly ever comes first in shares that are predicted from few votes, since these stay near their "
            "means; so pages also say what stands out.",
            **facts,
            "rows": rows,
        },
        "covers_by_genre": {
            "what": "The jury’s mean shares, corrected, of real covers by genre and decade, with 95 % bootstrap "
            "intervals over covers. They say what the jury sees in covers, not what people feel before them.",
            **facts,
            "rows": rows_by_group(corrected["real"].mean(0), entries),
        },
    }


def write_correction(folder: Path, correction: NDArray[np.float64]) -> None:
    """Put the correction into a checkpoint's weights, whole or not at all."""
    file = folder / "model.safetensors"
    weights = load_file(file)
    weights["prior_correction"] = torch.from_numpy(correction).to(weights["bias"].dtype)
    part = file.with_name(file.name + ".part")
    save_file(weights, part, metadata={"format": "pt"})
    part.replace(file)


def main(arguments: list[str] | None = None) -> int:
    """Run the script; returns its exit status."""
    parser = argparse.ArgumentParser(prog="python -m training.fit_prior_correction", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--judge", type=Path, default=Path("checkpoints/judge"))
    parser.add_argument("--generator", type=Path, default=Path("checkpoints/generator"))
    parser.add_argument("--data", type=Path, required=True, help="folder with the table of votes and Images/")
    parser.add_argument("--covers", type=Path, required=True, help="folder of real covers with metadata.csv")
    parser.add_argument("--limit", type=int, help="so many real covers, drawn by the hash of their names")
    parser.add_argument("--count", type=int, default=2000, help="painted covers, seeds 0 onwards")
    parser.add_argument("--threads", type=int, help="CPU threads; default: torch's own choice")
    parser.add_argument(
        "--write", action="store_true", help="keep the correction in the judge, with the tables"
    )
    given = parser.parse_args(arguments)
    if given.threads:
        torch.set_num_threads(given.threads)
    try:
        generator = read_checkpoint(given.generator, "generator", "directory")
        jury = load_judge(read_checkpoint(given.judge, "judge", "directory"))
        if not isinstance(jury, Jury | MultitaskJury):
            raise DataError(f"{given.judge} holds no jury. Train one with training.train_jury.")
        paintings = load_paintings(given.data)
        real = load_covers(given.covers, size=64, held_out=given.limit or 0, held=bool(given.limit))
        painter = Painter(load_generator(generator), generator.revision)
        painted = [
            as_images(painter.paint(range(start, min(start + 50, given.count))))
            for start in range(0, given.count, 50)
        ]
        logits = {
            "paintings": logits_of(
                jury, torch.from_numpy(paintings.pixels).permute(0, 3, 1, 2).float() / 255
            ),
            "real": logits_of(jury, torch.from_numpy(real.pixels).float() / 255),
            "painted": logits_of(jury, torch.cat(painted)),
        }
        correction = fit_correction(logits["real"], paintings.shares.mean(0))
        tables = tables_of(logits, paintings, real.entries, correction, generator.revision)
        for table in tables.values():
            print(as_text(table))
        print("Correction:", ", ".join(f"{n} {s:+.2f}" for n, s in zip(NAMES, correction, strict=True)))
        if given.write:
            write_correction(given.judge, correction)
            merge_metrics(given.judge, dict(tables))
            write_card(given.judge)
    except (CheckpointError, DataError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
