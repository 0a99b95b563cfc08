"""What sets the jurors apart, and what the light on a cover means, in plain words from what was written down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from albumjudge.ui.words import N_, _, in_letters, number, told

ALL_BLOCKS = 5
MEANING = N_("Light lies where hiding a place takes most of the feeling away.")
SALIENT, RANDOM = "painted over: the most salient quarter", "painted over: random squares"


def descriptions(training: Mapping[str, Any]) -> dict[str, str]:
    """Every juror in two plain sentences; empty if nothing is written about them.

    Args:
        training: the jury's ``training.json``, see :mod:`training.train_jury`.
    """
    written = training.get("jurors") or training.get("lives")
    if not isinstance(written, Sequence) or isinstance(written, str):
        return {}
    return {
        str(juror["name"]): _described(juror, training)
        for juror in written
        if isinstance(juror, Mapping) and "name" in juror
    }


def summary(juror: Mapping[str, Any]) -> str:
    """What the training says of one juror, in a sentence."""
    return told(str(juror.get("description") or juror.get("told") or "").strip())


def _described(juror: Mapping[str, Any], training: Mapping[str, Any]) -> str:
    paintings, others = training.get("paintings"), training.get("other_paintings")
    count = _("{n} paintings", n=number(paintings)) if isinstance(paintings, int) else _("the paintings")
    more = _("{n} other paintings", n=number(others)) if isinstance(others, int) else _("other paintings")
    sentences = [summary(juror)]
    if any(juror.get(key) is not None for key in ("childhood", "bootstrap")):
        # Drawn with replacement: 1 - 1/e of them are met at least once.
        sentences.append(
            _(
                "Its share was drawn by lot: about 63 in 100 of {paintings}, some more than once.",
                paintings=count,
            )
        )
    if juror.get("labels") == "argmax":
        sentences.append(_("Whether a feeling won narrowly or clearly, it never heard."))
    blocks = juror.get("blocks")
    if isinstance(blocks, Sequence) and blocks and len(blocks) < ALL_BLOCKS:
        heeds = (
            _("Of the network’s five stages of seeing it heeds the last {n}.", n=in_letters(len(blocks)))
            if ALL_BLOCKS in blocks
            else _(
                "Of the network’s five stages of seeing it heeds the first {n}.", n=in_letters(len(blocks))
            )
        )
        sentences.append(heeds)
    if any(juror.get(key) is not None for key in ("eyes", "features")):
        sentences.append(_("What the other half sees stays hidden from it."))
    share = juror.get("abstract_share")
    if juror.get("others") is False or share == 1:
        sentences.append(_("What people felt before {paintings} it was never told.", paintings=more))
    elif isinstance(share, float) and share < 0.5:
        sentences.append(_("Most of what it learned it learned from {paintings}.", paintings=more))
    votes = juror.get("votes")
    if isinstance(votes, int):
        sentences.append(_("It learned from {n} votes that visitors cast here.", n=number(votes)))
    if len(sentences) == 1:
        sentences.append(_("It learned from {paintings} and {others}.", paintings=count, others=more))
    return " ".join(sentence for sentence in sentences if sentence)


def saliency_meaning(metrics: Mapping[str, Any]) -> str:
    """What is lit, and whether hiding it was measured to weaken the feeling more than hiding places at random.

    Args:
        metrics: the jury's tables.
    """
    table = metrics.get("saliency")
    rows = table.get("rows") if isinstance(table, Mapping) else None
    if not isinstance(rows, Mapping):
        return _(MEANING)
    try:
        salient, random = (
            {key.replace(" ", "_"): value for key, value in rows[name].items()} for name in (SALIENT, RANDOM)
        )
        written: tuple[Any, ...] = (
            salient["share_lost"],
            random["share_lost"],
            random.get("low", random.get("share_lost_low")),
            salient.get("n", salient.get("pictures")),
        )
        lost, by_chance, low, covers = map(float, written)
    except (KeyError, TypeError, ValueError):
        return _(MEANING)
    if low <= 0:
        said = _(
            "On {n} covers that was not clearly more than hiding places at random takes away.",
            n=number(covers),
        )
    else:
        said = _(
            "Measured on {n} covers: with the most lit quarter painted over, the strongest feeling lost {lost} "
            "percentage points; with as much painted over at random, {by_chance}.",
            n=number(covers),
            lost=number(100 * lost, 1),
            by_chance=number(100 * by_chance, 1),
        )
    return f"{_(MEANING)} {said}"
