"""Votes between covers of two painters, and a mark on votes that came too fast to count."""

from __future__ import annotations

from alembic import op

from albumjudge.voting.migrations.tables import A_VOTES_TIME, date_time, make, mark, number, real, text

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make the table and the column; earlier votes count."""
    op.add_column("votes", mark("suspect"))
    make(
        "painter_votes",
        *(number("id"), text("visitor", 64), number("first_id"), number("second_id"), text("chosen", 8)),
        *(text("left_shown", 8), real("seconds_to_vote"), date_time("voted_at"), mark("suspect")),
        refers={"visitor": "visitors.id", "first_id": "covers.id", "second_id": "covers.id"},
        unique=[("visitor", "first_id", "second_id")],
        checks={
            "one_order": "first_id < second_id",
            "chosen_known": "chosen IN ('first', 'second', 'tie')",
            "left_known": "left_shown IN ('first', 'second')",
            "seconds_in_range": A_VOTES_TIME,
        },
    )
