"""The juror raised by visitors, from end to end on votes that a stated model casts.

The model: before a bright cover a visitor feels awe with a probability of 0.8, before a dark one sadness;
else any of the eight emotions. A judge that has never seen votes on covers cannot know that.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from albumjudge.domain.cover import Cover, CoverIdentity
from albumjudge.domain.emotions import NAMES
from albumjudge.inference.checkpoints import load_generator, load_judge, read_checkpoint
from albumjudge.inference.judge import as_images
from albumjudge.inference.painter import Painter
from albumjudge.voting.curation import CurationStore
from albumjudge.voting.votes import VoteStore
from tests.vote_fixtures import cast_one
from training import train_visitor_juror
from training.data.images import DataError
from training.judge import visitor_votes
from training.judge.visitor_votes import choose_votes, read_database, read_table

COVERS, VISITORS = 60, 40


@pytest.fixture(scope="module", autouse=True)
def bright_and_dark() -> Iterator[None]:
    """Covers whose seed is even are bright, others dark: an untrained painter's are all alike."""

    def paint(self: Painter, identities: Sequence[CoverIdentity]) -> list[Cover]:
        return [
            Cover(
                i,
                np.random.default_rng(i.seed).integers(0, 60, (64, 64, 3)).astype(np.uint8)
                + np.uint8(190 * (i.seed % 2 == 0)),
            )
            for i in identities
        ]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Painter, "paint_each", paint)
        yield


@pytest.fixture(scope="module")
def table(root: Path) -> Path:
    """Votes as exported."""
    write_votes(root / "votes.csv", painter_of(root).paint(range(COVERS)))
    return root / "votes.csv"


def painter_of(root: Path) -> Painter:
    checkpoint = read_checkpoint(root / "generator", "generator", "directory")
    return Painter(load_generator(checkpoint), checkpoint.revision)


def bright(covers: list[Cover]) -> np.ndarray:
    light = np.array([cover.pixels.mean() for cover in covers])
    found: np.ndarray = light > np.median(light)
    return found


def write_votes(file: Path, covers: list[Cover]) -> None:
    chance = np.random.default_rng(4)
    with file.open("w", newline="", encoding="utf-8") as lines:
        writer = csv.writer(lines)
        writer.writerow(["visitor", "cover", "felt", "arm", "suspect", "excluded"])
        for visitor in range(VISITORS):
            for place in chance.permutation(COVERS)[:20]:
                told = "awe" if bright(covers)[place] else "sadness"
                felt = told if chance.random() < 0.8 else chance.choice(NAMES)
                arm = "placebo" if chance.random() < 0.125 else "judge"
                writer.writerow([f"v{visitor}", covers[place].identity, felt, arm, "false", ""])
        # None of these may count.
        writer.writerow(["v0", covers[0].identity, "nothing", "judge", "false", ""])
        writer.writerow(["v1", "gone-12345678.5", "anger", "judge", "false", ""])
        writer.writerow(["v2", covers[0].identity, "anger", "judge", "true", ""])
        for cover in covers:
            writer.writerow(["spoiler", cover.identity, "anger", "judge", "false", "votes in no time"])


def arguments(root: Path, votes: Path, out: Path) -> list[str]:
    given = {
        "--votes": votes,
        "--judge": root / "run/checkpoint",
        "--generators": root / "generator",
        "--out": out,
    }
    return [str(word) for pair in given.items() for word in pair]


