"""Compare ways to predict what people feel before a painting, under both protocols.

    python -m training.benchmark_judge --data ../shared/data/abstract --others ../shared/data/paintings \\
        --features ../shared/data/weights/vgg16_imagenet_features.safetensors --out runs/benchmark --write

Without ``--features`` torchvision downloads the ImageNet weights. Every method is trained and tested by the
splits in ``training/judge/splits.json``: repeated five-fold cross-validation and the literature's 70/30 on the
abstract paintings; and a fifth of the other paintings that nothing is trained on. Whatever a method has to
choose it chooses among the pictures that it is trained on. Predictions are kept in ``--out``, so a killed run is
continued by the same command.

The fine-tuned recipe takes hours on a processor. ``--carry`` does not run it but leaves its row as an earlier run
measured it, and the table says of which day it is.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from training.data.abstract import PaintingSet, load_paintings
from training.data.images import DataError
from training.data.paintings import OtherPaintings, load_other_paintings
from training.engine.state import merge_metrics, read_metrics, write_json, write_text
from training.judge import evaluation
from training.judge.evaluation import Method, Rows, as_text
from training.judge.features import imagenet_backbone
from training.judge.jurors import JURORS, JuryConfig
from training.judge.methods import SeedRecipe, lite_features, methods, valence_regression
from training.judge.pictures import Pictures, gather_pictures
from training.judge.protocols import SEED, Protocol, Split, read_splits
from training.metrics.distributions import Shares
from training.reports.model_card import write_card

CONFIG = JuryConfig()


def run_methods(
    given: Mapping[str, Method], protocol: Protocol, shares: Shares, folder: Path
) -> tuple[dict[str, NDArray[np.float64]], NDArray[np.float64]]:
    """Predictions by row, ``(splits, n, 8)``, the jury's members among them; and those of all jurors."""
    found: dict[str, NDArray[np.float64]] = {}
    jurors = np.empty(0)
    for name, method in given.items():
        safe = "".join(letter if letter.isalnum() else "-" for letter in name)
        said = evaluation.predict(method, protocol, shares, folder / f"{safe}.npz", f"{folder.name}: {name}")
        if name == "jury":
            jurors = said
            found |= {"best_juror": said[0], "jury": said.mean(0)}
            found |= {f"juror: {c.name}": each for c, each in zip(JURORS[1:], said[1:], strict=True)}
        else:
            found[name] = said[0]
    return found, jurors


def carried(rows: Rows, table: Mapping[str, Any]) -> tuple[Rows, str | None]:
    """Rows with the fine-tuned recipe's from an earlier table, and the day on which that was measured.

    Nothing is carried, and there is no day, where the recipe was run or the earlier table has none.
    """
    kept = table.get("rows", {}).get("seed_recipe")
    if kept is None or "seed_recipe" in rows:
        return rows, None
    joined: Rows = {}
    for name, values in rows.items():
        if name == "best_juror":
            joined["seed_recipe"] = kept
        joined[name] = values
    return joined, str(table.get("carried_from", table["date"]))


def abstract_tables(
    key: str,
    paintings: PaintingSet,
    protocol: Protocol,
    given: Mapping[str, Method],
    out: Path,
    *,
    before: Mapping[str, Any],
) -> dict[str, dict[str, object]]:
    """Tables of one protocol on the abstract paintings: measures, differences from the jury, disagreement."""
    true, clear = paintings.shares, paintings.clear
    found, jurors = run_methods(given, protocol, true, out / key)
    rows = {name: evaluation.abstract_row(each, protocol, true, clear) for name, each in found.items()}
    rows["vote_noise"] = evaluation.noise_row(paintings)
    rows, day = carried(rows, before.get(key, {}))
    facts = {"seed": SEED, "date": datetime.now(UTC).date().isoformat()}
    ours = evaluation.by_image(found["jury"], protocol, true, clear)
    remark = f" The seed’s recipe was run earlier, on {day}, on the same splits." if day else ""
    tables: dict[str, dict[str, object]] = {
        key: {
            "what": f"{protocol.name} on {len(paintings)} abstract paintings of about "
            f"{int(paintings.votes.sum(1).mean().round())} votes each; top-1, top-2, balanced accuracy "
            f"and ECE on the {int(clear.sum())} with one clear top emotion. Every painting is judged by a "
            f"network "
            "that never saw it. The last row knows what everybody would feel and still misses the votes of so "
            f"few.{remark}",
            **facts,
            **({"carried_from": day} if day else {}),
            "rows": rows,
        },
        f"{key}_differences": {
            "what": f"Our jury less each other method ({protocol.name}), with 95 % intervals: paired "
            f"bootstrap over paintings, {evaluation.BOOTSTRAPS:,} draws.",
            **facts,
            "rows": {
                name: evaluation.difference_row(ours, evaluation.by_image(each, protocol, true, clear))
                for name, each in found.items()
                if name != "jury" and not name.startswith("juror")
            },
        },
    }
    if key == "benchmark":
        tables["disagreement"] = {
            "what": "Spearman correlation, over paintings that no juror was trained on, of how divided "
            "people were "
            "(entropy of their votes) with how divided the jury is; 95 % bootstrap intervals over paintings.",
            **facts,
            "rows": evaluation.disagreement(jurors, protocol, true),
        }
    return tables


