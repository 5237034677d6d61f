"""What if the winner of an election dies at one of the steps of its promotion? (F46, F47, F48)"""

import itertools
import os

from howdah.values.lsn import format_lsn
from tests.realcluster.cluster import RealCluster
from tests.realcluster.node import RealNode
from tests.realcluster.processes import LIMIT_S, eventually
from tests.realcluster.workload import Workload, assert_sound, writing


def test_a_winner_that_dies_between_its_swap_and_its_promotion_is_replaced_or_resumes(cluster: RealCluster) -> None:
    """F47: the record names it, and no server was promoted in that term. Its timeline number is never used twice for
    two histories."""
    first = cluster.primary()
    with writing(cluster) as load:
        first.kill()
        winner = _won(cluster, first)
        winner.kill()  # by polling: between the swap and about a tenth of a second later
        _all_return(cluster, load)
    assert_sound(cluster, load)


def test_a_winner_that_dies_while_it_promotes_is_replaced_or_resumes(cluster: RealCluster) -> None:
    """F46: its server has been told to promote."""
    first = cluster.primary()
    seen = {node.name: len(node.journal("PROMOTE")) for node in cluster.nodes.values()}
    with writing(cluster) as load:
        first.kill()
        winner = _won(cluster, first)
        eventually(lambda: len(winner.journal("PROMOTE")) > seen[winner.name], f"{winner.name} promotes")
        winner.kill()
        _all_return(cluster, load)
    assert_sound(cluster, load)


def test_a_winner_that_dies_before_its_barrier_is_flushed_is_replaced_or_resumes(cluster: RealCluster) -> None:
    """F48: promoted, and no commit acknowledged. The only voter left is frozen, so that the barrier cannot pass."""
    first = cluster.primary()
    done = {node.name: len(node.journal("Promote")) for node in cluster.nodes.values()}
    with writing(cluster) as load:
        first.kill()
        winner = _won(cluster, first)
        other = next(node for node in cluster.nodes.values() if node not in (first, winner))
        other.freeze()
        eventually(lambda: len(winner.journal("Promote")) > done[winner.name], f"{winner.name} is promoted")
        winner.kill()
        other.thaw()
        _all_return(cluster, load)
    assert_sound(cluster, load)


def test_a_winner_that_left_its_timeline_s_history_file_and_was_not_promoted_resumes(cluster: RealCluster) -> None:
    """F46: the startup process died between its history file and the end of recovery. It finds the file again, goes
    over to that timeline, and the promotion makes the next one: two timelines of one term, both in the map."""
    first = cluster.primary()
    with writing(cluster) as load:
        first.kill()
        winner = _won(cluster, first)
        winner.kill()
        _leave_history_file(cluster, winner)
        winner.start()
        assert cluster.wait_serving(other_than=first.name) is winner
        load.wait_writes()
        assert not winner.journal("CRASH"), "its dead-man has no reason to kill it"
        _all_return(cluster, load)
    assert_sound(cluster, load)


def _leave_history_file(cluster: RealCluster, winner: RealNode) -> None:
    entry = cluster.record().current_entry
    assert entry is not None
    log = winner.layout.data / "pg_wal"
    made, parent = (log / f"{number:08X}.history" for number in (entry.timeline, entry.parent))
    before = parent.read_text() if parent.exists() else ""
    left = f"{entry.parent}\t{format_lsn(entry.switch_lsn)}\tno recovery target specified\n"
    if not made.exists():
        made.write_text(before + left)
        owner = log.stat()
        os.chown(made, owner.st_uid, owner.st_gid)


def _won(cluster: RealCluster, before: RealNode) -> RealNode:
    """The node that has just won by a swap, as soon as the record names it."""
    eventually(lambda: cluster.record().holder.name != before.name, "somebody wins", LIMIT_S)
    return cluster.primary()


def _all_return(cluster: RealCluster, load: Workload) -> None:
    """Start every node that is down; everything heals and writes go on."""
    for node in cluster.nodes.values():
        if not node.agent:
            node.start()
    cluster.wait_healthy()
    load.wait_writes()
    timelines = [(entry.timeline, entry.term) for entry in cluster.record().timelines]
    assert all(later > earlier for earlier, later in itertools.pairwise(timelines)), "no number is used twice"
    assert [term for _, term in timelines] == sorted(term for _, term in timelines)
