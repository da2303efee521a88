from collections.abc import Iterator

import pytest
from sqlalchemy import Engine
from sqlmodel import Session

from database.engine import migrate, open_engine, open_sessions
from local.ports import free_port
from local.postgresql import running_postgresql


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A PostgreSQL of these tests' own, with our tables."""
    with running_postgresql(tmp_path_factory.mktemp("database") / "pg", free_port()) as url:
        engine = open_engine(url)
        migrate(engine)
        yield engine
        engine.dispose()


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    """A transaction that is rolled back."""
    with open_sessions(engine)() as session:
        yield session
        session.rollback()
