"""Recipes of covers, rounds, duels, and what a curator keeps.

Written out, not derived from ``albumjudge.schema``: that one moves on, this one stays.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

EMOTIONS = "'amusement', 'anger', 'awe', 'contentment', 'disgust', 'excitement', 'fear', 'sadness'"
HARMLESS = "length({0}) > 0 AND substr({0}, 1, 1) NOT IN ('=', '+', '-', '@', ' ')"
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Let covers of one seed differ, and make the new tables."""
    with op.batch_alter_table("covers") as covers:
        covers.add_column(sa.Column("recipe", sa.String(400), nullable=False, server_default=""))
        covers.drop_constraint("uq_covers_generator_seed", type_="unique")
        covers.create_unique_constraint("uq_covers_generator_seed_recipe", ["generator", "seed", "recipe"])
    op.add_column("votes", sa.Column("round", sa.String(32), nullable=True))
    op.create_index("ix_votes_round", "votes", ["round"])
    op.create_table(
        "duels",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("before_id", sa.Integer, nullable=False),
        sa.Column("after_id", sa.Integer, nullable=False),
        sa.Column("emotion", sa.String(16), nullable=False),
        sa.Column("judge", sa.String(128), nullable=False),
        sa.Column("share_before", sa.Double, nullable=False),
        sa.Column("share_after", sa.Double, nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_duels"),
        sa.ForeignKeyConstraint(["before_id"], ["covers.id"], name="fk_duels_before_id"),
        sa.ForeignKeyConstraint(["after_id"], ["covers.id"], name="fk_duels_after_id"),
        sa.UniqueConstraint("before_id", "after_id", "emotion", name="uq_duels_before_id_after_id_emotion"),
        sa.CheckConstraint("before_id <> after_id", name=op.f("ck_duels_two_covers")),
        sa.CheckConstraint(f"emotion IN ({EMOTIONS})", name=op.f("ck_duels_emotion_known")),
        sa.CheckConstraint(HARMLESS.format("judge"), name=op.f("ck_duels_harmless_judge")),
        sa.CheckConstraint(
            "share_before BETWEEN 0 AND 1 AND share_after BETWEEN 0 AND 1",
            name=op.f("ck_duels_shares_in_range"),
        ),
    )
    op.create_table(
        "duel_votes",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("duel_id", sa.Integer, nullable=False),
        sa.Column("visitor", sa.String(64), nullable=False),
        sa.Column("chosen", sa.String(8), nullable=False),
        sa.Column("left_shown", sa.String(8), nullable=False),
        sa.Column("seconds_to_vote", sa.Double, nullable=False),
        sa.Column("voted_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_duel_votes"),
        sa.ForeignKeyConstraint(["duel_id"], ["duels.id"], name="fk_duel_votes_duel_id"),
        sa.ForeignKeyConstraint(["visitor"], ["visitors.id"], name="fk_duel_votes_visitor"),
        sa.UniqueConstraint("visitor", "duel_id", name="uq_duel_votes_visitor_duel_id"),
        sa.CheckConstraint(
            "chosen IN ('before', 'after', 'neither')", name=op.f("ck_duel_votes_chosen_known")
        ),
        sa.CheckConstraint("left_shown IN ('before', 'after')", name=op.f("ck_duel_votes_left_known")),
        sa.CheckConstraint(
            "seconds_to_vote BETWEEN 0 AND 1000000000", name=op.f("ck_duel_votes_seconds_in_range")
        ),
    )
    op.create_index("ix_duel_votes_duel_id", "duel_votes", ["duel_id"])
    op.create_table(
        "exclusions",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("visitor", sa.String(64), nullable=False),
        sa.Column("reason", sa.String(200), nullable=False),
        sa.Column("excluded_at", MOMENT, nullable=False),
        sa.Column("lifted_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_exclusions"),
        sa.ForeignKeyConstraint(["visitor"], ["visitors.id"], name="fk_exclusions_visitor"),
        sa.CheckConstraint(HARMLESS.format("reason"), name=op.f("ck_exclusions_harmless_reason")),
    )
    op.create_index("ix_exclusions_visitor", "exclusions", ["visitor"])
    op.create_table(
        "anchors",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("generator", sa.String(128), nullable=False),
        sa.Column("seed", sa.Integer, nullable=False),
        sa.Column("recipe", sa.String(400), nullable=False),
        sa.Column("set_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_anchors"),
        sa.UniqueConstraint("generator", "seed", "recipe", name="uq_anchors_generator_seed_recipe"),
        sa.CheckConstraint(HARMLESS.format("generator"), name=op.f("ck_anchors_harmless_generator")),
        sa.CheckConstraint("seed BETWEEN 0 AND 999999", name=op.f("ck_anchors_seed_in_range")),
    )
    op.create_table(
        "periods",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("opened_at", MOMENT, nullable=False),
        sa.Column("closed_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_periods"),
        sa.CheckConstraint(HARMLESS.format("name"), name=op.f("ck_periods_harmless_name")),
    )
    op.create_table(
        "gifts",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("visitor", sa.String(64), nullable=False),
        sa.Column("png", sa.LargeBinary, nullable=False),
        sa.Column("judge", sa.String(128), nullable=False),
        sa.Column("felt", sa.String(16), nullable=True),
        sa.Column("given_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_gifts"),
        sa.CheckConstraint("length(png) > 0", name=op.f("ck_gifts_painted")),
        sa.CheckConstraint(HARMLESS.format("visitor"), name=op.f("ck_gifts_harmless_visitor")),
        sa.CheckConstraint(HARMLESS.format("judge"), name=op.f("ck_gifts_harmless_judge")),
        sa.CheckConstraint(f"felt IN ({EMOTIONS}, 'nothing')", name=op.f("ck_gifts_felt_known")),
    )
    op.create_index("ix_gifts_visitor", "gifts", ["visitor"])