@pytest.mark.slow
def test_it_learns_what_visitors_feel_and_leaves_the_verdict_alone(
    root: Path, table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train_visitor_juror.main(arguments(root, table, tmp_path)) == 0
    assert "Wrote" in capsys.readouterr().out
    checkpoint = read_checkpoint(tmp_path / "checkpoint", "judge", "directory")
    jury, before = (
        load_judge(each)
        for each in (checkpoint, read_checkpoint(root / "run/checkpoint", "judge", "directory"))
    )
    assert jury.juror_names == (*before.juror_names, train_visitor_juror.NAME)
    covers = painter_of(root).paint(range(COVERS))
    with torch.no_grad():
        images = as_images(covers)
        shares, verdict = jury.verdicts_of(jury.extract(images))
        others, verdict_before = before.verdicts_of(before.extract(images))
    torch.testing.assert_close(shares[:-1], others, atol=2e-3, rtol=0)
    torch.testing.assert_close(verdict, verdict_before, atol=2e-3, rtol=0)
    light = bright(covers)
    awe, sadness = shares[-1, :, NAMES.index("awe")], shares[-1, :, NAMES.index("sadness")]
    assert awe[light].mean() > 2 * awe[~light].mean() and sadness[~light].mean() > 2 * sadness[light].mean()
    metrics = json.loads((tmp_path / "checkpoint/metrics.json").read_text(encoding="utf-8"))
    rows = metrics["visitor_juror"]["rows"]
    for which in ("covers never seen", "visitors never met"):
        assert rows[f"{which}: the jury"]["low"] > 0 and rows[f"{which}: the mean of the votes"]["low"] > 0
    record = checkpoint.training
    assert (record["votes"], record["visitors"], record["voted_covers"]) == (VISITORS * 20, VISITORS, COVERS)
    assert record["votes_left_out"] == COVERS + 3
    assert train_visitor_juror.NAME in (tmp_path / "checkpoint/README.md").read_text(encoding="utf-8")


def test_what_does_not_count_is_left_out_by_reason_and_parquet_says_the_same(
    root: Path, table: Path, tmp_path: Path
) -> None:
    rows: list[dict[str, Any]] = [*read_table(table)]
    painters = [painter_of(root)]
    typed = [
        row | {"suspect": row["suspect"] == "true", "excluded": row["excluded"] or None, "seed": 1}
        for row in rows
    ]
    pq.write_table(pa.Table.from_pylist(typed), tmp_path / "votes.parquet")
    reasons = {"no emotion felt": 1, "painter not given": 1, "suspect": 1, "visitor excluded": COVERS}
    for each in (rows, read_table(tmp_path / "votes.parquet")):
        votes = choose_votes(each, painters)
        assert votes.left_out == reasons and votes.counts().sum() == len(votes.felt) == VISITORS * 20


def test_votes_are_read_from_the_database(vote_store: VoteStore, database_url: str) -> None:
    for visitor in ("ann", "bot"):
        cast_one(vote_store, visitor, felt="fear")
    CurationStore(vote_store.engine).exclude("bot", "too fast")
    ann, bot = read_database(database_url)
    assert ann["felt"] == "fear" and (ann["excluded"], bot["excluded"]) == ("", "too fast")
    with pytest.raises(DataError, match=r"\.$"):
        read_database("sqlite:///gone/votes.db")


def test_too_few_votes_are_refused_in_a_sentence(
    root: Path, table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = table.read_text(encoding="utf-8").splitlines()
    (tmp_path / "few.csv").write_text("\n".join(lines[:30]) + "\n", encoding="utf-8")
    assert train_visitor_juror.main(arguments(root, tmp_path / "few.csv", tmp_path)) == 1
    said = capsys.readouterr().err
    assert "29 votes" in said and f"at least {visitor_votes.MINIMUM['votes']} votes" in said
    assert not (tmp_path / "checkpoint").exists()


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("votes.csv", "visitor,cover\n", "no column felt"),
        ("votes.csv", "visitor,cover,felt\na,b,joy\n", "'joy' is no answer"),
        ("votes.csv", None, "cannot be read"),
        ("votes.parquet", "no parquet", "no table of votes"),
    ],
)
def test_another_table_is_refused(
    root: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    name: str,
    content: str | None,
    sentence: str,
) -> None:
    if content is not None:
        (tmp_path / name).write_text(content, encoding="utf-8")
    assert train_visitor_juror.main(arguments(root, tmp_path / name, tmp_path)) == 1
    assert sentence in capsys.readouterr().err


def test_votes_of_one_cover_or_visitor_stay_together(root: Path, table: Path) -> None:
    votes = choose_votes(read_table(table), [painter_of(root)])
    for by in (votes.cover, votes.visitor):
        folds = train_visitor_juror.split_votes(votes, by, 0)
        assert all(len(set(folds[by == kind].tolist())) == 1 for kind in np.unique(by))
        assert len(np.unique(folds)) == train_visitor_juror.FOLDS
