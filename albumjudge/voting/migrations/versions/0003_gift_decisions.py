"""What a curator decides about pictures that visitors gave."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

HARMLESS = "length({0}) > 0 AND substr({0}, 1, 1) NOT IN ('=', '+', '-', '@', ' ')"
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "gift_decisions",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("gift", sa.Integer, nullable=False),
        sa.Column("visitor", sa.String(64), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("reason", sa.String(200), nullable=False),
        sa.Column("given_at", MOMENT, nullable=False),
        sa.Column("hidden_at", MOMENT, nullable=False),
        sa.Column("deleted_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_gift_decisions"),
        sa.UniqueConstraint("visitor", "digest", name="uq_gift_decisions_visitor_digest"),
        sa.CheckConstraint(HARMLESS.format("visitor"), name=op.f("ck_gift_decisions_harmless_visitor")),
        sa.CheckConstraint(HARMLESS.format("reason"), name=op.f("ck_gift_decisions_harmless_reason")),
    )
    op.create_index("ix_gift_decisions_gift", "gift_decisions", ["gift"])
