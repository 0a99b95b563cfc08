"""A round: which covers, which label, and what came of it."""

from __future__ import annotations

import random
from collections import Counter
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from albumjudge.domain.cover import CoverIdentity
from albumjudge.domain.emotions import NAMES, NOTHING
from albumjudge.statistics import rounds as round_summaries
from albumjudge.statistics.agreement import FELT, Share
from albumjudge.statistics.rounds import A_CROWD
from albumjudge.voting import rounds
from albumjudge.voting.rounds import CARDS, Offer, Round
from albumjudge.voting.votes import ROUND, StoredVote
from tests.vote_fixtures import identity, vote

ANN = "ann"
FIRST = rounds.round_id(ANN, 0)
COUNTS = st.lists(st.integers(0, 40), min_size=2, max_size=9)


def in_round(
    seeds: range | list[int], felt: str = "awe", number: int = 0, **changes: object
) -> list[StoredVote]:
    """Votes of Ann on some covers."""
    return [
        vote(felt, seed=seed, visitor=ANN, round=rounds.round_id(ANN, number), **changes) for seed in seeds
    ]


def covers(*seeds: int) -> tuple[CoverIdentity, ...]:
    return tuple(identity(seed) for seed in seeds)


def variance(parameters: list[Fraction]) -> Fraction:
    """Summed variance of a Dirichlet distribution, from its textbook formula."""
    total = sum(parameters, Fraction(0))
    return sum((a * (total - a) / (total**2 * (total + 1)) for a in parameters), Fraction(0))


@given(COUNTS)
def test_the_gain_is_the_expected_fall_of_the_posterior_variance(counts: list[int]) -> None:
    before = [count + Fraction(1, 2) for count in counts]
    total = sum(before, Fraction(0))
    expected = Fraction(0)
    for answer, parameter in enumerate(before):
        after = [a + (place == answer) for place, a in enumerate(before)]
        expected += parameter / total * variance(after)
    assert rounds.gain(counts) == pytest.approx(float(variance(before) - expected), rel=1e-12)


@given(COUNTS, st.randoms(use_true_random=False))
def test_the_same_votes_for_other_feelings_are_a_tie(counts: list[int], chance: random.Random) -> None:
    shuffled = counts.copy()
    chance.shuffle(shuffled)
    assert rounds.gain(shuffled) == rounds.gain(counts)


def test_few_votes_go_before_many_and_divided_crowds_before_sure_ones() -> None:
    assert rounds.gain([0] * 9) > rounds.gain([1] + [0] * 8) > rounds.gain([5] + [0] * 8)
    assert rounds.gain([4, 4] + [0] * 7) > rounds.gain([8] + [0] * 8)
    # Few votes usually go before many, but a crowd of one mind is known sooner than a divided one.
    assert rounds.gain([5, 4] + [0] * 7) > rounds.gain([8] + [0] * 8)


def test_the_cover_that_tells_most_is_next_at_random_among_ties() -> None:
    tallies = {identity(1): {"awe": 1}, identity(2): {"fear": 1}, identity(3): {"fear": 3}}
    plain = next(n for n in range(99) if 1 not in rounds.anchor_places(rounds.round_id(ANN, n)))
    now = Round(rounds.round_id(ANN, plain), ())

    def drawn(*pool: int, seen: tuple[CoverIdentity, ...] = ()) -> set[CoverIdentity | None]:
        chance = random.Random(0)
        offer = Offer(covers(100), covers(*pool))
        return {rounds.choose(now, seen, offer, tallies, chance) for _ in range(40)}

    assert drawn(1, 2, 3) == set(covers(1, 2))
    assert drawn(1, 2, 3, 4, 5) == set(covers(4, 5))
    assert drawn(1, 2, 3, seen=covers(1)) == set(covers(2))
    assert drawn(1, 2, seen=covers(1, 2)) == set(covers(100))
    assert drawn(1, seen=covers(1, 100)) == {None}


def a_whole_round(
    visitor: str, offer: Offer, seen: list[CoverIdentity], number: int = 0
) -> list[CoverIdentity]:
    """The covers of a round that is played to its end; they are seen afterwards."""
    chosen: list[StoredVote] = []
    for _ in range(CARDS):
        now = Round(rounds.round_id(visitor, number), tuple(chosen))
        cover = rounds.choose(now, seen, offer, {})
        if cover is None:
            break
        seen.append(cover)
        chosen.append(vote(cover=cover))
    return [cast.cover for cast in chosen]


def test_everyone_meets_the_same_two_anchors_in_a_round_and_the_next_two_in_the_next() -> None:
    offer = rounds.offer((), covers(*range(48)))
    assert offer.anchors == covers(0, 1, 2, 3)
    met_at = set()
    for visitor in map(str, range(12)):
        seen: list[CoverIdentity] = []
        first, second, third = (a_whole_round(visitor, offer, seen, number) for number in range(3))
        assert [cover for cover in first if cover in offer.anchors] == list(covers(0, 1))
        assert [cover for cover in second if cover in offer.anchors] == list(covers(2, 3))
        assert not set(third) & set(offer.anchors)
        assert len({*first, *second, *third}) == 3 * CARDS
        met_at.add(first.index(identity(0)))
    assert len(met_at) > 1


def test_a_curators_anchors_take_the_place_of_the_usual_ones_wherever_they_come_from() -> None:
    chosen = (CoverIdentity(identity().generator, 7, decade="1970s"), identity(5))
    offer = rounds.offer(chosen, covers(*range(10)))
    assert offer.anchors == chosen and identity(5) not in offer.pool and identity(0) in offer.pool
    assert set(a_whole_round(ANN, offer, [])) > set(chosen)


