"""All the statistics of people and machine, for whoever asks."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Sequence
from html import escape

import streamlit as st

from albumjudge.domain.emotions import NAMES, NOTHING
from albumjudge.export.tables import DATA_DICTIONARY, write_csv
from albumjudge.statistics import agreement, by_emotion, exclusions
from albumjudge.statistics.agreement import CoverAgreement
from albumjudge.statistics.exclusions import Sifted
from albumjudge.statistics.findings import Findings
from albumjudge.ui import charts, evidence, figures
from albumjudge.ui import duels as pairs
from albumjudge.ui import shell as room
from albumjudge.ui.evidence import percent
from albumjudge.ui.rooms.results import (
    SIGNS,
    emotion_prints,
    worked_out_of_pairs,
)
from albumjudge.voting.duels import DuelStore
from albumjudge.voting.votes import StoredVote, VoteStore

EARLIER = "count-earlier"


PARTLY_WORDS = {
    exclusions.FELT_NOTHING: "The machine cannot say that. They count where people and machine are "
    "compared vote "
    "by vote, as not the same, and among visitors; not where the eight shares or the crowd’s feeling are "
    "compared.",
    exclusions.EARLIER_JUDGE: "Vote by vote they stand beside what that judge said then; where shares are "
    "compared, beside the latest verdict on the cover. People chose before they knew either.",
    exclusions.PLACEBO: "What they felt counts, for they said so before they saw a label. Whether they "
    "agreed "
    "with the label is counted apart.",
}


def how_often(votes: Sequence[StoredVote]) -> None:
    """How often people and machine feel what: one dumbbell per emotion."""
    felt = Counter(vote.felt for vote in votes)
    named = Counter(vote.verdict.top for vote in votes)
    st.html('<div class="prose"><h2>Who feels what, how often</h2></div>')
    st.html(
        '<p class="quiet">Round: people. Square: the machine, on the same covers. A long line is a '
        "difference in "
        f"temperament. {percent(felt[NOTHING] / len(votes))} of the votes were for nothing, or "
        "something else.</p>"
    )
    st.altair_chart(
        charts.people_and_machine(
            {name: felt[name] / len(votes) for name in NAMES},
            {name: named[name] / len(votes) for name in NAMES},
        ),
        theme=None,
    )


def cover_by_cover(votes: Sequence[StoredVote]) -> None:
    """The confusion matrix of people and machine."""
    st.html('<div class="prose"><h2>Who feels what, cover by cover</h2></div>')
    st.html(
        '<p class="quiet">Each number counts votes. On the outlined squares people and machine felt '
        "the same.</p>"
    )
    st.altair_chart(charts.confusion(agreement.confusion(votes).tolist()), theme=None)


def how_sure(found: Findings) -> None:
    """Six questions with their numbers."""
    st.html('<div class="prose"><h2>How sure is that?</h2></div>')
    st.html(f'<p class="quiet wide">{escape(evidence.INTERVALS)}</p>')
    st.html(evidence.cards(found))


def in_detail(found: Findings) -> None:
    """Calibration bin by bin, and distance cover by cover."""
    with st.container(key="side-by-side-evidence"):
        with st.container():
            st.html('<div class="prose"><h2>Said and felt</h2></div>')
            st.html(
                '<p class="quiet">When the machine gives a feeling 20 %, do 20 % of people feel it? On the '
                "dashed "
                f"line they do. {escape(figures.needs(found.calibration.error.unmet))}</p>"
            )
            if found.calibration.bins:
                faint = bool(found.calibration.error.unmet)
                st.altair_chart(charts.calibration(found.calibration.bins, faint=faint), theme=None)
        with st.container():
            st.html('<div class="prose"><h2>Beyond chance</h2></div>')
            st.html(
                '<p class="quiet">Each dot is a cover. Above the dashed line, crowd and machine are '
                "further apart "
                "than chance in so few votes would take them, but for one cover in twenty. "
                f"{escape(figures.needs(found.noise.distance.unmet))}</p>"
            )
            if found.noise.covers:
                faint = bool(found.noise.distance.unmet)
                st.altair_chart(charts.noise(found.noise.covers, faint=faint), theme=None)


@st.fragment
def one_emotion(covers: Sequence[CoverAgreement], most_felt: str) -> None:
    """Choose an emotion and see its covers; choosing draws only this part of the page anew."""
    with room.manners(), st.container(key="one-emotion"):
        st.html('<div class="prose"><h2>One emotion, and its covers</h2></div>')
        asked = st.query_params.get("emotion")
        # Once, or a link that follows the choice would put the choice back.
        st.session_state.setdefault("emotion", asked if asked in NAMES else most_felt)
        chosen = st.segmented_control(
            "Choose an emotion",
            charts.ON_SIDES,
            required=True,
            format_func=lambda name: f"{SIGNS[name]} {name}",
            key="emotion",
            label_visibility="collapsed",
            width="stretch",
        )
        emotion = chosen or most_felt
        if emotion != asked and (asked or emotion != most_felt):
            st.query_params["emotion"] = emotion
        sorted_out = by_emotion.covers_of(emotion, covers)
        with st.container(key="side-by-side-emotion"):
            with st.container():
                st.html(
                    '<p class="quiet">Each mark is a cover: further right, more people felt '
                    f'<b class="hue-{emotion}">{SIGNS[emotion]} {emotion}</b> in front of it; further up, '
                    f"the "
                    "machine thinks it more probable.</p>"
                )
                st.altair_chart(charts.emotion_on_covers(emotion, sorted_out), theme=None)
            with st.container():
                for title, rows in (
                    ("Both felt it most", sorted_out.both),
                    ("Only people did", sorted_out.people),
                    ("Only the machine did", sorted_out.machine),
                ):
                    st.html(f'<h3 class="row-title">{title}</h3>')
                    if rows:
                        emotion_prints(room.vote_store(), rows)
                    else:
                        st.html('<p class="quiet">On no cover so far.</p>')


def dialogue_if_any() -> None:
    """What duels say, where somebody has judged a pair."""
    if DuelStore(room.engine()).votes():
        dialogue()


def dialogue() -> None:
    """Whether people find the feeling in the repainted cover, and whose choices do not count."""
    duels = DuelStore(room.engine())
    votes, gone = duels.votes(), duels.left_out()
    st.html('<div class="prose"><h2>Does the dialogue work?</h2></div>')
    if not votes and not gone:
        st.html(
            '<p class="quiet">In the dialogue a cover is repainted until the machine feels more of something. '
            "Whether people feel it, too, is said here once somebody has judged a pair.</p>"
        )
    else:
        key = (len(votes), hash(tuple(votes)))
        st.html(pairs.running_result(worked_out_of_pairs(key, votes)))
    for reason, number in gone.items():
        words = exclusions.BY_CURATOR.format(reason=reason)
        st.html(f'<p class="quiet">Left out: {number:,} {escape(words)}.</p>')
    st.page_link(room.DIALOGUE, label="Judge a pair", query_params={"duel": "next"})


def left_out(sifted: Sifted, everything: Sequence[StoredVote]) -> None:
    """Which votes are not counted, or not everywhere, and why; earlier generators' can be let in."""
    st.html('<div class="prose"><h2>What is left out, and why</h2></div>')
    gone = "".join(
        f"<div><dt>{number:,} {escape(words)}</dt><dd>Left out of everything on this page.</dd></div>"
        for words, number in sifted.left_out.items()
        if number
    )
    partly = "".join(
        f"<div><dt>{number:,} {escape(words)}</dt><dd>{escape(PARTLY_WORDS.get(words, ''))}</dd></div>"
        for words, number in exclusions.tally(sifted.counted, exclusions.partly_now(sifted.counted)).items()
    )
    st.html(f'<dl class="terms">{gone}{partly}</dl>')
    if len({vote.cover.generator for vote in everything}) > 1:
        st.toggle("Count covers by earlier generators, too", key=EARLIER)


def for_curators(box: VoteStore) -> None:
    with st.expander("For curators: the votes as a table"):
        file = io.StringIO()
        box.stream(lambda votes: write_csv(votes, file))
        st.html('<p class="quiet">Anonymous, one line per vote. What the columns mean:</p>')
        st.download_button("Download votes.csv", file.getvalue(), "votes.csv", "text/csv")
        meanings = "".join(
            f"<div><dt>{escape(column)}</dt><dd>{escape(meaning)}</dd></div>"
            for column, meaning in DATA_DICTIONARY.items()
        )
        st.html(f'<dl class="terms">{meanings}</dl>')
