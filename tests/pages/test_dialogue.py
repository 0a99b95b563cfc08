"""The dialogue: choose, ask for a feeling, watch, undo, put the pair to the vote, and judge others’ pairs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from albumjudge.domain.cover import CoverIdentity
from albumjudge.domain.emotions import NAMES
from albumjudge.domain.verdict import JudgedCover, Verdict
from albumjudge.inference.exhibit import Exhibit
from albumjudge.inference.steering import SteeringTarget
from albumjudge.statistics.duel_findings import find
from albumjudge.ui.rooms import steering_duel as pairs
from albumjudge.voting import duels
from albumjudge.voting.curation import CurationStore
from albumjudge.voting.duels import Chosen, DuelStore, DuelVote, left_for
from albumjudge.voting.votes import VoteStore
from tests.page_voting import put_up
from tests.pages_fixtures import *  # noqa: F403
from tests.pages_fixtures import OTHER_VISITOR, VISITOR, Visit, press, query, shared, text

FRAMES = 3
"""In each walk of these tests."""
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.fixture
def start(exhibit: Exhibit) -> CoverIdentity:
    """A cover that hangs here."""
    return CoverIdentity(exhibit.painter.revision, 4711)


@pytest.fixture
def wishes(exhibit: Exhibit, monkeypatch: pytest.MonkeyPatch) -> list[SteeringTarget]:
    """What was asked for; the tiny judge feels the same always, so here each frame simply feels more of it."""
    asked: list[SteeringTarget] = []

    def steer(start: CoverIdentity, wish: SteeringTarget) -> Iterator[JudgedCover]:
        asked.append(wish)
        here = start.latents(8)
        for number in range(1, FRAMES + 1):
            here = here + 0.2 + 0.1 * NAMES.index(wish.emotion)
            cover = exhibit.painter.paint_each([start.at(here)])[0]
            yield JudgedCover(cover, Verdict(felt(wish.emotion, 0.2 + 0.1 * number), exhibit.judge.revision))

    shown = exhibit.show_each

    def show_each(identities: Any) -> list[JudgedCover]:
        # Drifted covers feel what was asked for last.
        return [
            replace(judged, verdict=Verdict(felt(asked[-1].emotion, 0.5), judged.verdict.revision))
            if judged.cover.identity.drift and asked
            else judged
            for judged in shown(identities)
        ]

    monkeypatch.setattr(exhibit, "steer", steer)
    monkeypatch.setattr(exhibit, "show_each", show_each)
    return asked


def felt(emotion: str, share: float) -> tuple[float, ...]:
    return tuple(share if name == emotion else (1 - share) / 7 for name in NAMES)


def choose(box: VoteStore, duel: int, visitor: str, chosen: Chosen) -> None:
    picked: duels.Picked = (
        "neither" if chosen == "neither" else "left" if left_for(visitor, duel) == chosen else "right"
    )
    DuelStore(box.engine).cast(visitor=visitor, duel=duel, picked=picked, seconds_to_vote=1)


# Leading


@pytest.mark.slow
def test_six_covers_are_on_offer_and_others_on_demand(visit: Visit) -> None:
    app = visit("dialogue")
    first = re.findall(r"No\. (\d{6})", text(app))
    assert len(first) == 12
    press(app, "others")
    assert set(re.findall(r"No\. (\d{6})", text(app))).isdisjoint(first)
    press(app, f"lead-{int(re.findall(r'No. ([0-9]{6})', text(app))[2])}")
    assert query(app, "cover") and len([b for b in app.button if str(b.key).endswith("-wish")]) == 8


def test_a_wish_leads_to_a_cover_with_a_link_of_its_own(
    visit: Visit, start: CoverIdentity, wishes: list[SteeringTarget]
) -> None:
    app = visit("dialogue", cover=str(start))
    assert "The way here" not in text(app)
    app.select_slider(key="strength").set_value("all the way").run()
    app.slider(key="radius").set_value(8.0).run()
    press(app, "felt-sadness-wish")
    assert wishes == [SteeringTarget("sadness", 1.0, 8.0)]
    led = CoverIdentity.parse(query(app, "cover"))
    assert led.drift and led.seed == start.seed
    page = text(app)
    assert "The machine’s sadness rose from 7 % to 50 %." in page
    assert "The way here" in page and ">beginning<" in page and ">sadder<" in page
    assert shared(app).endswith(f"/?cover={led}")
    on_stage = visit(cover=str(led))
    image = re.search(r'src="(data:image/png[^"]+)"', text(on_stage))
    assert image and image[1] in page


@pytest.mark.slow
def test_undo_steps_back_and_the_way_can_be_gone_again(
    visit: Visit, start: CoverIdentity, wishes: list[SteeringTarget]
) -> None:
    app = visit("dialogue", cover=str(start))
    press(app, "felt-sadness-wish")
    once = query(app, "cover")
    press(app, "felt-awe-wish")
    assert query(app, "cover") not in (once, str(start)) and text(app).count("<li class=") == 3
    press(app, "undo")
    assert query(app, "cover") == once and text(app).count("<li class=") == 2
    press(app, "felt-awe-wish")
    press(app, "restart")
    assert query(app, "cover") == str(start) and "The way here" not in text(app)


@pytest.mark.slow
def test_a_way_that_leads_nowhere_is_said(
    visit: Visit, start: CoverIdentity, exhibit: Exhibit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exhibit, "steer", lambda start, wish: iter(()))
    app = press(visit("dialogue", cover=str(start)), "felt-awe-wish")
    assert "finds no way to more awe" in text(app)
    assert query(app, "cover") == str(start)
    assert "finds no way" not in text(app.run())


def test_the_pair_goes_to_the_vote_from_where_the_feeling_was_first_asked_for(
    visit: Visit, start: CoverIdentity, wishes: list[SteeringTarget], box: VoteStore
) -> None:
    app = visit("dialogue", cover=str(start))
    press(app, "felt-sadness-wish")
    press(app, "felt-sadness-wish")
    press(app, "challenge")
    assert "Others will be asked: Which is sadder?" in text(app)
    duel = DuelStore(box.engine).next_for(OTHER_VISITOR)
    assert duel is not None and duel.emotion == "sadness"
    assert (str(duel.before.identity), str(duel.after.identity)) == (str(start), query(app, "cover"))
    press(app, "to-duels")
    assert "No pair is waiting for you" in text(app)  # Their own is not put to them.


# Duels


def test_a_blind_pair_then_which_was_which(visit: Visit, box: VoteStore) -> None:
    duel = put_up(box)
    app = visit("dialogue", duel="next")
    page = text(app)
    assert "Which is sadder?" in page and query(app, "duel") == str(duel.id)
    assert not re.search("repainted<|as it was|% to", page)
    press(app, "pick-left")
    vote = DuelStore(box.engine).vote_of(VISITOR, duel.id)
    assert vote is not None and vote.chosen == vote.left_shown == left_for(VISITOR, duel.id)
    page = text(app)
    yours = "You chose the repainted one." if vote.chosen == "after" else "You chose the one it began with."
    assert yours in page and "rose from 7 % to 50 %" in page
    assert "told once 5 of them" in page
    assert "Needs 30 choices, has 1." in page
    again = text(visit("dialogue", duel=str(duel.id)))
    assert yours in again
    press(app, "next-pair")
    assert "No pair is waiting for you" in text(app)


@pytest.mark.slow
def test_no_difference_is_an_answer_and_the_crowd_is_told_when_it_is_one(
    visit: Visit, box: VoteStore
) -> None:
    duel = put_up(box)
    for number, chosen in enumerate(("after", "after", "after", "before", "neither")):
        choose(box, duel.id, f"visitor{number}", chosen)  # type: ignore[arg-type]
    app = press(visit("dialogue", duel="next"), "pick-neither")
    page = text(app)
    assert "You saw no difference." in page
    assert "3 of the 4 others who decided chose the repainted one; 1 saw no difference." in page
    assert "75 %" in page


@pytest.mark.slow
@pytest.mark.parametrize("asked", ["", "x", "-1", "²", "999999999999", "77"])
def test_a_pair_that_is_not_there_is_the_next_one(visit: Visit, box: VoteStore, asked: str) -> None:
    duel = put_up(box)
    app = visit("dialogue", duel=asked)
    assert "Which is sadder?" in text(app) and query(app, "duel") == str(duel.id)


@pytest.mark.slow
def test_while_the_exhibit_is_closed_no_pair_is_judged_or_put_up(
    visit: Visit, box: VoteStore, start: CoverIdentity, wishes: list[SteeringTarget]
) -> None:
    judged_pair, other = put_up(box), put_up(box, 8)
    choose(box, judged_pair.id, VISITOR, "after")
    app, leading = visit("dialogue", duel=str(other.id)), visit("dialogue", cover=str(start))
    press(leading, "felt-sadness-wish")
    CurationStore(box.engine).close()
    page = text(press(app, "pick-left"))
    assert "Your choice was not stored: the exhibit is closed at the moment and takes no votes." in page
    assert DuelStore(box.engine).vote_of(VISITOR, other.id) is None
    page = text(visit("dialogue", duel="next"))
    assert "takes no votes" in page and "Does the crowd agree that it worked?" in page
    assert "You chose the repainted one." in text(visit("dialogue", duel=str(judged_pair.id)))
    assert "was not put to the vote: the exhibit is closed" in text(press(leading, "challenge"))
    assert DuelStore(box.engine).find(other.id + 1) is None


# Words and pictures


def test_the_running_result_is_faint_until_it_rests_on_enough() -> None:
    def page(votes: list[DuelVote]) -> str:
        return pairs.running_result(find(votes)).replace("\u202f", " ")

    votes = [
        DuelVote(n % 12, "awe", f"v{n % 9}", "after" if n % 8 else "before", "before", 1, NOON)
        for n in range(72)
    ]
    assert "figure faint" in page([]) and "Too few choices to say yet." in page(votes[:9])
    firm = page(votes)
    assert "figure faint" not in firm and "Yes: people find the feeling" in firm
    assert firm.count('<li class="firm">') == 1 and firm.count('<li class="faint">') == 7
    value = np.mean([vote.chosen == "after" for vote in votes])
    assert f"<b>{value:.0%}".replace("%", " %") in firm
