"""The jurors' lives in plain words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

NUMBERS = ("none", "one", "two", "three", "four", "five")
ALL_BLOCKS = 5


def lives(training: Mapping[str, object]) -> dict[str, str]:
    """Every juror's life in two plain sentences, from what the training wrote down.

    Args:
        training: the jury's ``training.json``, see :mod:`training.train_jury`.

    Returns:
        juror to life; empty if nothing is written about lives.
    """
    written = training.get("lives")
    if not isinstance(written, Sequence) or isinstance(written, str):
        return {}
    return {
        str(life["name"]): _life(life, training)
        for life in written
        if isinstance(life, Mapping) and "name" in life
    }


def _life(life: Mapping[str, object], training: Mapping[str, object]) -> str:
    paintings, others = training.get("paintings"), training.get("other_paintings")
    count = f"{paintings} paintings" if isinstance(paintings, int) else "the paintings"
    more = f"{others:,} other paintings" if isinstance(others, int) else "other paintings"
    sentences = [str(life.get("told", "")).strip()]
    if life.get("childhood") is not None:
        # Drawn with replacement: 1 - 1/e of them are met at least once.
        sentences.append(f"Its share was drawn by lot: about 63 in 100 of {count}, some more than once.")
    if life.get("labels") == "argmax":
        sentences.append("Whether a feeling won narrowly or clearly, it never heard.")
    blocks = life.get("blocks")
    if isinstance(blocks, Sequence) and blocks and len(blocks) < ALL_BLOCKS:
        early = ALL_BLOCKS not in blocks
        sentences.append(
            f"Of the network’s five stages of seeing it heeds the {'first' if early else 'last'} "
            f"{NUMBERS[len(blocks)]}."
        )
    if life.get("eyes") is not None:
        sentences.append("What the other half sees stays hidden from it.")
    if life.get("others") is False:
        sentences.append(f"What people felt before {more} it was never told.")
    if len(sentences) == 1:
        sentences.append(f"It learned from {count} and {more}.")
    return " ".join(sentence for sentence in sentences if sentence)
