"""What visitors read in place of the names of checkpoints."""

from __future__ import annotations

import json
from functools import cache

from albumjudge.inference.checkpoints import BUNDLED, GUESTS

TITLES = {
    "dcgan-seed": "The DCGAN of 2019",
    "dcgan-plain": "DCGAN, more covers",
    "sketched-64": "Flow painter",
    "flow-64": "Flow painter",
    "one-step-64": "One-step painter",
    "vgg16-seed": "The judge of 2019",
    "vgg16-jury": "The jury",
}
"""By the name of the checkpoint; a ``title`` in a bundled ``training.json`` goes before."""


def title(revision: str) -> str:
    """What a visitor calls a painter or a judge; the checkpoint's own name where nobody gave it another.

    Args:
        revision: the checkpoint's name with its hash, such as ``dcgan-seed-0123abcd``.
    """
    name = revision.rsplit("-", 1)[0]
    return _bundled().get(name) or TITLES.get(name, name)


def titles(revisions: list[str]) -> dict[str, str]:
    """Titles by revision; revisions that share a title are numbered."""
    found: dict[str, str] = {}
    for revision in revisions:
        plain = title(revision)
        again = sum(title(other) == plain for other in found)
        found[revision] = f"{plain} ({again + 1})" if again else plain
    return found


@cache
def _bundled() -> dict[str, str]:
    found = {}
    for folder in (*BUNDLED.values(), *GUESTS):
        try:
            training = json.loads((folder / "training.json").read_text(encoding="utf-8"))
            found[str(training["name"])] = str(training["title"])
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return found


def sentence_form(revision: str) -> str:
    """A title within a sentence: ``the jury``, ``the flow painter``, ``the DCGAN of 2019``."""
    said = title(revision).removeprefix("The ")
    if revision.rsplit("-", 1)[0] not in TITLES:
        return said
    return f"the {said if said[1].isupper() else said[0].lower() + said[1:]}"
