"""Which faults do clients make?"""

import contextlib
import json
import subprocess
import sys

import psycopg

from tests.chaos.cluster import CLIENTS
from tests.chaos.fault import BLIP_S, FAST_S, Fault, Role, Scene, Undo, again_and_again, all_of, write_first
from tests.chaos.processfaults import stop_senders
from tests.realcluster.node import HERE

MANY = 2000
STORM_S = 10.0
AWAY_S = 32.0
"""A little longer than the server takes to notice that a client's machine has vanished."""
LOGINS = 150
CANCEL = """
SELECT pg_cancel_backend(pid) FROM pg_stat_activity
 WHERE backend_type = 'client backend' AND wait_event = 'SyncRep' AND pid <> pg_backend_pid()
"""


def knock_all_at_once(scene: Scene) -> Undo:
    """At the primary."""
    return knock_at(scene, scene.primary.host, scene.primary.port)


def knock_at(scene: Scene, host: str, port: int) -> Undo:
    """From the clients' host; the answers are noted."""
    command = [sys.executable, "-m", "tests.chaos.storm", str(MANY), str(STORM_S), host, str(port)]
    process = subprocess.Popen(
        ["nice", *scene.cluster.network.within(CLIENTS), *command],
        cwd=HERE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )

    def tell() -> None:
        said, _ = process.communicate(timeout=10 * STORM_S)
        answers = sorted(json.loads(said).items(), key=lambda each: -each[1])
        scene.notes.append("they heard: " + ", ".join(f"{count} x {answer}" for answer, count in answers))

    return tell


def exhaust_connections(scene: Scene) -> Undo:
    """Sessions that log in, of a role that is no superuser, until no more are let in; they stay."""
    primary, role = scene.primary, f"crowd_{scene.chance.getrandbits(32)}"
    write_first(primary.connect, f"CREATE ROLE {role} LOGIN PASSWORD 'crowd'")
    sessions: list[psycopg.Connection[tuple[object, ...]]] = []
    refusal = "never"
    for _ in range(LOGINS):
        try:
            sessions.append(primary.connect(user=role, password="crowd"))
        except psycopg.OperationalError as error:
            refusal = str(error).strip().rpartition("FATAL:")[2].strip()
            break
    scene.notes.append(f"{len(sessions)} of one role were let in, then: {refusal}")

    def leave() -> None:
        for session in sessions:
            session.close()

    return leave


def vanish(scene: Scene) -> Undo:
    """All clients' machines, without a word: their connections are half open."""
    primary = scene.primary
    plug = scene.cluster.network.unplug(CLIENTS)
    address = scene.cluster.network.address(CLIENTS)

    def come_back() -> None:
        left = primary.value(f"SELECT count(*) FROM pg_stat_activity WHERE client_addr = '{address}'")
        if left != 0:
            scene.wrong.append(f"{left} of their sessions were left after {AWAY_S:g} s")
        plug()

    return come_back


def cancel_every_wait(scene: Scene) -> Undo:
    """Commits that wait for standbys are cancelled at once, again and again: none may count as acknowledged."""
    primary = scene.primary
    stopped = stop_senders(scene)
    cancelled = [0]

    def cancel() -> None:
        with contextlib.suppress(psycopg.Error):
            cancelled[0] += len(primary.sql(CANCEL))

    over = again_and_again(cancel, 0.02)

    def undo() -> None:
        scene.notes.append(f"{cancelled[0]} waits were cancelled")

    return all_of([undo, over, stopped])


CLIENT_FAULTS = (
    Fault(
        "F57",
        "every commit that waits for standbys is cancelled",
        "none of them counts as acknowledged",
        cancel_every_wait,
        4,
        BLIP_S,
        blocks=True,
        alone=True,
    ),
    Fault(
        "F58",
        "the clients' machines vanish",
        "their sessions end by themselves",
        vanish,
        AWAY_S,
        BLIP_S,
        Role.STAYS,
        blocks=True,
        alone=True,
    ),
    Fault(
        "F59",
        "clients take every connection that they can get",
        "the agent and standbys have theirs, nobody is elected",
        exhaust_connections,
        10,
        FAST_S,
        Role.STAYS,
    ),
    Fault(
        "F68",
        f"{MANY} clients connect at once, again and again",
        "most are refused, who is connected goes on, nobody is elected",
        knock_all_at_once,
        STORM_S,
        FAST_S,
        Role.STAYS,
    ),
)
