"""A visitor's portrait, on visitors whose tastes are known."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from albumjudge.domain.cover import CoverIdentity
from albumjudge.domain.emotions import NAMES, NOTHING
from albumjudge.domain.verdict import Juror
from albumjudge.statistics import portrait
from albumjudge.statistics.agreement import Share
from albumjudge.statistics.portrait import Portrait, portray
from albumjudge.voting.votes import StoredVote
from tests.vote_fixtures import identity, vote

EVEN = dict.fromkeys(NAMES, 2)


def on(covers: int, *felt: str) -> list[StoredVote]:
    """One vote a cover, over and over the same answers."""
    return [vote(felt[seed % len(felt)], seed=seed) for seed in range(covers)]


def everywhere(covers: int, tally: Mapping[str, int]) -> dict[CoverIdentity, Mapping[str, int]]:
    return {identity(seed): tally for seed in range(covers)}


def drawn(*args: object) -> Portrait:
    found = portray(*args)  # type: ignore[arg-type]
    assert found is not None
    return found


def test_what_a_visitor_feels_more_often_than_others_comes_first() -> None:
    found = drawn(on(16, "fear", "fear", "awe", "fear"), everywhere(16, EVEN), {})
    first = found.leans[0]
    assert (first.emotion, first.yours, first.others) == ("fear", 0.75, 0.125) and first.clear
    assert first.difference.value == pytest.approx(0.625) and first.difference.interval is not None
    assert len(found.leans) == 8 and found.compared == found.votes == 16


def test_a_visitor_who_feels_as_others_do_leans_nowhere_and_what_was_never_felt_keeps_its_doubt() -> None:
    found = drawn(on(24, *NAMES), everywhere(24, EVEN), {})
    assert not any(lean.clear for lean in found.leans)
    assert all(lean.difference.value == pytest.approx(0) for lean in found.leans)
    lean = next(
        lean for lean in drawn(on(12, "awe"), everywhere(12, EVEN), {}).leans if lean.emotion == "anger"
    )
    assert lean.yours == 0 and not lean.clear
    assert lean.difference.interval is not None and lean.difference.interval.high > 0


def test_covers_with_few_other_votes_are_not_compared() -> None:
    tallies = everywhere(12, {"awe": portrait.FEWEST_OTHERS - 1})
    found = drawn(on(12, "fear"), tallies, {})
    assert found.compared == 0 and not found.leans and not found.alone
    assert portray(on(portrait.FEWEST_VOTES - 1, "awe"), {}, {}) is None


def jury(seed: int) -> tuple[Juror, ...]:
    """One who knows what ann feels, and one who thinks of sadness."""
    felt = NAMES[seed % 8]
    return (
        Juror("gloomy", tuple(0.65 if name == "sadness" else 0.05 for name in NAMES)),
        Juror("kindred", tuple(0.3 if name == felt else 0.1 for name in NAMES)),
    )


def test_the_juror_who_gives_most_to_what_was_felt_is_the_most_alike() -> None:
    jurors = {identity(seed): jury(seed) for seed in range(24)}
    kindred, gloomy = drawn(on(24, *NAMES), {}, jurors).jurors
    assert (kindred.juror, gloomy.juror) == ("kindred", "gloomy")
    assert kindred.given == pytest.approx(0.3) and kindred.support > 0.95
    assert kindred.support + gloomy.support == pytest.approx(1)


def test_jurors_who_cannot_be_told_apart_share_the_doubt() -> None:
    chance = np.random.default_rng(2)
    jurors = {
        identity(seed): [Juror(name, tuple(chance.dirichlet(np.full(8, 9)))) for name in "abcd"]
        for seed in range(12)
    }
    found = drawn(on(12, *NAMES), {}, jurors).jurors
    assert len(found) == 4 and found[0].support < 0.9


def test_votes_for_nothing_and_covers_of_other_juries_are_no_comparison() -> None:
    jurors = {identity(0): jury(0), identity(1): jury(1)[:1]}
    assert drawn([vote(NOTHING, seed=seed) for seed in range(12)], {}, jurors).jurors == ()
    found = drawn(on(12, *NAMES), {}, jurors).jurors
    assert {one.juror for one in found} == {"gloomy", "kindred"} and found[0].given == pytest.approx(0.3)


def test_a_visitor_stood_alone_where_few_others_felt_the_same_the_surest_first() -> None:
    tallies: dict[CoverIdentity, Mapping[str, int]] = dict(everywhere(12, {"awe": 9}))
    tallies[identity(3)] = {"fear": 40}
    tallies[identity(5)] = {"fear": 8, "awe": 1}
    found = drawn(on(12, "awe"), tallies, {}).alone
    assert [(row.cover.seed, row.alike, row.most) for row in found] == [
        (3, Share(0, 40), "fear"),
        (5, Share(1, 9), "fear"),
    ]
