"""What all processes of a deployment agree on, and a mark on steering duels' votes that do not count."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from albumjudge.voting.migrations.tables import date_time, make, mark, text

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Make the table and the column; earlier votes count."""
    op.add_column("duel_votes", mark("suspect"))
    count = sa.Column("number", sa.Integer, nullable=False, server_default="0")
    times = date_time("changed_at", nullable=True), date_time("until", nullable=True)
    make("deployment_state", text("name", 16), count, *times, key="name")
