"""The tables, as SQLAlchemy knows them. ``migrations/`` brings a database to this state."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Dialect,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    false,
)

from albumjudge.domain.emotions import NAMES, NOTHING

ARMS = ("judge", "placebo")
DUEL_CHOICES = ("before", "after", "neither")
PAINTER_CHOICES = ("first", "second", "tie")
LONGEST_VOTE = 1e9
"""Seconds; about thirty years. A page left open is no error, infinity is."""
LAST_SEED = 999_999
"""As in :mod:`albumjudge.domain.cover`."""
NAME_LENGTH = 64
REVISION_LENGTH = 128
RECIPE_LENGTH = 400
ROUND_LENGTH = 32
REASON_LENGTH = 200


class UtcDateTime(TypeDecorator[datetime]):
    """A moment in UTC that comes back aware from SQLite, too, which knows no time zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give the database UTC; a moment without a time zone is refused."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} has no time zone.")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give the reader UTC, whatever zone the database server thinks in."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def probability_column(emotion: str) -> str:
    """Name of the column that keeps the probability of an emotion."""
    return f"p_{emotion}"


PROBABILITIES = tuple(probability_column(name) for name in NAMES)


def _one_of(column: str, choices: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join(repr(choice) for choice in choices)})"


def _harmless(column: str) -> str:
    # No pattern match: SQLite and PostgreSQL share none. What is refused could start a spreadsheet formula.
    return f"length({column}) > 0 AND substr({column}, 1, 1) NOT IN ('=', '+', '-', '@', ' ')"


metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

visitors = Table(
    "visitors",
    metadata,
    Column("id", String(NAME_LENGTH), primary_key=True),
    Column("first_vote_at", UtcDateTime, nullable=False),
    CheckConstraint(_harmless("id"), name="harmless_id"),
)

covers = Table(
    "covers",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("generator", String(REVISION_LENGTH), nullable=False),
    Column("seed", Integer, nullable=False),
    Column("png", LargeBinary, nullable=False),
    Column("recipe", String(RECIPE_LENGTH), nullable=False, server_default=""),
    UniqueConstraint("generator", "seed", "recipe"),
    CheckConstraint(_harmless("generator"), name="harmless_generator"),
    CheckConstraint(f"seed BETWEEN 0 AND {LAST_SEED}", name="seed_in_range"),
    CheckConstraint("length(png) > 0", name="painted"),
)

verdicts = Table(
    "verdicts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("cover_id", ForeignKey(covers.c.id), nullable=False),
    Column("judge", String(REVISION_LENGTH), nullable=False),
    *(Column(column, Double, nullable=False) for column in PROBABILITIES),
    UniqueConstraint("cover_id", "judge"),
    # A vote refers to both, so that it cannot name the verdict on another cover.
    UniqueConstraint("id", "cover_id"),
    CheckConstraint(_harmless("judge"), name="harmless_judge"),
    CheckConstraint(
        " AND ".join(f"{column} BETWEEN 0 AND 1" for column in PROBABILITIES), name="probabilities_in_range"
    ),
    CheckConstraint(f"abs({' + '.join(PROBABILITIES)} - 1) < 0.001", name="probabilities_add_up"),
)

votes = Table(
    "votes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("visitor", ForeignKey(visitors.c.id), nullable=False),
    Column("cover_id", Integer, nullable=False),
    Column("verdict_id", Integer, nullable=False),
    Column("felt", String(16), nullable=False),
    Column("label_shown", String(16), nullable=False),
    Column("arm", String(16), nullable=False),
    Column("agrees", Boolean, nullable=True),
    Column("seconds_to_vote", Double, nullable=False),
    Column("voted_at", UtcDateTime, nullable=False),
    Column("round", String(ROUND_LENGTH), nullable=True),
    Column("suspect", Boolean, nullable=False, server_default=false()),
    UniqueConstraint("visitor", "cover_id"),
    ForeignKeyConstraint(["verdict_id", "cover_id"], ["verdicts.id", "verdicts.cover_id"]),
    CheckConstraint(_one_of("felt", (*NAMES, NOTHING)), name="felt_known"),
    CheckConstraint(_one_of("label_shown", NAMES), name="label_known"),
    CheckConstraint(_one_of("arm", ARMS), name="arm_known"),
    CheckConstraint(f"seconds_to_vote BETWEEN 0 AND {LONGEST_VOTE:.0f}", name="seconds_in_range"),
    Index(None, "cover_id"),
    Index(None, "round"),
)

duels = Table(
    "duels",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("before_id", ForeignKey(covers.c.id), nullable=False),
    Column("after_id", ForeignKey(covers.c.id), nullable=False),
    Column("emotion", String(16), nullable=False),
    Column("judge", String(REVISION_LENGTH), nullable=False),
    Column("share_before", Double, nullable=False),
    Column("share_after", Double, nullable=False),
    Column("made_at", UtcDateTime, nullable=False),
    UniqueConstraint("before_id", "after_id", "emotion"),
    CheckConstraint("before_id <> after_id", name="two_covers"),
    CheckConstraint(_one_of("emotion", NAMES), name="emotion_known"),
    CheckConstraint(_harmless("judge"), name="harmless_judge"),
    CheckConstraint("share_before BETWEEN 0 AND 1 AND share_after BETWEEN 0 AND 1", name="shares_in_range"),
)
"""Pairs of covers, one steered from the other towards an emotion, for the question which has more of it."""

