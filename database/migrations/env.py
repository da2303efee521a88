"""Runs a migration on the connection that `database.engine` passes."""

from typing import Any

from alembic import context
from sqlmodel import SQLModel

import database.models  # noqa: F401  (fills the metadata)

OURS = {"pulse", "golive"}


def _is_ours(name: str | None, kind: str, _parents: Any) -> bool:
    return name in OURS if kind == "schema" else True


connection = context.config.attributes["connection"]
# Who made the schemas beforehand need not let us make any; IF NOT EXISTS would ask for that right.
with connection.begin():
    for schema in sorted(OURS):
        found = connection.exec_driver_sql(f"SELECT to_regnamespace('{schema}')").scalar_one()
        if found is None:
            connection.exec_driver_sql(f"CREATE SCHEMA IF NOT EXISTS {schema}")
context.configure(
    connection=connection,
    target_metadata=SQLModel.metadata,
    include_schemas=True,
    include_name=_is_ours,
    version_table_schema="golive",
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
