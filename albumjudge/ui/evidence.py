"""What the votes show, in words: the story and its three findings, and a card for each of six questions."""

from __future__ import annotations

from collections.abc import Mapping

from albumjudge.statistics.bradley_terry import PainterRanking
from albumjudge.statistics.findings import (
    FEWEST_FOR_MAJORITY,
    FEWEST_FOR_SHARES,
    AgainstChance,
    AgainstPlacebo,
    Calibration,
    Figure,
    Findings,
    Noise,
    OneMoreVisitor,
)
from albumjudge.statistics.portrait import Portrait
from albumjudge.statistics.story import Story, Temperament
from albumjudge.ui import charts
from albumjudge.ui.figures import Line, Ruler, card, needs

INTERVALS = (
    "The bar around each number is its 95 % interval: with other visitors and other covers, the number "
    "would most likely have come out somewhere in there. Votes of one visitor, or on one cover, resemble "
    "each other; the interval allows for that by drawing whole visitors and whole covers anew (a cluster "
    "bootstrap), and reaches further where they are few. A share’s is never narrower than Wilson’s."
)


def cards(found: Findings) -> str:
    """HTML of all six cards."""
    return (
        '<div class="figures">'
        + chance_card(found.agreement)
        + placebo_card(found.politeness)
        + one_more_card(found.one_more)
        + visitors_card(found.among_visitors)
        + noise_card(found.noise)
        + calibration_card(found.calibration)
        + "</div>"
    )


def percent(share: float) -> str:
    """A percentage that no line break tears from its sign."""
    return charts.percent(share).replace(" ", "\u202f")


def points(share: float) -> str:
    """A difference of two percentages: "+12"."""
    whole = round(100 * share)
    return f"{'+' if whole > 0 else '−' if whole < 0 else ''}{abs(whole)}"


def decimal(number: float) -> str:
    """A number from -1 to 1 with two decimals and a real minus sign."""
    return f"{number:.2f}".replace("-0.00", "0.00").replace("-", "−")


def has(figure: Figure, what: str) -> int:
    """How many of something a figure rests on, as its needs say; 0 if they do not."""
    return next((need.has for need in figure.needs if need.what == what), 0)


def rests_on(figure: Figure) -> str:
    """ "300 votes by 40 visitors on 59 covers"."""
    return f"{figure.n:,} votes by {has(figure, 'visitors'):,} visitors on {has(figure, 'covers'):,} covers."


def story_sentence(story: Story) -> str:
    """The main result in one sentence."""
    share, excess = story.agreement.share, story.agreement.excess.beside(0)
    if share.value is None:
        return "Nobody has voted yet."
    doubt = {
        None: "too few votes to tell that from chance",
        1: "more often than chance",
        0: "no more than chance can explain",
        -1: "less often than chance",
    }[excess]
    return f"People and machine felt the same in {percent(share.value)} of {share.n:,} votes, {doubt}."


def story_findings(story: Story) -> tuple[str, str, str]:
    """Three findings in plain words, each with its doubt; see :attr:`Story.faint` for whether to grey them."""
    return _pleasantness(story.pleasantness), _temperament(story.temperament), _politeness(story.politeness)


def _pleasantness(found: Figure) -> str:
    words = {
        None: "Whether the two find the same covers pleasant cannot be said yet.",
        1: "What the machine finds pleasant, people tend to find pleasant, too",
        0: "Whether a cover is pleasant to the machine says nothing sure about people",
        -1: "What the machine finds pleasant, people tend to find unpleasant",
    }[found.beside(0)]
    if not found.solid or found.value is None or found.interval is None:
        return f"{words} {needs(found.unmet)}".strip()
    low, high = decimal(found.interval.low), decimal(found.interval.high)
    return f"{words}: rank correlation {decimal(found.value)}, between {low} and {high}, over {found.n:,} covers."


def _temperament(found: Temperament | None) -> str:
    if found is None or not found.difference.solid or found.difference.interval is None:
        unmet = needs(found.difference.unmet) if found is not None else ""
        return f"Which emotion they differ about most cannot be said yet. {unmet}".strip()
    side, ends = found.difference.beside(0), found.difference.interval
    words = {
        1: f"People feel {found.emotion} more often than the machine",
        0: f"They differ most about {found.emotion}, but not clearly",
        -1: f"The machine feels {found.emotion} more often than people",
    }[side or 0]
    return f"{words}: a difference between {points(ends.low)} and {points(ends.high)} percentage points."


