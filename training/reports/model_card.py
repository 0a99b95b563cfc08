"""Write the model card of a checkpoint from what its own files say.

    python -m training.reports.model_card --checkpoint checkpoints/generator

(Re)writes ``README.md`` in the folder from ``training.json`` and ``metrics.json``. Training and evaluation
do it by themselves; run it after changing one of these files. The front matter is what the Hugging Face Hub
reads. No measured number stands in this module.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from huggingface_hub import PyTorchModelHubMixin

from albumjudge.domain.emotions import NAMES
from albumjudge.models.dcgan import Generator
from albumjudge.models.flow import FlowGenerator
from albumjudge.models.jury import Jury
from albumjudge.models.vgg16 import EmotionVGG
from training.data.covers import DataError
from training.engine.state import write_text
from training.reports.tables import markdown_table, number

Record = Mapping[str, Any]

SOURCES = {
    "shawheen_wcd": "archive.org covers that the 2019 project of the same idea trained its DCGAN on "
    "(ucsd-ml-arts/generative-visual-shawheen-t-1), duplicates removed",
}
BY_CHANCE = "A DCGAN (Radford, Metz & Chintala, 2015) that paints album covers{size} from random numbers. "
TO_ORDER = (
    "A DCGAN with residual blocks and skip-layer excitation (Liu et al., 2021) that paints album covers{size} "
    "from random numbers, of a genre and a decade or of any. It learned against discriminators on pixels and on "
    "features of a network that was never trained on covers (Sauer et al., 2021; Kumari et al., 2022). "
)
STYLED = (
    "A DCGAN whose every layer hears the random numbers and what is asked for (conditional batch norm as in "
    "BigGAN, Brock et al., 2018): it paints album covers{size} of a genre and a decade or of any. It learned "
    "against one critic of pixels and four that look through a network that was never trained on covers (Sauer "
    "et al., 2021), and a reader had to recognise what it was asked for (after Odena et al., 2017). "
)
SKETCHED = (
    "A network that makes small sketches from noise, of a genre and a decade or of any, and a decoder that turns "
    "them into album covers{size}. What a sketch is was learnt by an autoencoder (as in latent diffusion, "
    "Rombach et al., 2022); the sketches come from flow matching (Lipman et al., 2022), led away from those of a "
    "smaller network that learned less (autoguidance, Karras et al., 2024; for genres and decades also "
    "classifier-free guidance, Ho & Salimans, 2022). It is no generative adversarial network: no critic judged "
    "what it made. "
)
LABELS = {
    "distribution": " It learned the shares of all votes on a painting, not only which emotion had most.",
    "argmax": " It learned only which emotion had most votes; ties went to the first in the fixed order.",
}
GENERATORS: dict[str, tuple[type[PyTorchModelHubMixin], str]] = {
    "FlowGenerator": (FlowGenerator, SKETCHED),
}
"""By what training.json gives as ``network``; anything else is a plain DCGAN."""
NOT_FOR_A_JUDGE = (
    "To find out what a particular person feels, or to judge people by what they make or like.",
    "For photographs of people, faces, texts or anything but abstract pictures and the covers of the exhibit.",
    "For decisions about artists, recordings or audiences.",
    "As the truth about a picture: even people agree on it only in part, and that is what the exhibit is on.",
)
JUDGES_LICENCE = (
    "Code and weights: MIT. The paintings and votes were published for research and are not distributed with "
    "the weights. The starting weights are torchvision's (BSD 3-Clause), trained on ImageNet, whose pictures "
    "are for non-commercial research."
)
NO_WEIGHTS = (
    "Only the record of this network is kept here, for comparison, not its weights. The preset and settings "
    "below train it anew."
)
TOLD_ELSEWHERE = {
    "kind",
    "name",
    "preset",
    "config",
    "planned_epochs",
    "epochs_done",
    "images_seen",
    "covers",
}
OF_THE_MACHINE = {"machine", "python", "torch", "device", "hardware", "precision", "threads"}


def generator_card(record: Record, metrics: Record, *, weights: bool = True) -> str:
    """The model card of a generator.

    Args:
        record: content of ``training.json``.
        metrics: content of ``metrics.json``; tables are ``{"rows": {row: {metric: number}}}`` with remarks
            beside ``rows``. Empty if nothing was measured.
        weights: whether the weights lie beside the card.

    Returns:
        ``README.md``: front matter and Markdown.
    """
    config = record.get("config", {})
    network, introduced = GENERATORS.get(record.get("network", ""), (Generator, BY_CHANCE))
    source = config.get("source")
    origin = SOURCES.get(source, f"source `{source}` of a folder of covers") if source else "all of a folder"
    count = f"{number(record['covers'])} album covers" if "covers" in record else "Album covers"
    size = f" of {config['size']}x{config['size']} pixels" if "size" in config else ""
    return _card(
        network,
        record,
        metrics,
        weights=weights,
        what=(
            introduced.format(size=size)
            + "It is one of the two networks of albumjudge, an exhibit in which one network paints album "
            "covers, another says what it feels, and people vote on whether they feel the same."
        ),
        use=(
            "from pathlib import Path\n\n"
            "from albumjudge.inference.checkpoints import load_generator, read_checkpoint\n"
            "from albumjudge.inference.painter import Painter\n\n"
            'checkpoint = read_checkpoint(Path("."), "generator")  # the folder of this file\n'
            "painter = Painter(load_generator(checkpoint), checkpoint.revision)\n"
            'Path("cover.png").write_bytes(painter.paint([2019])[0].png())\n'
        ),
        data=(
            f"{count}: {origin}. They are copyrighted works of others, were used to learn from only, and "
            "are not distributed with the weights."
        ),
        do_not=(
            "To pass painted covers off as the work of an artist or a label, or to imitate a particular one.",
            "As a measure of what album covers look like: the data are what could be had, not a fair sample.",
            "Where a picture must be sharp or depict something: these are small, blurry and without meaning.",
            "To conclude anything from how real a cover looks; the network was trained to fool another "
            "network.",
        ),
        licence=(
            "Code and weights: MIT. The covers that the network learned from belong to their owners, and "
            "the MIT licence gives no right to them. A painted cover that comes close to a real one may "
            "fall under the rights in that one."
        ),
    )


def judge_card(record: Record, metrics: Record, *, weights: bool = True) -> str:
    """The model card of a judge or a jury; arguments and result as for :func:`generator_card`."""
    if record.get("network") == "Jury":
        return _jury_card(record, metrics, weights=weights)
    count = next((record[key] for key in ("paintings", "images") if key in record), None)
    learned = LABELS.get(record.get("config", {}).get("labels", ""), "")
    return _card(
        EmotionVGG,
        record,
        metrics,
        weights=weights,
        what=(
            "A VGG16 (Simonyan & Zisserman, 2014) that gives a picture a distribution over eight emotions: "
            f"{', '.join(NAMES)}. Its convolutions were trained on ImageNet and fine-tuned here. It is one "
            "of the two networks of albumjudge, an exhibit in which one network paints album covers, "
            "another says what it feels, and people vote on whether they feel the same."
        ),
        use=(
            "from pathlib import Path\n\n"
            "import torch\n\n"
            "from albumjudge.inference.checkpoints import load_judge, read_checkpoint\n"
            "from albumjudge.domain.emotions import NAMES\n\n"
            'judge = load_judge(read_checkpoint(Path("."), "judge"))  # the folder of this file\n'
            "pictures = torch.rand(1, 3, 64, 64)  # RGB in [0, 1]; normalisation happens inside\n"
            "print(dict(zip(NAMES, judge(pictures).softmax(1)[0].tolist(), strict=True)))\n"
        ),
        data=(
            (f"{number(count)} abstract paintings" if count is not None else "Abstract paintings")
            + " and the votes of a few people on each (Machajdik & Hanbury, ACM Multimedia 2010). The "
            "votes of so few people are noisy, and some emotions, anger above all, are rarely the one "
            f"that most people felt. Album covers were not among the pictures.{learned}"
        ),
        do_not=NOT_FOR_A_JUDGE,
        licence=JUDGES_LICENCE,
    )


def _jury_card(record: Record, metrics: Record, *, weights: bool) -> str:
    lives = record.get("lives", [])
    told = "\n".join(f"| {_value(life['name'])} | {_value(life['told'])} |" for life in lives)
    paintings, others = (number(record[key]) for key in ("paintings", "other_paintings"))
    return _card(
        Jury,
        record,
        metrics,
        weights=weights,
        what=(
            f"A jury of {len(lives)} judges who look through one VGG16 (Simonyan & Zisserman, 2014) and give a "
            f"picture a distribution over eight emotions: {', '.join(NAMES)}. The verdict is their mean; how far "
            "they differ says how sure it is. It is one of the two networks of albumjudge, an exhibit in which "
            "one network paints album covers, another says what it feels, and people vote on whether they feel "
            "the same."
        ),
        use=(
            "from pathlib import Path\n\n"
            "import torch\n\n"
            "from albumjudge.inference.checkpoints import load_judge, read_checkpoint\n"
            "from albumjudge.domain.emotions import NAMES\n\n"
            'jury = load_judge(read_checkpoint(Path("."), "judge"))  # the folder of this file\n'
            "pictures = torch.rand(1, 3, 64, 64)  # RGB in [0, 1]; normalisation happens inside\n"
            "heard = jury.hear(pictures)  # shape (jurors, pictures, emotions)\n"
            "print(dict(zip(NAMES, heard.mean(0)[0].tolist(), strict=True)))\n"
        ),
        data=(
            f"{paintings} abstract paintings and the votes of about fourteen people on each (Machajdik & "
            f"Hanbury, ACM Multimedia 2010); {others} other paintings with what people said they feel before "
            "them (FeelingBlue, Ananthram, Winn & Muresan, TACL 2023; WikiArt-Emotions, Mohammad & Kiritchenko, "
            "LREC 2018), from which readings were learnt that some jurors hear beside the network's own. The "
            "votes of so few people are noisy, and some emotions, anger above all, are rarely the one that most "
            "people felt. Album covers were not among the pictures; the table on covers below says what"
            " that does."
        ),
        how=(
            "The network's convolutions are ImageNet's, unchanged. Means and maxima of the maps of all five "
            "blocks, square-rooted, and the share of the picture in which each map is awake are what jurors "
            "hear. Each juror is a kernel multinomial regression on them, fitted to shares of votes, which is a "
            "convex problem and needs no epochs. Its logits are the mean over the ridges below, of which none is "
            "chosen; its temperature is fitted by cross-validation within its own paintings.\n\n"
            f"| juror | life |\n| --- | --- |\n{told}\n\n"
            "Every score below comes from folds in which jurors and temperatures were fitted without the "
            "paintings that were judged. What is the same for all (side, kernel, sharpness, ridges, geometry) "
            "was settled by trying on other random divisions of the same paintings, which is a little kind to "
            "the scores; the row with one setting chosen says what choosing ridges inside the folds gives. Tried "
            "without gain: "
            "second moments and Gram matrices of the maps, their layout in the picture, other powers than the "
            "square root, Laplacian kernels and kernels added up by block, louder and quieter blocks, readings "
            "weighted by how well they can be predicted; and, earlier, fine-tuning, mixup of votes and a "
            "Dirichlet-multinomial likelihood. The folds are committed with the code; `training.benchmark_judge` "
            "repeats all of it."
        ),
        do_not=(
            *NOT_FOR_A_JUDGE,
            "To learn from the jurors' disagreement how divided people would be: measured on paintings that "
            "none of them had met, the two hardly go together (see below).",
        ),
        licence=JUDGES_LICENCE,
    )


def progress(record: Record) -> str:
    """Say how long was trained, and say it plainly where that is less than was planned."""
    done, planned, seen = (record.get(key) for key in ("epochs_done", "planned_epochs", "images_seen"))
    if done is None:
        return (
            "How long it was trained was not recorded." if seen is None else f"{number(seen)} pictures seen."
        )
    beside = "" if seen is None else f" ({number(seen)} pictures seen)"
    if before := record.get("images_seen_before"):
        others = "its inker and its novice" if "inker" in record else "the network that it began with"
        beside = f" ({number(seen or 0)} pictures seen, after {number(before)} by {others})"
    if planned is not None and done < planned:
        return (
            f"**Training ended early**, after {number(done)} of the {number(planned)} planned "
            f"epochs{beside}. This is an unfinished run, and what it can do says little about what the "
            "recipe can do."
        )
    where = f" on {record['hardware']}" if "hardware" in record else ""
    told = f"Trained for {number(done)} {'epoch' if done == 1 else 'epochs'}{beside}{where}"
    if planned is None:
        return f"{told}."
    return f"{told}, as planned." if done == planned else f"{told}, more than the {number(planned)} planned."


CARDS: dict[str, Callable[..., str]] = {"generator": generator_card, "judge": judge_card}


def write_card(checkpoint: Path) -> Path:
    """Write ``checkpoint/README.md`` and return its path.

    Raises:
        DataError: if ``training.json`` is missing or does not say what the checkpoint is, or
            ``metrics.json`` is broken.
    """
    record = _read(checkpoint / "training.json")
    if record is None:
        raise DataError(
            f"{checkpoint / 'training.json'} is missing. Give --checkpoint the folder of a checkpoint."
        )
    kind = record.get("kind")
    if kind not in CARDS:
        raise DataError(
            f"{checkpoint / 'training.json'} says kind {kind!r}; known are {' and '.join(CARDS)}."
        )
    path = checkpoint / "README.md"
    weights = (checkpoint / "model.safetensors").is_file()
    write_text(path, CARDS[kind](record, _read(checkpoint / "metrics.json") or {}, weights=weights))
    return path


def _card(
    network: type[PyTorchModelHubMixin],
    record: Record,
    metrics: Record,
    *,
    weights: bool,
    what: str,
    use: str,
    data: str,
    do_not: tuple[str, ...],
    licence: str,
    how: str | None = None,
) -> str:
    title = f"albumjudge {record.get('kind', '')}: {record.get('name', 'without a name')}"
    settings = "\n".join(
        f"| {_words(key)} | {_value(value)} |" for key, value in record.get("config", {}).items()
    )
    rest = [
        f"- {_words(key).capitalize()}: {_value(value)}"
        for key, value in record.items()
        if key not in TOLD_ELSEWHERE | OF_THE_MACHINE and not isinstance(value, dict | list)
    ]
    trained = [how or progress(record), f"Preset `{record['preset']}`:" if "preset" in record else ""]
    trained += [f"| setting | value |\n| --- | --- |\n{settings}" if settings else "", "\n".join(rest)]
    sections = [
        f"---\n{network._hub_mixin_info.model_card_data.to_yaml()}\n---",
        f"# {title}",
        what,
        f"```python\n{use}```" if weights else NO_WEIGHTS,
        f"## Data\n\n{data}",
        "## Training\n\n" + "\n\n".join(part for part in trained if part),
        "## How good it is\n\n" + (_measured(metrics) or "Not measured yet."),
        "## What not to use it for\n\n" + "\n".join(f"- {line}" for line in do_not),
        f"## Licence\n\n{licence}",
    ]
    return "\n\n".join(sections) + "\n"


def _measured(metrics: Record) -> str:
    parts = []
    for name, table in metrics.items():
        if not isinstance(table, Mapping) or not isinstance(table.get("rows"), Mapping):
            continue
        rows = {
            str(row): {metric: value for metric, value in values.items() if isinstance(value, int | float)}
            for row, values in table["rows"].items()
        }
        remarks = {
            k: v for k, v in table.items() if k not in ("what", "rows") and not isinstance(v, dict | list)
        }
        parts += [f"### {_words(name).capitalize()}", str(table.get("what", "")), markdown_table(rows)]
        parts.append("; ".join(f"{_words(key)} {_value(value)}" for key, value in remarks.items()))
    return "\n\n".join(part for part in parts if part)


def _words(key: str) -> str:
    return key.replace("_", " ")


def _value(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value).replace("|", "\\|")


def _read(path: Path) -> dict[str, Any] | None:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read ({error}). Correct it or write it anew.") from error
    if not isinstance(content, dict):
        raise DataError(f"{path} does not hold a JSON object. Correct it or write it anew.")
    return content


def main(arguments: list[str] | None = None) -> int:
    """Run the script; returns its exit status."""
    parser = argparse.ArgumentParser(prog="python -m training.reports.model_card", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--checkpoint", type=Path, required=True, help="folder with training.json")
    try:
        print(f"Wrote {write_card(parser.parse_args(arguments).checkpoint)}.")
    except DataError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
