"""The language a visitor reads: how it is chosen, and that its catalogue is complete and in step."""

from __future__ import annotations

import ast
import gettext
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from albumjudge.domain import emotions
from albumjudge.inference.exhibit import Exhibit
from albumjudge.ui import shell, words
from albumjudge.ui.words import catalogue
from albumjudge.voting.votes import VoteStore
from tests.page_voting import others_vote
from tests.pages_fixtures import *  # noqa: F403
from tests.pages_fixtures import Visit, press, query

ROOT = Path(words.__file__).parents[2]


@pytest.fixture
def german(monkeypatch: pytest.MonkeyPatch) -> None:
    """Outside of pages, German."""
    monkeypatch.setattr(words, "language", lambda: "de")


def doors(app: AppTest) -> list[str]:
    return [link.proto.label for link in app.get("page_link")]


@pytest.mark.parametrize(
    ("code", "found"),
    [("de", "de"), ("de-AT", "de"), ("EN-gb", "en"), ("fr", None), (None, None), ("", None)],
)
def test_a_code_means_a_language_or_none(code: str | None, found: str | None) -> None:
    assert words.known(code) == found


def test_without_a_wish_or_with_a_strange_one_the_exhibit_speaks_english(visit: Visit) -> None:
    app = visit(wall="5")
    assert "Your picture" in doors(app) and "lang" not in app.query_params
    assert [button.label for button in app.button if "language" in (button.key or "")] == ["Deutsch"]
    assert "Your picture" in doors(visit(wall="5", lang="tlh"))


def test_a_link_chooses_the_language_and_other_pages_keep_it(visit: Visit) -> None:
    app = visit("portrait", lang="de")
    assert "Dein Bild" in doors(app) and "Your picture" not in doors(app)
    app.query_params.clear()
    app.switch_page("pages/vote.py").run()
    assert "Dein Bild" in doors(app) and query(app, "lang") == "de"


def test_the_switch_changes_the_language_and_back_for_its_visitor_alone(visit: Visit) -> None:
    app = press(visit("portrait"), "language-de")
    assert "Dein Bild" in doors(app) and query(app, "lang") == "de"
    assert "Your picture" in doors(press(app, "language-en"))
    german, english = visit("vote", lang="de"), visit("vote")
    assert "Dein Bild" in doors(german.run()) and "Your picture" in doors(english.run())


@pytest.mark.usefixtures("german")
def test_what_other_rooms_say_is_translated_whole_by_pattern_or_piece_by_piece() -> None:
    assert words.translate(emotions.in_words((0.1,) * 3 + (0.15,) * 4 + (0.1,))) == (
        "von allem etwas: Zufriedenheit, Ekel und Begeisterung"
    )
    assert words.translate("The exhibit is not running as it should. Whatever.") == (
        "Die Ausstellung läuft nicht, wie sie sollte. Whatever."
    )
    assert words.translate("") == ""


@pytest.mark.usefixtures("german")
def test_numbers_are_written_as_the_language_has_it() -> None:
    assert (words.number(12345), words.number(-0.456, 2), words.number(-0.001, 2)) == (
        "12.345",
        "−0,46",
        "0,00",
    )
    assert words.listed(["a", "b", "c"]) == "a, b und c"
    assert words.in_letters(3) == "drei" and words.in_letters(1234) == "1.234"


# The catalogue


def placeholders(message: str) -> set[str]:
    return set(re.findall(r"{(\w+)}", message))


@pytest.mark.parametrize("code", [code for code in words.LANGUAGES if code != words.ENGLISH])
def test_a_catalogue_is_complete_and_in_step_with_the_code(code: str) -> None:
    now = {catalogue.key(message) for message in catalogue.collected() if message.id}
    catalog = catalogue.read(code)
    assert {catalogue.key(message) for message in catalog if message.id} == now, "run the catalogue command"
    assert not catalogue.missing(catalog) and not any(message.fuzzy for message in catalog if message.id)


@pytest.mark.parametrize("code", [code for code in words.LANGUAGES if code != words.ENGLISH])
def test_translations_put_in_what_the_messages_put_in(code: str) -> None:
    for message in catalogue.read(code):
        if message.id:
            wanted = set.union(*map(placeholders, catalogue.key(message)))
            forms = [message.string] if isinstance(message.string, str) else list(message.string or ())
            assert len(forms) == (1 if isinstance(message.id, str) else catalogue.read(code).num_plurals)
            for form in forms:
                assert placeholders(form) <= wanted, message.id
                assert len(forms) > 1 or placeholders(form) == wanted, message.id


