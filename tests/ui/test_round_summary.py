"""The thread between what a visitor and the machine felt."""

from __future__ import annotations

from albumjudge.domain.emotions import EMOTIONS, NAMES, NOTHING
from albumjudge.ui import round_summary as summing_up

SIGNS = {emotion.name: emotion.sign for emotion in EMOTIONS}


def test_the_thread_is_whole_only_where_both_felt_the_same() -> None:
    for felt in (*NAMES, NOTHING):
        for machines in NAMES:
            drawn = summing_up.meeting(felt, machines)
            assert ('class="meeting same"' in drawn) == (felt == machines)
            assert (">the same<" in drawn) == (felt == machines)


def test_both_ends_bear_a_sign_beside_their_hue() -> None:
    drawn = summing_up.meeting("fear", "awe")
    assert drawn.index(f'hue-fear">{SIGNS["fear"]}<') < drawn.index(f'hue-awe">{SIGNS["awe"]}<')
    assert 'hue-nothing">–<' in summing_up.meeting(NOTHING, "awe")


def test_screen_readers_pass_it_over_for_it_says_nothing_new() -> None:
    assert 'aria-hidden="true"' in summing_up.meeting("fear", "fear").split(">")[0]
