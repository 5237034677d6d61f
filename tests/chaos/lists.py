"""Is what clients saw of lists possible, if transactions ran one after another and none that succeeded was lost?

The lists at the end, longest of all, give the order of every append (after the idea of Elle). Everything else has to
fit.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from tests.chaos.cycles import Edge, circles, name_of
from tests.chaos.histories import Read, Transaction
from tests.realcluster.checker import Outcome

Lists = Mapping[int, tuple[int, ...]]
TOLD = 5
"""Findings of one kind that are told in full."""


def wrong_with_lists(history: Sequence[Transaction], final: Lists) -> tuple[str, ...]:
    """Sentences, empty when nothing is wrong. `final` is what the primary shows after all clients have ended.

    Circles are looked for in every history; a transaction of one step can only be in one if a list's order changed.
    """
    writers = {append.value: number for number, each in enumerate(history) for append in each.appends}
    found = [
        *_lost(history, final),
        *_made_up(history, final, writers),
        *_misread(history, final, writers),
        *_went_back(history),
    ]
    edges = edges_of(history, final, writers)
    for circle in circles(edges)[:TOLD]:
        steps = "; ".join(f"{history[e.source]} before {history[e.target]} ({e.kind}, list {e.key})" for e in circle)
        found.append(f"{name_of(circle)}: {steps}")
    return tuple(found)


def _lost(history: Sequence[Transaction], final: Lists) -> list[str]:
    there = {value for values in final.values() for value in values}
    absent = [
        append.value
        for each in history
        if each.outcome is Outcome.OK
        for append in each.appends
        if append.value not in there
    ]
    return [f"{len(absent)} acknowledged appends are lost: {absent[:TOLD]}"] if absent else []


def _made_up(history: Sequence[Transaction], final: Lists, writers: Mapping[int, int]) -> list[str]:
    found: list[str] = []
    for key, values in sorted(final.items()):
        twice = [value for value, count in Counter(values).items() if count > 1]
        strange = [value for value in values if value not in writers]
        risen = [v for v in values if v in writers and history[writers[v]].outcome is Outcome.FAILED]
        misplaced = [
            v
            for v in values
            if v in writers and key not in {a.key for a in history[writers[v]].appends if a.value == v}
        ]
        found += [
            f"list {key} has {what}: {wrong[:TOLD]}"
            for what, wrong in (
                ("values twice", twice),
                ("values that nobody appended", strange),
                ("values whose transaction failed", risen),
                ("values of another list", misplaced),
            )
            if wrong
        ]
    return [*found, *_torn(history, final)]


def _torn(history: Sequence[Transaction], final: Lists) -> list[str]:
    """A transaction is there as a whole, in its order, or not at all, whatever its outcome."""
    places = {value: place for values in final.values() for place, value in enumerate(values)}
    found = []
    for each in history:
        there = [append.value in places for append in each.appends]
        if any(there) and not all(there):
            found.append(f"only a part of {each} is there")
        elif any(there) and any(
            one.key == other.key and places[one.value] > places[other.value] for one, other in pairwise(each.appends)
        ):
            found.append(f"{each} is there in another order")
    return found[:TOLD]


def _misread(history: Sequence[Transaction], final: Lists, writers: Mapping[int, int]) -> list[str]:
    found: list[str] = []
    for number, each in enumerate(history):
        if each.outcome is not Outcome.OK:
            continue
        for read, own in each.reads:
            found += [f"{each}: {wrong}" for wrong in _wrong_read(read, own, final.get(read.key, ()))]
            others = read.values[: len(read.values) - len(own)]
            last = writers.get(others[-1]) if others else None
            if last is not None and last != number:
                of_that = [append.value for append in history[last].appends if append.key == read.key]
                if others[-1] != of_that[-1]:
                    found.append(f"{each} saw the middle of {history[last]} (G1b)")
            failed = [v for v in others if v in writers and history[writers[v]].outcome is Outcome.FAILED]
            if failed:
                found.append(f"{each} saw values of failed transactions: {failed[:TOLD]} (G1a)")
    return found[: 2 * TOLD]


def _wrong_read(read: Read, own: tuple[int, ...], final: tuple[int, ...]) -> list[str]:
    if own and read.values[-len(own) :] != own:
        return [f"it does not see its own appends {list(own)}"]
    if read.values == final[: len(read.values)]:
        return []
    vanished = [value for value in read.values if value not in set(final)]
    if vanished:
        return [f"{vanished[:TOLD]} were shown in list {read.key}, and are not there any more"]
    return [f"what it saw of list {read.key} is not how that list begins"]


def _went_back(history: Sequence[Transaction]) -> list[str]:
    """On one connection a list never gets shorter, and has what was acknowledged there."""
    found: list[str] = []
    seen: dict[tuple[int, int], set[int]] = {}
    for each in history:
        if each.outcome is not Outcome.OK:
            continue
        for read, own in each.reads:
            missing = seen.get((each.session, read.key), set()) - set(read.values)
            if missing:
                found.append(f"{each} does not see {sorted(missing)[:TOLD]}, which its connection saw or wrote before")
            seen[each.session, read.key] = set(read.values) - set(own)
        for append in each.appends:
            seen.setdefault((each.session, append.key), set()).add(append.value)
    return found[:TOLD]


def edges_of(history: Sequence[Transaction], final: Lists, writers: Mapping[int, int]) -> Iterable[Edge]:
    """What came before what, of the transactions that certainly happened."""
    for key, values in final.items():
        known = [value for value in values if value in writers]
        for one, other in pairwise(known):
            yield Edge(writers[one], writers[other], "ww", key)
    for number, each in enumerate(history):
        if each.outcome is not Outcome.OK:
            continue
        for read, own in each.reads:
            others = read.values[: len(read.values) - len(own)]
            if others and others[-1] in writers:
                yield Edge(writers[others[-1]], number, "wr", read.key)
            after = final.get(read.key, ())[len(others) : len(others) + 1]
            if after and after[0] in writers:
                yield Edge(number, writers[after[0]], "rw", read.key)
