"""What does the router cost, beside PgBouncer, Pgpool-II and HAProxy? (`make bench-router`)

One cluster of three nodes; every proxy that is found here is started in front of it, and all run each load in turn, for
several rounds, so that whatever else the machine does meets all of them. The processor time is that of all processes of
a proxy, as the operating system counts it, from when everybody has logged in to the end.
"""

import argparse
import contextlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks import pgbench, proxies
from benchmarks.page import write_page
from benchmarks.pgbench import Load, Run
from benchmarks.processortime import processor_s
from benchmarks.proxies import CLIENTS_MOST, DATABASE, POOL_SIZE, Proxy
from benchmarks.rawclients import Held, allow_descriptors, held_clients, idle_memory
from benchmarks.routertable import COMPILED, DIRECT, ONE_SERVER, SOURCE, Results, table_of
from tests.certificates import Authority, Pair
from tests.features.operator import ask
from tests.realcluster.cluster import PARAMETERS, RealCluster, real_cluster
from tests.router.realrouter import router_before

ROOT = Path(__file__).parents[1]
COMPILED_PACKAGE = ROOT / "build" / "compiled-router"
CONFIG = {
    "postgresql": {"parameters": {**PARAMETERS, "shared_buffers": "128MB", "max_connections": "300"}},
}
SCALE = 4
IDLE_CLIENTS = 2000
HELD_CLIENTS = 500
HELD_PACE_S = 1.0
PARTS = ("queries", "latency", "many", "writes", "tls", "idle", "switchover")

LOADS = {
    "queries": [Load("select", protocol, 16) for protocol in ("simple", "extended", "prepared")],
    "latency": [Load("select", protocol, 1) for protocol in ("simple", "extended")],
    "many": [Load("select", "simple", 200)],
    "writes": [Load("tpcb", "simple", 16)],
    "tls": [Load("select", "simple", 16, tls=True)],
}


