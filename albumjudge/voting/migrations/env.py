"""How alembic reaches the database: by the program's connection or, from a shell, by the settings."""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection

from albumjudge.voting.schema import metadata


def migrate(connection: Connection | None = None, url: str | None = None) -> None:
    """Run the migrations asked for, on a connection, or as SQL text for the kind of database at ``url``."""
    context.configure(
        connection=connection,
        url=url,
        target_metadata=metadata,
        # SQLite cannot alter a table; alembic then copies it.
        render_as_batch=True,
        literal_binds=connection is None,
    )
    with context.begin_transaction():
        context.run_migrations()


def from_shell() -> None:
    """Migrate the database that the exhibit's settings name."""
    from albumjudge.domain.settings import Settings
    from albumjudge.voting.database import make_folder, open_engine

    url = Settings.from_environment().database_url
    if context.is_offline_mode():
        migrate(url=url)
        return
    engine = open_engine(url)
    make_folder(engine.url)
    with engine.connect().execution_options(albumjudge_writes=True) as connection, connection.begin():
        migrate(connection)


given: Connection | None = context.config.attributes.get("connection")
if given is not None:
    migrate(given)
else:
    from_shell()