duel_votes = Table(
    "duel_votes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("duel_id", ForeignKey(duels.c.id), nullable=False),
    Column("visitor", ForeignKey(visitors.c.id), nullable=False),
    Column("chosen", String(8), nullable=False),
    Column("left_shown", String(8), nullable=False),
    Column("seconds_to_vote", Double, nullable=False),
    Column("voted_at", UtcDateTime, nullable=False),
    Column("suspect", Boolean, nullable=False, server_default=false()),
    UniqueConstraint("visitor", "duel_id"),
    CheckConstraint(_one_of("chosen", DUEL_CHOICES), name="chosen_known"),
    CheckConstraint(_one_of("left_shown", DUEL_CHOICES[:2]), name="left_known"),
    CheckConstraint(f"seconds_to_vote BETWEEN 0 AND {LONGEST_VOTE:.0f}", name="seconds_in_range"),
    Index(None, "duel_id"),
)

painter_votes = Table(
    "painter_votes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("visitor", ForeignKey(visitors.c.id), nullable=False),
    Column("first_id", ForeignKey(covers.c.id), nullable=False),
    Column("second_id", ForeignKey(covers.c.id), nullable=False),
    Column("chosen", String(8), nullable=False),
    Column("left_shown", String(8), nullable=False),
    Column("seconds_to_vote", Double, nullable=False),
    Column("voted_at", UtcDateTime, nullable=False),
    Column("suspect", Boolean, nullable=False, server_default=false()),
    UniqueConstraint("visitor", "first_id", "second_id"),
    # One row for a pair, whichever of the two was on the left.
    CheckConstraint("first_id < second_id", name="one_order"),
    CheckConstraint(_one_of("chosen", PAINTER_CHOICES), name="chosen_known"),
    CheckConstraint(_one_of("left_shown", PAINTER_CHOICES[:2]), name="left_known"),
    CheckConstraint(f"seconds_to_vote BETWEEN 0 AND {LONGEST_VOTE:.0f}", name="seconds_in_range"),
)
"""Which of two painters' covers visitors would rather hang."""

exclusions = Table(
    "exclusions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("visitor", ForeignKey(visitors.c.id), nullable=False),
    Column("reason", String(REASON_LENGTH), nullable=False),
    Column("excluded_at", UtcDateTime, nullable=False),
    Column("lifted_at", UtcDateTime, nullable=True),
    CheckConstraint(_harmless("reason"), name="harmless_reason"),
    Index(None, "visitor"),
)
"""Visitors whose votes a curator leaves out of the statistics, until the exclusion is lifted."""

anchors = Table(
    "anchors",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("generator", String(REVISION_LENGTH), nullable=False),
    Column("seed", Integer, nullable=False),
    Column("recipe", String(RECIPE_LENGTH), nullable=False),
    Column("set_at", UtcDateTime, nullable=False),
    UniqueConstraint("generator", "seed", "recipe"),
    CheckConstraint(_harmless("generator"), name="harmless_generator"),
    CheckConstraint(f"seed BETWEEN 0 AND {LAST_SEED}", name="seed_in_range"),
)
"""Covers that every visitor is asked about, whatever else they see."""

periods = Table(
    "periods",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(REASON_LENGTH), nullable=False),
    Column("opened_at", UtcDateTime, nullable=False),
    Column("closed_at", UtcDateTime, nullable=True),
    CheckConstraint(_harmless("name"), name="harmless_name"),
)
"""When the exhibit was open to votes. With no period at all it is open."""

submissions = Table(
    "gifts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("visitor", String(NAME_LENGTH), nullable=False),
    Column("png", LargeBinary, nullable=False),
    Column("judge", String(REVISION_LENGTH), nullable=False),
    Column("felt", String(16), nullable=True),
    Column("given_at", UtcDateTime, nullable=False),
    CheckConstraint("length(png) > 0", name="painted"),
    CheckConstraint(_harmless("visitor"), name="harmless_visitor"),
    CheckConstraint(_harmless("judge"), name="harmless_judge"),
    CheckConstraint(_one_of("felt", (*NAMES, NOTHING)), name="felt_known"),
    Index(None, "visitor"),
)
"""Pictures that visitors brought and asked the exhibit to keep."""

submission_decisions = Table(
    "gift_decisions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("gift", Integer, key="submission", nullable=False),
    Column("visitor", String(NAME_LENGTH), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("reason", String(REASON_LENGTH), nullable=False),
    Column("given_at", UtcDateTime, nullable=False),
    Column("hidden_at", UtcDateTime, nullable=False),
    Column("deleted_at", UtcDateTime, nullable=True),
    UniqueConstraint("visitor", "digest"),
    CheckConstraint(_harmless("visitor"), name="harmless_visitor"),
    CheckConstraint(_harmless("reason"), name="harmless_reason"),
    Index(None, "submission"),
)
"""Submissions that a curator hides or has deleted. Of a deleted one only the hash is left: it stays away."""

deployment_state = Table(
    "deployment_state",
    metadata,
    Column("name", String(16), primary_key=True),
    Column("number", Integer, nullable=False, server_default="0"),
    Column("changed_at", UtcDateTime, nullable=True),
    Column("until", UtcDateTime, nullable=True),
)
"""What all processes of a deployment agree on, by name: wrong passwords, pushes to the Hub."""

ready_walls = Table(
    "ready_walls",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("networks", String(2 * REVISION_LENGTH + 4), nullable=False),
    Column("number", Integer, nullable=False),
    Column("covers", Text, nullable=False),
    Column("made_at", UtcDateTime, nullable=False),
    Column("given_at", UtcDateTime, nullable=True),
    UniqueConstraint("networks", "number"),
)
"""Walls that are painted and judged before anybody comes, see :mod:`albumjudge.voting.ready`."""
