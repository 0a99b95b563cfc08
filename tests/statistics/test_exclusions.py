"""Votes that are left out: counted by reason, once each."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from albumjudge.statistics import exclusions
from albumjudge.statistics.exclusions import EARLIER_GENERATOR, FELT_NOTHING, PLACEBO, sift, tally
from tests.vote_fixtures import identity, verdict, vote


def test_a_vote_is_left_out_for_the_first_reason_and_counts_partly_for_all_that_fit() -> None:
    votes = [vote(seed=1, seconds_to_vote=0.1), vote(seed=1), vote(seed=2, seconds_to_vote=0.1), vote(seed=3)]
    sifted = sift(
        votes,
        {
            "too fast": lambda vote: vote.seconds_to_vote < 1,
            "on the first cover": lambda vote: vote.cover.seed == 1,
            "never": lambda vote: False,
        },
    )
    assert sifted.counted == (votes[3],)
    assert list(sifted.left_out.items()) == [("too fast", 2), ("on the first cover", 1), ("never", 0)]
    votes = [vote("nothing", arm="placebo"), vote("nothing"), vote(arm="placebo"), vote(), vote("nothing")]
    assert tally(votes, exclusions.PARTLY) == {FELT_NOTHING: 3, PLACEBO: 2}


def test_the_generator_of_the_latest_vote_is_the_current_one() -> None:
    old = vote(cover=identity(1, "dcgan-old-00000000"))
    new = vote(cover=identity(1), voted_at=old.voted_at + timedelta(days=1))
    later = vote(cover=identity(2), voted_at=old.voted_at + timedelta(days=2))
    votes = [later, old, new]
    sifted = sift(votes, exclusions.reasons_now(votes))
    assert sifted.counted == (later, new)
    assert sifted.left_out == {EARLIER_GENERATOR: 1}
    assert sift([old], exclusions.reasons_now([old])).counted == (old,)
    assert exclusions.reasons_now([]) == {}


def test_votes_beside_an_earlier_judges_verdict_are_told_of() -> None:
    early, late = vote("awe", visitor="ann"), vote("fear", visitor="bob")
    late = replace(
        late, verdict=verdict("awe", "vgg16-new-11111111"), voted_at=early.voted_at + timedelta(hours=1)
    )
    assert exclusions.EARLIER_JUDGE not in exclusions.partly_now([early])
    assert exclusions.tally([late, early], exclusions.partly_now([late, early])) == {
        exclusions.FELT_NOTHING: 0,
        exclusions.PLACEBO: 0,
        exclusions.EARLIER_JUDGE: 1,
    }
