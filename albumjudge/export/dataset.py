"""The votes as a data set for others: CSV, Parquet, what the columns mean, and a card for the Hub."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa
import pyarrow.parquet as pq
from huggingface_hub import CommitOperationAdd, HfApi
from huggingface_hub.errors import RepositoryNotFoundError

from albumjudge.domain.emotions import NAMES, NOTHING
from albumjudge.domain.hub_address import is_repository
from albumjudge.export import tables
from albumjudge.export.tables import DATA_DICTIONARY
from albumjudge.hub_upload import PublishError, limit_waiting, readable_errors, writer
from albumjudge.voting.painter_duels import PainterVote
from albumjudge.voting.schema import PROBABILITIES
from albumjudge.voting.votes import StoredVote

LICENCES: Mapping[str, str] = {
    "cc0-1.0": "CC0: anyone may do anything with them",
    "cc-by-4.0": "CC BY: anyone may use them who names the source",
    "cc-by-nc-4.0": "CC BY-NC: the same, but not to earn money",
}
"""The Hub's names of the licences that a curator can choose from, in plain words."""
CARD, CSV_FILE, PARQUET_FILE = "README.md", "votes.csv", "votes.parquet"
PAINTERS_FILE = "painters.csv"

_TYPES: Mapping[str, pa.DataType] = {
    "seed": pa.int32(),
    **dict.fromkeys(PROBABILITIES, pa.float64()),
    "agrees": pa.bool_(),
    "suspect": pa.bool_(),
    "seconds_to_vote": pa.float64(),
    "voted_at": pa.timestamp("us", tz="UTC"),
}
"""Columns that are no text."""
_AGAIN = "Press the button again to try once more."


@dataclass(frozen=True)
class Pushed:
    """A data set on the Hub: ``repo`` is ``org/name``, ``commit`` 40 hex digits, ``url`` its page."""

    repo: str
    commit: str
    url: str


_CARD = """---{licence}
pretty_name: What people feel before painted album covers
task_categories:
- image-classification
tags:
- emotion
- human-feedback
size_categories:
- {size}
configs:
- config_name: default
  data_files:
  - split: train
    path: {parquet}
---

# What people feel before painted album covers

Visitors of an exhibit looked at covers that a neural network had painted and chose one of eight emotions
({eight}), or “{nothing}” for nothing or something else, before they were
told what another network said it felt. Then they said whether they agreed with the label shown.

As of {day}: {counts}

`{parquet}` and `{csv}` hold the same, one row per vote.

## Columns

{columns}
## How it was made

- Feelings were chosen blind. Labels came afterwards, so `felt` owes nothing to the machine; `agrees` may owe
  something to politeness, which the arm “placebo”, with labels drawn at random, is there to measure.
- A visitor has one vote per cover. A cookie tells visitors apart; who deletes it, or comes with another browser,
  is counted anew.
- Votes come from whoever came by. They are representative of nobody.
- Covers are not part of the data set. `generator`, `seed` and `recipe` say who painted them and from what.
- Pictures that visitors brought to the exhibit are not part of it, and never leave the exhibit this way.
- There are no names, no addresses and no accounts in it. A hash stands for each visitor's random id.
"""


def as_csv(votes: Sequence[StoredVote], excluded: Mapping[str, str]) -> bytes:
    """UTF-8 CSV; ``excluded`` says of visitors why the curator leaves them out."""
    file = io.StringIO()
    tables.write_csv(votes, file, excluded)
    return file.getvalue().encode("utf-8")


def painters_as_csv(votes: Sequence[PainterVote], excluded: Mapping[str, str]) -> bytes:
    """Votes in painters' duels, as :func:`as_csv`."""
    file = io.StringIO()
    tables.write_painters_csv(votes, file, excluded)
    return file.getvalue().encode("utf-8")


def as_parquet(votes: Sequence[StoredVote], excluded: Mapping[str, str]) -> bytes:
    """The same as Parquet: numbers as numbers, times as times in UTC, null where CSV is empty.

    Each column carries its meaning as metadata, ``description``.
    """
    rows = [tables.cells(vote, excluded) for vote in votes]
    schema = pa.schema(
        pa.field(name, _TYPES.get(name, pa.string()), metadata={"description": meaning})
        for name, meaning in DATA_DICTIONARY.items()
    )
    file = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), file, compression="zstd")
    return file.getvalue()


