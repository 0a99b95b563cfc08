"""The votes as a data set: files that say the same, a card that is true, and a Hub that may refuse."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from huggingface_hub import DatasetCard

from albumjudge.domain.cover import CoverIdentity
from albumjudge.domain.emotions import NAMES, NOTHING
from albumjudge.export import dataset as vote_dataset
from albumjudge.export.dataset import CARD, CSV_FILE, PARQUET_FILE, Pushed
from albumjudge.export.tables import DATA_DICTIONARY, pseudonym
from albumjudge.hub_upload import PublishError
from albumjudge.voting.votes import StoredVote
from tests.checkpoint_fixtures import Answer, Request
from tests.training.fake_hub import TOKEN, FakeHub, Repository, at, running
from tests.vote_fixtures import vote

DAY = datetime(2026, 11, 24, 12, tzinfo=UTC)
DATASET = "museum/votes"
STEERED = CoverIdentity.of("dcgan-test-0123abcd", 8, "w120")
VOTES = [
    vote("awe", visitor="ada", agrees=True, round="0123456789abcdef"),
    vote(NOTHING, visitor="bob", agrees=False, seed=4711, seconds_to_vote=1.25),
    vote("fear", visitor="ada", cover=STEERED, arm="placebo", label_shown="anger"),
]
EXCLUDED = {"bob": 'too fast, the "whole" evening', "gone": "never here"}


def from_csv(votes: list[StoredVote] = VOTES) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(vote_dataset.as_csv(votes, EXCLUDED).decode())))


def from_parquet(votes: list[StoredVote] = VOTES) -> pa.Table:
    return pq.read_table(io.BytesIO(vote_dataset.as_parquet(votes, EXCLUDED)))


def test_without_votes_every_column_is_still_explained_and_in_its_place() -> None:
    table = from_parquet()
    assert table.column_names == list(DATA_DICTIONARY) == list(from_csv()[0])
    for field in table.schema:
        assert field.metadata[b"description"].decode() == DATA_DICTIONARY[field.name]
    assert from_csv([]) == [] and from_parquet([]).num_rows == 0
    assert from_parquet([]).schema == from_parquet().schema


def test_parquet_has_the_votes_in_their_types() -> None:
    rows = from_parquet().to_pylist()
    assert [row["felt"] for row in rows] == ["awe", NOTHING, "fear"]
    assert [row["agrees"] for row in rows] == [True, False, None]
    assert [row["round"] for row in rows] == ["0123456789abcdef", None, None]
    assert [row["seed"] for row in rows] == [7, 4711, 8] and rows[2]["recipe"] == "w120"
    assert rows[1]["seconds_to_vote"] == 1.25 and rows[0]["voted_at"] == VOTES[0].voted_at
    assert tuple(rows[0][f"p_{name}"] for name in NAMES) == VOTES[0].verdict.probabilities
    assert [row["excluded"] for row in rows] == [None, EXCLUDED["bob"], None]


def test_csv_says_the_same_as_parquet() -> None:
    agrees = {"true": True, "false": False, "": None}
    for plain, typed in zip(from_csv(), from_parquet().to_pylist(), strict=True):
        assert agrees[plain.pop("agrees")] == typed.pop("agrees")
        assert plain.pop("suspect") == str(typed.pop("suspect")).lower()
        assert datetime.fromisoformat(plain.pop("voted_at")) == typed.pop("voted_at")
        for name, text in plain.items():
            value = typed[name]
            expected = pytest.approx(float(text), abs=1e-3) if isinstance(value, float) else text
            assert (str(value) if isinstance(value, int) else value or "") == expected, name


def test_nobody_gets_back_to_a_visitors_id() -> None:
    visitor = "0123456789ab4def8123456789abcdef"
    votes = [replace(v, visitor=visitor) for v in VOTES[:2]]
    everything = vote_dataset.as_csv(votes, {visitor: "too fast"}) + vote_dataset.as_parquet(votes, {})
    assert visitor.encode() not in everything
    assert {row["visitor"] for row in from_csv(votes)} == {pseudonym(visitor)}
    assert len({row["visitor"] for row in from_csv()}) == 2


def test_the_card_tells_what_is_there() -> None:
    card = vote_dataset.card(VOTES, EXCLUDED, licence="cc0-1.0", day=DAY)
    parsed = DatasetCard(card)
    told, body = parsed.data, parsed.text
    assert told["license"] == "cc0-1.0" and told["size_categories"] == ["n<1K"]
    assert told["configs"][0]["data_files"][0]["path"] == PARQUET_FILE
    assert (
        "As of 2026-11-24: 3 votes by 2 visitors on 3 covers, cast on 2026-11-22. 1 of them are left out"
        in body
    )
    assert all(f"| `{column}` |" in body for column in DATA_DICTIONARY)
    alone = vote_dataset.card(VOTES[:1], {}, licence="cc-by-4.0", day=DAY)
    assert "1 vote by 1 visitor on 1 cover" in alone and "All of them count" in alone
    with pytest.raises(ValueError, match="none of the licences"):
        vote_dataset.card(VOTES, {}, licence="mine", day=DAY)


class DataHub(FakeHub):
    """The same Hub, asked about data sets; models are none of its business here."""

    def __call__(self, request: Request) -> Answer:
        assert "/models/" not in request.path
        path = request.path.replace("/api/datasets/", "/api/models/").replace("/datasets/", "/")
        return super().__call__(replace(request, path=path))

    def create(self, request: Request) -> Answer:
        asked = json.loads(request.body)
        assert asked["type"] == "dataset"
        return super().create(replace(request, body=json.dumps(asked | {"type": "model"}).encode()))

    def card(self, request: Request) -> Answer:
        asked = json.loads(request.body)
        assert asked["repoType"] == "dataset"
        return super().card(replace(request, body=json.dumps(asked | {"repoType": "model"}).encode()))


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[DataHub]:
    with running(DataHub(), monkeypatch) as hub:
        yield hub


Push = Callable[..., Pushed]


@pytest.fixture
def push(hub: DataHub) -> Push:
    def go(votes: list[StoredVote] = VOTES, repo: str = DATASET, **how: object) -> Pushed:
        plain = {"endpoint": hub.endpoint, "token": TOKEN, "licence": "cc0-1.0", "day": DAY}
        return vote_dataset.push(votes, EXCLUDED, repo, **(plain | how))  # type: ignore[arg-type]

    return go


def test_the_data_set_arrives_whole_and_private_in_one_commit(push: Push, hub: DataHub) -> None:
    done = push()
    repository = hub.repositories[DATASET]
    ((commit, tree),) = repository.commits
    assert repository.private and done == Pushed(DATASET, commit, f"{hub.endpoint}/datasets/{DATASET}")
    assert set(tree) == {CARD, CSV_FILE, PARQUET_FILE}
    assert tree[CSV_FILE] == vote_dataset.as_csv(VOTES, EXCLUDED)
    assert pq.read_table(io.BytesIO(tree[PARQUET_FILE])).equals(from_parquet())
    assert tree[CARD].startswith(b"---\nlicense: cc0-1.0\n")


def test_more_votes_make_another_commit(push: Push, hub: DataHub) -> None:
    push(VOTES[:2])
    push()
    assert len(hub.repositories[DATASET].commits) == 2 and hub.steps.count("create") == 1
    assert hub.repositories[DATASET].head[CSV_FILE].count(b"\n") == 4


def test_what_everyone_sees_is_not_taken_for_private(push: Push, hub: DataHub) -> None:
    hub.repositories[DATASET] = Repository(private=False)
    with pytest.raises(PublishError, match="already on the Hub and public, so nothing was sent"):
        push()
    assert hub.repositories[DATASET].commits == []
    push(private=False)
    assert len(hub.repositories[DATASET].commits) == 1


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ({"token": None}, "There is no access token"),
        ({"token": "hf_old"}, "does not accept the access token"),
        ({"votes": []}, "There are no votes yet"),
        ({"repo": "votes"}, "Write org/name"),
        ({"endpoint": "http://127.0.0.1:9"}, "The connection to the Hub at http://127.0.0.1:9 failed"),
    ],
)
def test_what_cannot_be_sent_is_told_in_a_sentence(
    push: Push, hub: DataHub, how: dict[str, object], says: str
) -> None:
    with pytest.raises(PublishError, match=says) as caught:
        push(**how)
    assert "hf_old" not in str(caught.value) and hub.repositories == {}


@pytest.mark.parametrize(
    ("step", "answer", "says"),
    [
        ("create", Answer(403), "may not write to museum/votes"),
        ("commit", Answer(hang_up=True), "The connection to the Hub at"),
    ],
)
def test_a_failure_leaves_nothing_half_done_and_can_be_tried_again(
    push: Push, hub: DataHub, step: str, answer: Answer, says: str
) -> None:
    hub.trouble = at(step, answer)
    with pytest.raises(PublishError, match=says) as caught:
        push()
    assert str(caught.value).endswith("Press the button again to try once more.")
    assert not hub.repositories or hub.repositories[DATASET].commits == []
    hub.trouble = at("", Answer())
    push()
    assert len(hub.repositories[DATASET].commits) == 1