def other_table(
    paintings: PaintingSet, pictures: Pictures, given: Mapping[str, Method], out: Path
) -> dict[str, object]:
    """The table of the second protocol: other paintings, a fifth of which nothing was trained on."""
    test = pictures.test_others
    padded = np.full((pictures.count + len(pictures.parts), paintings.shares.shape[1]), np.nan)
    padded[: pictures.count] = paintings.shares
    protocol = Protocol("other paintings", (Split(0, np.arange(pictures.count), test),))
    methods_on_few = {
        name: (lambda train, test, shares, method=method: method(train, test, shares[: pictures.count]))
        for name, method in given.items()
    }
    found, _ = run_methods(methods_on_few, protocol, padded, out / "other_paintings")
    held = pictures.parts == 0
    people = pictures.valence[held], pictures.columns, pictures.scores[held]
    rows = {name: evaluation.other_row(each[0, test], *people) for name, each in found.items()}
    rows["valence_regression"] = evaluation.finite(
        evaluation.pleasant_row(valence_regression(pictures), people[0])
    )
    signs = np.sign(people[0][np.isfinite(people[0]) & (people[0] != 0)])
    return {
        "what": f"{len(test)} of {len(pictures.parts)} paintings (FeelingBlue, WikiArt-Emotions), a fifth "
        "drawn by a "
        "hash of the file name on which nothing in this table was trained and by which nothing was chosen. "
        "Valence: "
        "the share of people who named one of WikiArt-Emotions’ positive emotions less that of its negative "
        "ones; "
        f"{(signs > 0).mean():.1%} of those with a sign are pleasant. Per emotion: rank correlation with "
        f"the data "
        "sets’ own scales, happiness with contentment; they have none of awe, excitement and amusement. The "
        "last row "
        "is a support vector regression that was taught valence by these data sets alone.",
        "seed": SEED,
        "date": datetime.now(UTC).date().isoformat(),
        "rows": rows,
    }


def run(
    paintings: PaintingSet,
    others: OtherPaintings,
    features: Path | None,
    out: Path,
    *,
    slow: bool,
    ablations: bool,
    before: Mapping[str, Any],
) -> dict[str, dict[str, object]]:
    """All tables, as they stand in ``metrics.json``.

    Args:
        slow: run the fine-tuned recipe.
        before: tables of an earlier run, from which the recipe's rows are carried over where it is not run.
    """
    backbone = imagenet_backbone(CONFIG.size, features)
    pictures = gather_pictures(paintings, others, backbone, out)
    pixels = np.concatenate([paintings.pixels, others.pixels])
    lite = lite_features(pixels, out)
    votes = np.concatenate(
        [paintings.votes, np.ones((len(others.pixels), paintings.votes.shape[1]), np.int64)]
    )
    everything = PaintingSet(paintings.file_names + others.file_names, pixels, votes)
    recipe = SeedRecipe(backbone.features, everything) if slow else None
    compared = methods(pictures, lite, CONFIG, recipe, ablations=False)
    all_methods = methods(pictures, lite, CONFIG, recipe, ablations=ablations)
    crossed, held = read_splits(paintings.file_names)
    tables = abstract_tables("benchmark", paintings, crossed, all_methods, out, before=before)
    tables["other_paintings"] = other_table(paintings, pictures, all_methods, out)
    tables |= abstract_tables("benchmark_70_30", paintings, held, compared, out, before=before)
    return tables


def main(arguments: list[str] | None = None) -> int:
    """Run the script; returns its exit status."""
    parser = argparse.ArgumentParser(prog="python -m training.benchmark_judge", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--data", type=Path, required=True, help="folder with the table of votes and Images/")
    parser.add_argument("--others", type=Path, required=True, help="folder of other paintings, metadata.csv")
    parser.add_argument("--features", type=Path, help="ImageNet's VGG16 convolutions; default: download")
    parser.add_argument("--out", type=Path, required=True, help="folder for what is computed on the way")
    parser.add_argument("--threads", type=int, help="CPU threads; default: torch's own choice")
    parser.add_argument("--quick", action="store_true", help="without the fine-tuned recipe and variants")
    parser.add_argument(
        "--carry", action="store_true", help="leave the fine-tuned recipe's rows as the checkpoint has them"
    )
    parser.add_argument("--checkpoint", type=Path, default=Path("checkpoints/judge"))
    parser.add_argument("--write", action="store_true", help="save the tables in the checkpoint's metrics")
    given = parser.parse_args(arguments)
    if given.threads:
        torch.set_num_threads(given.threads)
    try:
        tables = run(
            load_paintings(given.data),
            load_other_paintings(given.others),
            given.features,
            given.out,
            slow=not (given.quick or given.carry),
            ablations=not given.quick,
            before=read_metrics(given.checkpoint) if given.carry else {},
        )
        text = [as_text(table) for table in tables.values()]
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