def test_a_visitor_meets_every_cover_once_and_then_none() -> None:
    offer = rounds.offer((), covers(*range(9)))
    seen: list[CoverIdentity] = []
    assert len(a_whole_round(ANN, offer, seen)) == 6
    assert len(a_whole_round(ANN, offer, seen, 1)) == 3
    assert sorted(cover.seed for cover in seen) == list(range(9))
    assert offer.left(seen) == () and offer.left(seen[1:]) == (seen[0],)


def test_a_visitor_goes_on_with_the_first_round_that_is_not_full() -> None:
    assert rounds.current(ANN, []) == Round(FIRST, ())
    begun = [vote(seed=99, visitor=ANN), *in_round(range(4))]
    now = rounds.current(ANN, begun)
    assert (now.id, now.due, now.full) == (FIRST, 5, False) and ROUND.fullmatch(FIRST)
    assert now.place(begun[2]) == 2
    over = begun + in_round([10, 11])
    assert rounds.played(FIRST, over).full
    assert rounds.current(ANN, over) == Round(rounds.round_id(ANN, 1), ())
    # A seventh vote in a round belongs to no card.
    assert [cast.cover.seed for cast in rounds.played(FIRST, in_round(range(7))).cast] == list(range(6))


def test_one_label_in_eight_is_random_and_never_the_jurys_own() -> None:
    chance, drawn = random.Random(4711), 80_000
    labels = [rounds.draw_label("awe", chance) for _ in range(drawn)]
    arms = Counter(arm for _, arm in labels)
    # Five standard deviations of a binomial.
    assert arms["placebo"] / drawn == pytest.approx(1 / 8, abs=5 * (7 / 64 / drawn) ** 0.5)
    assert {label for label, arm in labels if arm == "judge"} == {"awe"}
    random_ones = Counter(label for label, arm in labels if arm == "placebo")
    assert set(random_ones) == set(NAMES) - {"awe"}
    mean = arms["placebo"] / 7
    assert all(abs(count - mean) < 5 * mean**0.5 for count in random_ones.values())
    with pytest.raises(ValueError, match="none of the eight"):
        rounds.draw_label("boredom")


def crowd_on(mine: list[StoredVote], *felt: dict[str, int]) -> dict[CoverIdentity, Counter[str]]:
    """Tallies of what others felt, cover by cover."""
    return {cast.cover: Counter(others) for cast, others in zip(mine, felt, strict=True)}


def test_a_round_is_summed_up() -> None:
    mine = [
        *in_round([1], "awe", top="awe"),
        *in_round([2], "fear", top="awe"),
        *in_round([3], "fear", top="awe", arm="placebo", label_shown="sadness", agrees=False),
        *in_round([4], NOTHING, top="awe"),
    ]
    tallies = crowd_on(
        mine,
        {"awe": 5},  # with the crowd, and the crowd with the machine
        {"awe": 4, "anger": 4},  # torn, and alone
        {"fear": 9, "awe": 1},  # with the crowd, the machine with nobody
        {"sadness": A_CROWD - 1},  # too few to tell
    )
    found = round_summaries.summarise(rounds.played(FIRST, mine), mine, tallies)
    assert found is not None
    assert [card.crowd for card in found.cards] == ["awe", None, "fear", None]
    assert found.with_machine == Share(1, 4)
    assert found.with_crowd == Share(2, 2)
    assert found.crowd_with_machine == Share(1, 2)
    assert found.alone is not None and found.alone.vote.cover == identity(2)
    assert found.alone.alike == Share(0, 8)
    assert [card.vote.cover for card in found.placebos] == [identity(3)]
    assert found.yours.votes == 4
    assert found.yours.shares == tuple({"awe": 0.25, "fear": 0.5}.get(name, 0.0) for name in NAMES)
    assert found.others_votes == 27 and found.everyone is None


@pytest.mark.parametrize("enough", [True, False])
def test_the_profile_of_everyone_leaves_the_visitor_out_and_waits_for_enough(enough: bool) -> None:
    mine = in_round([1], "awe")
    tallies = {identity(1): {"fear": 20}, identity(2): {NOTHING: 10 if enough else 9}}
    found = round_summaries.summarise(rounds.played(FIRST, mine), mine, tallies)
    assert found is not None and found.others_votes == 29 + enough and found.alone is not None
    if not enough:
        assert found.everyone is None
        return
    assert found.everyone is not None and found.everyone.votes == 30
    assert found.everyone.shares == tuple(2 / 3 if name == "fear" else 0.0 for name in NAMES)


def test_an_earlier_rounds_summary_does_not_change_with_later_votes_of_the_visitor() -> None:
    first, second = in_round(range(6), "awe"), in_round(range(10, 16), "fear", number=1)
    tallies = {cast.cover: {"anger": 1} for cast in first + second}
    then = round_summaries.summarise(rounds.played(FIRST, first), first, tallies)
    now = round_summaries.summarise(rounds.played(FIRST, first), first + second, tallies)
    later = round_summaries.summarise(rounds.played(rounds.round_id(ANN, 1), second), first + second, tallies)
    assert then is not None and now is not None and later is not None
    assert then.yours == now.yours and later.yours.votes == 12
    assert now.others_votes == 12


def test_who_stands_alone_and_how_others_are_counted() -> None:
    mine = in_round([1], "awe")
    tallies = crowd_on(mine, {"awe": 1, "fear": 4})
    found = round_summaries.summarise(rounds.played(FIRST, mine), mine, tallies)
    assert found is not None and found.alone is None
    assert round_summaries.summarise(Round(FIRST, ()), [], {}) is None
    card = round_summaries.card(vote("awe"), {"fear": 2})
    assert card.others == tuple(2 if name == "fear" else 0 for name in FELT)
