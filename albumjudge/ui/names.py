"""What visitors read in place of the names of checkpoints."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from albumjudge.inference.folders import BUNDLED, GUESTS
from albumjudge.ui.words import N_, _

IN_SENTENCES = {
    "dcgan-seed": N_("the DCGAN of 2019"),
    "dcgan-plain": N_("the DCGAN, more covers"),
    "flow-64": N_("the flow painter"),
    "one-step-64": N_("the one-step painter"),
    "vgg16-seed": N_("the judge of 2019"),
    "vgg16-jury": N_("the jury"),
}
TITLES = {
    "dcgan-seed": N_("The DCGAN of 2019"),
    "dcgan-plain": N_("DCGAN, more covers"),
    "flow-64": N_("Flow painter"),
    "one-step-64": N_("One-step painter"),
    "vgg16-seed": N_("The judge of 2019"),
    "vgg16-jury": N_("The jury"),
}
"""By the name of the checkpoint; a ``title`` in a bundled ``training.json`` goes before."""


def plain(revision: str) -> str:
    """A checkpoint's name without its hash, as it is called now."""
    name = revision.rsplit("-", 1)[0]
    return "flow-64" if name == _teacher() else name  # In votes of earlier versions.


def title(revision: str) -> str:
    """What a visitor calls a painter or a judge; the checkpoint's own name where nobody gave it another.

    Args:
        revision: the checkpoint's name with its hash, such as ``dcgan-seed-0123abcd``.
    """
    name = plain(revision)
    return _(_bundled().get(name) or TITLES.get(name, name))


def titles(revisions: list[str]) -> dict[str, str]:
    """Titles by revision; revisions that share a title are numbered."""
    found: dict[str, str] = {}
    for revision in revisions:
        plain = title(revision)
        again = sum(title(other) == plain for other in found)
        found[revision] = f"{plain} ({again + 1})" if again else plain
    return found


@cache
def _noted(folder: Path) -> dict[str, str]:
    """What a bundled checkpoint's training noted in words; nothing where that cannot be read."""
    try:
        training = json.loads((folder / "training.json").read_text(encoding="utf-8"))
        return {key: value for key, value in training.items() if isinstance(value, str)}
    except (OSError, ValueError, AttributeError):
        return {}


def _bundled() -> dict[str, str]:
    """Titles by name."""
    found = map(_noted, (*BUNDLED.values(), *GUESTS))
    return {noted["name"]: noted["title"] for noted in found if {"name", "title"} <= noted.keys()}


def _teacher() -> str:
    """The name under which the flow painter taught the bundled painter, before it was called by its method."""
    return _noted(BUNDLED["generator"]).get("teacher", "").rsplit("-", 1)[0]


def sentence_form(revision: str) -> str:
    """A title within a sentence: ``the jury``, ``the flow painter``, ``the DCGAN of 2019``."""
    name = plain(revision)
    return _(IN_SENTENCES[name]) if name in IN_SENTENCES else title(revision).removeprefix("The ")