def columns() -> str:
    """What the columns of both tables mean, as a Markdown page."""
    votes, painters = map(tables.as_table, (DATA_DICTIONARY, tables.PAINTER_DICTIONARY))
    return f"# {CSV_FILE}\n\n{votes}\n# {PAINTERS_FILE}\n\n{painters}"


def card(
    votes: Sequence[StoredVote], excluded: Mapping[str, str], *, licence: str | None, day: datetime
) -> str:
    """The data set's card for the Hub, Markdown with a YAML head.

    Raises:
        ValueError: if the licence is neither None nor one of ``LICENCES``.
    """
    if licence not in (None, *LICENCES):
        raise ValueError(f"{licence!r} is none of the licences {', '.join(LICENCES)}.")
    out = sum(vote.visitor in excluded for vote in votes)
    span = ""
    if votes:
        first, last = (f(vote.voted_at for vote in votes).date().isoformat() for f in (min, max))
        span = f", cast {f'on {first}' if first == last else f'from {first} to {last}'}"
    counted = [
        (len(votes), "vote", "votes"),
        (len({vote.visitor for vote in votes}), "visitor", "visitors"),
        (len({vote.cover for vote in votes}), "cover", "covers"),
    ]
    numbers = [f"{number:,} {one if number == 1 else many}" for number, one, many in counted]
    return _CARD.format(
        licence=f"\nlicense: {licence}" if licence else "",
        size=_size(len(votes)),
        eight=", ".join(NAMES),
        nothing=NOTHING,
        day=day.date().isoformat(),
        counts=f"{numbers[0]} by {numbers[1]} on {numbers[2]}{span}. {_left_out(out)}",
        parquet=PARQUET_FILE,
        csv=CSV_FILE,
        columns=tables.as_table(DATA_DICTIONARY),
    )


def push(
    votes: Sequence[StoredVote],
    excluded: Mapping[str, str],
    repo: str,
    *,
    endpoint: str,
    token: str | None,
    licence: str | None,
    day: datetime,
    private: bool | None = True,
) -> Pushed:
    """Send the data set to the Hub in one commit.

    Args:
        votes, excluded, licence, day: as for :func:`card`.
        repo: ``org/name``; made if there is none.
        private: make a new repository private; an existing public one is refused unless this is None.

    Raises:
        PublishError: if it cannot be sent, or not whole.
    """
    if not votes:
        raise PublishError("There are no votes yet, so there is nothing to send.")
    if not is_repository(repo):
        raise PublishError(f"{repo!r} is no name for a data set on the Hub. Write org/name.")
    files = {
        CARD: card(votes, excluded, licence=licence, day=day).encode("utf-8"),
        CSV_FILE: as_csv(votes, excluded),
        PARQUET_FILE: as_parquet(votes, excluded),
    }
    limit_waiting()
    api = writer(endpoint, token)
    with readable_errors(endpoint, repo, again=_AGAIN):
        created = make_sure_of(api, repo, private)
    state = f" The data set {repo} was made for this and is still empty." if created else ""
    with readable_errors(endpoint, repo, state, again=_AGAIN):
        done = api.create_commit(
            repo,
            [CommitOperationAdd(name, content) for name, content in files.items()],
            commit_message=f"{len(votes)} votes as of {day.date().isoformat()}",
            repo_type="dataset",
        )
    return Pushed(repo, done.oid, f"{endpoint}/datasets/{repo}")


def make_sure_of(api: HfApi, repo: str, private: bool | None) -> bool:
    """Make the repository if there is none, and return whether it was made; ``private`` as for :func:`push`."""
    try:
        info = api.dataset_info(repo)
    except RepositoryNotFoundError:
        api.create_repo(repo, private=private is not False, exist_ok=True, repo_type="dataset")
        return True
    if private and not info.private:
        raise PublishError(
            f"{repo} is already on the Hub and public, so nothing was sent. Make it private there, or allow "
            "everyone to see the votes."
        )
    return False


def _left_out(votes: int) -> str:
    if not votes:
        return "All of them count in the exhibit's results."
    return f"{votes:,} of them are left out of the exhibit's results, for the reason in `excluded`."


def _size(votes: int) -> str:
    """The Hub's word for how many rows there are."""
    ends = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
    return next((word for end, word in ends if votes < end), "1M<n<10M")
