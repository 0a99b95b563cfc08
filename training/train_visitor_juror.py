"""Add a juror to the jury that learned from the exhibit's own votes: "raised by visitors".

    python -m training.train_visitor_juror --judge checkpoints/judge \\
        --generators checkpoints/generator checkpoints/generator-seed --out runs/visitors

The votes are those of the exhibit's own database, of the one that ``--database-url`` names, or of a table that
the curator's room downloads or ``python -m albumjudge.export`` writes (``--votes``, CSV or Parquet). ``--out``
then holds ``checkpoint/``, the jury with one more juror; name it in ALBUMJUDGE_JUDGE_DIR and the exhibit shows
it. The juror starts as the jury's first one, prior correction included, and moves away from it as far as votes
demand: a kernel multinomial regression on the votes, in the first juror's kernel, added to its logits. How far
(the ridge) is chosen by cross-validation. How well it predicts votes is measured by nested cross-validation, on
covers that it never saw and by visitors whom it never met.

The new juror weighs nothing in the verdict, which stays what it was: covers' labels and the votes on them would
otherwise feed back into each other.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.linalg import solve_triangular
from scipy.special import log_softmax

from albumjudge.inference.checkpoints import load_judge, read_checkpoint
from albumjudge.inference.folders import Checkpoint
from albumjudge.inference.judge import as_images
from albumjudge.models.multitask_jury import MultitaskJury
from training.data.command import exit_status
from training.data.images import DataError
from training.engine.state import merge_metrics, save_checkpoint
from training.judge.evaluation import Rows, finite, paired_interval
from training.judge.kernel_regression import Fit, Matrix, decompose, fit_features
from training.judge.script import open_painter, parser_of, report, table
from training.judge.visitor_votes import VisitorVotes, choose_votes, read_database, read_table

NAME = "raised by visitors"
DESCRIPTION = "Began as the well-read and learned from what people felt in this very room."
RIDGES = (3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1)
FOLDS, SEED = 5, 2010
Mask = NDArray[np.bool_]


def features_and_offset(jury: MultitaskJury, images: torch.Tensor) -> tuple[Matrix, Matrix, Matrix]:
    """Covers as the fit takes them.

    Returns:
        features whose inner products are the first juror's kernel, as far as its landmarks span it, shape
        ``(n, landmarks)``; the first juror's corrected logits, ``(n, 8)``; the factor of the landmarks' kernel.
    """
    with torch.inference_mode():
        distances = torch.cat(
            [jury.distances(jury.coordinates(jury.extract(part))) for part in torch.split(images, 32)], 1
        )
        kernel = jury.kernels(distances)[0]
        offset = jury.juror_logits(distances)[0] + jury.prior_correction
        between = jury.kernels(jury.distances(jury.landmarks))[0].double().numpy()
    # Landmarks' own domains are predicted here, too, so their kernel is symmetric only nearly.
    factor = decompose((between + between.T) / 2 + 1e-3 * np.eye(len(between)))
    features: Matrix = solve_triangular(factor, kernel.double().numpy().T, lower=True).T
    return features, offset.double().numpy(), factor


def fit(features: Matrix, offset: Matrix, counts: Matrix, ridge: float) -> Fit:
    """Fit to votes per cover and emotion; a cover weighs as much as it has votes."""
    voted = counts.sum(1) > 0
    few = counts[voted]
    shares = few / few.sum(1, keepdims=True)
    geometry = np.eye(counts.shape[1]) - 1 / counts.shape[1]
    return fit_features(features[voted], shares, ridge, geometry, importance=few.sum(1), offset=offset[voted])


def split_votes(votes: VisitorVotes, by: NDArray[np.int64], salt: int) -> NDArray[np.int64]:
    """Fold of each vote, shape ``(n,)``: all votes of one cover, or of one visitor (``by``), stay together."""
    kinds = np.unique(by)
    places = np.random.default_rng([SEED, salt]).permutation(len(kinds)) % FOLDS
    folds: NDArray[np.int64] = places[np.searchsorted(kinds, by)]
    return folds


def vote_losses(logits: Matrix, votes: VisitorVotes, chosen: Mask) -> Matrix:
    """Cross-entropy of each chosen vote, in nats."""
    losses: Matrix = -log_softmax(logits, axis=1)[votes.cover[chosen], votes.felt[chosen]]
    return losses


def choose_ridge(
    features: Matrix, offset: Matrix, votes: VisitorVotes, chosen: Mask, by: NDArray[np.int64]
) -> float:
    """The ridge with the smallest cross-entropy in folds of the chosen votes."""
    folds = split_votes(votes, by, 1)
    losses = dict.fromkeys(RIDGES, 0.0)
    for fold in range(FOLDS):
        train, test = chosen & (folds != fold), chosen & (folds == fold)
        if not train.any() or not test.any():
            continue
        counts = votes.counts(train)
        for ridge in RIDGES:
            found = fit(features, offset, counts, ridge)
            losses[ridge] += vote_losses(found.logits(features) + offset, votes, test).sum()
    return min(RIDGES, key=lambda ridge: losses[ridge])


def evaluate(features: Matrix, offset: Matrix, jury_logits: Matrix, votes: VisitorVotes) -> Rows:
    """Nested cross-validation by cover and by visitor.

    Returns:
        mean cross-entropy per vote of the new juror, the jury and the mean of the votes trained on, and the new
        juror's advantage over both with an interval over votes.
    """
    rows: Rows = {}
    for name, by in (("covers never seen", votes.cover), ("visitors never met", votes.visitor)):
        folds = split_votes(votes, by, 0)
        losses = np.empty((3, len(folds)))
        for fold in range(FOLDS):
            train, test = folds != fold, folds == fold
            counts = votes.counts(train)
            found = fit(features, offset, counts, choose_ridge(features, offset, votes, train, by))
            mean = np.log((counts.sum(0) + 0.5) / (counts.sum() + 0.5 * counts.shape[1]))
            predictions = (found.logits(features) + offset, jury_logits, np.tile(mean, (len(offset), 1)))
            losses[:, test] = [vote_losses(each, votes, test) for each in predictions]
        for label, row in zip((NAME, "the jury", "the mean of the votes"), losses, strict=True):
            line = {"cross_entropy": float(row.mean()), "votes": len(row)}
            if label != NAME:
                gain, low, high = paired_interval(row - losses[0])
                line |= {"gain": gain, "low": low, "high": high}
            rows[f"{name}: {label}"] = finite(line)
    return rows


def add_juror(jury: MultitaskJury, found: Fit, factor: Matrix) -> MultitaskJury:
    """The jury with one more juror, which weighs nothing: the first one plus what was fitted."""
    names, (landmarks, scales) = [*jury.juror_names, NAME], jury.landmark_scales.shape
    other = MultitaskJury(jury.size, names, landmarks, scales, jury.components)
    change = solve_triangular(factor, found.weights, lower=True, trans="T")
    state = jury.state_dict()
    for name in ("attention", "separation", "weights", "bias"):
        state[name] = torch.cat([state[name], state[name][:1]])
    state["weights"][-1] += torch.from_numpy(change).float()
    state["bias"][-1] += torch.from_numpy(found.bias).float()
    state["juror_weights"] = torch.cat([jury.juror_weights, torch.zeros(2, 1)], 1)
    state["valence_shift"] = torch.cat([jury.valence_shift, jury.valence_shift[:1]])
    other.load_state_dict(state)
    return other.eval()


def train(checkpoint: Checkpoint, votes: VisitorVotes, out: Path) -> Path:
    """Measure, fit on all votes and write ``out/checkpoint``.

    Raises:
        DataError: if there are too few votes, or the checkpoint holds no jury that can take a juror.
    """
    votes.require_enough()
    jury = load_judge(checkpoint)
    if not isinstance(jury, MultitaskJury):
        raise DataError(f"{checkpoint.directory} holds no jury by training.train_jury. Train one.")
    if NAME in jury.juror_names:
        raise DataError(
            f"{checkpoint.directory} already has a juror raised by visitors. Give the jury without."
        )
    images = as_images(votes.covers)
    features, offset, factor = features_and_offset(jury, images)
    with torch.inference_mode():
        logits = torch.cat([jury(part) for part in torch.split(images, 32)]).double().numpy()
    rows = evaluate(features, offset, logits, votes)
    ridge = choose_ridge(features, offset, votes, np.ones(len(votes.felt), bool), votes.cover)
    visitors = len(np.unique(votes.visitor))
    juror = {"name": NAME, "description": DESCRIPTION, "votes": len(votes.felt), "ridge": ridge}
    record = checkpoint.training | {
        "name": f"{checkpoint.name}-visitors",
        "base": checkpoint.revision,
        "votes": len(votes.felt),
        "voted_covers": len(votes.covers),
        "visitors": visitors,
        "votes_left_out": sum(votes.left_out.values()),
        "jurors": [*checkpoint.training["jurors"], juror],
    }
    folder = out / "checkpoint"
    save_checkpoint(add_juror(jury, fit(features, offset, votes.counts(), ridge), factor), folder, record)
    found = table(
        f"Cross-entropy per vote, in nats, of the juror raised by visitors, of the jury without it "
        f"({checkpoint.revision}) and of the mean of the votes trained on: {len(votes.felt)} votes on "
        f"{len(votes.covers)} covers by {visitors} visitors, nested {FOLDS}-fold cross-validation by cover and "
        "by visitor; the juror’s gain with 95 % bootstrap intervals over votes. Left out: "
        f"{json.dumps(votes.left_out) if votes.left_out else 'nothing'}. Tables on paintings are those of the "
        "jury, in whose verdict this juror does not count.",
        rows,
        SEED,
    )
    merge_metrics(folder, checkpoint.metrics)
    report({"visitor_juror": found}, folder)
    return folder


def main(arguments: list[str] | None = None) -> int:
    """Run the script; returns its exit status."""
    parser = parser_of("training.train_visitor_juror", __doc__)
    parser.add_argument("--votes", type=Path, help="exported table, .csv or .parquet, instead of a database")
    parser.add_argument("--database-url", metavar="URL", help="instead of the exhibit's own database")
    parser.add_argument("--judge", type=Path, default=Path("checkpoints/judge"))
    parser.add_argument("--generators", type=Path, nargs="+", default=[Path("checkpoints/generator")])
    parser.add_argument("--out", type=Path, required=True, help="folder of the run")
    given = parser.parse_args(arguments)

    def body() -> str:
        painters = [open_painter(folder) for folder in given.generators]
        judge = read_checkpoint(given.judge, "judge", "directory")
        rows = read_table(given.votes) if given.votes else read_database(given.database_url)
        return f"Wrote {train(judge, choose_votes(rows, painters), given.out)}."

    return exit_status(body, threads=given.threads)


if __name__ == "__main__":
    sys.exit(main())