def say(line: str) -> None:
    """Progress."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


@contextlib.contextmanager
def howdah(cluster: RealCluster, pair: Pair, name: str, package: Path | None, **routing: Any) -> Iterator[Proxy | None]:
    """This router, with default settings but for its limits."""
    with router_before(
        cluster,
        package,
        tls={"clients": {"mode": "allow", "cert_file": str(pair.certificate), "key_file": str(pair.key)}},
        pools={"size": POOL_SIZE},
        limits={"clients": CLIENTS_MOST},
        log={"level": "warning"},
        routing=routing,
    ) as router:
        yield Proxy(name, "", router.port, router.process.pid, True, True)


def compiled() -> Path | None:
    """The compiled copy of the package, made now if need be; None where there is no compiler."""
    subprocess.run([sys.executable, str(ROOT / "tools" / "compile.py"), "router"], check=True)
    return COMPILED_PACKAGE if COMPILED_PACKAGE.exists() else None


def start_all(
    stack: ExitStack, cluster: RealCluster, package: Path | None, parts: list[str], without: list[str]
) -> list[Proxy]:
    """Every contender that can run here."""
    directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="howdah-bench-")))
    pair = Authority(directory).issue("router")
    ways: list[tuple[str, contextlib.AbstractContextManager[Proxy | None]]] = []
    if package is not None:
        ways.append((COMPILED, howdah(cluster, pair, COMPILED, package)))
    ways.append((SOURCE, howdah(cluster, pair, SOURCE, None)))
    if "queries" in parts:
        ways.append((ONE_SERVER, howdah(cluster, pair, ONE_SERVER, package, reads="primary")))
    ways += [(make.__name__, make(cluster, pair)) for make in (proxies.pgbouncer, proxies.pgpool, proxies.haproxy)]
    found = [Proxy(DIRECT, "", cluster.primary().port, 0, False, False)]
    for name, way in ways:
        if name in without:
            continue
        proxy = stack.enter_context(way)
        if proxy is not None:
            say(f"started: {proxy.name} {proxy.version}")
            found.append(proxy)
    return found


def fits(proxy: Proxy, load: Load, part: str) -> bool:
    """Whether this one is measured with this load."""
    if load.tls and not proxy.tls:
        return False
    if proxy.name == ONE_SERVER:
        return load == LOADS["queries"][0]
    return proxy.name != SOURCE or part == "queries"


def measure(cluster: RealCluster, found: list[Proxy], parts: list[str], rounds: int, seconds: int) -> Results:
    """All loads, in alternating order."""
    plain = pgbench.required_pgbench()
    secured = pgbench.find_pgbench(tls=True)
    pgbench.fill(plain, cluster.primary().port, DATABASE, SCALE)
    cluster.wait_healthy(120)
    server = cluster.primary()
    loads = [(part, load) for part in parts for load in LOADS.get(part, []) if secured or not load.tls]
    if secured is None and "tls" in parts:
        say("no TLS: no pgbench that knows it is here (Debian: postgresql-client)")
    turns = [(part, load, proxy) for part, load in loads for proxy in found if fits(proxy, load, part)]
    say(f"{rounds} rounds of {len(turns)} runs, about {rounds * len(turns) * (seconds + 1.5) / 60:.0f} minutes")
    results = Results()
    for number in range(rounds):
        for _, load, proxy in turns if number % 2 == 0 else reversed(turns):
            try:
                run = one(
                    proxy, load, secured if load.tls and secured else plain, seconds, lambda: processor_s(server.server)
                )
            except pgbench.RunFailed as failed:
                say(f"round {number + 1}/{rounds}, {load.title}, {proxy.name}: {failed}")
                continue
            results.add(load, proxy, run)
            say(
                f"round {number + 1}/{rounds}, {load.title}, {proxy.name}: {run.proxy_us:.1f} us, "
                f"{run.tps:.0f} a second, p50 {run.p50_us:.0f} us"
            )
    return results


def one(proxy: Proxy, load: Load, program: Path, seconds: int, server_s: Callable[[], float]) -> Run:
    """One run of one contender."""
    database = proxy.prepared_database if load.protocol == "prepared" else DATABASE
    pids = proxy.processes()
    return pgbench.run(program, load, proxy.port, database, seconds, lambda: processor_s(pids), server_s)


def idle(found: list[Proxy], results: Results) -> None:
    """What 2,000 clients that do nothing hold, at those who pool."""
    for proxy in found:
        if proxy.pools and proxy.name != ONE_SERVER:
            results.idle[proxy.name] = idle_memory(proxy, IDLE_CLIENTS)
            say(f"{IDLE_CLIENTS} idle clients, {proxy.name}: {results.idle[proxy.name] / 1000:.1f} kB each")


def switchover(cluster: RealCluster, found: list[Proxy]) -> Held:
    """A hand-over with 500 clients that write through this router."""
    before = cluster.primary()

    def hand_over() -> None:
        answer = ask(before, "switchover")
        if not answer.done:
            raise AssertionError(answer.text)

    router = next(proxy for proxy in found if proxy.name in (COMPILED, SOURCE))
    held = held_clients(router.port, HELD_CLIENTS, HELD_PACE_S, hand_over)
    say(f"switchover, {HELD_CLIENTS} clients: {len(held.errors)} errors, {held.gap_s:.2f} s without a write")
    for error in held.errors[:5]:
        say(f"  {error}")
    return held


def main() -> int:
    """0, also where bars are missed: the table says so."""
    parser = argparse.ArgumentParser(prog="benchmarks.router", description=__doc__)
    parser.add_argument("--only", choices=PARTS, action="append", help="this part alone; may be repeated")
    parser.add_argument("--rounds", type=int, default=3, metavar="N")
    parser.add_argument("--seconds", type=int, default=2, metavar="N", help="of each run, after a second of logins")
    parser.add_argument(
        "--without",
        action="append",
        default=[],
        choices=[COMPILED, SOURCE, "pgbouncer", "pgpool", "haproxy"],
        help="leave a contender out; may be repeated",
    )
    parser.add_argument("--no-page", action="store_true", help="print the table and leave docs/benchmarks.md alone")
    chosen = parser.parse_args()
    parts = chosen.only or list(PARTS)
    try:
        say(f"pgbench: {pgbench.required_pgbench()}")
    except pgbench.NoPgbench as nowhere:
        sys.stderr.write(f"bench-router: {nowhere}\n")
        return 1
    for sentence in proxies.missing():
        say(f"left out: {sentence}")
    allow_descriptors(2 * CLIENTS_MOST + 1000)
    package, began = compiled(), time.monotonic()
    with real_cluster(config=CONFIG) as cluster, ExitStack() as stack:
        cluster.wait_healthy(120)
        found = start_all(stack, cluster, package, parts, chosen.without)
        results = measure(cluster, found, parts, chosen.rounds, chosen.seconds)
        if "idle" in parts:
            idle(found, results)
        if "switchover" in parts:
            results.held = switchover(cluster, found)
    text = table_of(results, found, chosen.rounds, chosen.seconds, time.monotonic() - began)
    say(f"\n{text}")
    if not chosen.no_page:
        write_page("router", text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
