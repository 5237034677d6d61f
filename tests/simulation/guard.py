"""What is a guard of the protocol, and what shows that it is needed?"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Guard:
    """`part` of the protocol; `remedies` of the list of known failures (A1-A20) that it is.

    `canaries`: of tests/simulation. `model`: what tests/model takes out. `rules`: how entries of the removals of
    tests/cluster begin. `tests`: functions, of real servers or directed."""

    name: str
    part: str
    remedies: tuple[str, ...] = ()
    canaries: tuple[str, ...] = ()
    model: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()
    note: str = ""
