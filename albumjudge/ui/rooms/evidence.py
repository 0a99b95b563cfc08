"""What the votes show: a card with a number, its interval and a plain sentence for each of six questions."""

from __future__ import annotations

from albumjudge.statistics.findings import (
    FEWEST_FOR_MAJORITY,
    FEWEST_FOR_SHARES,
    AgainstChance,
    AgainstPlacebo,
    Calibration,
    Figure,
    Noise,
    OneMoreVisitor,
)
from albumjudge.ui.charts.figures import Line, Ruler, card, decimal, percent, points, rests_on
from albumjudge.ui.words import N_, _, number

INTERVALS = N_(
    "The bar around each number is its 95 % interval: with other visitors and other covers, the number would "
    "most likely have come out somewhere in there. Votes of one visitor, or on one cover, resemble each other; "
    "the interval allows for that by drawing whole visitors and whole covers anew (a cluster bootstrap), and "
    "reaches further where they are few. A share’s is never narrower than Wilson’s."
)


def chance_card(found: AgainstChance) -> str:
    """Agreement before the verdict was shown, against chance."""
    beside, excess = found.excess.beside(0), found.excess
    sentence = _("Too little to tell it from chance yet.")
    if found.chance.value is not None and excess.interval is not None and beside is not None:
        chance = percent(found.chance.value)
        verdict = {
            1: _("That is more than chance, which would give {chance}.", chance=chance),
            0: _("That is not clearly more than chance, which would give {chance}.", chance=chance),
            -1: _("That is less than chance, which would give {chance}.", chance=chance),
        }[beside]
        sentence = f"{verdict} {_between(excess)}"
    return card(
        _("Do people and machine feel the same?"),
        [Line("", found.share)],
        Ruler(0, 1, percent, found.chance.value, _("chance")),
        sentence=sentence,
        term=_(
            "Share of votes, cast before the verdict was shown, that felt its first feeling. Chance: both keep "
            "their habits, but do not look at the cover."
        ),
        rests_on=rests_on(found.share),
    )


def _between(difference: Figure) -> str:
    assert difference.interval is not None
    low, high = points(difference.interval.low), points(difference.interval.high)
    return _("The difference is between {low} and {high} percentage points.", low=low, high=high)


def placebo_card(found: AgainstPlacebo) -> str:
    """Answers to the machine's own label against those to one drawn at random."""
    beside = found.difference.beside(0)
    sentence = _("Too few answers yet to say how much of the agreement is a habit.")
    if beside is not None:
        verdict = {
            1: _("People agree more with the machine’s own label than with a random one."),
            0: _("People may be agreeing out of habit: a random label does about as well."),
            -1: _("People agree less with the machine’s own label than with a random one."),
        }[beside]
        sentence = f"{verdict} {_between(found.difference)}"
    return card(
        _("How much of “I agree” is a habit of saying yes?"),
        [Line(_("machine’s label"), found.judge), Line(_("random label"), found.placebo)],
        Ruler(0, 1, percent),
        sentence=sentence,
        term=_(
            "About one card in eight asks about a label drawn at random from the seven others: a placebo. "
            "Those answers are counted apart."
        ),
        rests_on=_(
            "{judge} answers to the machine’s label, {placebo} to a random one.",
            judge=number(found.judge.n),
            placebo=number(found.placebo.n),
        ),
    )


def one_more_card(found: OneMoreVisitor) -> str:
    """Machine and visitor, both against the others."""
    sentence = {
        None: _("Too little to compare the two yet."),
        1: _("Yes, better: it meets the crowd’s feeling more often than one more visitor does."),
        0: _("So far the two cannot be told apart."),
        -1: _("No: one more visitor meets the crowd’s feeling more often."),
    }[found.difference.beside(0)]
    apart = found.difference
    if apart.solid and apart.value is not None and apart.interval is not None:
        sentence += " " + _(
            "Machine less visitor: {difference} ({low} to {high}).",
            difference=decimal(apart.value),
            low=decimal(apart.interval.low),
            high=decimal(apart.interval.high),
        )
    return card(
        _("Is the machine as good as one more visitor?"),
        [Line(_("machine"), found.machine), Line(_("one visitor"), found.visitor)],
        Ruler(-0.2, 1, decimal, 0.0, _("chance")),
        sentence=sentence,
        term=_(
            "Cohen’s kappa: agreement with what most other visitors felt. 0 is chance, 1 is perfect. Visitor "
            "and machine face the same crowd, on covers with {n} votes or more.",
            n=FEWEST_FOR_MAJORITY,
        ),
        rests_on=rests_on(found.machine),
    )


def visitors_card(found: Figure) -> str:
    """Agreement among visitors."""
    sentence = {
        None: _("Too little to say yet."),
        1: _("Yes, more than chance. No machine can be expected to agree with people who do not agree."),
        0: _("Hardly: their answers might as well have been dealt out at random."),
        -1: _("No, they differ more than chance would have it."),
    }[found.beside(0)]
    return card(
        _("Do visitors agree among themselves?"),
        [Line("", found)],
        Ruler(-0.2, 1, decimal, 0.0, _("chance")),
        sentence=sentence,
        term=_(
            "Krippendorff’s alpha: 0 is chance, 1 is perfect. “Nothing, or something else” is an answer like "
            "any other."
        ),
        rests_on=rests_on(found),
    )


def noise_card(found: Noise) -> str:
    """The crowd's shares against the verdict's, beside what chance in few votes would do."""
    sentence = {
        None: _("Too few covers with enough votes yet."),
        1: _(
            "Further than chance: on {n} of {all} covers the crowd is where chance would take it on one in "
            "twenty.",
            n=found.beyond.successes,
            all=found.beyond.trials,
        ),
        0: _("No further than chance would take crowds of this size who feel just as the machine says."),
        -1: _("Closer than chance would take them, which is odd. Something may be wrong with the votes."),
    }[found.excess.beside(0)]
    return card(
        _("How far is the crowd from the machine?"),
        [Line("", found.distance)],
        Ruler(0, 0.69, decimal, found.by_chance, _("chance alone")),
        sentence=sentence,
        term=_(
            "Jensen-Shannon divergence of the crowd’s eight shares and the machine’s: 0 is the same, {most} "
            "is nothing in common. Few votes never match shares exactly; the line shows how far that alone "
            "would go.",
            most=decimal(0.69),
        ),
        rests_on=_(
            "{n} covers with {fewest} votes or more.", n=number(found.distance.n), fewest=FEWEST_FOR_SHARES
        ),
    )


def calibration_card(found: Calibration) -> str:
    """Whether the machine's percentages can be taken at their word."""
    error = found.error
    if not error.solid or error.value is None or found.by_chance is None or error.interval is None:
        sentence = _("Too few votes to check its percentages yet.")
    elif error.interval.low <= found.by_chance:
        sentence = _(
            "As far as these votes can tell, yes: its percentages miss by no more than chance would."
        )
    elif error.value < 0.015:
        sentence = _("Nearly: they miss by about one percentage point on average, a little more than chance.")
    else:
        missed = number(round(100 * error.value))
        sentence = _("Roughly: they miss by {n} percentage points on average.", n=missed)
    return card(
        _("Can its percentages be taken at their word?"),
        [Line("", error)],
        Ruler(0, 0.2, percent, found.by_chance, _("chance alone")),
        sentence=sentence,
        term=_(
            "Calibration error: the mean gap between how probable the machine called a feeling and how often "
            "people felt it. The line shows what chance in so many votes would give."
        ),
        rests_on=rests_on(error),
    )
