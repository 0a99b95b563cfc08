"""A finished round in words and prints: for the visitor who played it, and for whoever got the link."""

from __future__ import annotations

from html import escape

from albumjudge.domain import emotions
from albumjudge.domain.cover import Cover
from albumjudge.domain.emotions import EMOTIONS, NOTHING
from albumjudge.statistics import rounds as round_summaries
from albumjudge.statistics.agreement import FELT, Share
from albumjudge.statistics.rounds import A_CROWD, Card, Summary
from albumjudge.ui import prints
from albumjudge.voting.rounds import CARDS

NOTHING_WORDS = "nothing, or something else"


def feeling(felt: str) -> str:
    """HTML of a feeling with its sign, in its hue."""
    if felt == NOTHING:
        return '<span class="none">nothing, or else</span>'
    return f'<span class="felt hue-{felt}">{EMOTIONS[emotions.index(felt)].sign} {felt}</span>'


def meeting(felt: str, machines: str) -> str:
    """HTML of two signs with a thread between them, whole where visitor and machine felt the same.

    It says nothing that is not said in words beside it, so screen readers pass it over.
    """
    same = felt == machines
    ends = []
    for side, who, name in (("yours", "you", felt), ("theirs", "machine", machines)):
        sign = "–" if name == NOTHING else EMOTIONS[emotions.index(name)].sign
        ends.append(f'<span class="end {side}"><i>{who}</i><b class="hue-{name}">{sign}</b></span>')
    words = "the same" if same else "apart"
    return (
        f'<div class="meeting {"same" if same else "apart"}" aria-hidden="true">{ends[0]}'
        f'<span class="thread"><span>{words}</span></span>{ends[1]}</div>'
    )


def progress(place: int, done: int) -> str:
    """HTML of "Cover 3 of 6", with a mark for each cover.

    Args:
        place: number of the cover on show.
        done: how many have been voted on.
    """
    marks = "".join(
        f'<i class="{"done" if card <= done else "here" if card == place else "due"}"></i>'
        for card in range(1, CARDS + 1)
    )
    return f'<p class="progress"><span>{place} of {CARDS}</span><span aria-hidden="true">{marks}</span></p>'


def crowd_sentence(card: Card) -> str:
    """What the others felt; nothing of it while they are too few."""
    total, same = sum(card.others), card.alike.successes
    if total == 0:
        return "You are the first to vote on this cover."
    if total < A_CROWD:
        people = (
            "One other visitor has" if total == 1 else f"{_number(total).capitalize()} other visitors have"
        )
        return f"{people} voted on it so far. What they felt is shown once they are {_number(A_CROWD)}."
    ranked = sorted(
        ((people, name) for people, name in zip(card.others, FELT, strict=True) if people),
        key=lambda pair: -pair[0],
    )
    parts = ", ".join(
        f"{people} {'nothing or something else' if name == NOTHING else name}" for people, name in ranked
    )
    with_you = "nobody felt as you did" if not same else f"{same} felt as you did"
    return f"{total} other visitors have voted on it; {with_you}. They felt: {parts}."


def counts(found: Summary) -> str:
    """HTML of the three agreements."""

    def cell(words: str, share: Share) -> str:
        value = f"{share.successes} of {share.trials}" if share.trials else "–"
        return f"<div><dt>{words}</dt><dd>{value}</dd></div>"

    return (
        '<dl class="counts">'
        + cell("you and the machine", found.with_machine)
        + cell("you and the crowd", found.with_crowd)
        + cell("crowd and machine", found.crowd_with_machine)
        + "</dl>"
    )


def crowd_note(found: Summary) -> str:
    """HTML of why the crowd is not there on every cover; empty if it is."""
    known = found.with_crowd.trials
    if known == len(found.cards):
        return ""
    seen = "on none of these yet" if not known else f"on {known} of these {len(found.cards)}"
    return (
        '<p class="quiet">The crowd is what most others felt. It counts once '
        f"{_number(A_CROWD)} others have voted on a cover and one feeling is ahead: {seen}.</p>"
    )


def headline(found: Summary, yours: bool) -> str:
    """The round in a sentence."""
    same, all_cards = found.with_machine.successes, found.with_machine.trials
    who = "You and the machine" if yours else "This visitor and the machine"
    if same == 0:
        return f"{who} never felt the same."
    if same == all_cards:
        return f"{who} felt the same every time."
    return f"{who} felt the same on {_number(same)} of {_number(all_cards)} covers."


