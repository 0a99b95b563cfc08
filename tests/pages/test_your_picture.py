"""Your picture: judged when it is one, answered with a sentence when not, and kept only on request."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from albumjudge.domain.cover import HasPixels
from albumjudge.domain.settings import Settings
from albumjudge.domain.uploads import Picture
from albumjudge.domain.verdict import Verdict
from albumjudge.inference.exhibit import Exhibit
from albumjudge.voting.database import open_engine
from albumjudge.voting.submissions import SubmissionCounts, SubmissionStore
from albumjudge.voting.votes import VoteStore
from tests.pages_fixtures import *  # noqa: F403
from tests.pages_fixtures import OTHER_VISITOR, VISITOR, Visit, press, text


@pytest.fixture
def pictures(box: VoteStore, settings: Settings) -> Iterator[SubmissionStore]:
    engine = open_engine(settings.database_url)
    yield SubmissionStore(engine)
    engine.dispose()


def photo(seed: int = 0, format: str = "PNG") -> bytes:
    file = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 256, (64, 64, 3), np.uint8)
    Image.fromarray(pixels).save(file, format)
    return file.getvalue()


def brought(visit: Visit, file: bytes | None = None, visitor: str = VISITOR) -> AppTest:
    app = visit("your_picture", visitor=visitor)
    return app.file_uploader[0].set_value(("holiday.png", file or photo(), "image/png")).run()


def shown(app: AppTest) -> bytes:
    found = re.search(r'print large"><img src="data:image/png;base64,([^"]+)"', text(app))
    assert found
    return base64.b64decode(found[1])


def test_nothing_is_asked_and_nothing_is_judged_at_first(visit: Visit) -> None:
    app = visit("your_picture")
    assert "not stored unless you say so" in text(app)
    assert [button.key for button in app.button] == ["language-de"]
    assert "What happens with it" in text(app) and "mostly amusement" in text(app)
    assert "print large" not in text(app) and not app.get("camera_input")


def test_a_picture_is_shown_as_the_judge_sees_it_with_its_verdict(visit: Visit) -> None:
    app = brought(visit)
    assert "mostly amusement" in text(app) and "amusement 51 %" in text(app)
    assert len(app.get("vega_lite_chart")) == 1
    with Image.open(io.BytesIO(shown(app))) as image:
        assert np.array_equal(
            np.asarray(image), np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
        )


@pytest.mark.slow
def test_a_photo_can_be_taken_but_the_camera_is_left_alone_until_then(visit: Visit) -> None:
    app = visit("your_picture")
    app.button_group[0].set_value("camera").run()
    app.camera_input[0].set_value(("photo.jpg", photo(3, "JPEG"), "image/jpeg")).run()
    assert "mostly amusement" in text(app)


@pytest.mark.slow
def test_it_is_judged_once_however_often_the_page_is_drawn(
    visit: Visit, exhibit: Exhibit, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[int] = []
    plain = exhibit.judge.judge

    def count(covers: Sequence[HasPixels]) -> list[Verdict]:
        looks.append(len(covers))
        return plain(covers)

    monkeypatch.setattr(exhibit.judge, "judge", count)
    app = brought(visit)
    app.run()
    assert looks == [1]
    app.file_uploader[0].set_value(("other.png", photo(1), "image/png")).run()
    assert looks == [1, 1]


@pytest.mark.slow
def test_where_it_looked_is_shown_on_request(visit: Visit) -> None:
    app = brought(visit)
    assert "lit where it speaks" not in text(app)
    app.toggle[0].set_value(True).run()
    assert "lit where it speaks for amusement" in text(app)


@pytest.mark.slow
@pytest.mark.parametrize("file", [b"hello", b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00", photo()[:300]])
def test_what_is_no_picture_gets_a_sentence_and_another_chance(visit: Visit, file: bytes) -> None:
    app = brought(visit, file)
    assert 'role="alert">This ' in text(app)
    assert "print large" not in text(app) and "What happens with it" in text(app)
    app.file_uploader[0].set_value(("holiday.png", photo(), "image/png")).run()
    assert "print large" in text(app) and "What happens with it" not in text(app)


def test_nothing_is_kept_unless_the_visitor_says_so_nor_longer_than_they_want(
    visit: Visit, pictures: SubmissionStore
) -> None:
    app = brought(visit)
    assert "stored nowhere" in text(app) and "Take it back" not in [b.label for b in app.button]
    assert pictures.count().kept == 0
    press(app, "keep")
    (submission,) = pictures.of(VISITOR)
    assert submission.png == shown(app)
    assert "The exhibit keeps your picture" in text(app)
    assert [button.label for button in app.button] == ["Deutsch", "Take it back"]
    assert "What you gave" not in text(visit("your_picture", visitor=OTHER_VISITOR))
    app = visit("your_picture")
    assert "What you gave" in text(app)
    press(app, "back-")
    assert pictures.count().kept == 0 and "What you gave" not in text(app)


@pytest.mark.slow
def test_whoever_gave_a_picture_reads_why_the_curator_hid_or_deleted_it(visit: Visit, box: VoteStore) -> None:
    pictures = SubmissionStore(box.engine)
    hidden, gone = (
        pictures.keep(
            visitor=VISITOR, picture=Picture(np.full((64, 64, 3), grey, np.uint8)), judge="j-00000000"
        )
        for grey in (40, 80)
    )
    pictures.hide(hidden.id, "a face")
    pictures.hide(gone.id, "an advertisement")
    pictures.delete(gone.id)
    app = visit("your_picture")
    page = text(app)
    assert "Hidden by the curator: a face" in page
    assert "The curator has deleted a picture that you gave on" in page and "an advertisement." in page
    press(app, f"back-{hidden.id}")
    assert pictures.count() == SubmissionCounts(0, 0, 1)
