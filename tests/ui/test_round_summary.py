"""The thread between what a visitor and the machine felt."""

from __future__ import annotations

from albumjudge.domain.emotions import EMOTIONS, NAMES, NOTHING
from albumjudge.ui import round_summary as summing_up

SIGNS = {emotion.name: emotion.sign for emotion in EMOTIONS}


def test_the_thread_is_whole_only_where_both_felt_the_same_and_bears_signs() -> None:
    for felt in (*NAMES, NOTHING):
        for machines in NAMES:
            drawn = summing_up.meeting(felt, machines)
            assert ('class="meeting same"' in drawn) == (felt == machines)
            assert (">the same<" in drawn) == (felt == machines)
    drawn = summing_up.meeting("fear", "awe")
    assert drawn.index(f'hue-fear">{SIGNS["fear"]}<') < drawn.index(f'hue-awe">{SIGNS["awe"]}<')
    assert 'hue-nothing">–<' in summing_up.meeting(NOTHING, "awe")
    assert 'aria-hidden="true"' in summing_up.meeting("fear", "fear").split(">")[0]
