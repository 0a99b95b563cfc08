"""The export of votes as a table, and its command line."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine

from albumjudge.domain.emotions import NAMES, NOTHING
from albumjudge.export import dataset
from albumjudge.export.__main__ import main
from albumjudge.export.tables import DATA_DICTIONARY, PAINTER_DICTIONARY, pseudonym, write_csv
from albumjudge.voting import schema, votes
from albumjudge.voting.curation import CurationStore
from albumjudge.voting.painter_duels import PainterDuelStore
from albumjudge.voting.votes import VoteStore
from tests.vote_fixtures import GENERATOR, JUDGE, cast_one, identity, judged

Engines = Callable[[str], Engine]
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def _exported(box: VoteStore) -> list[dict[str, str]]:
    file = io.StringIO(newline="")
    count = box.stream(lambda votes: write_csv(votes, file, {"bob": "too fast"}))
    file.seek(0)
    lines = list(csv.DictReader(file))
    assert len(lines) == count
    return lines


def test_the_export_has_one_line_per_vote(engine: Engine) -> None:
    box = VoteStore(engine, clock=lambda: NOON)
    box.prepare()
    cast_one(box)
    box.answer(visitor="ann", cover=identity(), agrees=True)
    cast_one(box, "bob", arm="placebo", label_shown="anger", felt=NOTHING, seconds_to_vote=10)
    box.answer(visitor="bob", cover=identity(), agrees=False)
    cast_one(box, "eve")
    first, second, third = _exported(box)
    assert first == {
        "visitor": pseudonym("ann"),
        "cover": f"{GENERATOR}.7",
        "generator": GENERATOR,
        "seed": "7",
        "recipe": "",
        "judge": JUDGE,
        **{f"p_{name}": "0.500000" if name == "awe" else "0.071429" for name in NAMES},
        "verdict": "awe",
        "felt": "fear",
        "label_shown": "awe",
        "arm": "judge",
        "agrees": "true",
        "seconds_to_vote": "2.500",
        "voted_at": "2026-11-22T12:00:00+00:00",
        "round": "",
        "suspect": "false",
        "excluded": "",
    }
    other = {"visitor": pseudonym("bob"), "felt": NOTHING, "label_shown": "anger", "arm": "placebo"}
    assert second == first | other | {"agrees": "false", "seconds_to_vote": "10.000", "excluded": "too fast"}
    assert (third["visitor"], third["agrees"]) == (pseudonym("eve"), "")


def test_every_column_of_the_export_is_explained_and_no_cell_is_a_formula(vote_store: VoteStore) -> None:
    cast_one(vote_store)
    (line,) = _exported(vote_store)
    assert list(line) == list(DATA_DICTIONARY)
    for column, meaning in DATA_DICTIONARY.items():
        assert meaning.endswith(".") and len(meaning) > 20, column
    for column in (*schema.votes.c, *schema.visitors.c, *schema.covers.c, *schema.verdicts.c):
        internal = {"id", "cover_id", "verdict_id", "png", "first_vote_at"}
        assert column.name in DATA_DICTIONARY or column.name in internal, column
    for number, felt in enumerate([*NAMES, NOTHING]):
        cast_one(vote_store, f"v{number}", felt=felt, judged=judged(number), seconds_to_vote=number / 7)
    for line in _exported(vote_store):
        assert not [cell for cell in line.values() if cell[:1] in {"=", "+", "-", "@", "\t", "\r"}]


def test_an_export_longer_than_one_batch_is_complete(
    vote_store: VoteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(votes, "_ROWS_AT_ONCE", 2)
    for number in range(5):
        cast_one(vote_store, f"v{number}")
    assert [line["visitor"] for line in _exported(vote_store)] == [
        pseudonym(f"v{number}") for number in range(5)
    ]


def test_the_command_line_exports(
    vote_store: VoteStore, database_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cast_one(vote_store)
    CurationStore(vote_store.engine).exclude(vote_store.votes()[0].visitor, "a bot")
    file, dictionary = tmp_path / "votes.csv", tmp_path / "votes.md"
    url = database_url.replace("+psycopg", "")
    assert main([str(file), "--dictionary", str(dictionary), "--database-url", url]) == 0
    assert capsys.readouterr().out == f"{file}: 1 vote.\n"
    with file.open(newline="", encoding="utf-8") as lines:
        assert list(csv.DictReader(lines)) == [line | {"excluded": "a bot"} for line in _exported(vote_store)]
    page = dictionary.read_text(encoding="utf-8")
    explained = [line.split("`")[1] for line in page.splitlines() if line.startswith("| `")]
    assert explained == [*DATA_DICTIONARY, *PAINTER_DICTIONARY]


def test_the_command_line_exports_painters_duels(
    vote_store: VoteStore, database_url: str, tmp_path: Path
) -> None:
    store = PainterDuelStore(vote_store.engine, clock=lambda: NOON)
    right = judged(8, generator="flow-test-89abcdef").cover
    for visitor in ("ann", "bot"):
        store.cast(visitor=visitor, left=judged().cover, right=right, picked="right", seconds_to_vote=1.5)
    CurationStore(vote_store.engine).exclude("bot", "too fast")
    file = tmp_path / "painters.csv"
    assert main([str(tmp_path / "votes.csv"), "--painters", str(file), "--database-url", database_url]) == 0
    with file.open(newline="", encoding="utf-8") as lines:
        ann, bot = csv.DictReader(lines)
    assert ann == {
        "visitor": pseudonym("ann"),
        "left": f"{GENERATOR}.7",
        "left_generator": GENERATOR,
        "right": "flow-test-89abcdef.8",
        "right_generator": "flow-test-89abcdef",
        "picked": "right",
        "seconds_to_vote": "1.500",
        "voted_at": "2026-11-22T12:00:00+00:00",
        "suspect": "false",
        "excluded": "",
    }
    votes, excluded = store.votes(counted=False), {"bot": "too fast"}
    assert dataset.painters_as_csv(votes, excluded) == file.read_bytes()
    assert all(f"| `{column}` |" in dataset.columns() for column in [*ann, *DATA_DICTIONARY])
    assert list(ann) == list(PAINTER_DICTIONARY) and bot["excluded"] == "too fast"
    assert all(meaning.endswith(".") for meaning in PAINTER_DICTIONARY.values())


def test_the_command_line_exports_the_exhibits_own_votes(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engines: Engines
) -> None:
    monkeypatch.setenv("ALBUMJUDGE_DATA_DIR", str(tmp_path / "data"))
    for variable in ("ALBUMJUDGE_DATABASE_URL", "DATABASE_URL"):
        monkeypatch.delenv(variable, raising=False)
    box = VoteStore(engines(sqlite_url))
    box.prepare()
    cast_one(box)
    assert main([str(tmp_path / "votes.csv")]) == 0
    assert len((tmp_path / "votes.csv").read_text().splitlines()) == 2


def test_the_command_line_fails_with_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], sqlite_url: str, engines: Engines
) -> None:
    file = tmp_path / "votes.csv"
    file.write_text("last week's votes")
    missing = f"sqlite:///{tmp_path}/missing.db"
    letter = tmp_path / "letter.db"
    letter.write_bytes(b"not a database " * 100)
    VoteStore(engines(sqlite_url)).prepare()
    nowhere = str(tmp_path / "no" / "folder" / "votes.csv")
    for arguments, words in (
        ([str(file), "--database-url", missing], "There is no database"),
        ([str(file), "--database-url", f"sqlite:///{letter}"], "damaged"),
        ([str(file), "--database-url", "nonsense"], "no database address"),
        ([nowhere, "--database-url", sqlite_url], "cannot be written (No such file or directory)"),
    ):
        assert main(arguments) == 1
        captured = capsys.readouterr()
        assert words in captured.err and "Traceback" not in captured.err
        assert captured.out == ""
    assert not (tmp_path / "missing.db").exists()
    assert file.read_text() == "last week's votes"
    assert not list(tmp_path.glob("*.part"))
