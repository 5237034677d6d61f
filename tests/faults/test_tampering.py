"""What if somebody changes roles or settings behind the agents' backs? (F54, F55, F56, F57)"""

import psycopg

from tests.realcluster.cluster import RealCluster, freeze
from tests.realcluster.processes import eventually
from tests.realcluster.workload import assert_sound, writing


def test_a_standby_promoted_by_hand_is_killed_and_comes_back_as_a_standby(cluster: RealCluster) -> None:
    """F54: pg_promote() without a term. The real primary goes on; the other is rewound or cloned."""
    before, promoted = cluster.record(), cluster.standbys()[0]
    with writing(cluster) as load:
        promoted.sql("SELECT pg_promote()", inside=True)
        eventually(lambda: promoted.journal("HIGHER TERM"), "its agent sees a primary without a term")
        load.wait_writes()
        cluster.wait_healthy()
        load.wait_writes()
    after = cluster.record()
    assert (after.holder, after.term) == (before.holder, before.term)
    assert promoted.value("SELECT pg_is_in_recovery()") is True
    assert_sound(cluster, load)


def test_two_promotions_to_the_same_timeline_number_never_stream_from_each_other(cluster: RealCluster) -> None:
    """F55: a standby promotes itself while cut off, and the cluster elects another one: both made the same timeline
    number. The first is told apart by the map of terms, and cloned, never streamed to or rewound."""
    stray, old = cluster.standbys()[0], cluster.primary()
    timeline = "SELECT timeline_id FROM pg_control_checkpoint()"
    with writing(cluster) as load:
        freeze((stray.agent,))
        stray.sql("SELECT pg_promote()", inside=True)
        stray.sql("CHECKPOINT", inside=True)
        number = stray.value(timeline, inside=True)
        stray.kill()
        eventually(lambda: stray.name not in {v.name for v in cluster.record().voters}, "the stray is dropped")
        old.kill()
        eventually(lambda: cluster.primary() is not old, "the third one wins")
        old.start()
        new = cluster.wait_serving()
        load.wait_writes()
        eventually(lambda: new.value(timeline) == number, "both promotions made the same timeline number")
        stray.start()
        cluster.wait_healthy()
        load.wait_writes()
    assert stray.journal("CLONE")
    assert_sound(cluster, load)


def test_a_sync_setting_emptied_by_hand_is_put_back(cluster: RealCluster) -> None:
    """F56: ALTER SYSTEM SET synchronous_standby_names = '' by the operator's own superuser."""
    primary = cluster.primary()
    wanted = primary.value("SHOW synchronous_standby_names")
    with writing(cluster) as load:
        primary.sql("ALTER SYSTEM SET synchronous_standby_names = ''")
        primary.sql("SELECT pg_reload_conf()")
        eventually(
            lambda: primary.value("SHOW synchronous_standby_names") == wanted,
            f"it is {wanted} again",
        )
        load.wait_writes()
    cluster.wait_healthy()
    assert_sound(cluster, load)


def test_a_cancelled_wait_for_standbys_is_told_as_a_warning_and_counts_as_unknown(cluster: RealCluster) -> None:
    """F57: PostgreSQL reports a commit whose wait was cancelled as done, with a warning. Nobody can take that back: who
    talks to PostgreSQL directly has to read warnings."""
    primary = cluster.primary()
    standbys = cluster.standbys()
    warnings: list[str] = []
    for node in standbys:
        node.freeze()
    try:
        with primary.connect() as session:
            session.add_notice_handler(lambda notice: warnings.append(f"{notice.sqlstate} {notice.message_primary}"))
            pid = session.info.backend_pid
            session.pgconn.send_query(b"CREATE TABLE not_acknowledged ()")
            waits = f"SELECT wait_event = 'SyncRep' FROM pg_stat_activity WHERE pid = {pid}"
            eventually(lambda: primary.value(waits, inside=True), "the commit waits")
            primary.sql(f"SELECT pg_cancel_backend({pid})", inside=True)
            result = session.pgconn.get_result()
            while session.pgconn.get_result():
                pass
        assert result is not None
        assert result.status == psycopg.pq.ExecStatus.COMMAND_OK
        assert any("canceling wait for synchronous replication" in line for line in warnings), warnings
    finally:
        for node in standbys:
            node.thaw()
    cluster.wait_healthy()
