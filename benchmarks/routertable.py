"""What does `make bench-router` write into docs/benchmarks.md, and which bars are met?"""

import os
import platform
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.pgbench import Load, Run
from benchmarks.proxies import Proxy
from benchmarks.rawclients import Held
from howdah.postgres.installation import find_installation

DIRECT = "directly"
COMPILED = "howdah"
SOURCE = "howdah, from source"
ONE_SERVER = "howdah, reads at the primary"
IDLE_BYTES_MAX = 8000
GAP_S_MAX = 1.0


@dataclass(slots=True)
class Results:
    """`runs` by load and contender, in the order of the rounds. `idle`: bytes for each client."""

    runs: dict[tuple[Load, str], list[Run]] = field(default_factory=dict)
    idle: dict[str, float] = field(default_factory=dict)
    held: Held | None = None

    def add(self, load: Load, proxy: Proxy, run: Run) -> None:
        """One more."""
        self.runs.setdefault((load, proxy.name), []).append(run)

    def median(self, load: Load, name: str, what: Callable[[Run], float]) -> float | None:
        """Over the rounds; None if it was not run."""
        runs = self.runs.get((load, name))
        return statistics.median(what(run) for run in runs) if runs else None

    def loads(self) -> list[Load]:
        """Each once."""
        return list(dict.fromkeys(load for load, _ in self.runs))


def table_of(results: Results, found: Sequence[Proxy], rounds: int, seconds: int, took_s: float) -> str:
    """What the page says, as Markdown."""
    versions = ", ".join(f"{proxy.name} {proxy.version}" for proxy in found if proxy.version)
    load = os.getloadavg()[0]
    lines = [
        f"Measured {datetime.now(UTC):%Y-%m-%d} on {os.cpu_count()} cores ({_processor()}), load average {load:.1f} at "
        f"the end, in {took_s / 60:.0f} minutes: {rounds} rounds of {seconds} s. PostgreSQL "
        f"{find_installation().version}, Python {platform.python_version()}, {versions}. Median, and in brackets the "
        "least and the most.",
        "",
    ]
    lines += _bars(results)
    lines += ["", "| load | through | processor time us | a second | p50 us | p99 us |", "|---|---|---|---|---|---|"]
    for each in results.loads():
        for proxy in found:
            runs = results.runs.get((each, proxy.name))
            if runs:
                lines.append(_row(each, proxy, runs))
    if results.idle:
        lines += ["", "| idle clients | kB each |", "|---|---|"]
        lines += [f"| {name} | {size / 1000:.1f} |" for name, size in results.idle.items()]
    return "\n".join(lines)


def _row(load: Load, proxy: Proxy, runs: list[Run]) -> str:
    cost = _spread([run.proxy_us for run in runs], 1) if proxy.pid else "-"
    return (
        f"| {load.title} | {proxy.name} | {cost} | {_spread([run.tps for run in runs], 0)} "
        f"| {_spread([run.p50_us for run in runs], 0)} | {_spread([run.p99_us for run in runs], 0)} |"
    )


def _spread(values: list[float], digits: int) -> str:
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f}-{max(values):.{digits}f})"


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _bars(results: Results) -> list[str]:
    name = COMPILED if any(who == COMPILED for _, who in results.runs) else SOURCE
    lines = ["| bar | wanted | measured | |", "|---|---|---|---|"]
    for load in results.loads():
        if load.script == "select" and load.clients == 16 and not load.tls:
            for other, most in (("PgBouncer", 1.25), ("Pgpool-II", 0.5)):
                lines += _ratio(results, load, name, other, most)
        elif load.clients == 1:
            lines += _added(results, load, name)
    lines += _reads(results, name)
    if name in results.idle:
        size = results.idle[name]
        lines.append(f"| memory of an idle client | <= 8 kB | {size / 1000:.1f} kB | {_met(size <= IDLE_BYTES_MAX)} |")
    if results.held is not None:
        held = results.held
        lines.append(
            f"| a switchover with 500 writing clients | 0 errors, gap <= 1 s | {len(held.errors)} errors, "
            f"gap {held.gap_s:.2f} s, longest statement {held.wait_s:.2f} s "
            f"| {_met(not held.errors and held.gap_s <= GAP_S_MAX)} |"
        )
    return lines


def _met(is_met: bool) -> str:
    return "met" if is_met else "missed"


def _ratio(results: Results, load: Load, name: str, other: str, most: float) -> list[str]:
    mine = results.median(load, name, lambda run: run.proxy_us)
    theirs = results.median(load, other, lambda run: run.proxy_us)
    if not mine or not theirs:
        return []
    share = mine / theirs
    return [
        f"| processor time for a query, {load.protocol}, against {other} | <= {most}x | {share:.2f}x "
        f"| {_met(share <= most)} |"
    ]


def _added(results: Results, load: Load, name: str) -> list[str]:
    mine, theirs, nobody = (results.median(load, who, lambda run: run.p50_us) for who in (name, "PgBouncer", DIRECT))
    if not mine or not theirs or not nobody or theirs <= nobody:
        return []
    share = (mine - nobody) / (theirs - nobody)
    return [
        f"| time added at one client, {load.protocol}, against PgBouncer's | <= 1.3x | {share:.2f}x "
        f"({mine - nobody:.0f} us and {theirs - nobody:.0f} us) | {_met(share <= 1.3)} |"
    ]


def _reads(results: Results, name: str) -> list[str]:
    load = next((load for load, who in results.runs if who == ONE_SERVER), None)
    if load is None:
        return []
    spread, alone = (results.median(load, who, lambda run: run.tps) for who in (name, ONE_SERVER))
    idle, busy = (results.median(load, who, lambda run: run.server_us) for who in (name, ONE_SERVER))
    if not spread or not alone or idle is None or busy is None:
        return []
    return [
        f"| reads a second, two standbys against the primary alone | more | {spread:.0f} against {alone:.0f} "
        f"| {_met(spread > alone)} |",
        f"| the primary's processor time for a read, with two standbys | near 0 | {idle:.1f} us (alone {busy:.1f} us) "
        f"| {_met(idle < busy / 10)} |",
    ]
