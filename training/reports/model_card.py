"""Write the model card of a checkpoint from what its own files say.

    python -m training.reports.model_card --checkpoint checkpoints/generator

(Re)writes ``README.md`` in the folder from ``training.json`` and ``metrics.json``. Training and evaluation do it by
themselves; run it after changing one of these files. The front matter is what the Hugging Face Hub reads. No
measured number stands in this module.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from huggingface_hub import PyTorchModelHubMixin

from albumjudge.domain.emotions import NAMES
from albumjudge.inference import legacy
from albumjudge.inference.checkpoints import NETWORKS, Kind
from albumjudge.metrics import table_named, with_ids
from training.data.images import DataError
from training.engine.state import write_text
from training.reports.tables import labelled, markdown_table, number

Record = Mapping[str, Any]

EXHIBIT = (
    "It is one of the two networks of albumjudge, an exhibit in which one network paints album covers, another says "
    "what it feels, and people vote on whether they feel the same."
)
LATENT_FLOW = (
    "an autoencoder compresses covers to small latent images (as in latent diffusion, Rombach et al., 2022), and a "
    "velocity U-Net learned to lead noise to such latent images (flow matching, Lipman et al., 2022)"
)
WHAT = {
    "Generator": "A DCGAN (Radford, Metz & Chintala, 2015) that paints album covers{size} from random numbers.",
    "FlowGenerator": (
        f"A latent flow model that paints album covers{{size}}, of a genre and a decade or of any: {LATENT_FLOW} in "
        "a few steps. A smaller network that learned less is what it is guided away from (autoguidance, Karras et "
        "al., 2024); genres and decades are asked for by classifier-free guidance (Ho & Salimans, 2022)."
    ),
    "OneStepGenerator": (
        "A latent generator that paints album covers{size} in one network call, of a genre and a decade or of any. "
        f"Its teacher is a latent flow model: {LATENT_FLOW}. It was fitted to what the teacher makes of the same "
        "noise, and then trained on adversarially together with its decoder, against discriminators of real and "
        "painted covers (Diffusion Adversarial Post-Training, Lin et al., 2025)."
    ),
    "VGG16EmotionClassifier": (
        f"A VGG16 (Simonyan & Zisserman, 2014) that gives a picture a distribution over eight emotions: "
        f"{', '.join(NAMES)}. Its convolutions were trained on ImageNet and fine-tuned here."
    ),
    "MultitaskJury": (
        "A jury of {jurors} judges on one VGG16 (Simonyan & Zisserman, 2014) that give a picture a distribution over "
        f"eight emotions: {', '.join(NAMES)}. The verdict is their mean; how far they differ says how sure it is."
    ),
}
"""By class of network."""
WHAT["Jury"] = WHAT["MultitaskJury"]
JURIES = ("Jury", "MultitaskJury")
ADVERSARIAL = ("Generator", "OneStepGenerator")
IMPORTS = "from pathlib import Path\n\n{torch}from albumjudge.inference.checkpoints import load_{kind}, read_checkpoint\n"
USE_PAINTER = f"""{IMPORTS.format(torch="", kind="generator")}from albumjudge.inference.painter import Painter

checkpoint = read_checkpoint(Path("."), "generator")  # the folder of this file
painter = Painter(load_generator(checkpoint), checkpoint.revision)
Path("cover.png").write_bytes(painter.paint([2019])[0].png())
"""
USE_JUDGE = f"""{IMPORTS.format(torch="import torch" + chr(10) * 2, kind="judge")}from albumjudge.domain.emotions import NAMES

