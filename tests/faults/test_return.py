"""How does a server come back whose history went another way, and what if that is interrupted? (F50-F53)"""

import signal

import pytest

from howdah.cluster.localstate import Marker
from tests.realcluster.cluster import RealCluster, freeze
from tests.realcluster.node import RealNode
from tests.realcluster.processes import command_line, eventually
from tests.realcluster.workload import Workload, assert_sound, writing
from tests.signals import send


def diverge(cluster: RealCluster, load: Workload) -> RealNode:
    """Have the primary write log that no standby has, then kill its node; another one serves. The dead node."""
    old = cluster.primary()
    freeze(tuple(pid for pid in old.server if "walsender" in command_line(pid)))
    session = old.connect()
    try:
        session.pgconn.send_query(b"CREATE TABLE of_the_old_primary AS SELECT generate_series(1, 20000)")
        waits = f"SELECT wait_event = 'SyncRep' FROM pg_stat_activity WHERE pid = {session.info.backend_pid}"
        eventually(lambda: old.value(waits, inside=True), "its commit waits for standbys")
        old.kill()
    finally:
        session.pgconn.finish()
    cluster.wait_serving(other_than=old.name)
    load.wait_writes()
    return old


def rewinding(node: RealNode) -> int:
    """The pg_rewind that is at work on its directory, and not just trying; 0 if there is none."""
    lines = {pid: command_line(pid) for pid in node.processes}
    return next((pid for pid, line in lines.items() if "pg_rewind" in line and "--dry-run" not in line), 0)


def test_a_former_primary_with_log_of_its_own_is_rewound_and_that_log_is_kept(cluster: RealCluster) -> None:
    """F50: what it wrote alone was never acknowledged; it goes, and is kept aside for people."""
    with writing(cluster) as load:
        old = diverge(cluster, load)
        old.start()
        cluster.wait_healthy()
        load.wait_writes()
    assert old.journal("REWIND")
    assert list(old.layout.diverged.iterdir())
    assert old.value("SELECT to_regclass('of_the_old_primary') IS NULL")
    assert_sound(cluster, load)


def test_a_node_killed_while_it_is_rewound_never_serves_that_directory_but_is_cloned(cluster: RealCluster) -> None:
    """F51: half old and half new, the directory is marked beside; only a clone mends it."""
    with writing(cluster) as load:
        old = diverge(cluster, load)
        old.start()
        send((eventually(lambda: rewinding(old), "it is being rewound"),), signal.SIGSTOP)  # it is a matter of moments
        old.kill()
        assert old.state.marker is Marker.REWINDING
        clones = len(old.journal("CLONE"))
        old.start()
        cluster.wait_healthy()
        load.wait_writes()
    assert len(old.journal("CLONE")) > clones
    assert_sound(cluster, load)


@pytest.mark.parametrize("moment", ["while it rewinds", "just after the rewind"])
def test_a_rewind_s_source_that_dies_leaves_nobody_stuck_and_loses_nothing(cluster: RealCluster, moment: str) -> None:
    """F52, F53: a half rewound server has no vote, and the third waits for the source; rewound, it gets to its floor
    with what the third one has, and the two go on without the source. Which it is, is a matter of milliseconds."""
    with writing(cluster) as load:
        old = diverge(cluster, load)
        source = cluster.primary()
        (third,) = (node for node in cluster.nodes.values() if node not in (old, source))
        rewinds, campaigns = len(old.journal("Rewind")), len(third.journal("Campaign"))
        old.start()
        if moment == "while it rewinds":
            eventually(lambda: rewinding(old), "it is being rewound")
        else:
            eventually(lambda: len(old.journal("Rewind")) > rewinds, "it is rewound")
        source.kill()
        eventually(
            lambda: cluster.primary() is not source or len(third.journal("Campaign")) > campaigns,
            "another one wins, or the third one tries",
        )
        source.start()
        cluster.wait_healthy()
        load.wait_writes()
    assert_sound(cluster, load)
