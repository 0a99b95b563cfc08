"""What sets the jurors apart, and what the light on a cover means, in plain words from what was written down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from albumjudge.domain import emotions
from albumjudge.domain.verdict import Verdict
from albumjudge.ui.words import N_, _, in_letters, listed, number, translate

ALL_BLOCKS = 5
LEAST_ABOVE = 1.15
"""An emotion stands out that is so many times as strong as before covers on average."""
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
    return translate(str(juror.get("description") or juror.get("told") or "").strip())


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
            if 1 in blocks
            else _("Of the network’s five stages of seeing it heeds those in the middle.")
        )
        sentences.append(heeds)
    if any(juror.get(key) is not None for key in ("eyes", "features")):
        sentences.append(_("What the other half sees stays hidden from it."))
    share = juror.get("abstract_share")
    if juror.get("others") is False or (share == 1 and not juror.get("scales")):
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


def beside_the_label(verdict: Verdict, metrics: Mapping[str, Any]) -> str | None:
    """The emotion furthest above its share before real covers; None if none is, or the label says it.

    Args:
        metrics: the jury's tables, of which ``covers_by_genre`` has the mean shares before all covers.
    """
    try:
        row = metrics["covers_by_genre"]["rows"]["all covers"]
        usual = [float(row[f"share_{name}"]) for name in emotions.NAMES]
        name, multiple = emotions.stands_out(verdict.probabilities, usual)
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None
    if multiple < LEAST_ABOVE or name == verdict.top:
        return None
    return _("more {feeling} than most covers", feeling=_(name))


def how_far(metrics: Mapping[str, Any]) -> str:
    """How far the jury can be believed: before abstract paintings, other paintings, and covers.

    Args:
        metrics: the jury's tables; empty text where they were not measured.
    """
    try:
        home, away = metrics["benchmark"]["rows"], metrics["other_paintings"]["rows"]
        same, best, right, always = (
            number(100 * float(share))
            for share in (
                home["jury"]["polarity"],
                home["vote_noise"]["polarity"],
                away["jury"]["valence_sign"],
                away["mean_prediction"]["valence_sign"],
            )
        )
    except (KeyError, TypeError, ValueError):
        return ""
    return _(
        "How far to believe it: before abstract paintings that it never saw it says pleasant or unpleasant "
        "as most people did for {same} in 100, where {best} would be perfect, since so few voted; before "
        "other paintings for {right} in 100, where always saying pleasant gives {always}; before covers "
        "nobody has measured it yet, and your votes will.",
        same=same,
        best=best,
        right=right,
        always=always,
    )


def seldom_first(metrics: Mapping[str, Any]) -> str:
    """Which feelings come first before fewer than one real cover in two hundred, and why; else empty text.

    Args:
        metrics: the jury's tables, of which ``on_covers`` has how often each emotion comes first.
    """
    try:
        rows = metrics["on_covers"]["rows"]
        covers, people = rows["real covers: the jury corrected"], rows["paintings: people’s votes"]
        seldom = [name for name in emotions.NAMES if float(covers[f"first_{name}"]) < 0.005]
        voted = number(100 * sum(float(people[f"first_{name}"]) for name in seldom))
    except (KeyError, TypeError, ValueError):
        return ""
    if not seldom:
        return ""
    return _(
        "Hardly any cover is put down as one of {feelings}. People felt that most before {n} in 100 of the "
        "paintings only, and whoever learned from few votes stays near what is usual. What stands out beside a "
        "label, compared with other covers, can be each of the eight.",
        feelings=listed([_(name) for name in seldom]),
        n=voted,
    )
