"""Visitors, covers, verdicts and votes.

Written out, not derived from ``albumjudge.schema``: that one moves on, this one stays.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

EMOTIONS = "'amusement', 'anger', 'awe', 'contentment', 'disgust', 'excitement', 'fear', 'sadness'"
HARMLESS = "length({0}) > 0 AND substr({0}, 1, 1) NOT IN ('=', '+', '-', '@', ' ')"
PROBABILITIES = (
    "p_amusement",
    "p_anger",
    "p_awe",
    "p_contentment",
    "p_disgust",
    "p_excitement",
    "p_fear",
    "p_sadness",
)


def upgrade() -> None:
    """Make the four tables."""
    op.create_table(
        "visitors",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("first_vote_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_visitors"),
        sa.CheckConstraint(HARMLESS.format("id"), name=op.f("ck_visitors_harmless_id")),
    )
    op.create_table(
        "covers",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("generator", sa.String(128), nullable=False),
        sa.Column("seed", sa.Integer, nullable=False),
        sa.Column("png", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_covers"),
        sa.UniqueConstraint("generator", "seed", name="uq_covers_generator_seed"),
        sa.CheckConstraint(HARMLESS.format("generator"), name=op.f("ck_covers_harmless_generator")),
        sa.CheckConstraint("seed BETWEEN 0 AND 999999", name=op.f("ck_covers_seed_in_range")),
        sa.CheckConstraint("length(png) > 0", name=op.f("ck_covers_painted")),
    )
    op.create_table(
        "verdicts",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("cover_id", sa.Integer, nullable=False),
        sa.Column("judge", sa.String(128), nullable=False),
        *(sa.Column(column, sa.Double, nullable=False) for column in PROBABILITIES),
        sa.PrimaryKeyConstraint("id", name="pk_verdicts"),
        sa.ForeignKeyConstraint(["cover_id"], ["covers.id"], name="fk_verdicts_cover_id"),
        sa.UniqueConstraint("cover_id", "judge", name="uq_verdicts_cover_id_judge"),
        sa.UniqueConstraint("id", "cover_id", name="uq_verdicts_id_cover_id"),
        sa.CheckConstraint(HARMLESS.format("judge"), name=op.f("ck_verdicts_harmless_judge")),
        sa.CheckConstraint(
            " AND ".join(f"{column} BETWEEN 0 AND 1" for column in PROBABILITIES),
            name=op.f("ck_verdicts_probabilities_in_range"),
        ),
        sa.CheckConstraint(
            f"abs({' + '.join(PROBABILITIES)} - 1) < 0.001", name=op.f("ck_verdicts_probabilities_add_up")
        ),
    )
    op.create_table(
        "votes",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("visitor", sa.String(64), nullable=False),
        sa.Column("cover_id", sa.Integer, nullable=False),
        sa.Column("verdict_id", sa.Integer, nullable=False),
        sa.Column("felt", sa.String(16), nullable=False),
        sa.Column("label_shown", sa.String(16), nullable=False),
        sa.Column("arm", sa.String(16), nullable=False),
        sa.Column("agrees", sa.Boolean, nullable=True),
        sa.Column("seconds_to_vote", sa.Double, nullable=False),
        sa.Column("voted_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_votes"),
        sa.ForeignKeyConstraint(["visitor"], ["visitors.id"], name="fk_votes_visitor"),
        sa.ForeignKeyConstraint(
            ["verdict_id", "cover_id"],
            ["verdicts.id", "verdicts.cover_id"],
            name="fk_votes_verdict_id_cover_id",
        ),
        sa.UniqueConstraint("visitor", "cover_id", name="uq_votes_visitor_cover_id"),
        sa.CheckConstraint(f"felt IN ({EMOTIONS}, 'nothing')", name=op.f("ck_votes_felt_known")),
        sa.CheckConstraint(f"label_shown IN ({EMOTIONS})", name=op.f("ck_votes_label_known")),
        sa.CheckConstraint("arm IN ('judge', 'placebo')", name=op.f("ck_votes_arm_known")),
        sa.CheckConstraint(
            "seconds_to_vote BETWEEN 0 AND 1000000000", name=op.f("ck_votes_seconds_in_range")
        ),
    )
    op.create_index("ix_votes_cover_id", "votes", ["cover_id"])