def _politeness(found: AgainstPlacebo) -> str:
    apart = found.difference
    if not apart.solid or apart.interval is None:
        return f"How much of “I agree” is politeness cannot be said yet. {needs(apart.unmet)}".strip()
    words = {
        1: "Told the machine’s label, people agree more than when told a random one",
        0: "Told a random label, people agree about as often as with the machine’s: that may be politeness",
        -1: "Told the machine’s label, people agree less than when told a random one",
    }[apart.beside(0) or 0]
    low, high = points(apart.interval.low), points(apart.interval.high)
    return f"{words} (between {low} and {high} percentage points)."


def portrait_sentences(portrait: Portrait) -> tuple[str, ...]:
    """What is sure, and what is not, about a visitor."""
    said = []
    clear = [lean for lean in portrait.leans if lean.clear]
    for lean in clear[:2]:
        more = "more" if (lean.difference.value or 0) > 0 else "less"
        said.append(
            f"You feel {lean.emotion} {more} often than others do on the same "
            f"covers: {percent(lean.yours)} of your "
            f"votes, {percent(lean.others)} of theirs."
        )
    if portrait.leans and not clear:
        said.append(
            f"On the {portrait.compared} covers that others voted on, nothing sets "
            "you clearly apart from them yet."
        )
    if portrait.jurors:
        first = portrait.jurors[0]
        doubt = "with little doubt" if first.support >= 0.8 else "with much doubt"
        said.append(
            f"Of the jury, you are most like {first.juror}, {doubt}: with other "
            "covers it would have been the same "
            f"juror in {round(100 * first.support)} of 100 cases."
        )
    if portrait.alone:
        said.append(f"On {len(portrait.alone)} of {portrait.compared} covers you stood alone, or nearly.")
    return tuple(said)


def ranking_sentence(ranking: PainterRanking, names: Mapping[str, str]) -> str:
    """Who leads, if that can be said."""
    if len(ranking.painters) < 2:
        return "No two painters have been compared yet."
    first, second = ranking.painters[:2]
    one, other = (names.get(each.painter, each.painter) for each in (first, second))
    lead = first.lead
    if lead is None or lead.beside(0) is None:
        unmet = needs(first.strength.unmet)
        return f"Too few choices to rank the painters yet. {unmet}".strip()
    if lead.beside(0) == 0:
        return f"{one} is ahead of {other}, but the two cannot be told apart yet."
    return f"People would rather hang covers by {one} than by {other}, its next rival."


def chance_card(found: AgainstChance) -> str:
    """Agreement before the verdict was shown, against chance."""
    beside, excess = found.excess.beside(0), found.excess
    if found.chance.value is None or excess.interval is None or beside is None:
        sentence = "Too little to tell it from chance yet."
    else:
        low, high = points(excess.interval.low), points(excess.interval.high)
        verdict = {1: "more than", 0: "not clearly more than", -1: "less than"}[beside]
        sentence = (
            f"That is {verdict} chance, which would give {percent(found.chance.value)}. The difference is "
            f"between {low} and {high} percentage points."
        )
    return card(
        "Do people and machine feel the same?",
        [Line("", found.share)],
        Ruler(0, 1, percent, found.chance.value, "chance"),
        sentence=sentence,
        term="Share of votes, cast before the verdict was shown, that felt its first feeling. Chance: both "
        "keep their habits, but do not look at the cover.",
        rests_on=rests_on(found.share),
    )


def placebo_card(found: AgainstPlacebo) -> str:
    """How much of "I agree" is politeness."""
    beside, difference = found.difference.beside(0), found.difference
    if beside is None or difference.interval is None:
        sentence = "Too few answers yet to say how much of the agreement is politeness."
    else:
        low, high = points(difference.interval.low), points(difference.interval.high)
        sentence = {
            1: "People agree more with the machine’s own label than with a random one",
            0: "People may be agreeing out of politeness: a random label does about as well",
            -1: "People agree less with the machine’s own label than with a random one",
        }[beside] + f" (a difference between {low} and {high} percentage points)."
    return card(
        "How much of “I agree” is politeness?",
        [Line("machine’s label", found.judge), Line("random label", found.placebo)],
        Ruler(0, 1, percent),
        sentence=sentence,
        term="About one card in eight asks about a label drawn at random from the seven others: a placebo. "
        "Those answers are counted apart.",
        rests_on=f"{found.judge.n:,} answers to the machine’s label, {found.placebo.n:,} to a random one.",
    )


