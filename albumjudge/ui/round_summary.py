"""A finished round in words and prints: for the visitor who played it, and for whoever got the link."""

from __future__ import annotations

from html import escape

from albumjudge.domain import emotions
from albumjudge.domain.cover import Cover
from albumjudge.domain.emotions import EMOTIONS, NOTHING
from albumjudge.statistics import rounds as round_summaries
from albumjudge.statistics.agreement import FELT, Share
from albumjudge.statistics.rounds import A_CROWD, Card, Summary
from albumjudge.ui import markup, prints
from albumjudge.ui.words import N_, _, in_letters, ngettext, number, translate
from albumjudge.voting.rounds import CARDS

NOTHING_WORDS = N_("nothing, or something else")
WHY_RANDOM = N_(
    "On about one card in eight, the label that you are asked about is drawn at random. That way the exhibit "
    "can tell agreement from the habit of saying yes; those answers are counted apart."
)


def felt_words(felt: str) -> str:
    """An answer in the visitor's language, spelt out if it is none of the eight."""
    return _(NOTHING_WORDS if felt == NOTHING else felt)


def feeling(felt: str) -> str:
    """HTML of a feeling with its sign, in its hue."""
    if felt == NOTHING:
        return f'<span class="none">{_("nothing, or else")}</span>'
    return f'<span class="felt hue-{felt}">{EMOTIONS[emotions.index(felt)].sign} {_(felt)}</span>'


def meeting(felt: str, machines: str) -> str:
    """HTML of two signs with a thread between them, whole where visitor and machine felt the same.

    It says nothing that is not said in words beside it, so screen readers pass it over.
    """
    same = felt == machines
    ends = []
    for side, who, name in (("yours", _("you"), felt), ("theirs", _("machine"), machines)):
        sign = "–" if name == NOTHING else EMOTIONS[emotions.index(name)].sign
        words = f"{sign}<em> {_(name)}</em>"
        ends.append(f'<span class="end {side}"><i>{who}</i><b class="hue-{name}">{words}</b></span>')
    return (
        f'<div class="meeting {"same" if same else "apart"}" aria-hidden="true">{ends[0]}'
        f'<span class="thread"><span>{_("the same") if same else _("apart")}</span></span>{ends[1]}</div>'
    )


def lately(card: Card, cover: Cover, yours: str) -> str:
    """HTML of a small print with what its visitor, the machine and the crowd felt.

    Args:
        yours: HTML of what the visitor felt, as a sentence.
    """
    vote, total = card.vote, sum(card.others)
    said = _("The machine feels {feeling}.", feeling=translate(vote.verdict.words))
    lines = [_("You are the first to vote on this cover.")] if not total else []
    if total >= A_CROWD:
        lines = [_("{n} of {all} others felt as you did.", n=card.alike.successes, all=total)]
    if vote.label_shown != vote.verdict.top:
        lines.append(_("Another label? The end of the round explains."))
    return (
        f'<div class="lately" role="status"><img src="{prints.picture(cover)}" '
        f'alt="{escape(prints.alt_text(cover))}"><div><p class="heard">{yours} {said}</p>'
        f"{meeting(vote.felt, vote.verdict.top)}{markup.paragraph(' '.join(lines))}</div></div>"
    )


def progress(place: int, done: int, of: int = CARDS) -> str:
    """HTML of "3 of 6", with a mark for each cover.

    Args:
        place: number of the cover on show.
        done: how many have been voted on.
        of: how many there are.
    """
    marks = "".join(
        f'<i class="{"done" if card <= done else "here" if card == place else "due"}"></i>'
        for card in range(1, of + 1)
    )
    said = _("{place} of {all}", place=place, all=of)
    return f'<p class="progress"><span>{said}</span><span aria-hidden="true">{marks}</span></p>'


def crowd_sentence(card: Card) -> str:
    """What the others felt; nothing of it while they are too few."""
    total, same = sum(card.others), card.alike.successes
    if total == 0:
        return _("You are the first to vote on this cover.")
    if total < A_CROWD:
        so_far = ngettext(
            "One other visitor has voted on it so far.",
            "{count} other visitors have voted on it so far.",
            total,
            count=in_letters(total),
        )
        so_far = so_far[0].upper() + so_far[1:]
        return f"{so_far} {_('What they felt is shown once they are {n}.', n=in_letters(A_CROWD))}"
    pairs = zip(card.others, FELT, strict=True)
    ranked = sorted(((people, name) for people, name in pairs if people), key=lambda pair: -pair[0])
    parts = ", ".join(f"{number(people)} {felt_words(name).replace(',', '')}" for people, name in ranked)
    with_you = (
        ngettext("one felt as you did", "{n} felt as you did", same) if same else _("nobody felt as you did")
    )
    return _(
        "{n} other visitors have voted on it; {with_you}. They felt: {parts}.",
        n=number(total),
        with_you=with_you,
        parts=parts,
    )


def counts(found: Summary) -> str:
    """HTML of the three agreements."""

    def value(share: Share) -> str:
        return _("{n} of {all}", n=share.successes, all=share.trials) if share.trials else "–"

    return markup.counts(
        [
            (_("you and the machine"), value(found.with_machine)),
            (_("you and the crowd"), value(found.with_crowd)),
            (_("crowd and machine"), value(found.crowd_with_machine)),
        ]
    )


def crowd_note(found: Summary) -> str:
    """HTML of why the crowd is not there on every cover; empty if it is."""
    known, every = found.with_crowd.trials, len(found.cards)
    if known == every:
        return ""
    seen = (
        _("So far it counts on {known} of these {every}.", known=known, every=every)
        if known
        else _("So far it counts on none of these.")
    )
    why = _(
        "The crowd is what most others felt. It counts once {n} others have voted on a cover and one feeling "
        "is ahead.",
        n=in_letters(A_CROWD),
    )
    return markup.paragraph(f"{why} {seen}")


