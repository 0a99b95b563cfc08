"""Write the model card of a checkpoint from what its own files say.

    python -m training.reports.model_card --checkpoint checkpoints/generator

(Re)writes ``README.md`` in the folder from its JSON files and the prose of ``model_card.md.jinja``.
Training and evaluation do it by themselves; run it after changing one of these files.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from huggingface_hub import PyTorchModelHubMixin
from jinja2 import Environment, FileSystemLoader

from albumjudge import metrics as registry
from albumjudge.domain.emotions import NAMES
from albumjudge.inference.checkpoints import NETWORKS
from albumjudge.inference.folders import Kind
from training.data.command import command_parser, exit_status
from training.data.images import DataError
from training.engine.state import read_object, write_text
from training.reports.tables import labelled, markdown_table, number

Record = Mapping[str, Any]

TEMPLATE = "model_card.md.jinja"
SETTINGS = {
    "forget_label": "label dropout",
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
    templates = Environment(
        loader=FileSystemLoader(Path(__file__).parent), trim_blocks=True, lstrip_blocks=True, autoescape=False
    )
    templates.filters |= {
        "number": number,
        "cell": _cell,
        "words": lambda key: SETTINGS.get(key, key.replace("_", " ")),
    }
    hidden = TOLD_ELSEWHERE | OF_THE_MACHINE
    text = templates.get_template(TEMPLATE).render(
        kind=kind,
        network=network.__name__,
        record=record,
        config=record.get("config", {}),
        weights=weights,
        front_matter=cast(PyTorchModelHubMixin, network)._hub_mixin_info.model_card_data.to_yaml(),
        emotions=NAMES,
        progress=progress(record),
        remarks={k: v for k, v in record.items() if k not in hidden and not isinstance(v, dict | list)},
        measured=measured(metrics),
    )
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def _network(record: Record) -> tuple[Kind, type]:
    kind = record.get("kind")
    if kind not in NETWORKS:
        raise DataError(f"training.json says kind {kind!r}; known are {' and '.join(NETWORKS)}.")
    known = NETWORKS[kind]
    name = record.get("network", next(iter(known)))
    if name not in known:
        raise DataError(f"training.json says network {name!r}; known are {' and '.join(known)}.")
    return kind, known[name]


def progress(record: Record) -> str:
    """Say how long was trained, and say it plainly where that is less than was planned."""
    done, planned, seen = (record.get(key) for key in ("epochs_done", "planned_epochs", "images_seen"))
    before = record.get("images_seen_before")
    if seen == 0:
        shown = f"the networks that it was made of had been shown {number(before)} covers" if before else ""
        return f"Not trained on: {shown or 'these are the weights that it began with'}."
    shown = "" if seen is None else f"{number(seen)} covers shown"
    if before:
        shown += f", after {number(before)} to the networks that it began with"
    if done is None:
        return f"{shown}." if shown else "How long it was trained was not recorded."
    beside = f" ({shown})" if shown else ""
    if planned is not None and done < planned:
        return (
            f"**Training ended early**, after {number(done)} of the {number(planned)} planned epochs{beside}. "
            "This is an unfinished run, and what it can do says little about what the recipe can do."
        )
    epochs = "less than an epoch" if done == 0 else f"{number(done)} {'epoch' if done == 1 else 'epochs'}"
    where = f" on {record['hardware']}" if "hardware" in record else ""
    plan = {None: "", done: ", as planned"}.get(planned, f", more than the {number(planned or 0)} planned")
    return f"Trained for {epochs}{beside}{where}{plan}."


def measured(metrics: Record, heading: str = "###") -> str:
    """Every table of a ``metrics.json`` as Markdown, under its title, with remarks; empty if there is none."""
    parts = []
    for id, table in metrics.items():
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
            f"{heading} {registry.table(id).title}",
            str(table.get("what", "")),
            markdown_table(labelled(rows)),
            "; ".join(f"{key.replace('_', ' ')} {_cell(value)}" for key, value in remarks.items()),
        ]
    return "\n\n".join(part for part in parts if part)


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value).replace("|", "\\|")


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
    parser = command_parser("training.reports.model_card", __doc__)
    parser.add_argument("--checkpoint", type=Path, required=True, help="folder with training.json")
    given = parser.parse_args(arguments)
    return exit_status(lambda: f"Wrote {write_card(given.checkpoint)}.")


if __name__ == "__main__":
    sys.exit(main())
