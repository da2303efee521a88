"""Runs a migration on the connection that `database.engine` passes."""

from typing import Any

from alembic import context
from sqlmodel import SQLModel

import database.models  # noqa: F401  (fills the metadata)

OURS = {"pulse", "golive"}


def _is_ours(name: str | None, kind: str, _parents: Any) -> bool:
    return name in OURS if kind == "schema" else True


connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=SQLModel.metadata,
    include_schemas=True,
    include_name=_is_ours,
    version_table_schema="golive",
)
connection.exec_driver_sql("CREATE SCHEMA IF NOT EXISTS golive")
# Two processes that migrate at once take turns.
connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7305)")
with context.begin_transaction():
    context.run_migrations()
