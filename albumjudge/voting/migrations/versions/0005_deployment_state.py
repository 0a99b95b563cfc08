"""What all processes of a deployment agree on, and a mark on steering duels' votes that do not count."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the table and the column; earlier votes count."""
    op.add_column("duel_votes", sa.Column("suspect", sa.Boolean, nullable=False, server_default=sa.false()))
    op.create_table(
        "deployment_state",
        sa.Column("name", sa.String(16), nullable=False),
        sa.Column("number", sa.Integer, nullable=False, server_default="0"),
        sa.Column("changed_at", MOMENT, nullable=True),
        sa.Column("until", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("name", name="pk_deployment_state"),
    )
