"""The curator's room: closed to strangers, and what is decided in it takes effect everywhere else."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from albumjudge.domain import seeds
from albumjudge.domain.cover import CoverIdentity
from albumjudge.domain.settings import Settings
from albumjudge.domain.uploads import Picture
from albumjudge.export import dataset as vote_dataset
from albumjudge.export.dataset import Pushed
from albumjudge.export.hub_copy import PushTurns
from albumjudge.hub_upload import PublishError
from albumjudge.inference.exhibit import Exhibit
from albumjudge.voting.curation import TRIES, CurationStore
from albumjudge.voting.database import open_engine
from albumjudge.voting.submissions import SubmissionCounts, SubmissionStore
from albumjudge.voting.votes import VoteStore
from tests.pages_fixtures import *  # noqa: F403
from tests.pages_fixtures import OTHER_VISITOR, VISITOR, Visit, press, text
from tests.vote_fixtures import judged

PASSWORD = "open sesame"


@pytest.fixture
def decisions(box: VoteStore, settings: Settings) -> Iterator[CurationStore]:
    engine = open_engine(settings.database_url)
    yield CurationStore(engine)
    engine.dispose()


Enter = Callable[..., AppTest]


@pytest.fixture
def enter(visit: Visit, monkeypatch: pytest.MonkeyPatch) -> Enter:
    """Opens the room with the right password and goes to a section."""
    monkeypatch.setenv("ALBUMJUDGE_CURATOR_PASSWORD", PASSWORD)

    def go(section: str = "Opening") -> AppTest:
        app = knock(visit("curator"), PASSWORD)
        return turn(app, section)

    return go


def knock(app: AppTest, password: str) -> AppTest:
    app.text_input[0].set_value(password)
    return next(b for b in app.button if b.label == "Enter").click().run()


def turn(app: AppTest, section: str) -> AppTest:
    if section != "Opening":
        app.button_group[0].set_value(section).run()
    return app


def submit(app: AppTest, label: str) -> AppTest:
    (button,) = [b for b in app.button if b.label == label and (b.key or "").startswith("FormSubmitter")]
    return button.click().run()


def cast(box: VoteStore, visitor: str, felt: str = "awe", votes: int = 1, seconds: float = 3.0) -> None:
    for seed in range(votes):
        box.cast(visitor=visitor, judged=judged(seed), felt=felt, label_shown="awe", seconds_to_vote=seconds)


def test_without_a_password_there_is_no_such_room(visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ALBUMJUDGE_CURATOR_PASSWORD", raising=False)
    app = visit("curator")
    assert "This exhibit has no curator’s room." in text(app)
    assert not app.text_input and [button.key for button in app.button] == ["language-de"]


def test_the_wrong_password_opens_nothing_and_trying_on_must_wait(enter: Enter, visit: Visit) -> None:
    app = visit("curator")
    for _ in range(TRIES):
        knock(app, "wrong password")
        assert "This is not the password." in text(app)
        assert not app.get("button_group")
    # A new session does not begin anew, not even with the right one.
    other = knock(visit("curator", visitor=OTHER_VISITOR), PASSWORD)
    assert "Too many wrong passwords. Wait" in text(other) and not other.get("button_group")


def test_who_leaves_must_give_the_password_again(enter: Enter) -> None:
    app = press(enter(), "leave-room")
    assert not app.get("button_group") and app.text_input[0].label == "Password"


def test_a_closed_exhibit_takes_no_votes_and_says_so(
    enter: Enter, visit: Visit, decisions: CurationStore, box: VoteStore
) -> None:
    ballot = visit("vote")
    app = enter()
    assert "takes effect at once" in text(app) and PASSWORD not in text(app)
    assert "Curator" not in [link.proto.label for link in app.get("page_link")]
    press(app, "close")
    assert "The exhibit is closed." in text(app) and not decisions.is_open()
    # Someone was just choosing.
    late = next(b for b in ballot.button if (b.key or "").startswith("felt-awe")).click().run()
    for page in (late, visit("vote", visitor=OTHER_VISITOR)):
        assert "closed at the moment and takes no votes" in text(page)
        assert not [b for b in page.button if (b.key or "").startswith("felt-")]
    assert box.count() == 0
    submit(app, "Open the exhibit")
    assert "Write one, in a few words" in text(app) and not decisions.is_open()
    app.text_input[0].set_value("Long Night")
    submit(app, "Open the exhibit")
    assert "The exhibit is open: Long Night." in text(app) and decisions.is_open()
    assert [b for b in visit("vote").button if (b.key or "").startswith("felt-")]


def test_a_suspect_is_left_out_of_the_results_and_let_in_again(
    enter: Enter, visit: Visit, box: VoteStore, decisions: CurationStore
) -> None:
    cast(box, VISITOR, votes=2)
    cast(box, OTHER_VISITOR, "fear", votes=7, seconds=0.2)
    assert "<dt>votes</dt><dd>9</dd>" in text(visit("people_vs_machine", all="1"))
    app = enter("Visitors")
    assert "too fast: half of the votes took less than 0.2 seconds" in text(app)
    press(app, f"exclude-{OTHER_VISITOR}")
    assert list(decisions.left_out()) == [OTHER_VISITOR]
    results = text(visit("people_vs_machine", all="left-out"))
    assert "2 votes so far" in results
    assert "7 by visitors whom the curator leaves out (too fast: half of the votes took less" in results
    press(app, f"lift-{OTHER_VISITOR}")
    assert decisions.left_out() == {} and "Nobody." in text(app)
    assert "<dt>votes</dt><dd>9</dd>" in text(visit("people_vs_machine", all="1"))
    # Whoever was let in again is not suggested once more.
    assert not [b for b in app.button if (b.key or "").startswith("exclude-")]


@pytest.mark.slow
def test_the_same_number_of_votes_left_out_elsewhere_is_another_result(
    enter: Enter, visit: Visit, box: VoteStore, decisions: CurationStore
) -> None:
    for visitor, felt in (("a" * 32, "awe"), ("b" * 32, "fear"), ("c" * 32, "awe")):
        cast(box, visitor, felt)
    found = []
    for visitor in ("a" * 32, "b" * 32):
        decisions.exclude(visitor, "a test device")
        found.append(text(visit("people_vs_machine", all="1")).partition('class="figures"')[2])
        decisions.lift(visitor)
    assert found[0] != found[1]


@pytest.mark.slow
def test_if_everyone_is_left_out_nothing_is_compared(
    visit: Visit, box: VoteStore, decisions: CurationStore
) -> None:
    cast(box, VISITOR)
    decisions.exclude(VISITOR, "a test device")
    page = text(visit("people_vs_machine", all="1"))
    assert "All votes so far are left out" in page and "(a test device)" in page


@pytest.mark.slow
def test_anyone_can_be_left_out_with_a_reason_in_words(
    enter: Enter, box: VoteStore, decisions: CurationStore
) -> None:
    cast(box, VISITOR)
    app = enter("Visitors")
    submit(app, "Leave out")
    assert "Choose a visitor first." in text(app)
    app.selectbox[0].set_value(VISITOR)
    app.text_input[0].set_value("=1+1")
    submit(app, "Leave out")
    assert "spreadsheet" in text(app) and decisions.left_out() == {}
    app.selectbox[0].set_value(VISITOR)
    app.text_input[0].set_value("the museum's own <b>test</b>")
    submit(app, "Leave out")
    assert decisions.left_out() == {VISITOR: "the museum's own <b>test</b>"}
    assert "<b>test" not in text(app) and "&lt;b&gt;test" in text(app)


@pytest.mark.slow
def test_anchors_are_chosen_by_eye_and_cleared(
    enter: Enter, decisions: CurationStore, exhibit: Exhibit
) -> None:
    revision = exhibit.painter.revision
    pool = [CoverIdentity(revision, seed) for seed in seeds.ballot_pool(revision)]
    decisions.set_anchors([pool[5], CoverIdentity("gone-12345678", 1)])
    app = enter("Anchors")
    assert "One of the anchors is by an earlier painter" in text(app)
    assert [box.label for box in app.checkbox if box.value] == [f"Anchor No. {pool[5].number}"]
    assert app.checkbox[0].value and len(app.checkbox) == len(pool)
    app.checkbox[0].uncheck()
    app.checkbox[1].check()
    app.checkbox[2].check()
    submit(app, "Make these the anchors")
    assert decisions.anchors() == [pool[0], pool[1]] and "2 covers are anchors now." in text(app)
    submit(app, "Clear")
    assert decisions.anchors() == [] and not any(box.value for box in app.checkbox)


@pytest.mark.slow
def test_votes_can_be_taken_away_as_files(enter: Enter, box: VoteStore) -> None:
    assert "nothing to take away" in text(enter("Votes"))
    cast(box, VISITOR)
    app = enter("Votes")
    labels = [button.proto.label for button in app.get("download_button")]
    assert labels == [
        "Download votes.csv",
        "Download votes.parquet",
        "Download painters.csv",
        "What the columns mean",
    ]
    assert "Set ALBUMJUDGE_HUB_DATASET" in text(app)


@pytest.mark.slow
@pytest.mark.parametrize("fails", [False, True])
def test_votes_are_pushed_to_the_hub_or_a_sentence_says_why_not(
    enter: Enter, box: VoteStore, monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    pushed: list[dict[str, object]] = []

    def push(votes: object, excluded: object, repo: str, **how: object) -> Pushed:
        pushed.append({"repo": repo, **how})
        if fails:
            raise PublishError("The Hub is out for lunch.")
        return Pushed(repo, "0123456789" * 4, "http://localhost/datasets/museum/votes")

    monkeypatch.setenv("ALBUMJUDGE_HUB_DATASET", "museum/votes")
    monkeypatch.setenv("HF_TOKEN", "hf_curator")
    monkeypatch.setattr(vote_dataset, "push", push)
    cast(box, VISITOR)
    app = enter("Votes")
    assert pushed == []
    submit(app, "Push to museum/votes")
    assert (pushed[0]["repo"], pushed[0]["token"], pushed[0]["private"]) == (
        "museum/votes",
        "hf_curator",
        True,
    )
    expected = "The Hub is out for lunch." if fails else "museum/votes at commit 01234567."
    assert expected in text(app) and "hf_curator" not in text(app)


@pytest.mark.slow
def test_the_state_names_models_database_and_the_last_warning(
    enter: Enter, box: VoteStore, exhibit: Exhibit, monkeypatch: pytest.MonkeyPatch
) -> None:
    cast(box, VISITOR, votes=2)
    monkeypatch.setattr(Exhibit, "status", lambda self: ("The Hub is out for lunch.",))
    logging.getLogger("albumjudge.somewhere").warning("The lamp of visitor %s flickers.", "ab" * 16)
    page = text(enter("State"))
    assert exhibit.painter.revision in page and "from a folder" in page
    assert "SQLite, can be reached, 2 votes" in page and "The Hub is out for lunch." in page
    assert "The lamp of visitor … flickers." in page and "ab" * 16 not in page


@pytest.mark.slow
def test_submissions_are_looked_through_hidden_and_then_deleted(enter: Enter, box: VoteStore) -> None:
    assert "Nobody has given a picture yet." in text(enter("Submissions"))
    pictures = SubmissionStore(box.engine)
    submission, other = (
        pictures.keep(
            visitor=VISITOR, picture=Picture(np.full((64, 64, 3), grey, np.uint8)), judge="j-00000000"
        )
        for grey in (40, 80)
    )
    app = enter("Submissions")
    page = text(app).partition("Up for a vote")[0]
    assert page.count("data:image/png") == 2 and page.index(f"Submission {other.id} ") < page.index(
        f"Submission {submission.id} "
    )
    assert VISITOR not in page and not [b for b in app.button if b.label == "Delete for good"]
    press(app, f"hide-{submission.id}")
    assert "There is no reason yet. Write one" in text(app) and pictures.count().hidden == 0
    app.text_input[0].set_value("a face")
    press(app, f"hide-{submission.id}")
    assert f"Submission {submission.id} is hidden." in text(app) and "Hidden: a face" in text(app)
    press(app, f"show-{submission.id}")
    assert pictures.count().hidden == 0
    press(app, f"hide-{submission.id}")
    press(app, f"delete-{submission.id}")
    assert pictures.count() == SubmissionCounts(1, 0, 1) and pictures.of(VISITOR) == [other]
    assert "1, 0 of them hidden; 1 deleted" in text(enter("State"))


@pytest.mark.slow
def test_the_curator_is_told_when_votes_were_pushed(
    enter: Enter, decisions: CurationStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "pushed" not in text(enter())
    monkeypatch.setenv("ALBUMJUDGE_HUB_DATASET", "museum/votes")
    monkeypatch.setenv("ALBUMJUDGE_HUB_PUSH_MINUTES", "60")
    monkeypatch.setattr("albumjudge.export.hub_copy.storage_problem", lambda settings: "This Space forgets.")
    told = text(enter())
    assert "This Space forgets." in told and "pushed to museum/votes every 60 minutes: none yet." in told
    PushTurns(decisions.engine).note(votes=1234)
    assert "1,234 votes." in text(enter())