judge = load_judge(read_checkpoint(Path("."), "judge"))  # the folder of this file
pictures = torch.rand(1, 3, 64, 64)  # RGB in [0, 1]; normalisation happens inside
"""
VOTES_NOTE = (
    "The votes of so few people are noisy, and some emotions, anger above all, are rarely the one that most people "
    "felt. Album covers were not among the pictures"
)
USE = {
    "MultitaskJury": f"{USE_JUDGE}heard = judge.juror_probabilities(pictures)  # shape (jurors, pictures, emotions)\n"
    "print(dict(zip(NAMES, heard.mean(0)[0].tolist(), strict=True)))\n",
    "VGG16EmotionClassifier": f"{USE_JUDGE}print(dict(zip(NAMES, judge(pictures).softmax(1)[0].tolist(), strict=True)))\n",
}
SOURCES = {
    "shawheen_wcd": "archive.org covers that the 2019 project of the same idea trained its DCGAN on "
    "(ucsd-ml-arts/generative-visual-shawheen-t-1), duplicates removed",
}
STARTS = {
    "one_step": "It began with the weights of an experiment: a student fitted to 2.6 million pairs of a latent vector "
    "and what the teacher makes of it, then trained adversarially on 243,000 covers of the same folder, which are "
    "counted among those shown before, as those shown to the teacher are.",
}
"""What is known of weights to begin with, by ``start`` in training.json."""
LABELS = {
    "distribution": " It learned the shares of all votes on a painting, not only which emotion had most.",
    "argmax": " It learned only which emotion had most votes; ties went to the first in the fixed order.",
}
NOT_FOR_A_PAINTER = (
    "To pass painted covers off as the work of an artist or a label, or to imitate a particular one.",
    "As a measure of what album covers look like: the data are what could be had, not a fair sample.",
    "Where a picture must be sharp or depict something: these are small, blurry and without meaning.",
)
NOT_FOR_A_JUDGE = (
    "To find out what a particular person feels, or to judge people by what they make or like.",
    "For photographs of people, faces, texts or anything but abstract pictures and the covers of the exhibit.",
    "For decisions about artists, recordings or audiences.",
    "As the truth about a picture: even people agree on it only in part, and that is what the exhibit is on.",
)
NOT_FOR_A_JURY = (
    "To learn from the jurors' disagreement how divided people would be: measured on paintings that none of them "
    "had met, the two hardly go together (see below)."
)
NOT_AS_A_CRITIC = (
    "To conclude anything from how real a cover looks: the network was trained to pass its discriminators."
)
LICENCES: dict[Kind, str] = {
    "generator": "Code and weights: MIT. The covers that the network learned from belong to their owners, and the MIT "
    "licence gives no right to them. A painted cover that comes close to a real one may fall under the rights in that "
    "one.",
    "judge": "Code and weights: MIT. The paintings and votes were published for research and are not distributed with "
    "the weights. The starting weights are torchvision's (BSD 3-Clause), trained on ImageNet, whose pictures are for "
    "non-commercial research.",
}
NO_WEIGHTS = (
    "Only the record of this network is kept here, for comparison, not its weights. The preset and settings below "
    "train it anew."
)
JURY_TRAINING = (
    "VGG16's convolutions are ImageNet's, unchanged. Inputs are the means and maxima of the maps of all five blocks, "
    "square-rooted, the share of the picture in which each map is active, and a histogram of colours in CIE Lab, each "
    "group reduced to its principal components. A kernel ridge regression predicts the other paintings' scales from "
    "them, which are further inputs. Each juror is a kernel multinomial regression, fitted at once to the votes on "
    "abstract paintings and to the other paintings' scales, which a fixed table turns into distributions over the eight "
    "emotions; the two domains share a kernel and have one of their own each, weighed by a classifier that says which "
    "domain a picture resembles. All of it is convex and needs no epochs.\n\n{jurors}\n\n"
    "Every score below was measured on pictures that nothing in its row was trained on; the checkpoint itself was not "
    "trained on the held-out fifth of the other paintings either. What all jurors share (kernel, ridge, weights) was "
    "settled on other random divisions of the abstract paintings, which is a little kind to those scores, and on four "
    "fifths of the other paintings, which is not. `training.benchmark_judge` repeats all of it. Tried without gain: "
    "second moments of the maps, other blocks alone, a linear kernel, directions of the other scales learned along "
    "with the jury instead of the table, a sharper or blunter classifier of domains; with gain on other paintings, but at "
    "more than twice the time: pictures of 96 pixels."
)
SETTINGS = {
    "warm": "warmup",
    "settle": "lr decay",
    "guidance": "autoguidance scale",
    "insistence": "guidance scale",
    "patience": "autoguidance start",
    "novice": "autoguidance width",
    "novice_epochs": "autoguidance epochs",
    "forget_label": "label dropout",
    "average_power": "EMA power",
    "average_half_life": "EMA half-life",
    "ema_half_life": "EMA half-life",
    "ema_power": "EMA power",
}
"""What settings are called, where it is not their name in training.json."""
TOLD_ELSEWHERE = {
    *("kind", "name", "network", "preset", "config", "planned_epochs", "epochs_done"),
    *("images_seen", "images_seen_before", "covers"),
}
OF_THE_MACHINE = {"machine", "python", "torch", "device", "hardware", "precision", "threads", "processes"}


def card(record: Record, metrics: Record, *, weights: bool = True) -> str:
    """The model card of a generator or a judge: front matter and Markdown.

    Args:
        record: content of ``training.json``.
        metrics: content of ``metrics.json``: ``{table id: {"rows": {row id: {metric id: number}}}}`` with remarks
            beside ``rows``. Empty if nothing was measured.
        weights: whether the weights lie beside the card.

    Raises:
        DataError: if the record is of no known kind or network.
    """
    kind, network = _network(record)
    name = network.__name__
    config = record.get("config", {})
    jurors = record.get("jurors", record.get("lives", ()))
    size = f" of {config['size']}x{config['size']} pixels" if "size" in config else ""
    table = "\n".join(
        f"| {_value(juror['name'])} | {_value(juror.get('description', juror.get('told')))} |"
        for juror in jurors
    )
    trained = [
        JURY_TRAINING.format(jurors=f"| juror | description |\n| --- | --- |\n{table}")
        if name in JURIES
        else progress(record),
        STARTS.get(record.get("start", ""), ""),
        f"Preset `{record['preset']}`:" if "preset" in record else "",
        "| setting | value |\n| --- | --- |\n"
        + "\n".join(f"| {_setting(key)} | {_value(value)} |" for key, value in config.items())
        if config
        else "",
        "\n".join(
            f"- {key.replace('_', ' ').capitalize()}: {_value(value)}"
            for key, value in record.items()
            if key not in TOLD_ELSEWHERE | OF_THE_MACHINE and not isinstance(value, dict | list)
        ),
    ]
    data = cast(PyTorchModelHubMixin, network)._hub_mixin_info.model_card_data
    sections = [
        f"---\n{data.to_yaml()}\n---",
        f"# albumjudge {kind}: {record.get('name', 'without a name')}",
        f"{WHAT[name].format(size=size, jurors=len(jurors))} {EXHIBIT}",
        f"```python\n{USE.get(name, USE_PAINTER)}```" if weights else NO_WEIGHTS,
        f"## Data\n\n{_data(record, name)}",
        "## Training\n\n" + "\n\n".join(part for part in trained if part),
        "## How good it is\n\n" + (measured(metrics) or "Not measured yet."),
        "## What not to use it for\n\n" + "\n".join(f"- {line}" for line in _not_for(kind, name)),
        f"## Licence\n\n{LICENCES[kind]}",
    ]
    return "\n\n".join(sections) + "\n"


def _network(record: Record) -> tuple[Kind, type]:
    kind = record.get("kind")
    if kind not in NETWORKS:
        raise DataError(f"training.json says kind {kind!r}; known are {' and '.join(NETWORKS)}.")
    known = NETWORKS[kind]
    name = record.get("network", next(iter(known)))
    name = legacy.NETWORKS.get(name, name)
    if name not in known:
        raise DataError(f"training.json says network {name!r}; known are {' and '.join(known)}.")
    return kind, known[name]


def _not_for(kind: Kind, network: str) -> tuple[str, ...]:
    if kind == "generator":
        return (*NOT_FOR_A_PAINTER, *((NOT_AS_A_CRITIC,) if network in ADVERSARIAL else ()))
    return (*NOT_FOR_A_JUDGE, *((NOT_FOR_A_JURY,) if network in JURIES else ()))


def _data(record: Record, network: str) -> str:
    config = record.get("config", {})
    if network in JURIES:
        return (
            f"{number(record['paintings'])} abstract paintings and the votes of about fourteen people on each "
            f"(Machajdik & Hanbury, ACM Multimedia 2010); {number(record['other_paintings'])} other paintings with "
            "what people said they feel before them (FeelingBlue, Ananthram, Winn & Muresan, TACL 2023; "
            "WikiArt-Emotions, Mohammad & Kiritchenko, LREC 2018), on which all jurors but one were "
            f"trained, too. {VOTES_NOTE}; the table on covers below says what that does."
        )
    if network == "VGG16EmotionClassifier":
        count = next((number(record[key]) for key in ("paintings", "images") if key in record), None)
        return (
            (f"{count} abstract paintings" if count else "Abstract paintings")
            + " and the votes of a few people on each (Machajdik & Hanbury, ACM Multimedia 2010). "
            f"{VOTES_NOTE}.{LABELS.get(config.get('labels', ''), '')}"
        )
    source = config.get("source")
    origin = SOURCES.get(source, f"source `{source}` of a folder of covers") if source else "all of a folder"
    count = f"{number(record['covers'])} album covers" if "covers" in record else "Album covers"
    held_out = config.get("held_out", 0)
    apart = f", less {number(held_out)} that are held out to measure on" if held_out else ""
    return (
        f"{count}: {origin}{apart}. They are copyrighted works of others, were used to learn from only, and are not "
        "distributed with the weights."
    )


def progress(record: Record) -> str:
    """Say how long was trained, and say it plainly where that is less than was planned."""
    done, planned, seen = (record.get(key) for key in ("epochs_done", "planned_epochs", "images_seen"))
    before = record.get("images_seen_before")
    if seen == 0 and before:
        return f"Not trained on: the networks that it was made of had been shown {number(before)} covers."
    shown = "" if seen is None else f"{number(seen)} covers shown"
    if before:
        shown += f", after {number(before)} to the networks that it began with"
    if done is None:
        return f"{shown}." if shown else "How long it was trained was not recorded."
    beside = f" ({shown})" if shown else ""
    if record.get("images_seen") == 0:
        return "Not trained any further: these are the weights that it began with."
    if planned is not None and done < planned:
        return (
            f"**Training ended early**, after {number(done)} of the {number(planned)} planned epochs{beside}. This is "
            "an unfinished run, and what it can do says little about what the recipe can do."
        )
    where = f" on {record['hardware']}" if "hardware" in record else ""
    epochs = "less than an epoch" if done == 0 else f"{number(done)} {'epoch' if done == 1 else 'epochs'}"
    trained = f"Trained for {epochs}{beside}{where}"
    if planned is None:
        return f"{trained}."
    return (
        f"{trained}, as planned."
        if done == planned
        else f"{trained}, more than the {number(planned)} planned."
    )


def measured(metrics: Record, heading: str = "###") -> str:
    """Every table of a ``metrics.json`` as Markdown, under its title, with remarks; empty if there is none."""
    parts = []
    for id, table in with_ids(metrics).items():
        if not isinstance(table, Mapping) or not isinstance(table.get("rows"), Mapping):
            continue
        rows = {
            str(row): {metric: value for metric, value in values.items() if isinstance(value, int | float)}
            for row, values in table["rows"].items()
        }
        remarks = {
            k: v for k, v in table.items() if k not in ("what", "rows") and not isinstance(v, dict | list)
        }
        parts += [
            f"{heading} {table_named(id).title}",
            str(table.get("what", "")),
            markdown_table(labelled(rows)),
        ]
        parts.append("; ".join(f"{key.replace('_', ' ')} {_value(value)}" for key, value in remarks.items()))
    return "\n\n".join(part for part in parts if part)


def _setting(key: str) -> str:
    return SETTINGS.get(key, key.replace("_", " "))


def _value(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value).replace("|", "\\|")


def read_object(path: Path) -> dict[str, Any] | None:
    """A JSON object, None if there is no such file.

    Raises:
        DataError: if the file holds something else.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read ({error}). Correct it or write it anew.") from error
    if not isinstance(content, dict):
        raise DataError(f"{path} does not hold a JSON object. Correct it or write it anew.")
    return content


def write_card(checkpoint: Path) -> Path:
    """Write ``checkpoint/README.md`` and return its path.

    Raises:
        DataError: if ``training.json`` is missing or does not say what the checkpoint is, or ``metrics.json`` is
            broken.
    """
    record = read_object(checkpoint / "training.json")
    if record is None:
        raise DataError(
            f"{checkpoint / 'training.json'} is missing. Give --checkpoint the folder of a checkpoint."
        )
    path = checkpoint / "README.md"
    weights = (checkpoint / "model.safetensors").is_file()
    write_text(path, card(record, read_object(checkpoint / "metrics.json") or {}, weights=weights))
    return path


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
