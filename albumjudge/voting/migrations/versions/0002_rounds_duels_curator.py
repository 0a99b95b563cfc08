"""Recipes of covers, rounds, duels, and what a curator keeps."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from albumjudge.voting.migrations.tables import (
    A_VOTES_TIME,
    EMOTIONS,
    date_time,
    make,
    number,
    picture,
    real,
    text,
)

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Let covers of one seed differ, and make the new tables."""
    with op.batch_alter_table("covers") as covers:
        covers.add_column(sa.Column("recipe", sa.String(400), nullable=False, server_default=""))
        covers.drop_constraint("uq_covers_generator_seed", type_="unique")
        covers.create_unique_constraint("uq_covers_generator_seed_recipe", ["generator", "seed", "recipe"])
    op.add_column("votes", text("round", 32, nullable=True))
    op.create_index("ix_votes_round", "votes", ["round"])
    make(
        "duels",
        *(number("id"), number("before_id"), number("after_id"), text("emotion", 16), text("judge", 128)),
        *(real("share_before"), real("share_after"), date_time("made_at")),
        refers={"before_id": "covers.id", "after_id": "covers.id"},
        unique=[("before_id", "after_id", "emotion")],
        harmless=["judge"],
        checks={
            "two_covers": "before_id <> after_id",
            "emotion_known": f"emotion IN ({EMOTIONS})",
            "shares_in_range": "share_before BETWEEN 0 AND 1 AND share_after BETWEEN 0 AND 1",
        },
    )
    make(
        "duel_votes",
        *(number("id"), number("duel_id"), text("visitor", 64), text("chosen", 8), text("left_shown", 8)),
        *(real("seconds_to_vote"), date_time("voted_at")),
        refers={"duel_id": "duels.id", "visitor": "visitors.id"},
        unique=[("visitor", "duel_id")],
        checks={
            "chosen_known": "chosen IN ('before', 'after', 'neither')",
            "left_known": "left_shown IN ('before', 'after')",
            "seconds_in_range": A_VOTES_TIME,
        },
    )
    op.create_index("ix_duel_votes_duel_id", "duel_votes", ["duel_id"])
    make(
        "exclusions",
        *(number("id"), text("visitor", 64), text("reason", 200)),
        *(date_time("excluded_at"), date_time("lifted_at", nullable=True)),
        refers={"visitor": "visitors.id"},
        harmless=["reason"],
    )
    op.create_index("ix_exclusions_visitor", "exclusions", ["visitor"])
    make(
        "anchors",
        *(number("id"), text("generator", 128), number("seed"), text("recipe", 400), date_time("set_at")),
        unique=[("generator", "seed", "recipe")],
        harmless=["generator"],
        checks={"seed_in_range": "seed BETWEEN 0 AND 999999"},
    )
    make(
        "periods",
        *(number("id"), text("name", 200), date_time("opened_at"), date_time("closed_at", nullable=True)),
        harmless=["name"],
    )
    make(
        "gifts",
        *(number("id"), text("visitor", 64), picture("png"), text("judge", 128)),
        *(text("felt", 16, nullable=True), date_time("given_at")),
        harmless=["visitor", "judge"],
        checks={"painted": "length(png) > 0", "felt_known": f"felt IN ({EMOTIONS}, 'nothing')"},
    )
    op.create_index("ix_gifts_visitor", "gifts", ["visitor"])
