"""What becomes of transactions that are under way when a switchover begins?"""

import time

import psycopg
import pytest

from tests.features.operator import order
from tests.realcluster.cluster import RealCluster
from tests.realcluster.processes import eventually
from tests.router.realrouter import router_before


def test_a_transaction_may_end_in_a_hand_over_and_one_that_does_not_is_to_be_run_again(cluster: RealCluster) -> None:
    cluster.wait_serving().sql("CREATE TABLE IF NOT EXISTS moved (who text)")
    with router_before(cluster) as router, router.connect() as short, router.connect() as long:
        for client, who in ((short, "short"), (long, "long")):
            client.execute("BEGIN")
            client.execute("INSERT INTO moved VALUES (%s)", (who,))
        old = cluster.primary()
        order(old, "switchover")
        eventually(lambda: not cluster.record().serving or cluster.record().holder.name != old.name, "it hands over")
        short.execute("COMMIT")
        cluster.wait_serving(other_than=old.name)
        with pytest.raises(psycopg.errors.SerializationFailure):
            long.execute("INSERT INTO moved VALUES ('long again')")
        long.execute("ROLLBACK")
        with long.transaction():
            long.execute("INSERT INTO moved VALUES ('long at last')")
        time.sleep(0.3)
        rows = short.execute("/* howdah: primary */ SELECT who FROM moved ORDER BY who").fetchall()
        assert rows == [("long at last",), ("short",)]
        cluster.wait_healthy()
