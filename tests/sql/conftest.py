"""Which real servers do the tests of this room look at?"""

from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.postgres.sqlserver import SqlServer, eventually, template
from tests.sql.realsql import prepare


@pytest.fixture(scope="session")
def servers() -> Iterator[tuple[SqlServer, SqlServer]]:
    """A primary with the database of `schema`, and a standby that has replayed it."""
    with template() as make, closing(make()) as farm:
        primary = farm.primary(settings={"max_prepared_transactions": "2"})
        standby = farm.standby("n2", primary, settings={"max_prepared_transactions": "2"})
        prepare(primary)
        end = primary.lsn()
        eventually(lambda: standby.sql(f"SELECT pg_last_wal_replay_lsn() >= '{end}'"), "the standby has replayed it")
        yield primary, standby