@pytest.mark.slow
def test_the_command_brings_a_catalogue_up_to_date(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "de.po"
    monkeypatch.setattr(catalogue, "catalogue_file", lambda code: file)
    assert catalogue.main(["--check"]) == 1
    assert catalogue.main([]) == 0 and 'msgid "Wall {number}' in file.read_text(encoding="utf-8")
    assert " 0 new, 0 gone" in (catalogue.main(["--check"]), capsys.readouterr().out.splitlines()[-1])[1]


def raised(path: Path, classes: set[str]) -> Iterator[str]:
    """Sentences of errors in a file, with a number wherever something is put in."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not (isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and node.exc.args):
            continue
        if isinstance(node.exc.func, ast.Name) and node.exc.func.id in classes:
            (said,) = node.exc.args[:1]
            if isinstance(said, ast.Constant):
                yield str(said.value)
            elif isinstance(said, ast.JoinedStr):
                parts = [str(part.value) if isinstance(part, ast.Constant) else "7" for part in said.values]
                yield "".join(parts)


@pytest.mark.usefixtures("german")
def test_every_error_that_a_visitor_may_meet_is_translated() -> None:
    places = (
        "domain/breeding",
        "domain/cover",
        "domain/uploads",
        "voting/votes",
        "voting/curation",
        "inference/painter",
    )
    classes = {"BreedingError", "CoverLinkError", "UploadError", "VoteError", "ClosedError"}
    found = [said for place in places for said in raised(ROOT / f"{place}.py", classes)]
    assert len(found) > 12
    english = [
        said for said in found if re.search(r"\b(the|this|that|is|are|has|cannot)\b", words.translate(said))
    ]
    assert not english


@pytest.mark.usefixtures("german")
def test_all_that_is_told_of_the_bundled_jury_is_translated() -> None:
    training = json.loads((ROOT.parent / "checkpoints/judge/training.json").read_text(encoding="utf-8"))
    for juror in training["jurors"]:
        assert words.translate(juror["name"]) != juror["name"]
        assert words.translate(juror["description"]) != juror["description"]


class Marked(gettext.NullTranslations):
    """Puts «marks» around every message that has a translation."""

    def __init__(self) -> None:
        super().__init__()
        self.ids = {one for message in catalogue.read("de") if message.id for one in catalogue.key(message)}

    def gettext(self, message: str) -> str:
        kept = message not in self.ids or message.startswith("d MMM")
        return message if kept else f"«{message}»"

    def ngettext(self, one: str, many: str, n: int) -> str:
        return self.gettext(one if n == 1 else many)


NOT_COPY = r"Album judge|orderly|tiny[\w-]*|Deutsch|English|UTC|votes\.csv|https?:\S+|[0-9a-f]{8,}"


def left_in_english(app: AppTest) -> list[str]:
    """What is on the page outside of all marks."""
    shown = [part.value for part in app.html if not part.value.startswith(("<style", "<script"))]
    labels = [
        widget.label for widget in (*app.button, *app.selectbox, *app.toggle, *app.slider, *app.text_input)
    ]
    labels += [link.proto.label for link in app.get("page_link")]
    labels += [option for box in app.selectbox for option in box.options]
    html = re.sub(r"<dt>[a-z_]+</dt>", "", "\n".join([*shown, *labels]))  # Columns keep their names.
    texts = re.sub(r"<(?!br)[^>]*?(?:alt|aria-label)=\"([^\"]*)\"[^>]*>", r" \1 ", html)
    texts = re.sub(r"<[^>]+>", " ", texts)
    while (fewer := re.sub("«[^«»]*»", "", texts)) != texts:
        texts = fewer
    return [line for line in re.sub(NOT_COPY, "", texts).splitlines() if re.search("[A-Za-z]{3}", line)]


@pytest.fixture
def marked(monkeypatch: pytest.MonkeyPatch) -> None:
    marks = Marked()
    monkeypatch.setattr(words, "translations", lambda code: marks)


@pytest.mark.slow
@pytest.mark.usefixtures("marked")
@pytest.mark.parametrize("page", [Path(file).stem for file in shell.ROOMS])
def test_no_page_has_words_of_its_own(visit: Visit, page: str) -> None:
    assert not left_in_english(visit(page, lang="de"))


@pytest.mark.slow
@pytest.mark.usefixtures("marked")
def test_no_state_of_a_round_has_words_of_its_own(visit: Visit) -> None:
    app = visit(first=True, lang="de")
    assert not left_in_english(app)
    for key in ("felt-awe", "to-the-wall"):
        assert not left_in_english(press(app, key))
    app = visit("vote", lang="de")
    for key in ("felt-fear", "agree-yes", "look-again", "next"):
        assert not left_in_english(press(app, key))


@pytest.mark.slow
@pytest.mark.usefixtures("marked")
def test_no_statistics_have_words_of_their_own(visit: Visit, box: VoteStore, exhibit: Exhibit) -> None:
    for judged in exhibit.show([1, 2, 3]):
        others_vote(box, exhibit, judged.cover.identity, *emotions.ANSWERS)
    assert not left_in_english(visit("people_vs_machine", lang="de", all="1"))


@pytest.mark.slow
@pytest.mark.usefixtures("marked")
def test_no_cover_looked_at_and_no_family_has_words_of_its_own(visit: Visit, exhibit: Exhibit) -> None:
    link = f"{exhibit.painter.revision}.17"
    assert not left_in_english(visit("stage", lang="de", cover=link))
    assert not left_in_english(visit("breed", lang="de", a=link, b=link.replace(".17", ".18")))
    assert not left_in_english(visit("dialogue", lang="de", cover=link))


def test_what_bundled_tables_say_of_themselves_is_said_in_every_language() -> None:
    files = (Path(__file__).parents[2] / "checkpoints").glob("*/metrics.json")
    said = {table["what"] for file in files for table in json.loads(file.read_text("utf-8")).values()}
    with words.spoken_in("de"):
        for sentence in {one for what in said for one in re.split(r"(?<=[.?!]) ", what)}:
            assert words.translate(sentence) != sentence
