"""Was an acknowledged commit lost, or one made up? Judges a history of writes against what the servers hold.

A write is `ok` (the server said COMMIT), `failed` (it was certainly not done) or `unknown` (sent, and no answer, or an
answer that promises nothing): an unknown one may be there or not.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise


class Outcome(StrEnum):
    """How a write ended, as the client saw it."""

    OK = "ok"
    UNKNOWN = "unknown"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Write:
    """One attempt to insert a value that nobody else ever inserts. Times are monotonic seconds.

    `server` is where it was sent, `timeline` the one that an acknowledged write says it was written on (0: unknown).
    """

    value: str
    outcome: Outcome
    began: float
    ended: float
    detail: str = ""
    server: str = ""
    timeline: int = 0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is wrong; all empty when nothing is.

    `lost`: acknowledged and absent. `phantom`: present and never attempted. `risen`: said to have failed, and present.
    `duplicates`: present more than once. `unequal`: standbys whose rows differ from the primary's, and how.
    `rivals`: acknowledged by a server that another one had replaced. `vanished`: shown by a primary that served, and
    absent.
    """

    acknowledged: int
    lost: tuple[str, ...] = ()
    phantom: tuple[str, ...] = ()
    risen: tuple[str, ...] = ()
    duplicates: tuple[str, ...] = ()
    unequal: tuple[str, ...] = ()
    rivals: tuple[str, ...] = ()
    vanished: tuple[str, ...] = ()

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return not any((self.lost, self.phantom, self.risen, self.duplicates, self.unequal, self.rivals, self.vanished))


def judge(
    history: Iterable[Write],
    primary: Iterable[str],
    standbys: Mapping[str, Iterable[str]],
    read: Iterable[str] = (),
) -> Verdict:
    """Compare the history, and the values of unknown outcome that were read later, with the rows that the primary and
    each standby hold at the end."""
    writes = list(history)
    found = Counter(primary)
    acknowledged = [write.value for write in writes if write.outcome is Outcome.OK]
    attempted = {write.value for write in writes}
    failed = {write.value for write in writes if write.outcome is Outcome.FAILED}
    return Verdict(
        acknowledged=len(acknowledged),
        lost=tuple(value for value in acknowledged if value not in found),
        phantom=tuple(sorted(value for value in found if value not in attempted)),
        risen=tuple(sorted(value for value in found if value in failed)),
        duplicates=tuple(sorted(value for value, count in found.items() if count > 1)),
        unequal=tuple(line for name, rows in sorted(standbys.items()) if (line := _difference(name, rows, found))),
        rivals=rivals(writes),
        vanished=tuple(sorted({value for value in read if value not in found})),
    )


def rivals(history: Iterable[Write]) -> tuple[str, ...]:
    """Two servers that acknowledged as primaries at a time.

    Every promotion has a timeline of its own, so a timeline has one server; and a write that began after a higher
    timeline had acknowledged one is never acknowledged on a lower timeline.
    """
    told = sorted((w for w in history if w.outcome is Outcome.OK and w.timeline), key=lambda write: write.ended)
    first: dict[int, Write] = {}
    for write in told:
        first.setdefault(write.timeline, write)
    found = [
        f"{w.value}: timeline {w.timeline} is {first[w.timeline].server}'s, and {w.server} acknowledged on it"
        for w in told
        if w.server != first[w.timeline].server
    ]
    for write in told:
        later = [other for other in first.values() if other.timeline > write.timeline and other.ended < write.began]
        if later:
            found.append(f"{_told(write)} after {_told(later[0])}")
    return tuple(found)


def _told(write: Write) -> str:
    return f"{write.server} acknowledged {write.value} on timeline {write.timeline}"


def _difference(name: str, rows: Iterable[str], primary: Counter[str]) -> str:
    """How a standby's rows differ from the primary's; "" if they do not."""
    held = Counter(rows)
    missing, extra = primary - held, held - primary
    if not missing and not extra:
        return ""
    examples = ", ".join(sorted([*missing, *extra])[:5])
    return f"{name} misses {missing.total()} rows and has {extra.total()} more: {examples}"


def longest_gap(history: Iterable[Write], since: float = 0.0) -> tuple[float, float]:
    """The longest time between two acknowledged writes, in seconds, and when it began (monotonic).

    Only gaps that end after `since` count."""
    ends = sorted(write.ended for write in history if write.outcome is Outcome.OK)
    gaps = [(later - earlier, earlier) for earlier, later in pairwise(ends) if later >= since]
    return max(gaps, default=(0.0, 0.0))
