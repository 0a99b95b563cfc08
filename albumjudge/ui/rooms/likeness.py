"""A visitor's portrait in words and pictures, from their votes and what others felt before the same covers."""

from __future__ import annotations

from collections.abc import Sequence

from albumjudge.domain.cover import Cover, CoverIdentity, read_png
from albumjudge.domain.verdict import Juror
from albumjudge.statistics.portrait import Portrait, StoodAlone, portray
from albumjudge.ui import share_card, shell
from albumjudge.ui.charts.figures import percent
from albumjudge.ui.share_card import Face
from albumjudge.ui.words import _, translate
from albumjudge.voting.votes import StoredVote

SURE = 0.9
"""Share of redrawn covers on which a juror must fit best to be called the one that is most like somebody."""


def of(who: str, mine: Sequence[StoredVote]) -> Portrait | None:
    """The portrait of a visitor; None while they have voted on too few covers."""
    others = {}
    for generator in {vote.cover.generator for vote in mine}:
        others.update(shell.vote_store().tallies(generator, without=who))
    return portray(mine, others, _jurors([vote.cover for vote in mine]))


def _jurors(covers: Sequence[CoverIdentity]) -> dict[CoverIdentity, Sequence[Juror]]:
    exhibit = shell.exhibit()
    here = [cover for cover in covers if exhibit.painter_of(cover.generator) is not None]
    shown = exhibit.show_each(here)
    return {
        judged.cover.identity: judged.verdict.jurors for judged in shown if len(judged.verdict.jurors) > 1
    }


def moved(portrait: Portrait) -> str:
    """What moves this visitor more or less than others, where that is clear."""
    clear = [lean for lean in portrait.leans if lean.clear]
    if not portrait.leans:
        return _("How you differ from others is said once others have voted on enough of your covers.")
    if not clear:
        return _("Nothing sets you clearly apart from others yet.")
    lean = clear[0]
    shares = {"emotion": _(lean.emotion), "yours": percent(lean.yours), "others": percent(lean.others)}
    if lean.yours > lean.others:
        said = _("{emotion} moves you more often than others: {yours}, not {others}.", **shares)
    else:
        said = _("{emotion} moves you less often than others: {yours}, not {others}.", **shares)
    return said[0].upper() + said[1:]


def juror(portrait: Portrait) -> str:
    """Which juror feels most as this visitor does, with how much doubt; empty without a jury."""
    if not portrait.jurors:
        return ""
    best, *rest = portrait.jurors
    if best.support < SURE and rest:
        said = _(
            "Of all jurors, {juror} feels most as you do, but with other covers it might be {other}.",
            juror=translate(best.juror),
            other=translate(rest[0].juror),
        )
    else:
        said = _("Of all jurors, {juror} feels most as you do.", juror=translate(best.juror))
    measured = _(
        "It gave {given} to what you felt, where guessing gives {guessing}, and came first in {support} of "
        "redrawn sets of covers.",
        given=percent(best.given),
        guessing=percent(1 / 8),
        support=percent(best.support),
    )
    return f"{said} {measured}"


def covers_alone(portrait: Portrait, most: int) -> list[tuple[StoodAlone, Cover]]:
    """The covers before which this visitor stood alone, with their stored pictures."""
    found = []
    for one in portrait.alone[:most]:
        stored = shell.vote_store().stored_cover(one.cover)
        if stored is not None:
            found.append((one, read_png(one.cover, stored[0])))
    return found


def card(portrait: Portrait, mine: Sequence[StoredVote]) -> bytes:
    """The portrait as a picture to keep: the loneliest covers, else the latest ones."""
    alone = [one.cover for one in portrait.alone]
    votes = sorted(mine, key=lambda vote: alone.index(vote.cover) if vote.cover in alone else len(alone))
    faces = []
    for vote in votes[: share_card.MOST]:
        stored = shell.vote_store().stored_cover(vote.cover)
        if stored is not None:
            faces.append(Face(read_png(vote.cover, stored[0]), vote.felt, vote.verdict.top))
    return share_card.draw(faces, _("My portrait"), moved(portrait))
