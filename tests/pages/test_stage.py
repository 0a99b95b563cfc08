"""The stage: the first minute of a first visit, the wall, and one cover looked at more closely."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest

from albumjudge.domain import seeds
from albumjudge.domain.cover import Cover, CoverIdentity
from albumjudge.domain.verdict import JudgedCover, Juror, Verdict
from albumjudge.inference.exhibit import Exhibit
from albumjudge.ui import prints, shell
from albumjudge.voting.curation import CurationStore
from albumjudge.voting.rounds import round_id
from albumjudge.voting.votes import VoteStore
from tests.pages_fixtures import *  # noqa: F403
from tests.pages_fixtures import FEELING, VISITOR, Visit, press, query, shared, text

PAINTER, GUEST = "tiny", "orderly"


def numbers(page: str) -> list[str]:
    return re.findall(r"No\. (\d{6})", page)


def test_twelve_covers_hang_at_first_each_with_its_number_and_feeling(visit: Visit) -> None:
    page = text(visit(wall="7"))
    assert numbers(page) == [f"{seed:06d}" for seed in seeds.wall(7, 12)]
    assert page.count("mostly amusement") >= 12


@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 32])
def test_as_many_covers_hang_as_were_asked_for(visit: Visit, count: int) -> None:
    app = visit(wall="7")
    app.slider[0].set_value(count).run()
    assert numbers(text(app)) == [f"{seed:06d}" for seed in seeds.wall(7, count)]


@pytest.mark.slow
@pytest.mark.parametrize("wall", ["", "-1", "x", "123456", "²", "999999999999999999999"])
def test_a_wall_that_cannot_be_gets_another_one(visit: Visit, wall: str) -> None:
    assert len(numbers(text(visit(wall=wall)))) == 12


def test_this_one_shows_the_whole_distribution_in_words_and_its_link(visit: Visit, exhibit: Exhibit) -> None:
    seed = seeds.wall(7, 12)[4]
    app = press(visit(wall="7"), f"choose-7-{PAINTER}-{seed}")
    judged = exhibit.show([seed])[0]
    assert query(app, "cover") == str(judged.cover.identity)
    assert "mostly amusement" in text(app)
    assert "amusement 51 %" in text(app)
    assert shared(app).endswith(f"?cover={judged.cover.identity}")
    assert len(app.get("download_button")) == 2
    assert len(app.get("vega_lite_chart")) == 1


def test_the_same_link_shows_the_same_pixels(visit: Visit, exhibit: Exhibit) -> None:
    identity = exhibit.show([4711])[0].cover.identity
    first, second = (text(visit(cover=str(identity))) for _ in range(2))
    image = re.search(r'src="(data:image/png[^"]+)"', first)
    assert image and image[1] in second
    assert "Cover 4711, " in first


def test_a_1970s_jazz_sleeve_painted_safely(visit: Visit, exhibit: Exhibit) -> None:
    app = visit(wall="7")
    app.selectbox(key="order-genre").set_value("jazz").run()
    app.selectbox(key="order-decade").set_value("1970s").run()
    assert "tiny knows nothing of music or decades" in text(app)
    app.select_slider(key="order-manner").set_value("safe").run()
    app.selectbox(key="order-painter").set_value(GUEST).run()
    assert "knows nothing of music" not in text(app)
    assert ": 1970s jazz sleeves, safe." in text(app)
    seed = seeds.wall(7, 12)[3]
    asked = CoverIdentity(exhibit.painters[1].revision, seed, "jazz", "1970s", 75)
    wanted = prints.framed(exhibit.show_identity(asked).cover, size="wall", feeling="mostly amusement")
    assert wanted.split('"')[3] in text(app)
    link = {name: query(app, name) for name in ("wall", "genre", "decade", "manner", "painter")}
    assert link == {
        "wall": "7",
        "genre": "jazz",
        "decade": "1970s",
        "manner": "safe",
        "painter": asked.generator,
    }
    again = visit(**link)
    assert numbers(text(again)) == numbers(text(app)) and wanted.split('"')[3] in text(again)
    press(again, f"choose-7-{GUEST}-{seed}")
    assert query(again, "cover") == str(asked)
    assert "orderly · asked for 1970s jazz" in text(again)
    press(again, "back")
    assert ": 1970s jazz sleeves, safe." in text(again)


@pytest.mark.slow
def test_two_painters_hang_side_by_side(visit: Visit) -> None:
    app = visit(wall="7", painter="both", genre="kpop")
    page = text(app)
    assert [*re.findall(r'class="painter">([^<]+)<', page)] == [PAINTER, GUEST]
    assert numbers(page) == 2 * [f"{seed:06d}" for seed in seeds.wall(7, 12)]
    assert app.selectbox(key="order-genre").value == "K-pop"


@pytest.mark.slow
@pytest.mark.parametrize(
    "order", [{"genre": "polka"}, {"decade": "1890s"}, {"manner": "rude"}, {"painter": "me"}]
)
def test_an_order_that_nobody_takes_is_left_out(visit: Visit, order: dict[str, str]) -> None:
    app = visit(wall="7", **order)
    assert len(numbers(text(app))) == 12 and "sleeves" not in text(app)
    assert app.query_params.keys() == {"wall"}


def test_again_paints_others_and_the_link_follows_and_back_leads_to_the_same_wall(visit: Visit) -> None:
    app = visit(wall="7")
    before = numbers(text(app))
    press(app, f"choose-7-{PAINTER}-{seeds.wall(7, 12)[0]}")
    press(app, "back")
    assert numbers(text(app)) == before
    app = visit(wall="7")
    before = numbers(text(app))
    press(app, "again")
    assert len(numbers(text(app))) == 12
    assert set(numbers(text(app))).isdisjoint(before)
    assert query(app, "wall") != "7"


def test_a_cover_of_a_former_generator_is_shown_if_people_voted_on_it(
    visit: Visit, box: VoteStore, exhibit: Exhibit
) -> None:
    gone = CoverIdentity("gone-12345678", 4711)
    verdict = Verdict((0.0, 0.0, 0.9, 0.1, 0.0, 0.0, 0.0, 0.0), "judge-12345678")
    old = JudgedCover(Cover(gone, exhibit.show([1])[0].cover.pixels), verdict)
    box.cast(visitor=VISITOR, judged=old, felt="awe", label_shown="awe", seconds_to_vote=1)
    page = text(visit(cover=str(gone)))
    assert "No. 004711 · gone" in page
    assert "clearly awe" in page


@pytest.mark.slow
def test_a_jury_is_counted_and_shows_where_it_looked(
    visit: Visit, exhibit: Exhibit, monkeypatch: pytest.MonkeyPatch
) -> None:
    awe, fear = (tuple(float(i == place) for i in range(8)) for place in (2, 6))
    jurors = (Juror("a", awe), Juror("b", awe), Juror("c", fear))

    def feel(covers: Sequence[Cover]) -> list[Verdict]:
        return [Verdict(FEELING, exhibit.judge.revision, jurors) for _ in covers]

    monkeypatch.setattr(exhibit.judge, "judge", feel)
    exhibit._cache.clear()
    seed = seeds.wall(9, 12)[3]
    app = press(visit(wall="9"), f"choose-9-{PAINTER}-{seed}")
    assert "Of three jurors this many name first: awe 2, fear 1." in text(app)
    assert "lit where it speaks" not in text(app)
    app.toggle[0].set_value(True).run()
    assert "lit where it speaks for amusement" in text(app)
    exhibit._cache.clear()


WALL = "Covers that no band ever had"


def test_one_cover_one_touch_the_answer_and_the_wall(visit: Visit, box: VoteStore) -> None:
    app = visit(first=True)
    page = text(app)
    assert "What do you feel?" in page and page.count("data:image/png") == 1 and WALL not in page
    assert "amusement" not in page  # Blind.
    page = text(press(app, "felt-fear"))
    (vote,) = box.votes()
    assert (vote.visitor, vote.felt, vote.label_shown, vote.arm, vote.agrees) == (
        VISITOR,
        "fear",
        "amusement",
        "judge",
        None,
    )
    assert vote.round == round_id(VISITOR, 0)
    assert "You felt" in page and "The machine feels mostly amusement" in page
    assert "You are the first to vote on this cover." in page and "You gave no answer" not in page
    assert WALL in text(press(app, "to-the-wall"))


def test_the_vote_page_goes_on_with_the_round_and_asks_nothing_that_was_answered(
    visit: Visit, box: VoteStore
) -> None:
    app = press(visit(first=True), "felt-fear")
    cover = box.votes()[0].cover
    app.switch_page(shell.VOTE).run()
    assert "2 of 6" in text(app)
    app.query_params["cover"] = str(cover)
    app.run()
    assert not [button for button in app.button if (button.key or "").startswith("agree-")]
    assert "The machine feels mostly amusement" in text(app)


def test_the_wall_is_one_touch_away(visit: Visit, box: VoteStore) -> None:
    assert WALL in text(press(visit(first=True), "skip-first"))
    assert box.count() == 0


@pytest.mark.slow
@pytest.mark.parametrize("query", [{"wall": "5"}, {"painter": "both"}])
def test_a_link_leads_where_it_leads(visit: Visit, query: dict[str, str]) -> None:
    assert WALL in text(visit(first=True, **query))


def test_who_has_voted_before_meets_the_wall(visit: Visit, box: VoteStore) -> None:
    press(visit(first=True), "felt-awe")
    assert WALL in text(visit(first=True))


def test_a_closed_exhibit_begins_with_the_wall(visit: Visit, box: VoteStore) -> None:
    CurationStore(box.engine).close()
    assert WALL in text(visit(first=True))
