"""All the statistics of people and machine, for whoever asks."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Sequence

import streamlit as st

from albumjudge.domain.emotions import NAMES, NOTHING
from albumjudge.export.tables import DATA_DICTIONARY, write_csv
from albumjudge.statistics import agreement, by_emotion, exclusions
from albumjudge.statistics.exclusions import Sifted
from albumjudge.statistics.story import Story
from albumjudge.ui import charts, markup, shell
from albumjudge.ui.charts.figures import percent
from albumjudge.ui.rooms import evidence, results, steering_duel
from albumjudge.ui.words import N_, _, number, translate
from albumjudge.voting.curation import CurationStore
from albumjudge.voting.duels import DuelStore
from albumjudge.voting.votes import StoredVote

EARLIER = "count-earlier"
PARTLY_WORDS = {
    exclusions.FELT_NOTHING: N_(
        "The machine cannot say that. They count where people and machine are compared vote by vote, as not "
        "the same, and among visitors; not where the eight shares or the crowd’s feeling are compared."
    ),
    exclusions.EARLIER_JUDGE: N_(
        "Vote by vote they stand beside what that judge said then; where shares are compared, beside the "
        "latest verdict on the cover. People chose before they knew either."
    ),
    exclusions.PLACEBO: N_(
        "What they felt counts, for they said so before they saw a label. Whether they agreed with the label "
        "is counted apart."
    ),
}


def agreement_at_large(found: Story) -> None:
    """How often people and machine feel the same, and how sure that is."""
    st.html(results.counts(found) + results.finding(found))
    markup.title(_("How sure is that?"))
    markup.say(_(evidence.INTERVALS), kind="quiet wide")
    cards = (
        evidence.chance_card(found.agreement),
        evidence.placebo_card(found.against_placebo),
        evidence.one_more_card(found.one_more),
        evidence.visitors_card(found.among_visitors),
    )
    st.html(f'<div class="figures">{"".join(cards)}</div>')


def emotions_felt(found: Story) -> None:
    """How often people and machine feel what, vote by vote, and each emotion in numbers."""
    votes, faint = found.votes, found.faint
    felt = Counter(vote.felt for vote in votes)
    named = Counter(vote.verdict.top for vote in votes)
    with st.container(key="side-by-side"):
        with st.container():
            markup.title(_("Who feels what, how often"))
            markup.say(
                _(
                    "Round: people. Square: the machine, on the same covers. A long line is a difference in "
                    "temperament. {share} of the votes were for nothing, or something else.",
                    share=percent(felt[NOTHING] / len(votes)),
                )
            )
            people, machine = ({name: of[name] / len(votes) for name in NAMES} for of in (felt, named))
            st.altair_chart(charts.people_and_machine(people, machine, faint=faint), theme=None)
        with st.container():
            markup.title(_("Who feels what, cover by cover"))
            markup.say(
                _("Each number counts votes. On the outlined squares people and machine felt the same.")
            )
            counts = agreement.confusion(votes).tolist()
            st.altair_chart(charts.confusion(counts, faint=faint), theme=None)
    markup.title(_("Emotion by emotion"))
    st.html(results.emotion_table(votes))


def cover_by_cover(found: Story) -> None:
    """How far people and machine are apart on covers, and which are agreed on and disputed."""
    noise = found.noise
    with st.container(key="side-by-side"):
        st.html(evidence.noise_card(noise))
        if noise.covers:
            with st.container():
                markup.title(_("Beyond chance"))
                markup.say(
                    _(
                        "Each mark is a cover. Above the dashed line, crowd and machine are further apart than "
                        "chance in so few votes would take them, but for one cover in twenty."
                    )
                )
                st.altair_chart(charts.noise(noise.covers, faint=bool(noise.distance.unmet)), theme=None)
    results.rankings(found.covers)


def percentages(found: Story) -> None:
    """Whether the machine's percentages can be taken at their word, bin by bin."""
    bins, error = found.calibration.bins, found.calibration.error
    with st.container(key="side-by-side"):
        st.html(evidence.calibration_card(found.calibration))
        if bins:
            with st.container():
                markup.title(_("Said and felt"))
                markup.say(
                    _(
                        "When the machine gives a feeling 20 %, do 20 % of people feel it? On the dashed line "
                        "they do."
                    )
                )
                st.altair_chart(charts.calibration(bins, faint=bool(error.unmet)), theme=None)


