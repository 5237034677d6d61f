"""What is drawn from a seed before a run begins?"""

from dataclasses import dataclass, fields

from howdah.simulation.chance import Chance


@dataclass(frozen=True, slots=True)
class Options:
    """One world. Times in milliseconds."""

    seed: int
    nodes: int = 3
    k: int = 0
    mode: str = "quorum"
    faults_ms: int = 60_000
    calm_ms: int = 90_000
    fault_interval_ms: int = 6_000
    slow_share: float = 0.02
    commit_interval_ms: float = 120.0
    quiet: float = 1.0  # how many times less often clients commit while nothing has gone wrong for a while
    clients: int = 1
    kind: str = "plain"  # what goes wrong more than elsewhere: see `faults.KINDS`
    early_ms: float = 0.0  # faults begin at this moment of the first start; 0: after it
    rates: tuple[float, ...] = ()
    faults: tuple[str, ...] = ()  # only these kinds; none: all

    def __str__(self) -> str:
        return ", ".join(f"{field.name}={getattr(self, field.name)}" for field in fields(self))


def draw(seed: int) -> Options:
    """The options of a seed."""
    chance = Chance(seed * 7919 + 1)
    nodes = chance.choice((3, 3, 3, 3, 4, 5))
    kind = {3: "async", 6: "clocks", 8: "store", 9: "disks"}.get(seed % 10, "plain")
    k = chance.choice((0, 0, 1, 2)) if nodes > 3 else chance.choice((0, 0, 0, 2))
    return Options(
        seed=seed,
        kind=kind,
        mode="async" if kind == "async" else "quorum",
        nodes=nodes,
        k=0 if kind == "async" else k,
        faults_ms=chance.choice((20_000, 40_000, 60_000)),
        fault_interval_ms=chance.choice((1_500, 4_000, 8_000)),
        slow_share=chance.choice((0.0, 0.01, 0.03, 0.1)),
        commit_interval_ms=chance.choice((20.0, 100.0, 300.0)),
        clients=chance.choice((1, 1, 2)),
        rates=tuple(chance.choice((1.0, 1.0, 0.96, 1.04)) for _ in range(nodes)),
        early_ms=chance.choice((0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 6000.0)) * chance.random(),
        quiet=chance.choice((1.0, 6.0, 6.0, 6.0)),
    )
