"""How migrations write tables down. What a migration made stays as it is, so this does, too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

_EIGHT = ("amusement", "anger", "awe", "contentment", "disgust", "excitement", "fear", "sadness")
EMOTIONS = ", ".join(f"'{name}'" for name in _EIGHT)
PROBABILITIES = tuple(f"p_{name}" for name in _EIGHT)
A_VOTES_TIME = "seconds_to_vote BETWEEN 0 AND 1000000000"


def number(name: str) -> sa.Column[Any]:
    """A column of whole numbers."""
    return sa.Column(name, sa.Integer, nullable=False)


def real(name: str) -> sa.Column[Any]:
    """A column of real numbers."""
    return sa.Column(name, sa.Double, nullable=False)


def text(name: str, length: int, *, nullable: bool = False) -> sa.Column[Any]:
    """A column of text."""
    return sa.Column(name, sa.String(length), nullable=nullable)


def date_time(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    """A column of moments in UTC."""
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def picture(name: str) -> sa.Column[Any]:
    """A column of picture files."""
    return sa.Column(name, sa.LargeBinary, nullable=False)


def mark(name: str) -> sa.Column[Any]:
    """A column of yes or no, at first no."""
    return sa.Column(name, sa.Boolean, nullable=False, server_default=sa.false())


def make(
    table: str,
    *columns: sa.Column[Any],
    key: str = "id",
    refers: Mapping[str, str] | None = None,
    unique: Sequence[Sequence[str]] = (),
    harmless: Sequence[str] = (),
    checks: Mapping[str, str] | None = None,
) -> None:
    """Make a table.

    Args:
        refers: columns, with a comma between -> what they refer to.
        unique: columns that are unique together.
        harmless: columns that cannot hold what a spreadsheet would take for a formula.
        checks: name -> condition.
    """
    rule = "length({0}) > 0 AND substr({0}, 1, 1) NOT IN ('=', '+', '-', '@', ' ')"
    rules = {f"harmless_{column}": rule.format(column) for column in harmless} | dict(checks or {})
    op.create_table(
        table,
        *columns,
        sa.PrimaryKeyConstraint(key, name=f"pk_{table}"),
        *(
            sa.ForeignKeyConstraint(own.split(","), other.split(","), f"fk_{table}_{own.replace(',', '_')}")
            for own, other in (refers or {}).items()
        ),
        *(sa.UniqueConstraint(*together, name=f"uq_{table}_{'_'.join(together)}") for together in unique),
        *(sa.CheckConstraint(sql, name=op.f(f"ck_{table}_{name}")) for name, sql in rules.items()),
    )
