"""A go-live with as many users as there are mails to send, for mail_rate.py."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text

from commands.setup import set_up_database
from database.engine import Sessions, open_engine, open_sessions
from database.models import GoLive, Organisation, Preference, Staff


@dataclass(frozen=True)
class Ledger:
    """Where the mails lie, and whose they are."""

    sessions: Sessions
    go_live_id: UUID

    @classmethod
    @contextmanager
    def opened(cls, url: str, users: int, at: datetime) -> Iterator["Ledger"]:
        """Make the tables, one organisation with these users, and its go-live."""
        engine = open_engine(url)
        set_up_database(engine)
        sessions = open_sessions(engine)
        with sessions.begin() as session:
            dana = Staff(handle="dana", address="d@pulse.example", address_key="d@pulse.example")
            northwind = Organisation(slug="northwind", name="Northwind Traders")
            session.add_all([dana, northwind])
            session.flush()
            go_live = GoLive(
                organisation_id=northwind.id,
                number=1,
                owner_id=dana.id,
                started_at=at,
                since=at,
            )
            session.add_all([Preference(organisation_id=northwind.id, owner_id=dana.id), go_live])
            session.flush()
            session.execute(
                text(
                    """
                    INSERT INTO pulse.app_user (id, organisation_id, address, address_key,
                        display_name, status, sign_in_method, group_name)
                    SELECT gen_random_uuid(), :o, 'person-' || n || '@northwind.example',
                        'person-' || n || '@northwind.example', 'Person ' || n, 'active', 'sso', ''
                    FROM generate_series(1, :users) AS n
                    """
                ),
                {"o": northwind.id, "users": users},
            )
        try:
            yield cls(sessions, go_live.id)
        finally:
            engine.dispose()

    def queue(self, idempotency_key: str, at: datetime) -> None:
        """Put one mail to every user into the ledger."""
        with self.sessions.begin() as session:
            session.execute(
                text(
                    """
                    INSERT INTO golive.mail (id, go_live_id, message, idempotency_key,
                        recipient_kind, recipient_id, due_at, state, attempts)
                    SELECT gen_random_uuid(), :g, 'sign_in_with_sso', :idempotency_key, 'user', id,
                        :at, 'queued', 0
                    FROM pulse.app_user
                    """
                ),
                {"g": self.go_live_id, "idempotency_key": idempotency_key, "at": at},
            )
            session.execute(text("ANALYZE golive.mail"))
