"""Measure what the jury says of real and painted covers, as against paintings, and correct its prior.

    python -m training.fit_prior_correction --judge runs/jury/checkpoint --generator checkpoints/generator \\
        --data ../shared/data/abstract --covers ../shared/data/covers --write

The correction is the one for a shift of priors (Saerens, Latinne & Decaestecker 2002,
https://doi.org/10.1162/089976602753284446): one number per emotion is added to the logits so that the mean
over real covers is that of people's votes on the paintings. That covers as a whole move people as paintings as
a whole do is an assumption that only votes can check. The order of covers by the odds of two emotions stays.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
from albumjudge.inference.checkpoints import load_judge, read_checkpoint
from albumjudge.inference.judge import as_images
from albumjudge.models.multitask_jury import MultitaskJury
from training.data.abstract import PaintingSet, load_paintings
from training.data.command import exit_status
from training.data.covers import CoverEntry, load_covers
from training.data.images import DataError
from training.judge.evaluation import BOOTSTRAPS, Rows, finite, lifted
from training.judge.script import Table, add_judge, open_painter, parser_of, report, table
from training.metrics.distributions import POSITIVE, Shares

SEED = 0


@dataclass(frozen=True)
class Said:
    """What a jury says of n pictures before any correction.

    Attributes:
        logits: each juror's, shape ``(jurors, n, 8)``.
        weights: how much each counts, shape ``(jurors, n)``.
    """

    logits: NDArray[np.float64]
    weights: NDArray[np.float64]

    def jurors(self, correction: NDArray[np.float64] | float = 0.0) -> Shares:
        """Each juror's shares, shape ``(jurors, n, 8)``, with a correction added to the logits."""
        shares: Shares = softmax(self.logits + correction, axis=2)
        return shares

    def jury(self, correction: NDArray[np.float64] | float = 0.0) -> Shares:
        """The jury's shares, shape ``(n, 8)``."""
        shares: Shares = np.einsum("jn,jne->ne", self.weights, self.jurors(correction))
        return shares


@torch.inference_mode()
def ask(jury: MultitaskJury, images: torch.Tensor) -> Said:
    """What a jury says of images, ``(n, 3, h, w)``."""
    logits, weights = [], []
    for part in torch.split(images, 32):
        distances = jury.distances(jury.coordinates(jury.extract(part)))
        logits.append(jury.juror_logits(distances))
        weights.append(jury.weights_of(distances))
    shares = torch.cat(weights, 1).double().numpy()
    # One in all to the last digit: else the loss has no minimum along the constant direction.
    return Said(torch.cat(logits, 1).double().numpy(), shares / shares.sum(0))


