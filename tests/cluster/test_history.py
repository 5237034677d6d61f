"""PREFIX and TERM OF THE WAL: chains of (timeline, term) are compared, never bare log positions."""

from dataclasses import dataclass, replace

from hypothesis import given
from hypothesis import strategies as st

from howdah.cluster.history import (
    UNBOUNDED,
    Chain,
    Diverged,
    Foreign,
    Link,
    Prefix,
    chain_of,
    chain_of_entries,
    compare,
    made_in_term,
    position_of,
)
from howdah.cluster.record import TimelineEntry
from howdah.cluster.serverfacts import HistoryStep
from howdah.values.lsn import NO_LSN, Lsn
from tests.cluster.builders import CHAIN, ENTRIES, FACTS_HISTORY, FIRST, SECOND, at


def chain(*links: tuple[int, int, int]) -> Chain:
    return tuple(Link(timeline, term, Lsn(end)) for timeline, term, end in links)


def test_the_term_of_the_wal_is_that_of_the_last_timeline_s_promotion() -> None:
    assert position_of(CHAIN) == at(5, 2000)


def test_a_chain_is_read_from_the_history_file_and_the_own_map() -> None:
    assert chain_of(2, FACTS_HISTORY, Lsn(2000), ENTRIES) == CHAIN


def test_a_timeline_without_an_entry_has_no_term_so_there_is_no_chain() -> None:
    assert chain_of(2, FACTS_HISTORY, Lsn(2000), (FIRST,)) is None
    assert chain_of(2, FACTS_HISTORY, Lsn(2000), (SECOND,)) is None


def test_timelines_from_before_the_cluster_are_everybody_s_and_left_out() -> None:
    adopted = TimelineEntry(4, 1, 0, NO_LSN)
    history = (HistoryStep(1, Lsn(10)), HistoryStep(3, Lsn(20)))
    assert chain_of(4, history, Lsn(30), (adopted,)) == chain((4, 1, 30))


def test_the_holder_s_chain_comes_from_the_record_and_has_no_end() -> None:
    assert chain_of_entries(ENTRIES, SECOND) == chain((1, 1, 1000), (2, 5, UNBOUNDED))


def test_a_chain_from_the_record_follows_the_promotion_that_it_came_from() -> None:
    lost = TimelineEntry(2, 4, 1, Lsn(500))  # another server made a timeline 2 as well, in term 4
    third = TimelineEntry(3, 6, 2, Lsn(900), parent_term=4)
    assert chain_of_entries((FIRST, lost, SECOND, third), third) == chain((1, 1, 500), (2, 4, 900), (3, 6, UNBOUNDED))


def test_a_winner_that_died_while_it_promoted_made_two_timelines_in_one_term() -> None:
    won = TimelineEntry(2, 5, 1, Lsn(1000), 1)
    again = TimelineEntry(3, 5, 2, Lsn(1100), 5)
    history = (HistoryStep(1, Lsn(1000)), HistoryStep(2, Lsn(1100)))
    assert made_in_term(won, 3, history, (FIRST, won)) == (won, again)
    chain_there = chain_of_entries((FIRST, won, again), again)
    assert chain_there == chain((1, 1, 1000), (2, 5, 1100), (3, 5, UNBOUNDED))
    assert compare(chain((1, 1, 1000), (2, 5, 1050)), chain_there) == Prefix()
    assert isinstance(compare(chain((1, 1, 1001)), chain_there), Diverged)


def test_a_promotion_that_came_out_as_planned_is_what_was_won() -> None:
    won = TimelineEntry(2, 5, 1, Lsn(1000), 1)
    assert made_in_term(won, 2, (HistoryStep(1, Lsn(1000)),), (FIRST, won)) == (won,)
    assert made_in_term(won, 2, (HistoryStep(1, Lsn(1001)),), (FIRST, won)) == (replace(won, switch_lsn=Lsn(1001)),)


def test_a_timeline_of_an_earlier_term_stays_that_term_s() -> None:
    """The parent was taken for timeline 1 while the server was already on 2."""
    won = TimelineEntry(3, 6, 1, Lsn(1000), 1)
    history = (HistoryStep(1, SECOND.switch_lsn), HistoryStep(2, Lsn(1200)))
    assert made_in_term(won, 3, history, (FIRST, SECOND, won)) == (TimelineEntry(3, 6, 2, Lsn(1200), 5),)


def test_a_promotion_that_never_happened_does_not_take_the_place_of_one_that_did() -> None:
    """A winner of term 5 released the lease before it promoted; the next one made the same number at the same place."""
    never = TimelineEntry(2, 5, 1, Lsn(1000), 1)
    won = TimelineEntry(2, 6, 1, Lsn(1000), 1)
    assert made_in_term(won, 2, (HistoryStep(1, Lsn(1000)),), (FIRST, never, won)) == (won,)
    again = (HistoryStep(1, Lsn(1000)), HistoryStep(2, Lsn(1000)))
    assert made_in_term(won, 3, again, (FIRST, never, won)) == (won, TimelineEntry(3, 6, 2, Lsn(1000), 6))


