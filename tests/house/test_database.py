"""The database keeps its promises itself, whoever writes to it."""

import subprocess
import sys

import pytest
from alembic import command
from sqlalchemy.exc import DatabaseError, IntegrityError

from database.engine import _alembic, migrate
from tests.cluster import ROOT, Cluster


async def test_tables_and_models_are_the_same(cluster: Cluster) -> None:
    migrate(cluster.engine)
    with _alembic(cluster.engine) as config:
        command.check(config)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE golive.audit_entry SET actor = 'x'",
        "DELETE FROM golive.audit_entry",
        "TRUNCATE golive.audit_entry",
    ],
)
async def test_the_audit_trail_is_append_only(cluster: Cluster, change: str) -> None:
    with pytest.raises(DatabaseError, match="append-only"):
        cluster.rows(change)


@pytest.mark.parametrize(
    "wrong",
    [
        "INSERT INTO pulse.organisation (id, slug, name, sso_offered) "
        "VALUES (gen_random_uuid(), 'Not A Slug', 'x', false)",
        "INSERT INTO pulse.organisation_domain (domain, organisation_id) "
        "SELECT 'UPPER.example', id FROM pulse.organisation LIMIT 1",
        "INSERT INTO golive.go_live (id, organisation_id, number, owner_id, "
        "started_at, aftercare_days, stage, wait, since, paused, users_done, users_total, "
        "exceptions) SELECT gen_random_uuid(), organisation_id, number + 1, owner_id, "
        "started_at, 0, stage, wait, since, false, 0, 0, 0 FROM golive.go_live "
        "WHERE closed_at IS NULL LIMIT 1",
        "UPDATE golive.go_live SET outcome = 'LIVE' WHERE closed_at IS NULL",
        "UPDATE pulse.app_user SET sign_in_method = 'telepathy'",
        "INSERT INTO golive.directory_link (user_id, tenant_id, object_id, go_live_id) "
        "SELECT u.id, l.tenant_id, l.object_id, l.go_live_id FROM golive.directory_link l, "
        "pulse.app_user u WHERE NOT EXISTS (SELECT FROM golive.directory_link k "
        "WHERE k.user_id = u.id) LIMIT 1",
        "INSERT INTO golive.mail SELECT gen_random_uuid(), go_live_id, message, idempotency_key, "
        "recipient_kind, recipient_id, link_id, due_at, state, attempts FROM golive.mail LIMIT 1",
    ],
)
async def test_what_must_not_be_is_refused(cluster: Cluster, wrong: str) -> None:
    organisation = cluster.create_organisation()
    await organisation.go_live()
    another = cluster.create_organisation()
    await another.start()
    with pytest.raises(IntegrityError):
        cluster.rows(wrong)
    await another.handle.cancel()


def test_models_are_looked_at_before_anything_can_interrupt_it() -> None:
    # In a process of its own: in this one, other tests have queried long ago.
    program = (
        "from database import models; from database.engine import open_engine, open_sessions; "
        "assert not models.Mail.__mapper__.configured; "
        "open_sessions(open_engine('postgresql+psycopg://nobody@127.0.0.1:1/none')); "
        "assert models.Mail.__mapper__.configured"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