def fit_correction(said: Said, target: NDArray[np.float64]) -> NDArray[np.float64]:
    """What to add to logits so that the mean over images of the jury's shares is ``target``, shape ``(8,)``.

    The solution is unique up to a constant; its mean is zero.

    Args:
        target: shape ``(8,)``, positive, adds up to one.
    """

    def loss(correction: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        # Convex, and its slope is the mean less the target.
        total = (said.weights * logsumexp(said.logits + correction, axis=-1)).sum(0).mean()
        return float(total - target @ correction), said.jury(correction).mean(0) - target

    found: NDArray[np.float64] = minimize(
        loss, np.zeros(len(target)), jac=True, method="L-BFGS-B", options={"gtol": 1e-9, "ftol": 1e-15}
    ).x
    centred: NDArray[np.float64] = found - found.mean()
    return centred


def describe(jury: Shares, jurors: Shares | None = None) -> dict[str, float]:
    """A row: how often each emotion comes first and how often it stands out, how sure and united the jury is.

    An emotion stands out whose share is the largest multiple of its mean over the row's pictures.

    Args:
        jury: shape ``(n, 8)``.
        jurors: shape ``(jurors, n, 8)``.
    """
    row: dict[str, float] = {}
    for what, found in (("first", jury.argmax(1)), ("stands_out", lifted(jury))):
        counts = np.bincount(found, minlength=len(NAMES)) / len(jury)
        row |= {f"{what}_{name}": float(share) for name, share in zip(NAMES, counts, strict=True)}
    row["largest_share"] = float(jury.max(1).mean())
    if jurors is not None:
        each = [mutual_information(jurors[:, i].tolist()) for i in range(len(jury))]
        row["juror_disagreement"] = float(np.mean(each))
    row["pictures"] = len(jury)
    return finite(row)


def draws(values: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    """Bootstrap means over rows, shape ``(BOOTSTRAPS, columns)``."""
    chance = np.random.default_rng([SEED, seed])
    counts = chance.multinomial(len(values), np.full(len(values), 1 / len(values)), BOOTSTRAPS)
    means: NDArray[np.float64] = counts @ values / len(values)
    return means


def share_row(shares: Shares, less: Shares | None = None) -> dict[str, float]:
    """Mean share of each emotion and of the pleasant ones, or a difference of means, with intervals."""
    values, others = (
        np.column_stack([each, each[:, POSITIVE].sum(1)])
        for each in (shares, shares if less is None else less)
    )
    mean, spread = values.mean(0), draws(values, 0)
    row: dict[str, float] = {"pictures": len(values)}
    if less is not None:
        mean, spread, row = mean - others.mean(0), spread - draws(others, 1), {}
    ends = np.quantile(spread, [0.025, 0.975], axis=0)
    for name, value, low, high in zip((*NAMES, "pleasant"), mean, *ends, strict=True):
        row |= {f"share_{name}": value, f"share_{name}_low": low, f"share_{name}_high": high}
    return finite(row)


def rows_by_group(shares: Shares, entries: Sequence[CoverEntry]) -> Rows:
    """A row for all, per genre and per decade that has at least two covers, and metal less K-pop."""
    groups = {genre: [genre in entry.genres for entry in entries] for genre in GENRES}
    groups |= {decade: [entry.decade == decade for entry in entries] for decade in DECADES}
    rows = {"all covers": share_row(shares)}
    rows |= {name: share_row(shares[mask]) for name, mask in groups.items() if sum(mask) > 1}
    if {"metal", "kpop"} <= rows.keys():
        rows["metal less K-pop"] = share_row(shares[groups["metal"]], shares[groups["kpop"]])
    return rows


def tables_of(
    said: Mapping[str, Said],
    paintings: PaintingSet,
    entries: Sequence[CoverEntry],
    correction: NDArray[np.float64],
    painter: str,
) -> dict[str, Table]:
    """The tables ``on_covers`` and ``covers_by_genre``.

    Args:
        said: by ``paintings``, ``real`` and ``painted``.
        painter: revision of the painted covers' painter.
    """
    rows = {
        "paintings: people’s votes": describe(paintings.shares),
        "paintings: the jury": describe(said["paintings"].jury(), said["paintings"].jurors()),
    }
    for name in ("real", "painted"):
        for how, added in (("uncorrected", np.zeros(len(NAMES))), ("corrected", correction)):
            heard = said[name]
            rows[f"{name} covers: the jury {how}"] = describe(heard.jury(added), heard.jurors(added))
    return {
        "on_covers": table(
            "Which emotion comes first, and which stands out (has the largest multiple of its mean share), on "
            f"{len(paintings)} paintings (people’s votes; the jury, which was trained on them), on "
            f"{len(entries)} real covers and on {said['painted'].logits.shape[1]} covers by {painter}, without "
            "and with the correction of the prior, which was fitted to the real covers. It assumes that covers "
            "as a whole move people as paintings as a whole do. An emotion that seldom gets most votes from "
            "people, as anger and awe, hardly ever comes first in shares that are predicted from few votes, "
            "since these stay near their means; so pages also say what stands out.",
            rows,
            SEED,
        ),
        "covers_by_genre": table(
            "The jury’s mean shares, corrected, of real covers by genre and decade, with 95 % bootstrap "
            "intervals over covers. They say what the jury sees in covers, not what people feel before them.",
            rows_by_group(said["real"].jury(correction), entries),
            SEED,
        ),
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
    parser = parser_of("training.fit_prior_correction", __doc__)
    add_judge(parser)
    parser.add_argument("--data", type=Path, required=True, help="folder with the table of votes and Images/")
    parser.add_argument("--covers", type=Path, required=True, help="folder of real covers with metadata.csv")
    parser.add_argument("--count", type=int, default=2000, help="painted covers, seeds 0 onwards")
    given = parser.parse_args(arguments)

    def body() -> None:
        jury = load_judge(read_checkpoint(given.judge, "judge", "directory"))
        if not isinstance(jury, MultitaskJury):
            raise DataError(f"{given.judge} holds no jury by training.train_jury. Train one.")
        painter, paintings = open_painter(given.generator), load_paintings(given.data)
        real = load_covers(given.covers, size=64)
        starts = range(0, given.count, 50)
        painted = [as_images(painter.paint(range(s, min(s + 50, given.count)))) for s in starts]
        images = {
            "paintings": torch.from_numpy(paintings.pixels).permute(0, 3, 1, 2).float() / 255,
            "real": torch.from_numpy(real.pixels).float() / 255,
            "painted": torch.cat(painted),
        }
        said = {name: ask(jury, each) for name, each in images.items()}
        correction = fit_correction(said["real"], paintings.shares.mean(0))
        print("Correction:", ", ".join(f"{n} {s:+.2f}" for n, s in zip(NAMES, correction, strict=True)))
        if given.write:
            write_correction(given.judge, correction)
        tables = tables_of(said, paintings, real.entries, correction, painter.revision)
        report(tables, given.judge if given.write else None)

    return exit_status(body, threads=given.threads)


if __name__ == "__main__":
    sys.exit(main())
