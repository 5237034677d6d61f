"""How long are writes away when the primary dies, freezes or hands over? (`make bench-failover`)

Eight connections each write every 10 ms, to the router's address or (`--direct`) through libpq's multi-host form with
`target_session_attrs=read-write`; a direct client gives a statement up after 2.4 s at most and connects again. The
outage of a fault is the longest time between two acknowledged writes around it, over all connections. Each repetition
begins with a healthy cluster of three nodes at default settings, and ends with a check that no acknowledged commit is
lost.
"""

import argparse
import os
import signal
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from benchmarks.footprint import Footprint, measure_footprint
from benchmarks.page import write_page
from tests.features.operator import ask
from tests.realcluster.cluster import RealCluster, real_cluster
from tests.realcluster.processes import eventually
from tests.realcluster.workload import Workload, verdict, writing
from tests.router.realrouter import router_before

SETTLE_S = 2.0
FREEZE_S = 60.0
CRASH_WINDOW_S = 61.0
"""A second crash of the same server within a minute is a failover by design, so that each has to be a first one."""


@dataclass(slots=True)
class Measured:
    """The repetitions of one fault; `returned` are seconds until the node that was away streamed again."""

    cause: str
    wanted: str
    outages: list[float] = field(default_factory=list)
    returned: list[float] = field(default_factory=list)
    acknowledged: int = 0
    lost: int = 0
    unsound: list[str] = field(default_factory=list)


Fault = Callable[[RealCluster, Workload, Measured], None]


def kill_postmaster(cluster: RealCluster, load: Workload, measured: Measured) -> None:
    """SIGKILL to the postmaster alone; the agent starts it again in place."""
    os.kill(cluster.primary().postmaster, signal.SIGKILL)
    load.wait_writes()
    del measured


def kill_node(cluster: RealCluster, load: Workload, measured: Measured) -> None:
    """SIGKILL to every process of the node; later it is started again."""
    dead = cluster.primary()
    dead.kill()
    load.wait_writes()
    began = time.monotonic()
    dead.start()
    cluster.wait_healthy()
    measured.returned.append(time.monotonic() - began)


def freeze_node(cluster: RealCluster, load: Workload, measured: Measured) -> None:
    """SIGSTOP to every process of the node for a minute, then SIGCONT."""
    frozen = cluster.primary()
    frozen.freeze()
    end = time.monotonic() + FREEZE_S
    load.wait_writes()
    time.sleep(max(0.0, end - time.monotonic()))
    began = time.monotonic()
    frozen.thaw()
    cluster.wait_healthy()
    measured.returned.append(time.monotonic() - began)


def switch_over(cluster: RealCluster, load: Workload, measured: Measured) -> None:
    """A planned hand-over to the best standby."""
    before = cluster.primary()
    answer = ask(before, "switchover")
    if not answer.done:
        raise AssertionError(answer.text)
    eventually(lambda: cluster.primary() is not before, "another one leads")
    load.wait_writes()
    del measured


FAULTS: dict[str, tuple[str, str, Fault]] = {
    "postmaster": ("postmaster SIGKILL", "0.6 / 1.5", kill_postmaster),
    "node": ("whole node SIGKILL", "2 / 4", kill_node),
    "freeze": ("whole node SIGSTOP for 60 s, then SIGCONT", "6 / 8", freeze_node),
    "switchover": ("planned switchover", "0.5 / 1.5", switch_over),
}


def repeat(cluster: RealCluster, address: str, name: str, repetitions: int) -> Measured:
    """Measure one fault so many times on one cluster, with clients at this address."""
    cause, wanted, fault = FAULTS[name]
    measured = Measured(cause, wanted)
    last_crash = 0.0
    for number in range(1, repetitions + 1):
        cluster.wait_healthy(120)
        if name == "postmaster":
            time.sleep(max(0.0, last_crash + CRASH_WINDOW_S - time.monotonic()))
            last_crash = time.monotonic()
        with writing(cluster, address) as load:
            time.sleep(SETTLE_S)
            began = time.monotonic()
            fault(cluster, load, measured)
            time.sleep(SETTLE_S)
        cluster.wait_healthy(120)
        found = verdict(cluster, load)
        measured.outages.append(load.outage(began))
        measured.acknowledged += found.acknowledged
        measured.lost += len(found.lost)
        if not found.sound:
            measured.unsound.append(str(found))
        sys.stdout.write(f"{cause}, {number}: {measured.outages[-1]:.2f} s, lost {len(found.lost)}\n")
        sys.stdout.flush()
    return measured


def _both_units(megabytes: float) -> str:
    """PostgreSQL's settings count in 2^20 bytes, disks and most people in millions."""
    return f"{megabytes * 1e6 / 2**20:.0f} MB of 2^20 bytes ({megabytes:.0f} of 10^6)"


def table_of(results: Sequence[Measured], footprint: Footprint, way: str) -> str:
    """What the page says, as Markdown."""
    lines = [
        f"Measured {datetime.now(UTC):%Y-%m-%d} on {os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f} at "
        f"the end, three nodes at default settings, clients connected through {way}.",
        "",
        "| fault | median s | worst s | wanted median / worst | repetitions | commits acknowledged | lost |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {m.cause} | {statistics.median(m.outages):.2f} | {max(m.outages):.2f} | {m.wanted} | {len(m.outages)} "
        f"| {m.acknowledged} | {m.lost} |"
        for m in results
    ]
    returned = [seconds for m in results for seconds in m.returned]
    lines += ["", "| what | measured | wanted |", "|---|---|---|"]
    lines += [
        f"| three servers streaming after the start | {footprint.up_s:.1f} s | 15 s |",
        f"| an agent's resident memory, largest of three | {_both_units(footprint.agent_mb)} | 80 MB |",
        f"| an agent's share of a core when idle, largest of three | {footprint.agent_cpu_percent:.1f} % | 2 % |",
    ]
    if returned:
        lines.append(
            "| a returned node streams as a voter again, median and worst "
            f"| {statistics.median(returned):.1f} s, {max(returned):.1f} s | 15 s |"
        )
    return "\n".join(lines)


def main() -> int:
    """0 if nothing was lost."""
    parser = argparse.ArgumentParser(prog="benchmarks.failover", description=__doc__)
    parser.add_argument("--repetitions", type=int, default=5, metavar="N")
    parser.add_argument("--only", choices=sorted(FAULTS), action="append", help="this fault alone; may be repeated")
    parser.add_argument("--direct", action="store_true", help="without a router, by libpq's list of hosts")
    parser.add_argument("--no-page", action="store_true", help="print the table and leave docs/benchmarks.md alone")
    chosen = parser.parse_args()
    names = chosen.only or list(FAULTS)
    began = time.monotonic()
    with real_cluster() as cluster:
        cluster.wait_healthy(120)
        footprint = measure_footprint(cluster, up_s=time.monotonic() - began)
        if chosen.direct:
            results = [repeat(cluster, "", name, chosen.repetitions) for name in names]
        else:
            with router_before(cluster) as router:
                results = [repeat(cluster, router.conninfo(), name, chosen.repetitions) for name in names]
    text = table_of(results, footprint, "libpq's list of hosts" if chosen.direct else "the router")
    sys.stdout.write(f"\n{text}\n")
    if not chosen.no_page:
        write_page("failover", text)
    for line in (line for measured in results for line in measured.unsound):
        sys.stdout.write(f"UNSOUND: {line}\n")
    return 1 if any(measured.unsound for measured in results) else 0


if __name__ == "__main__":
    sys.exit(main())
