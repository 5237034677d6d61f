"""Which orders of an operator are disturbed, or disturb?"""

import contextlib

import psycopg

from tests.chaos.cluster import HANGS
from tests.chaos.fault import BLIP_S, FAST_S, LEASE_S, Fault, Role, Scene, Undo, all_of, answering, nothing, write_first
from tests.chaos.network import NotNow
from tests.features.operator import ask
from tests.realcluster.node import RealNode

STOP_LIMIT_S = 40.0
WAITERS = 5


def switch_over(scene: Scene) -> Undo:
    hand_over(scene, scene.standbys[0])
    return nothing


def switch_over_to_one_that_dies(scene: Scene) -> Undo:
    target = scene.standbys[0]
    hand_over(scene, target)
    return scene.cluster.lose_power(target)


def switch_over_and_die(scene: Scene) -> Undo:
    primary, target = scene.primary, scene.standbys[0]
    hand_over(scene, target)
    return scene.cluster.lose_power(primary)


def switch_over_while_cut(scene: Scene) -> Undo:
    primary, target = scene.primary, scene.standbys[0]
    hand_over(scene, target)
    return all_of(scene.cut((primary.name,), (target.name,)))


def switch_over_while_locked(scene: Scene) -> Undo:
    """One transaction has locked a table and does nothing more; others wait for it."""
    primary, table = scene.primary, f"locked_{scene.chance.getrandbits(32)}"
    write_first(primary.connect, f"CREATE TABLE {table} (value text)")
    with answering():
        sessions = [primary.connect() for _ in range(WAITERS + 1)]
        sessions[0].execute(f"BEGIN; LOCK TABLE {table}".encode())
    for session in sessions[1:]:
        session.pgconn.send_query(f"INSERT INTO {table} VALUES ('late')".encode())
    with contextlib.ExitStack() as closing:
        for session in sessions:
            closing.callback(session.pgconn.finish)
        hand_over(scene, scene.standbys[0])
        leave_open = closing.pop_all()
    return leave_open.close


def switch_over_while_archiving_hangs(scene: Scene) -> Undo:
    """On every node; there is a file to archive."""
    hangs = [node.root / HANGS for node in scene.cluster.nodes.values()]
    for file in hangs:
        file.touch()

    def go_on() -> None:
        for file in hangs:
            file.unlink(missing_ok=True)

    with contextlib.suppress(psycopg.Error):
        scene.primary.sql("SELECT pg_switch_wal()")
    try:
        hand_over(scene, scene.standbys[0])
    except NotNow:
        go_on()
        raise
    return go_on


def restart_one_by_one(scene: Scene) -> Undo:
    """Every node is stopped and started, the standbys first."""
    for node in (*scene.standbys, scene.primary):
        if not node.agent:
            raise NotNow(f"{node.name} is off")
        node.stop(STOP_LIMIT_S)
        node.start()
        scene.cluster.wait_healthy()
    return nothing


def hand_over(scene: Scene, target: RealNode) -> None:
    """Order a switchover. Raises NotNow when it is refused."""
    with answering():
        answer = ask(scene.primary, "switchover", {"to": target.name})
    if not answer.done:
        raise NotNow(answer.text)


ORDER_FAULTS = (
    Fault("F60", "a switchover", "the target leads", switch_over, 5, BLIP_S, Role.MOVES),
    Fault(
        "F61",
        "a switchover whose target loses power",
        "the old primary goes on",
        switch_over_to_one_that_dies,
        8,
        LEASE_S,
    ),
    Fault(
        "F62", "a switchover whose primary loses power", "somebody leads", switch_over_and_die, 10, LEASE_S, Role.MOVES
    ),
    Fault("F61", "a switchover whose two sides are cut", "somebody leads", switch_over_while_cut, 10, LEASE_S),
    Fault(
        "F60",
        "a switchover while a table is locked and others wait for it",
        "the sessions end, the target leads",
        switch_over_while_locked,
        5,
        FAST_S,
        Role.MOVES,
    ),
    Fault(
        "F79",
        "a switchover while the archive command hangs",
        "past the stop's limit the server is killed, and others elect",
        switch_over_while_archiving_hangs,
        12,
        LEASE_S,
        Role.MOVES,
    ),
    Fault("F73", "every node is restarted in turn", "short pauses", restart_one_by_one, 1, FAST_S, alone=True),
)