def headline(found: Summary, yours: bool) -> str:
    """The round in a sentence."""
    same, every = found.with_machine.successes, found.with_machine.trials
    said = {"who": _("You and the machine") if yours else _("Visitor and machine"), "all": in_letters(every)}
    if same == 0:
        return _("{who} never felt the same.", **said)
    if same == every:
        return _("{who} felt the same every time.", **said)
    return ngettext(
        "{who} felt the same on one of {all} covers.",
        "{who} felt the same on {count} of {all} covers.",
        same,
        count=in_letters(same),
        **said,
    )


def alone(found: Summary, yours: bool) -> str:
    """HTML of the cover on which the visitor stood alone; empty if there is none."""
    if found.alone is None:
        return ""
    alike, vote = found.alone.alike, found.alone.vote
    said = {
        "who": _("You") if yours else _("The visitor"),
        "cover": _("No. {number}", number=vote.cover.number),
        "n": alike.successes,
        "all": alike.trials,
        "felt": felt_words(vote.felt),
    }
    if alike.successes:
        text = _("{who} stood nearly alone before {cover}: only {n} of {all} others felt {felt}.", **said)
    else:
        text = _("{who} stood alone before {cover}: none of {all} others felt {felt}.", **said)
    return markup.paragraph(text, "sentence")


def truth(found: Summary, yours: bool) -> str:
    """HTML of what is told at the end: which labels were drawn at random, and the answers to them."""
    why, placebos = _(WHY_RANDOM), found.placebos
    head = f"<h2>{_('Were the labels real?')}</h2>"
    if not placebos:
        real = _("This time, yes: all {n} were the machine’s own.", n=in_letters(len(found.cards)))
        return f'<section class="truth">{head}<p>{real} {why}</p></section>'
    how_many = ngettext(
        "Not all: one was drawn at random.",
        "Not all: {count} were drawn at random.",
        len(placebos),
        count=in_letters(len(placebos)),
    )
    lines = "".join(f"<li>{_placebo(found, card, yours)}</li>" for card in placebos)
    return f'<section class="truth">{head}<p>{how_many}</p><ul>{lines}</ul><p>{why}</p></section>'


def _placebo(found: Summary, card: Card, yours: bool) -> str:
    who = {"who": _("You") if yours else _("The visitor")}
    answer = {
        True: _("{who} agreed.", **who),
        False: _("{who} disagreed.", **who),
        None: _("{who} gave no answer.", **who),
    }[card.vote.agrees]
    said = _(
        "Card {place}, {cover}: the label said {label}, the machine itself feels {own}.",
        place=found.cards.index(card) + 1,
        cover=_("No. {number}", number=card.vote.cover.number),
        label=feeling(card.vote.label_shown),
        own=feeling(card.vote.verdict.top),
    )
    return f"{said} {answer}"


def hung(found: Summary, covers: list[Cover], yours: bool) -> str:
    """HTML of the round's covers, each with what the visitor, the crowd and the machine felt."""
    me = _("you") if yours else _("visitor")
    rows = "".join(
        _hung(card, cover, me, place)
        for place, (card, cover) in enumerate(zip(found.cards, covers, strict=True))
    )
    return f'<div class="cards">{rows}</div>'


def _hung(card: Card, cover: Cover, me: str, place: int) -> str:
    same = card.vote.felt == card.vote.verdict.top
    met = f'<p class="met">{_("the same")}</p>' if same else ""
    said = (
        (me, feeling(card.vote.felt)),
        (_("crowd"), _crowd(card)),
        (_("machine"), feeling(card.vote.verdict.top)),
    )
    felt = "".join(f"<div><dt>{who}</dt><dd>{what}</dd></div>" for who, what in said)
    return (
        f'<div class="card{" same" if same else ""}" style="--place:{place}">'
        f"{prints.framed(cover, size='wall')}<dl>{felt}</dl>{met}</div>"
    )


def _crowd(card: Card) -> str:
    if card.crowd is not None:
        return feeling(card.crowd)
    return f'<span class="none">{_("torn") if sum(card.others) >= A_CROWD else _("too few yet")}</span>'


def profile_note(found: Summary, yours: bool) -> str:
    """How to read the profile chart."""
    votes = found.yours.votes
    whose = _("your") if yours else _("this visitor’s")
    note = ngettext(
        "Bars are {whose} one vote so far.", "Bars are {whose} {n} votes so far.", votes, whose=whose
    )
    if nothing := round((1 - sum(found.yours.shares)) * votes):
        note += " " + ngettext(
            "One of them was for nothing, or something else.",
            "{n} of them were for nothing, or something else.",
            nothing,
        )
    if found.everyone is not None:
        return f"{note} " + ngettext(
            "Upright lines are one vote by everyone else, over all covers.",
            "Upright lines are {n} votes by everyone else, over all covers.",
            found.everyone.votes,
        )
    return f"{note} " + _(
        "Everyone else appears beside them once they have cast {n} votes; so far it is {now}.",
        n=round_summaries.EVERYONE,
        now=found.others_votes,
    )


def on_the_card(found: Summary) -> str:
    """What the card to keep says."""
    same, crowd = found.with_machine, found.with_crowd
    how_often = {"n": same.successes, "all": same.trials}
    if crowd.trials:
        return _(
            "The machine and I felt the same on {n} of {all} covers, the crowd and I on {with_crowd} of "
            "{known}.",
            with_crowd=crowd.successes,
            known=crowd.trials,
            **how_often,
        )
    return _("The machine and I felt the same on {n} of {all} covers.", **how_often)
