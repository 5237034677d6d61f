"""What do readers see of a standby that dies?"""

import threading

import psycopg

from tests.realcluster.cluster import RealCluster
from tests.realcluster.processes import eventually
from tests.router.realrouter import router_before

READERS = 6


def test_readers_go_on_elsewhere_when_their_standby_dies(cluster: RealCluster) -> None:
    """Only a read whose answer had begun may fail, and then with the SQLSTATE that says: run it again."""
    cluster.wait_serving().sql("CREATE TABLE IF NOT EXISTS readable AS SELECT generate_series(1, 1000) AS number")
    stop = threading.Event()
    failures: list[str | None] = []
    read = [0] * READERS

    with router_before(cluster) as router:

        def work(place: int) -> None:
            with router.connect(options="-c howdah.route=standby") as client:
                client.prepare_threshold = 2 if place % 2 else None
                while not stop.is_set():
                    try:
                        row = client.execute("SELECT count(*), %s::int FROM readable", (place,)).fetchone()
                        assert row == (1000, place)
                        read[place] += 1
                    except psycopg.Error as error:
                        failures.append(error.sqlstate)

        threads = [threading.Thread(target=work, args=(place,)) for place in range(READERS)]
        for thread in threads:
            thread.start()
        try:
            eventually(lambda: min(read) > 20, "everybody reads")
            victim = cluster.standbys()[0]
            victim.kill()
            before = list(read)
            eventually(lambda: all(now > then + 20 for now, then in zip(read, before, strict=True)), "they read on")
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        assert set(failures) <= {"40001"}
        assert len(failures) <= READERS
        victim.start()
        cluster.wait_healthy()
