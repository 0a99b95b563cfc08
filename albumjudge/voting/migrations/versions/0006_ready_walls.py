"""Walls that are ready before anybody comes, for deployments on several machines."""

from __future__ import annotations

import sqlalchemy as sa

from albumjudge.voting.migrations.tables import date_time, make, number, text

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Make the table."""
    make(
        "ready_walls",
        *(
            number("id"),
            text("networks", 260),
            number("number"),
            sa.Column("covers", sa.Text, nullable=False),
        ),
        *(date_time("made_at"), date_time("given_at", nullable=True)),
        unique=[("networks", "number")],
    )
