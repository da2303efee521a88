"""What the role that serves may do: the rows, but neither the tables nor the audit trail's past."""

SCHEMAS = ("pulse", "golive")


def script(database: str, role: str) -> str:
    """Return the SQL that gives a role what web, worker and shell need; the owner runs it.

    It may be run again, and covers tables that later migrations make. `forget` takes reasons out
    of the audit trail, which a trigger holds to that; nothing else there can be changed.
    """
    name, schemas = quoted(role), ", ".join(SCHEMAS)
    return f"""\
-- Run by the role that owns the tables, after: python starter.py setup
GRANT CONNECT, TEMPORARY ON DATABASE {quoted(database)} TO {name};
GRANT USAGE ON SCHEMA {schemas} TO {name};
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schemas} TO {name};
GRANT USAGE ON ALL SEQUENCES IN SCHEMA {schemas} TO {name};
ALTER DEFAULT PRIVILEGES IN SCHEMA {schemas}
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {name};
ALTER DEFAULT PRIVILEGES IN SCHEMA {schemas} GRANT USAGE ON SEQUENCES TO {name};
-- The audit trail grows; of its past only a reason can be taken out, when people are forgotten.
REVOKE UPDATE, DELETE ON golive.audit_entry FROM {name};
GRANT UPDATE (reason) ON golive.audit_entry TO {name};
REVOKE INSERT, UPDATE, DELETE ON golive.alembic_version FROM {name};
"""


def quoted(name: str) -> str:
    """Return a name as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'
