"""Votes between covers of two painters, and a mark on votes that came too fast to count."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the table and the column; earlier votes count."""
    op.add_column("votes", sa.Column("suspect", sa.Boolean, nullable=False, server_default=sa.false()))
    op.create_table(
        "painter_votes",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("visitor", sa.String(64), nullable=False),
        sa.Column("first_id", sa.Integer, nullable=False),
        sa.Column("second_id", sa.Integer, nullable=False),
        sa.Column("chosen", sa.String(8), nullable=False),
        sa.Column("left_shown", sa.String(8), nullable=False),
        sa.Column("seconds_to_vote", sa.Double, nullable=False),
        sa.Column("voted_at", MOMENT, nullable=False),
        sa.Column("suspect", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.PrimaryKeyConstraint("id", name="pk_painter_votes"),
        sa.ForeignKeyConstraint(["visitor"], ["visitors.id"], name="fk_painter_votes_visitor"),
        sa.ForeignKeyConstraint(["first_id"], ["covers.id"], name="fk_painter_votes_first_id"),
        sa.ForeignKeyConstraint(["second_id"], ["covers.id"], name="fk_painter_votes_second_id"),
        sa.UniqueConstraint(
            "visitor", "first_id", "second_id", name="uq_painter_votes_visitor_first_id_second_id"
        ),
        sa.CheckConstraint("first_id < second_id", name=op.f("ck_painter_votes_one_order")),
        sa.CheckConstraint(
            "chosen IN ('first', 'second', 'tie')", name=op.f("ck_painter_votes_chosen_known")
        ),
        sa.CheckConstraint("left_shown IN ('first', 'second')", name=op.f("ck_painter_votes_left_known")),
        sa.CheckConstraint(
            "seconds_to_vote BETWEEN 0 AND 1000000000", name=op.f("ck_painter_votes_seconds_in_range")
        ),
    )
