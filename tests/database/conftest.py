from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, text
from sqlmodel import Session, SQLModel

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


@pytest.fixture(autouse=True)
def _emptied(request: pytest.FixtureRequest) -> Iterator[None]:
    """What a test committed is gone before the next one, whichever that is."""
    if "engine" not in request.fixturenames:
        yield
        return
    engine: Engine = request.getfixturevalue("engine")
    yield
    tables = [table.fullname for table in SQLModel.metadata.sorted_tables]
    some = " OR ".join(f"EXISTS (SELECT FROM {table})" for table in tables)
    with engine.begin() as connection:
        if connection.execute(text(f"SELECT {some}")).scalar_one():
            # The audit trail refuses to be emptied; a replica's triggers do not fire.
            connection.execute(text("SET LOCAL session_replication_role = replica"))
            connection.execute(text(f"TRUNCATE {', '.join(tables)}"))


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    """A transaction that is rolled back."""
    with open_sessions(engine)() as session:
        yield session
        session.rollback()
