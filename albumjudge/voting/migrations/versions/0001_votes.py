"""Visitors, covers, verdicts and votes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from albumjudge.voting.migrations.tables import (
    A_VOTES_TIME,
    EMOTIONS,
    PROBABILITIES,
    date_time,
    make,
    number,
    picture,
    real,
    text,
)

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the four tables."""
    make("visitors", text("id", 64), date_time("first_vote_at"), harmless=["id"])
    make(
        "covers",
        *(number("id"), text("generator", 128), number("seed"), picture("png")),
        unique=[("generator", "seed")],
        harmless=["generator"],
        checks={"seed_in_range": "seed BETWEEN 0 AND 999999", "painted": "length(png) > 0"},
    )
    make(
        "verdicts",
        *(number("id"), number("cover_id"), text("judge", 128), *map(real, PROBABILITIES)),
        refers={"cover_id": "covers.id"},
        unique=[("cover_id", "judge"), ("id", "cover_id")],
        harmless=["judge"],
        checks={
            "probabilities_in_range": " AND ".join(f"{name} BETWEEN 0 AND 1" for name in PROBABILITIES),
            "probabilities_add_up": f"abs({' + '.join(PROBABILITIES)} - 1) < 0.001",
        },
    )
    make(
        "votes",
        *(number("id"), text("visitor", 64), number("cover_id"), number("verdict_id")),
        *(text("felt", 16), text("label_shown", 16), text("arm", 16), sa.Column("agrees", sa.Boolean)),
        *(real("seconds_to_vote"), date_time("voted_at")),
        refers={"visitor": "visitors.id", "verdict_id,cover_id": "verdicts.id,verdicts.cover_id"},
        unique=[("visitor", "cover_id")],
        checks={
            "felt_known": f"felt IN ({EMOTIONS}, 'nothing')",
            "label_known": f"label_shown IN ({EMOTIONS})",
            "arm_known": "arm IN ('judge', 'placebo')",
            "seconds_in_range": A_VOTES_TIME,
        },
    )
    op.create_index("ix_votes_cover_id", "votes", ["cover_id"])
