"""Does every look at all accounts show the same sum, however much was moved between them?"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

TOLD = 5


@dataclass(frozen=True, slots=True)
class Look:
    """One statement's answer: each account with its balance, and who gave it."""

    balances: Mapping[int, int]
    server: str = ""


def wrong_with_bank(looks: Iterable[Look], opened: Mapping[int, int]) -> tuple[str, ...]:
    """Sentences, empty when nothing is wrong. `opened` are the accounts as they were at the beginning.

    A transfer never takes more than it saw on the account, so a balance below nothing is a lost update.
    """
    total = sum(opened.values())
    found: list[str] = []
    for number, look in enumerate(looks):
        if set(look.balances) != set(opened):
            found.append(f"look {number} at {look.server}: the accounts are {sorted(look.balances)}")
        elif sum(look.balances.values()) != total:
            found.append(f"look {number} at {look.server}: the sum is {sum(look.balances.values())}, not {total}")
        overdrawn = [account for account, balance in sorted(look.balances.items()) if balance < 0]
        if overdrawn:
            found.append(f"look {number} at {look.server}: accounts {overdrawn} are below nothing (a lost update)")
    return tuple(found[:TOLD])
