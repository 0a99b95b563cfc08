"""Compare ways to predict what people feel before a painting, under two protocols.

    python -m training.benchmark_judge --data ../shared/data/abstract --others ../shared/data/paintings \\
        --features ../shared/data/weights/vgg16_imagenet_features.safetensors --out runs/benchmark --write

Without ``--features`` torchvision downloads the ImageNet weights. At home every method is trained and tested
in five times five folds of the abstract paintings; away, on a fifth of the other paintings that nothing is
trained on. Whatever a method has to choose it chooses among the pictures that it is trained on. Predictions are
kept in ``--out``, so a killed run is continued by the same command.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from training.data.abstract import PaintingSet, load_paintings
from training.data.command import exit_status
from training.data.paintings import OtherPaintings, load_other_paintings
from training.judge import evaluation
from training.judge.features import imagenet_backbone
from training.judge.jurors import JURORS, JuryConfig
from training.judge.kernel_regression import Matrix
from training.judge.methods import Method, methods
from training.judge.pictures import Pictures, gather_pictures
from training.judge.protocols import FOLDS, REPEATS, SEED, Protocol, Split, cross_validation
from training.judge.script import Table, add_data, parser_of, report, table
from training.judge.seed_recipe import SeedRecipe

CONFIG = JuryConfig()


def run_methods(
    given: Mapping[str, Method], protocol: Protocol, count: int, folder: Path
) -> tuple[dict[str, Matrix], Matrix]:
    """Predictions by row, ``(splits, count, 8)``, the jury's members among them; and those of all jurors."""
    found: dict[str, Matrix] = {}
    jurors = np.empty(0)
    for name, method in given.items():
        said = evaluation.predict(method, protocol, count, folder / f"{name}.npz", f"{folder.name}: {name}")
        found[name] = said[0]
        if name == "jury":
            jurors = said[1:]
            names = ["best_juror", *(f"juror: {juror.name}" for juror in JURORS[1:])]
            found |= dict(zip(names, jurors, strict=True))
    return found, jurors


def home_tables(
    paintings: PaintingSet, protocol: Protocol, given: Mapping[str, Method], out: Path
) -> dict[str, Table]:
    """Tables on the abstract paintings: measures, differences from the jury, disagreement."""
    true, clear = paintings.shares, paintings.clear
    found, jurors = run_methods(given, protocol, len(true), out / "benchmark")
    rows = {name: evaluation.abstract_row(each, protocol, true, clear) for name, each in found.items()}
    rows["vote_noise"] = evaluation.noise_row(paintings)
    by_image = {name: evaluation.by_image(each, protocol, true, clear) for name, each in found.items()}
    ours, folds = by_image.pop("jury"), f"{REPEATS} x {FOLDS}-fold cross-validation"
    return {
        "benchmark": table(
            f"{folds} on {len(paintings)} abstract paintings of about "
            f"{int(paintings.votes.sum(1).mean().round())} votes each; top-1, top-2, balanced accuracy and ECE "
            f"on the {int(clear.sum())} with one clear top emotion. Every painting is judged by a network that "
            "never saw it. The last row knows what everybody would feel and still misses the votes of so few.",
            rows,
            SEED,
        ),
        "benchmark_differences": table(
            f"Our jury less each other method ({folds}), with 95 % intervals: paired bootstrap over "
            f"paintings, {evaluation.BOOTSTRAPS:,} draws.",
            {
                name: evaluation.difference_row(ours, each)
                for name, each in by_image.items()
                if not name.startswith("juror")
            },
            SEED,
        ),
        "disagreement": table(
            "Spearman correlation, over paintings that no juror was trained on, of how divided people were "
            "(entropy of their votes) with how divided the jury is; 95 % bootstrap intervals over paintings.",
            evaluation.disagreement(jurors, protocol, true),
            SEED,
        ),
    }


def other_table(pictures: Pictures, given: Mapping[str, Method], out: Path) -> Table:
    """The table of other paintings, a fifth of which nothing was trained on."""
    test, held = pictures.test_others, pictures.parts == 0
    protocol = (Split(0, np.arange(pictures.count), test),)
    found, _ = run_methods(given, protocol, pictures.count + len(held), out / "other_paintings")
    people = pictures.valence[held], pictures.columns, pictures.scores[held]
    signs = np.sign(people[0][np.isfinite(people[0]) & (people[0] != 0)])
    return table(
        f"{len(test)} of {len(held)} paintings (FeelingBlue, WikiArt-Emotions), a fifth drawn by a hash of the "
        "file name on which nothing in this table was trained. Valence: the "
        "share of people who named one of WikiArt-Emotions’ positive emotions less that of its negative ones; "
        f"{(signs > 0).mean():.1%} of those with a sign are pleasant. Per emotion: rank correlation with the "
        "data sets’ own scales, happiness with contentment; they have none of awe, excitement and amusement.",
        {name: evaluation.other_row(each[0, test], *people) for name, each in found.items()},
        SEED,
    )


def measure(
    paintings: PaintingSet, others: OtherPaintings, features: Path | None, out: Path, *, quick: bool
) -> dict[str, Table]:
    """All tables, as they stand in ``metrics.json``; ``quick``: without the recipe of 2019."""
    backbone = imagenet_backbone(CONFIG.size, features)
    pictures = gather_pictures(paintings, others, backbone, out)
    recipe = None
    if not quick:
        unknown = np.ones((len(others.pixels), paintings.votes.shape[1]), np.int64)
        everything = PaintingSet(
            paintings.file_names + others.file_names,
            np.concatenate([paintings.pixels, others.pixels]),
            np.concatenate([paintings.votes, unknown]),
        )
        recipe = SeedRecipe(backbone.features, everything)
    given = methods(pictures, CONFIG, recipe)
    tables = home_tables(paintings, cross_validation(len(paintings)), given, out)
    return tables | {"other_paintings": other_table(pictures, given, out)}


def main(arguments: list[str] | None = None) -> int:
    """Run the script; returns its exit status."""
    parser = parser_of("training.benchmark_judge", __doc__)
    add_data(parser)
    parser.add_argument("--out", type=Path, required=True, help="folder for what is computed on the way")
    parser.add_argument("--quick", action="store_true", help="without the recipe of 2019")
    parser.add_argument("--judge", type=Path, default=Path("checkpoints/judge"))
    parser.add_argument(
        "--write", action="store_true", help="save the tables in the judge's metrics and card"
    )
    given = parser.parse_args(arguments)

    def body() -> None:
        paintings, others = load_paintings(given.data), load_other_paintings(given.others)
        tables = measure(paintings, others, given.features, given.out, quick=given.quick)
        report(tables, given.judge if given.write else None)

    return exit_status(body, threads=given.threads)


if __name__ == "__main__":
    sys.exit(main())
