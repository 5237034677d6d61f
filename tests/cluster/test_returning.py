"""How a server comes back: stream, rewind or clone; FLOOR, LAST COPY and forced terms."""

import pytest

from howdah.cluster.history import Link
from howdah.cluster.record import TimelineEntry
from howdah.cluster.returning import (
    NeedsClone,
    NeedsRewind,
    Stream,
    below_floor,
    entries_to_follow,
    last_copy_reason,
    wants_floor,
    way_back,
)
from howdah.values.lsn import Lsn
from howdah.values.member import Member
from howdah.values.position import Position
from tests.cluster.builders import CHAIN, ENTRIES, FIRST, N1, N2, RECORD, a_record, at

DIVERGED = (Link(1, 1, Lsn(1500)),)
"""A former primary of term 1 that wrote past the place where timeline 2 left."""

FOREIGN = (Link(1, 1, Lsn(1000)), Link(2, 4, Lsn(1800)))
"""Timeline 2 as well, but promoted in term 4."""

BARRIER_PENDING = a_record(serving=False)


def test_a_prefix_streams_as_it_is() -> None:
    assert way_back(CHAIN, at(5, 2000), RECORD) == Stream()


def test_a_server_that_left_the_primary_s_history_rewinds_and_its_floor_is_where_it_left() -> None:
    assert way_back(DIVERGED, at(1, 1500), RECORD) == NeedsRewind(at(1, 1000))


def test_an_equal_timeline_number_with_another_map_entry_means_clone_never_stream_or_rewind() -> None:
    way = way_back(FOREIGN, at(4, 1800), RECORD)
    assert isinstance(way, NeedsClone)
    assert "promoted twice" in way.reason
    assert way.floor == at(4, 1800)


def test_of_two_parents_of_one_number_the_one_that_was_promoted_from_counts() -> None:
    stray = TimelineEntry(2, 4, 1, Lsn(1000))
    third = TimelineEntry(3, 6, 2, Lsn(1800), parent_term=4)
    record = a_record(timelines=(FIRST, stray, ENTRIES[1], third))
    assert way_back(FOREIGN, at(4, 1800), record) == Stream()
    assert isinstance(way_back((CHAIN[0], Link(2, 5, Lsn(1700))), at(5, 1700), record), NeedsClone)


def test_a_timeline_without_an_entry_means_clone() -> None:
    assert isinstance(way_back(None, None, RECORD), NeedsClone)
    assert isinstance(way_back(CHAIN, at(5, 2000), a_record(timelines=())), NeedsClone)


def test_no_server_is_rewound_or_cloned_over_across_a_forced_term() -> None:
    forced = a_record(forced_terms=(5,))
    assert way_back(DIVERGED, at(1, 1500), forced) == NeedsClone(
        "term 5 was forced: this directory is kept aside", at(1, 1000), keep_aside=True
    )
    foreign = way_back(FOREIGN, at(4, 1800), forced)
    assert isinstance(foreign, NeedsClone)
    assert foreign.keep_aside
    unknown = way_back(None, None, forced)
    assert isinstance(unknown, NeedsClone)
    assert unknown.keep_aside


def test_a_forced_term_that_the_server_took_part_in_does_not_keep_it_from_rewinding() -> None:
    mine = (CHAIN[0], Link(2, 5, Lsn(2100)))
    newer = a_record(timelines=(*ENTRIES, TimelineEntry(3, 6, 2, Lsn(2000), 5)), forced_terms=(5,))
    assert way_back(mine, at(5, 2100), newer) == NeedsRewind(at(5, 2000))


def test_a_standby_keeps_the_map_of_the_primary_s_chain_one_entry_a_timeline() -> None:
    stray = TimelineEntry(2, 4, 1, Lsn(900))
    assert entries_to_follow(a_record(timelines=(FIRST, stray, ENTRIES[1]))) == ENTRIES
    assert entries_to_follow(a_record(timelines=())) == ()


def test_while_another_voter_can_flush_the_barrier_nobody_rewinds() -> None:
    others = ((N1, at(6, 2001)),)
    assert "barrier" in last_copy_reason(N2, at(5, 2000), BARRIER_PENDING, others, other_voter_lives=True)


def test_the_only_server_that_can_flush_the_barrier_may_rewind_for_it_if_the_winner_has_as_much() -> None:
    assert last_copy_reason(N2, at(5, 2000), BARRIER_PENDING, ((N1, at(6, 2001)),), other_voter_lives=False) == ""


@pytest.mark.parametrize("others", [(), ((N1, at(5, 1999)),), ((N2, at(9, 9000)),)])
def test_the_last_copy_is_never_given_up(others: tuple[tuple[Member, Position], ...]) -> None:
    assert last_copy_reason(N2, at(5, 2000), BARRIER_PENDING, others, False)


def test_a_copy_of_unknown_extent_waits_for_a_primary_that_serves() -> None:
    assert last_copy_reason(N2, None, BARRIER_PENDING, ((N1, at(9, 9000)),), False)
    assert last_copy_reason(N2, None, RECORD, (), True) == ""


def test_the_holder_of_the_record_is_no_copy_of_itself() -> None:
    assert last_copy_reason(N1, at(5, 2000), RECORD, (), False)


def test_the_floor_only_grows_and_is_compared_as_term_and_position() -> None:
    assert wants_floor(None, at(1, 9000)) == at(1, 9000)
    assert wants_floor(at(5, 10), at(1, 9000)) == at(5, 10)
    assert wants_floor(at(1, 9000), at(5, 10)) == at(5, 10)
    assert wants_floor(at(1, 9000), None) == at(1, 9000)


def test_below_the_floor_there_is_no_vote() -> None:
    assert below_floor(at(5, 999), at(5, 1000))
    assert below_floor(at(4, 9000), at(5, 1000))
    assert below_floor(None, at(5, 1000))
    assert not below_floor(at(5, 1000), at(5, 1000))
    assert not below_floor(at(5, 1), None)
