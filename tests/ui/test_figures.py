"""Cards with numbers: the words, the line, and what a faint one still needs."""

from __future__ import annotations

import re

import pytest

from albumjudge.statistics.agreement import Interval
from albumjudge.statistics.findings import Figure, Findings, Need, OneMoreVisitor
from albumjudge.ui.charts import figures
from albumjudge.ui.charts.figures import Line, Ruler, card
from albumjudge.ui.rooms import evidence

RULER = Ruler(-0.2, 1, figures.decimal, 0.0, "chance")
ENOUGH, TOO_FEW = Need("votes", 30, 300), Need("votes", 30, 4)


def draw(figure: Figure) -> str:
    return card("Why <not>?", [Line("", figure)], RULER, sentence="So.", term="Kappa.", rests_on="4 votes.")


def test_a_card_says_its_number_and_draws_it_where_it_lies() -> None:
    html = draw(Figure(0.4, Interval(0.1, 0.7), 300, (ENOUGH,)))
    assert "Why &lt;not&gt;?" in html and ">0.40<" in html and "0.10 to 0.70" in html
    assert 'class="dot" style="left:50.0%"' in html
    assert 'class="span" style="left:25.0%;width:50.0%"' in html
    assert "faint" not in html and "4 votes." in html
    html = draw(Figure(0.4, Interval(0.1, 0.7), 4, (TOO_FEW, ENOUGH)))
    assert 'class="figure faint"' in html
    assert "Needs 30 votes, has 4." in html and "has 300" not in html
    both = [Line(name, Figure(0.4, None, 4, (TOO_FEW,))) for name in ("machine", "visitor")]
    html = card("?", both, RULER, sentence="", term="", rests_on="")
    assert html.count("Needs 30 votes") == 1 and html.count("no interval yet") == 2
    html = draw(Figure(None, None, 0, (TOO_FEW,)))
    assert "<b>–</b>" in html and "dot" not in html
    assert [RULER.place(number) for number in (-1, -0.2, 0.4, 1, 3)] == [0, 0, 50, 100, 100]
    assert figures.needs([TOO_FEW, Need("covers", 1_000, 2)]) == (
        "Needs 30 votes, has 4. Needs 1,000 covers, has 2."
    )


@pytest.mark.parametrize(
    ("number", "words"), [(0.123, "0.12"), (-0.123, "−0.12"), (-0.001, "0.00"), (1, "1.00")]
)
def test_decimals(number: float, words: str) -> None:
    assert figures.decimal(number) == words


@pytest.mark.parametrize(("share", "words"), [(0.12, "+12"), (-0.12, "−12"), (0.001, "0")])
def test_percentage_points(share: float, words: str) -> None:
    assert figures.points(share) == words


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (0.1, 0.3, "Yes, better"),
        (-0.1, 0.3, "cannot be told apart"),
        (-0.3, -0.1, "No: one more visitor"),
    ],
)
def test_the_sentence_says_what_the_interval_says(low: float, high: float, words: str) -> None:
    plain = Figure(0.2, Interval(0.1, 0.3), 90, (ENOUGH,))
    difference = Figure((low + high) / 2, Interval(low, high), 90, (ENOUGH,))
    assert words in evidence.one_more_card(OneMoreVisitor(plain, plain, difference))


def test_without_votes_every_card_is_faint_and_claims_nothing() -> None:
    none = Findings([])
    html = evidence.noise_card(none.noise) + evidence.calibration_card(none.calibration)
    html += evidence.chance_card(none.agreement) + evidence.placebo_card(none.against_placebo)
    html += evidence.one_more_card(none.one_more) + evidence.visitors_card(none.among_visitors)
    assert html.count("<section") == html.count("figure faint") == 6
    assert html.count("<b>–</b>") == 8
    said = re.findall(r'class="says">(.*?)</p>', html)
    assert len(said) == 6 and all(sentence.startswith("Too ") for sentence in said)
