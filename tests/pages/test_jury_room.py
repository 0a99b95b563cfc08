"""The jury room: every juror's own feeling, where they differ, and what each of them looked at."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence

import pytest
import streamlit as st
from PIL import Image

from albumjudge.domain.cover import Cover, CoverIdentity
from albumjudge.domain.verdict import JudgedCover, Juror, Verdict
from albumjudge.inference.exhibit import Exhibit
from tests.pages_fixtures import *  # noqa: F403
from tests.pages_fixtures import Visit, press, query, text

AWE, FEAR = ((0.1,) * place + (0.3,) + (0.1,) * (7 - place) for place in (2, 6))
JURORS = (Juror("the calm", AWE), Juror("the glad", AWE), Juror("the <timid>", FEAR))


@pytest.fixture
def jury(exhibit: Exhibit, monkeypatch: pytest.MonkeyPatch) -> Iterator[Exhibit]:
    """Three jurors, two of whom feel awe before every cover."""
    mean = tuple(sum(j.probabilities[place] for j in JURORS) / 3 for place in range(8))

    def feel(covers: Sequence[Cover]) -> list[Verdict]:
        return [Verdict(mean, exhibit.judge.revision, JURORS) for _ in covers]

    monkeypatch.setattr(exhibit.judge, "judge", feel)
    exhibit._cache.clear()
    yield exhibit
    exhibit._cache.clear()


def link(exhibit: Exhibit, seed: int = 4711) -> str:
    return str(CoverIdentity(exhibit.painter.revision, seed))


def test_every_juror_has_a_chart_and_the_loner_is_named(visit: Visit, jury: Exhibit) -> None:
    app = visit("jury_room", cover=link(jury))
    page = text(app)
    assert "Three judges look at one cover" in page and "No. 004711" in page
    assert "furthest apart about awe: the calm feels 30 % of it, the &lt;timid&gt; 10 %." in page
    assert "The &lt;timid&gt; stands alone: nobody else puts fear first." in page
    assert "Furthest from all others in all is the &lt;timid&gt;." in page
    assert f"{jury.show([1])[0].verdict.disagreement:.3f} bits" in page
    assert len(app.get("vega_lite_chart")) == 1 + len(JURORS)
    assert page.count('<h3 class="juror">') == len(JURORS)
    assert "Would you feel the same with another life?" in page


@pytest.mark.slow
def test_jurors_of_one_mind_leave_nobody_alone(
    visit: Visit, jury: Exhibit, monkeypatch: pytest.MonkeyPatch
) -> None:
    same = Verdict(AWE, jury.judge.revision, (Juror("a", AWE), Juror("b", AWE)))
    monkeypatch.setattr(jury.judge, "judge", lambda covers: [same for _ in covers])
    page = text(visit("jury_room", cover=link(jury)))
    assert "All of them put awe first, so nobody stands alone." in page and "0.000 bits" in page


@pytest.mark.slow
def test_each_juror_shows_where_it_looks_when_asked(
    visit: Visit, jury: Exhibit, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[JudgedCover] = []
    st.cache_data.clear()

    def point(judged: JudgedCover, *, enlarge: int = 1) -> list[bytes]:
        asked.append(judged)
        file = io.BytesIO()
        Image.new("RGB", (2, 2)).save(file, "PNG")
        return [file.getvalue()] * len(JURORS)

    monkeypatch.setattr(jury, "saliency_pngs", point)
    app = visit("jury_room", cover=link(jury, 12))
    assert not asked and "looks at it" not in text(app)
    app.toggle[0].set_value(True).run()
    page = text(app)
    assert page.count("lit where it speaks for awe") == 2
    assert "Light lies where hiding a place takes most of the feeling away." in page
    assert "as the &lt;timid&gt; looks at it, lit where it speaks for fear" in page
    app.run()
    assert len(asked) == 1  # Looking again costs seconds; the same cover is looked at once.
    st.cache_data.clear()


@pytest.mark.slow
def test_another_cover_comes_and_the_link_follows_and_waits_while_the_visitor_is_away(
    visit: Visit, jury: Exhibit
) -> None:
    app = visit("jury_room", cover=link(jury))
    press(app, "another")
    now = query(app, "cover")
    assert now != link(jury)
    assert f"No. {CoverIdentity.parse(now).number}" in text(app)
    app = visit("jury_room")
    first = query(app, "cover")
    app.query_params.clear()
    app.run()
    assert query(app, "cover") == first


@pytest.mark.slow
def test_the_most_disputed_of_a_handful_comes(
    visit: Visit, jury: Exhibit, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[int, float] = {}

    def feel(covers: Sequence[Cover]) -> list[Verdict]:
        verdicts = []
        for cover in covers:
            tilt = (cover.identity.seed % 97) / 1000
            one = (0.125 + tilt, 0.125 - tilt, *(0.125,) * 6)
            other = (0.125 - tilt, 0.125 + tilt, *(0.125,) * 6)
            verdict = Verdict((0.125,) * 8, jury.judge.revision, (Juror("a", one), Juror("b", other)))
            seen[cover.identity.seed] = verdict.disagreement
            verdicts.append(verdict)
        return verdicts

    monkeypatch.setattr(jury.judge, "judge", feel)
    app = visit("jury_room", cover=link(jury, 97))
    before = set(seen)
    press(app, "disputed")
    found = CoverIdentity.parse(query(app, "cover")).seed
    assert len(seen) > len(before)
    assert seen[found] == max(level for seed, level in seen.items() if seed not in before)


@pytest.mark.slow
def test_a_judge_alone_is_said_to_be_alone(visit: Visit, exhibit: Exhibit) -> None:
    exhibit._cache.clear()
    page = text(visit("jury_room", cover=link(exhibit)))
    assert "sits alone tonight" in page and "Where they part ways" not in page
    assert "mostly amusement" in page
