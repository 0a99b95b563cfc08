"""Measure what the jury makes of covers, as against paintings, and correct for the change of setting.

    python -m training.fit_prior_correction --judge runs/jury/checkpoint --generator checkpoints/generator \\
        --data ../shared/data/abstract --write

The jury learned from paintings and is asked about painted covers, which are darker, blurrier and more alike.
Where its mean over covers leans to few emotions, that says as much about the change of setting as about the
covers. The correction is the one for a shift of priors (Saerens, Latinne & Decaestecker 2002,
https://doi.org/10.1162/089976602753284446), with one assumption that nobody can check without votes: that
covers as a whole move people as paintings as a whole do. One number per emotion is added to the logits so
that the mean over covers is that of people's votes on the paintings. Which cover is sadder than another
stays untouched.
"""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from scipy.optimize import minimize
from scipy.special import logsumexp, softmax

from albumjudge.domain.emotions import NAMES
from albumjudge.domain.verdict import mutual_information
from albumjudge.inference.checkpoints import CheckpointError, load_generator, load_judge, read_checkpoint
from albumjudge.inference.judge import as_images
from albumjudge.inference.painter import Painter
from albumjudge.models.jury import Jury
from training.data.abstract import load_paintings
from training.data.covers import DataError
from training.engine.state import merge_metrics
from training.metrics.distributions import Shares
from training.reports.model_card import write_card
from training.reports.tables import markdown_table

Logits = NDArray[np.float64]


@torch.inference_mode()
def logits_of(jury: Jury, images: torch.Tensor) -> Logits:
    """Each juror's logits without any setting, shape ``(jurors, n, 8)``."""
    parts = [jury.juror_logits(jury.standardise(jury.extract(part))) for part in torch.split(images, 32)]
    found: Logits = np.asarray(torch.cat(parts, 1).double().numpy())
    return found


def fit_setting(logits: Logits, wanted: NDArray[np.float64]) -> NDArray[np.float64]:
    """What to add to logits so that the mean over jurors and images of their softmax is ``wanted``, shape (8,).

    The solution is unique up to a constant; its mean is zero.

    Args:
        logits: shape ``(jurors, n, 8)``.
        wanted: shape ``(8,)``, positive, adds up to one.
    """

    def loss(setting: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        # Convex, and its slope is the mean less what is wanted.
        shifted = logits + setting
        value = logsumexp(shifted, axis=-1).mean() - wanted @ setting
        return float(value), softmax(shifted, axis=-1).mean((0, 1)) - wanted

    found: NDArray[np.float64] = minimize(
        loss, np.zeros(len(wanted)), jac=True, method="L-BFGS-B", options={"gtol": 1e-9, "ftol": 1e-15}
    ).x
    centred: NDArray[np.float64] = found - found.mean()
    return centred


def describe(shares: Shares) -> dict[str, float]:
    """A row: how often each emotion comes first, and how sure and how united the jury is.

    Args:
        shares: of each juror, shape ``(jurors, n, 8)``; one juror where there is no jury.
    """
    mean = shares.mean(0)
    tops = np.bincount(mean.argmax(1), minlength=len(NAMES)) / len(mean)
    row = {f"first: {name}": float(share) for name, share in zip(NAMES, tops, strict=True)}
    row["mean of the largest share"] = float(mean.max(1).mean())
    if len(shares) > 1:
        row["disagreement (bits)"] = float(
            np.mean([mutual_information(shares[:, i].tolist()) for i in range(shares.shape[1])])
        )
    row["n"] = len(mean)
    return {name: value if isinstance(value, int) else round(value, 4) for name, value in row.items()}


def main(arguments: list[str] | None = None) -> int:
    """Run the script; returns its exit status."""
    parser = argparse.ArgumentParser(prog="python -m training.fit_prior_correction", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--judge", type=Path, default=Path("checkpoints/judge"))
    parser.add_argument("--generator", type=Path, default=Path("checkpoints/generator"))
    parser.add_argument("--data", type=Path, required=True, help="folder with the table of votes and Images/")
    parser.add_argument("--count", type=int, default=2000, help="covers, seeds 0 onwards")
    parser.add_argument("--threads", type=int, help="CPU threads; default: torch's own choice")
    parser.add_argument("--write", action="store_true", help="keep the setting in the judge, with the table")
    given = parser.parse_args(arguments)
    if given.threads:
        torch.set_num_threads(given.threads)
    try:
        generator = read_checkpoint(given.generator, "generator", "directory")
        jury = load_judge(read_checkpoint(given.judge, "judge", "directory"))
        if not isinstance(jury, Jury):
            raise DataError(f"{given.judge} holds no jury. Train one with training.train_jury.")
        paintings = load_paintings(given.data)
        painter = Painter(load_generator(generator), generator.revision)
        covers = torch.cat(
            [
                as_images(painter.paint(range(start, min(start + 50, given.count))))
                for start in range(0, given.count, 50)
            ]
        )
        on_covers = logits_of(jury, covers)
        on_paintings = logits_of(jury, torch.from_numpy(paintings.pixels).permute(0, 3, 1, 2).float() / 255)
        setting = fit_setting(on_covers, paintings.shares.mean(0))
        table: dict[str, object] = {
            "what": f"Which emotion comes first, on {len(paintings)} paintings (people's votes; the jury, which "
            f"has met them) and on {given.count} covers by {generator.revision}, as the jury left the paintings "
            "and with the correction for its new setting. The correction assumes that covers as a whole move "
            "people as paintings as a whole do.",
            "seed": 0,
            "date": datetime.now(UTC).date().isoformat(),
            "rows": {
                "paintings: people's votes": describe(paintings.shares[None]),
                "paintings: the jury": describe(softmax(on_paintings, axis=-1)),
                "covers: the jury uncorrected": describe(softmax(on_covers, axis=-1)),
                "covers: the jury corrected": describe(softmax(on_covers + setting, axis=-1)),
            },
        }
        print(f"{table['what']}\n\n{markdown_table(table['rows'])}")  # type: ignore[arg-type]
        print("Setting:", ", ".join(f"{n} {s:+.2f}" for n, s in zip(NAMES, setting, strict=True)))
        if given.write:
            file = given.judge / "model.safetensors"
            weights = load_file(file)
            weights["setting"] = torch.from_numpy(setting).to(weights["setting"].dtype)
            part = file.with_name(file.name + ".part")
            save_file(weights, part, metadata={"format": "pt"})
            part.replace(file)
            merge_metrics(given.judge, {"on_covers": table})
            write_card(given.judge)
    except (CheckpointError, DataError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
