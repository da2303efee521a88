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
# Who made the schemas beforehand need not let us make any; IF NOT EXISTS would ask for that right.
for schema in sorted(OURS):
    if connection.exec_driver_sql(f"SELECT to_regnamespace('{schema}')").scalar_one() is None:
        connection.exec_driver_sql(f"CREATE SCHEMA IF NOT EXISTS {schema}")
# Two processes that migrate at once take turns.
connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7305)")
with context.begin_transaction():
    context.run_migrations()