@st.fragment
def one_emotion(found: Story) -> None:
    """Choose an emotion and see its covers; choosing draws only this part of the page anew."""
    most_felt = results.most_felt(found.votes)
    with shell.manners(), st.container(key="one-emotion"):
        markup.title(_("One emotion, and its covers"))
        asked = st.query_params.get("emotion")
        # Once, or a link that follows the choice would put the choice back.
        st.session_state.setdefault("emotion", asked if asked in NAMES else most_felt)
        chosen = st.segmented_control(
            _("Choose an emotion"),
            charts.ON_SIDES,
            required=True,
            format_func=lambda name: f"{results.SIGNS[name]} {_(name)}",
            key="emotion",
            label_visibility="collapsed",
            width="stretch",
        )
        emotion = chosen or most_felt
        if emotion != asked and (asked or emotion != most_felt):
            st.query_params["emotion"] = emotion
        sorted_out = by_emotion.covers_of(emotion, found.covers)
        with st.container(key="side-by-side-emotion"):
            with st.container():
                how_to_read = _(
                    "Each mark is a cover: further right, more people felt {emotion} in front of it; further "
                    "up, the machine thinks it more probable.",
                    emotion=f'<b class="hue-{emotion}">{results.SIGNS[emotion]} {_(emotion)}</b>',
                )
                st.html(f'<p class="quiet">{how_to_read}</p>')
                chart = charts.emotion_on_covers(emotion, sorted_out, faint=found.faint)
                st.altair_chart(chart, theme=None)
            with st.container():
                for title, rows in (
                    (_("Both felt it most"), sorted_out.both),
                    (_("Only people did"), sorted_out.people),
                    (_("Only the machine did"), sorted_out.machine),
                ):
                    st.html(markup.row_title(title, 3))
                    if rows:
                        results.emotion_prints(rows)
                    else:
                        markup.say(_("On no cover so far."))


def dialogue_if_any() -> None:
    """What duels say, where somebody has judged a pair."""
    if DuelStore(shell.engine()).votes():
        dialogue()


def dialogue() -> None:
    """Whether people find the feeling in the repainted cover, and whose choices do not count."""
    duels = DuelStore(shell.engine())
    votes, everything = duels.votes(), duels.votes(counted=False)
    left_out = {exclusions.BY_CURATOR.format(reason=why): n for why, n in duels.left_out().items()}
    left_out[exclusions.TOO_FAST] = len(everything) - len(votes) - sum(left_out.values())
    markup.title(_("Does the dialogue work?"))
    if not everything:
        markup.say(
            _(
                "In the dialogue a cover is repainted until the machine feels more of something. Whether "
                "people feel it, too, is said here once somebody has judged a pair."
            )
        )
    else:
        key = (len(votes), hash(tuple(votes)))
        st.html(steering_duel.running_result(results.worked_out_of_pairs(key, votes)))
    for why, how_many in left_out.items():
        if how_many:
            markup.say(_("Left out: {n} {why}.", n=number(how_many), why=translate(why)))
    shell.link_to(shell.DIALOGUE, _("Judge a pair"), duel="next")


def left_out(sifted: Sifted, everything: Sequence[StoredVote]) -> None:
    """Which votes are not counted, or not everywhere, and why; earlier generators' can be let in."""
    markup.title(_("What is left out, and why"))
    partly = exclusions.tally(sifted.counted, exclusions.partly_now(sifted.counted))
    gone = _("Left out of everything on this page.")
    st.html(
        markup.terms(
            [(f"{number(n)} {translate(words)}", gone) for words, n in sifted.left_out.items() if n]
            + [
                (f"{number(n)} {translate(words)}", _(PARTLY_WORDS.get(words, "")))
                for words, n in partly.items()
            ]
        )
    )
    if len({vote.cover.generator for vote in everything}) > 1:
        st.toggle(_("Count covers by earlier generators, too"), key=EARLIER)


def for_curators() -> None:
    """The votes as a file, with what its columns mean."""
    with st.expander(_("For curators: the votes as a table")):
        markup.say(_("Anonymous, one line per vote. What the columns mean:"))
        st.download_button(
            _("Download {file}", file="votes.csv"), as_csv, "votes.csv", "text/csv", on_click="ignore"
        )
        st.html(markup.terms((column, translate(meaning)) for column, meaning in DATA_DICTIONARY.items()))


def as_csv() -> str:
    """The votes as a file, made when somebody wants it."""
    file, store = io.StringIO(), shell.vote_store()
    excluded = CurationStore(store.engine).left_out()
    store.stream(lambda votes: write_csv(votes, file, excluded))
    return file.getvalue()