def one_more_card(found: OneMoreVisitor) -> str:
    """Machine and visitor, both against the others."""
    sentence = {
        None: "Too little to compare the two yet.",
        1: "Yes, better: it meets the crowd’s feeling more often than one more visitor does.",
        0: "So far the two cannot be told apart.",
        -1: "No: one more visitor meets the crowd’s feeling more often.",
    }[found.difference.beside(0)]
    difference = found.difference
    if difference.solid and difference.value is not None and difference.interval is not None:
        low, high = decimal(difference.interval.low), decimal(difference.interval.high)
        sentence += f" Machine less visitor: {decimal(difference.value)} ({low} to {high})."
    return card(
        "Is the machine as good as one more visitor?",
        [Line("machine", found.machine), Line("one visitor", found.visitor)],
        Ruler(-0.2, 1, decimal, 0.0, "chance"),
        sentence=sentence,
        term="Cohen’s kappa: agreement with what most other visitors felt. 0 is chance, 1 is perfect. "
        f"Visitor and machine face the same crowd, on covers with {FEWEST_FOR_MAJORITY} votes or more.",
        rests_on=rests_on(found.machine),
    )


def visitors_card(found: Figure) -> str:
    """Agreement among visitors."""
    sentence = {
        None: "Too little to say yet.",
        1: "Yes, more than chance. No machine can be expected to agree with people who do not agree.",
        0: "Hardly: their answers might as well have been dealt out at random.",
        -1: "No, they differ more than chance would have it.",
    }[found.beside(0)]
    return card(
        "Do visitors agree among themselves?",
        [Line("", found)],
        Ruler(-0.2, 1, decimal, 0.0, "chance"),
        sentence=sentence,
        term="Krippendorff’s alpha: 0 is chance, 1 is perfect. “Nothing, or something else” is an answer "
        "like any other.",
        rests_on=rests_on(found),
    )


def noise_card(found: Noise) -> str:
    """The crowd's shares against the verdict's, beside what chance in few votes would do."""
    beside = found.excess.beside(0)
    sentence = {
        None: "Too few covers with enough votes yet.",
        1: f"Further than chance: on {found.beyond.successes} of {found.beyond.trials} covers the crowd is "
        f"where chance would take it on one in twenty.",
        0: "No further than chance would take crowds of this size who feel just as the machine says.",
        -1: "Closer than chance would take them, which is odd. Something may be wrong with the votes.",
    }[beside]
    return card(
        "How far is the crowd from the machine?",
        [Line("", found.distance)],
        Ruler(0, 0.69, decimal, found.by_chance, "chance alone"),
        sentence=sentence,
        term="Jensen-Shannon divergence of the crowd’s eight shares and the machine’s: 0 is the same, 0.69 "
        "is nothing in common. Few votes never match shares exactly; the line shows how far that alone "
        "would go.",
        rests_on=f"{found.distance.n:,} covers with {FEWEST_FOR_SHARES} votes or more.",
    )


def calibration_card(found: Calibration) -> str:
    """Whether the machine's percentages can be taken at their word."""
    error = found.error
    if not error.solid or error.value is None or found.by_chance is None or error.interval is None:
        sentence = "Too few votes to check its percentages yet."
    elif error.interval.low <= found.by_chance:
        sentence = "As far as these votes can tell, yes: its percentages miss by no more than chance would."
    else:
        sentence = f"Roughly: they miss by {points(error.value).lstrip('+')} percentage points on average."
        if error.value < 0.015:
            sentence = (
                "Nearly: they miss by about one percentage point on average, a little more than chance."
            )
    return card(
        "Can its percentages be taken at their word?",
        [Line("", error)],
        Ruler(0, 0.2, percent, found.by_chance, "chance alone"),
        sentence=sentence,
        term="Calibration error: the mean gap between how probable the machine called a feeling and how "
        "often people felt it. The line shows what chance in so many votes would give.",
        rests_on=rests_on(error),
    )
