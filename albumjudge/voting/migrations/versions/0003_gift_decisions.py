"""What a curator decides about pictures that visitors gave."""

from __future__ import annotations

from alembic import op

from albumjudge.voting.migrations.tables import date_time, make, number, text

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the table."""
    make(
        "gift_decisions",
        *(number("id"), number("gift"), text("visitor", 64), text("digest", 64), text("reason", 200)),
        *(date_time("given_at"), date_time("hidden_at"), date_time("deleted_at", nullable=True)),
        unique=[("visitor", "digest")],
        harmless=["visitor", "reason"],
    )
    op.create_index("ix_gift_decisions_gift", "gift_decisions", ["gift"])