def alone(found: Summary, yours: bool) -> str:
    """HTML of the cover on which the visitor stood alone; empty if there is none."""
    if found.alone is None:
        return ""
    felt = found.alone.vote.felt
    words = "nothing, or something else" if felt == NOTHING else felt
    alike = found.alone.alike
    others = f"{alike.trials} others"
    how_many = f"none of {others}" if not alike.successes else f"only {alike.successes} of {others}"
    who, nearly = "You" if yours else "The visitor", "nearly " if alike.successes else ""
    return (
        f'<p class="sentence">{who} stood {nearly}alone before No. {found.alone.vote.cover.number}: '
        f"{how_many} felt {escape(words)}.</p>"
    )


def truth(found: Summary, yours: bool) -> str:
    """HTML of what is told at the end: which labels were drawn at random, and the answers to them."""
    why = (
        "On about one card in eight, the label that you are asked about is drawn at random. That way the exhibit "
        "can tell agreement from politeness; those answers are counted apart."
    )
    placebos = found.placebos
    if not placebos:
        return (
            '<section class="truth"><h2>Were the labels real?</h2>'
            f"<p>This time, yes: all {_number(len(found.cards))} were the machine’s own. {why}</p></section>"
        )
    lines = "".join(f"<li>{_placebo(found, card, yours)}</li>" for card in placebos)
    n = len(placebos)
    return (
        '<section class="truth"><h2>Were the labels real?</h2>'
        f"<p>Not all: {'one was' if n == 1 else f'{_number(n)} were'} drawn at random.</p><ul>{lines}</ul>"
        f"<p>{why}</p></section>"
    )


def _placebo(found: Summary, card: Card, yours: bool) -> str:
    who = "You" if yours else "The visitor"
    answer = {True: f"{who} agreed.", False: f"{who} disagreed.", None: f"{who} gave no answer."}
    return (
        f"Card {found.cards.index(card) + 1}, No. {card.vote.cover.number}: the label said "
        f"{feeling(card.vote.label_shown)}, the machine itself feels {feeling(card.vote.verdict.top)}. "
        f"{answer[card.vote.agrees]}"
    )


def hung(found: Summary, covers: list[Cover], yours: bool) -> str:
    """HTML of the round's covers, each with what the visitor, the crowd and the machine felt."""
    me = "you" if yours else "visitor"
    rows = "".join(
        _hung(card, cover, me, place)
        for place, (card, cover) in enumerate(zip(found.cards, covers, strict=True))
    )
    return f'<div class="cards">{rows}</div>'


def _hung(card: Card, cover: Cover, me: str, place: int) -> str:
    same = card.vote.felt == card.vote.verdict.top
    met = '<p class="met">the same</p>' if same else ""
    return (
        f'<div class="card{" same" if same else ""}" style="--place:{place}">'
        f"{prints.framed(cover, size='wall')}<dl>"
        f"<div><dt>{me}</dt><dd>{feeling(card.vote.felt)}</dd></div>"
        f"<div><dt>crowd</dt><dd>{_crowd(card)}</dd></div>"
        f"<div><dt>machine</dt><dd>{feeling(card.vote.verdict.top)}</dd></div></dl>{met}</div>"
    )


def _crowd(card: Card) -> str:
    if card.crowd is not None:
        return feeling(card.crowd)
    return f'<span class="none">{"torn" if sum(card.others) >= A_CROWD else "too few yet"}</span>'


def profile_note(found: Summary, yours: bool) -> str:
    """How to read the profile chart."""
    whose = "your" if yours else "this visitor’s"
    rest = 1 - sum(found.yours.shares)
    nothing = round(rest * found.yours.votes)
    note = f"Bars are {whose} {_votes(found.yours.votes)} so far"
    note += f", {nothing} of them for {NOTHING_WORDS}" if nothing else ""
    if found.everyone is not None:
        return f"{note}; upright lines are {found.everyone.votes:,} votes by everyone else, over all covers."
    return (
        f"{note}. Everyone else appears beside them once they have cast "
        f"{round_summaries.EVERYONE} votes; so far it is "
        f"{found.others_votes}."
    )


def on_the_card(found: Summary) -> str:
    """What the card to keep says."""
    same = found.with_machine
    words = f"The machine and I felt the same on {same.successes} of {same.trials} covers"
    if found.with_crowd.trials:
        words += f", the crowd and I on {found.with_crowd.successes} of {found.with_crowd.trials}"
    return words + "."


def _votes(number: int) -> str:
    return "one vote" if number == 1 else f"{number} votes"


def _number(number: int) -> str:
    words = ("none", "one", "two", "three", "four", "five", "six")
    return words[number] if number < len(words) else str(number)