def test_a_server_behind_on_the_same_timeline_may_stream() -> None:
    assert compare(chain((1, 1, 700)), chain((1, 1, 900))) == Prefix()


def test_a_server_that_ends_where_the_new_timeline_leaves_may_stream() -> None:
    assert compare(chain((1, 1, 1000)), CHAIN) == Prefix()


def test_a_server_past_the_switch_has_diverged_there_however_small_its_log_is() -> None:
    assert compare(chain((1, 1, 1001)), CHAIN) == Diverged(1, at(1, 1000))


def test_a_longer_log_of_the_older_term_is_no_prefix() -> None:
    assert compare(chain((1, 1, 5000)), CHAIN) == Diverged(1, at(1, 1000))


def test_a_server_with_a_timeline_of_its_own_diverged_where_it_left() -> None:
    assert compare(chain((1, 1, 800), (3, 4, 900)), CHAIN) == Diverged(1, at(1, 800))


def test_one_timeline_number_promoted_in_two_terms_is_foreign() -> None:
    twice = compare(chain((1, 1, 1000), (2, 4, 1100)), CHAIN)
    assert isinstance(twice, Foreign)
    assert "promoted twice" in twice.reason


def test_histories_with_nothing_in_common_are_foreign() -> None:
    assert isinstance(compare(chain((1, 1, 10)), chain((1, 2, 10))), Foreign)


@dataclass(frozen=True)
class Promotion:
    """A promotion in a random history: which chain it continues, and how much it writes."""

    parent: int
    kept: int
    wrote: int
    timeline_step: int


promotions = st.lists(
    st.builds(
        Promotion,
        parent=st.integers(0, 5),
        kept=st.integers(1, 4),
        wrote=st.integers(1, 3),
        timeline_step=st.integers(1, 2),
    ),
    max_size=5,
)


def grow(steps: list[Promotion]) -> list[Chain]:
    """Every server's chain: each promotion keeps some of a parent's log and writes its own after it."""
    chains = [chain((1, 1, 4))]
    for number, step in enumerate(steps):
        parent = chains[step.parent % len(chains)]
        start = 0 if len(parent) == 1 else parent[-2].end
        switch = min(parent[-1].end, start + step.kept)
        kept = (*parent[:-1], Link(parent[-1].timeline, parent[-1].term, Lsn(switch)))
        timeline = parent[-1].timeline + step.timeline_step
        chains.append((*kept, Link(timeline, number + 2, Lsn(switch + step.wrote))))
    return chains


def log_of(links: Chain) -> list[tuple[int, int]]:
    """The oracle's view: for each byte of the log, which (timeline, term) wrote it."""
    log: list[tuple[int, int]] = []
    for link in links:
        log += [(link.timeline, link.term)] * (link.end - len(log))
    return log


def shared(ours: list[tuple[int, int]], theirs: list[tuple[int, int]]) -> int:
    return next((n for n, (a, b) in enumerate(zip(ours, theirs, strict=False)) if a != b), min(len(ours), len(theirs)))


@given(promotions, st.data())
def test_comparing_agrees_with_comparing_the_logs_byte_by_byte(steps: list[Promotion], data: st.DataObject) -> None:
    chains = grow(steps)
    mine, theirs = data.draw(st.sampled_from(chains)), data.draw(st.sampled_from(chains))
    ours, others = log_of(mine), log_of(theirs)
    common = shared(ours, others)
    rest, other_rest = dict(ours[common:]), dict(others[common:])
    verdict = compare(mine, theirs)
    if common == len(ours):
        assert verdict == Prefix()
    elif any(other_rest.get(timeline, term) != term for timeline, term in rest.items()):
        assert isinstance(verdict, Foreign)
    else:
        timeline, term = ours[common - 1]
        assert verdict == Diverged(timeline, at(term, common))


@given(promotions, st.data())
def test_a_chain_rebuilt_from_the_map_is_the_chain_that_was_promoted(
    steps: list[Promotion], data: st.DataObject
) -> None:
    chains = grow(steps)
    entries = [TimelineEntry(1, 1, 0, NO_LSN)]
    for links in chains[1:]:
        parent = links[-2]
        entries.append(
            TimelineEntry(links[-1].timeline, links[-1].term, parent.timeline, parent.end, parent_term=parent.term)
        )
    chosen = data.draw(st.integers(0, len(chains) - 1))
    rebuilt = chain_of_entries(tuple(entries), entries[chosen])
    assert rebuilt[:-1] == chains[chosen][:-1]
    assert (rebuilt[-1].timeline, rebuilt[-1].term) == (chains[chosen][-1].timeline, chains[chosen][-1].term)
