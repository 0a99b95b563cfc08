"""Breeding: arcs, children and lines that a link can tell."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from albumjudge.domain import breeding
from albumjudge.domain.breeding import Birth, BreedingError, Lineage, Pair, Stranger, litter, slerp, way
from albumjudge.domain.cover import STRIDE, CoverIdentity, CoverLinkError

SIZE = 100
REVISION = "painter-1a2b3c4d"
LEFT = CoverIdentity(REVISION, 4711, "jazz", "1970s")
RIGHT = CoverIdentity(REVISION, 815, "metal", wildness=120)
PAIR = Pair(LEFT, RIGHT)


def test_a_quarter_circle_is_walked_evenly() -> None:
    east, north = np.array([1.0, 0.0]), np.array([0.0, 1.0])
    for share in (0, 0.25, 1 / 3, 0.5, 1):
        angle = share * np.pi / 2
        np.testing.assert_allclose(slerp(east, north, share), [np.cos(angle), np.sin(angle)], atol=1e-12)


@given(some.integers(0, 999_999), some.integers(0, 999_999), some.floats(0, 1))
def test_lengths_change_evenly_and_the_angle_too(one: int, other: int, share: float) -> None:
    start, end = (np.random.default_rng(seed).standard_normal(SIZE) * (1 + seed % 2) for seed in (one, other))
    here = slerp(start, end, share)
    length = np.linalg.norm(start) * (1 - share) + np.linalg.norm(end) * share
    assert np.linalg.norm(here) == pytest.approx(length, rel=1e-9)

    def angle(a: np.ndarray, b: np.ndarray) -> float:
        cosine = a @ b / np.linalg.norm(a) / np.linalg.norm(b)
        return float(np.arccos(np.clip(cosine, -1, 1)))

    assert angle(start, here) == pytest.approx(share * angle(start, end), abs=1e-6)


@pytest.mark.parametrize("factor", [1.0, 2.0, -1.0, -2.0, 0.0])
def test_where_there_is_no_one_arc_a_line_does(factor: float) -> None:
    start = np.random.default_rng(1).standard_normal(SIZE)
    np.testing.assert_allclose(slerp(start, factor * start, 0.25), start * (0.75 + 0.25 * factor))


def test_the_way_leads_evenly_from_one_parent_to_the_other() -> None:
    covers = way(PAIR, SIZE)
    assert covers[0] == LEFT and covers[-1] == RIGHT
    assert len(covers) == len(set(covers)) == breeding.PLACES
    assert [cover.conditions for cover in covers] == 6 * ["1970s jazz"] + 7 * [RIGHT.conditions]
    at = [cover.latents(SIZE) for cover in way(Pair(LEFT, replace(RIGHT, wildness=100)), SIZE)]
    steps = [np.linalg.norm(b - a) for a, b in pairwise(at)]
    # On a straight line between vectors at a right angle it would be two to one.
    assert max(steps) < 1.3 * min(steps)


def test_six_children_stand_in_a_line_from_left_to_right() -> None:
    children = litter(PAIR, SIZE)
    places = [child.place for child in children]
    assert len({child.identity for child in children}) == breeding.LITTER
    assert places == sorted(places) and places[0] > 0 and places[-1] < 1
    for child in children:
        parent = LEFT if child.place < 0.5 else RIGHT
        assert child.after == ("left" if parent == LEFT else "right")
        inherited = child.identity.seed, child.identity.genre, child.identity.decade, child.identity.wildness
        assert inherited == (parent.seed, parent.genre, parent.decade, parent.wildness)
        wanted = slerp(LEFT.latents(SIZE), RIGHT.latents(SIZE), child.place)
        np.testing.assert_allclose(child.identity.latents(SIZE), wanted, atol=STRIDE / 2 + 1e-9)


def test_a_mutation_leads_as_far_from_the_plain_child_as_it_says() -> None:
    for plain, little, much in zip(*(litter(PAIR, SIZE, mutation=m) for m in (0, 10, 40)), strict=True):
        assert plain.place == little.place == much.place
        here, near, far = (child.identity.latents(SIZE) for child in (plain, little, much))
        # An unknown cover stands at about a right angle, so ten percent of the way are about nine degrees.
        for there, percent in ((near, 10), (far, 40)):
            cosine = here @ there / np.linalg.norm(here) / np.linalg.norm(there)
            assert np.degrees(np.arccos(cosine)) == pytest.approx(0.9 * percent, rel=0.3)
            assert np.linalg.norm(there) == pytest.approx(np.linalg.norm(here), rel=0.01)


def test_another_litter_brings_others_and_the_same_one_the_same() -> None:
    first, again, second = (litter(PAIR, SIZE, number=n, mutation=10) for n in (0, 0, 1))
    assert first == again
    assert {child.identity for child in first}.isdisjoint(child.identity for child in second)
    assert first != litter(Pair(RIGHT, LEFT), SIZE, mutation=10)


@pytest.mark.parametrize(("number", "mutation"), [(-1, 0), (1000, 0), (0, -1), (0, 51)])
def test_there_is_no_such_litter(number: int, mutation: int) -> None:
    with pytest.raises(BreedingError, match="cannot have such children"):
        litter(PAIR, SIZE, number=number, mutation=mutation)


def test_only_covers_of_one_painter_have_children() -> None:
    with pytest.raises(CoverLinkError, match="strayed"):
        litter(Pair(LEFT, replace(RIGHT, drift=b"\x01")), SIZE)
    with pytest.raises(BreedingError, match=r"No\. 004711 was painted by painter, No\. 000001 by other"):
        Pair(LEFT, CoverIdentity("other-1a2b3c4d", 1))


def test_a_line_is_told_by_its_link_and_walks_back() -> None:
    lineage = Lineage(PAIR)
    for step in (Birth(1, 15, 0), Stranger(99), Birth(5, 0, 2)):
        lineage = lineage.and_then(step)
    assert lineage.line == "1.15.0_s99_5.0.2"
    read = Lineage.read(str(LEFT), str(RIGHT), lineage.line)
    assert read == lineage
    pairs = read.pairs(SIZE)
    assert pairs[0] == PAIR
    child = litter(PAIR, SIZE, mutation=15)[1]
    assert pairs[1] == Pair(child.identity, RIGHT if child.after == "left" else LEFT)
    assert pairs[2] == Pair(child.identity, CoverIdentity(REVISION, 99))
    grandchild = litter(pairs[2], SIZE, number=2)[5]
    assert pairs[3] == Pair(grandchild.identity, child.identity)
    for steps in range(4):
        assert read.back_to(steps).pairs(SIZE) == pairs[: steps + 1]
    assert Lineage.read(str(LEFT), str(RIGHT)).line == ""


@pytest.mark.parametrize(
    "line", ["x", "_", "1.15", "6.0.0", "1.51.0", "1.5.1000", "s", "s1000000x", "s-1", "1.2.3_", "¹.0.0"]
)
def test_a_line_that_makes_no_sense_is_refused(line: str) -> None:
    with pytest.raises(BreedingError, match="tells of no line"):
        Lineage.read(str(LEFT), str(RIGHT), line)
    with pytest.raises(CoverLinkError):
        Lineage.read(str(LEFT), line)


def test_a_line_ends_before_its_link_gets_too_long() -> None:
    lineage = Lineage(PAIR, (Birth(0, 50, 999),) * breeding.LONGEST_LINE)
    assert len(lineage.line) < 400
    with pytest.raises(BreedingError, match="Walk back a little"):
        lineage.and_then(Stranger(1))


@pytest.mark.parametrize(("wildness", "mean", "most"), [(100, 0.02, 0.1), (150, 0.08, 0.3)])
def test_the_farthest_descendant_keeps_almost_all_that_it_was_to_be(
    wildness: int, mean: float, most: float
) -> None:
    # A drift ends at 127 steps to each side. At worst nothing is left of the cover whose seed a child bears.
    chance = np.random.default_rng(0)
    lost = []
    for _ in range(60):
        start = CoverIdentity(REVISION, int(chance.integers(1_000_000)), wildness=wildness)
        wanted = wildness / 100 * chance.standard_normal(SIZE)
        kept = start.at(wanted).latents(SIZE)
        lost.append(float(np.linalg.norm(kept - wanted) / np.linalg.norm(wanted)))
    assert np.mean(lost) < mean and max(lost) < most
