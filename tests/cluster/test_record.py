"""What the store's record says, and that it is read back as it was written."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from howdah.cluster.policy import LeaseTimes
from howdah.cluster.record import (
    Handover,
    Mode,
    Phase,
    Record,
    RecordUnreadable,
    TimelineEntry,
    read_record,
    write_record,
)
from howdah.values.lsn import Lsn
from howdah.values.member import Member
from howdah.values.position import Position
from tests.cluster.builders import FIRST, N2, RECORD, SECOND, a_record

numbers = st.integers(0, 2**31)
lsns = st.integers(0, 2**64 - 1).map(Lsn)
texts = st.text(max_size=8)
members = st.builds(Member, texts, texts)
positions = st.builds(Position, numbers, lsns)
records = st.builds(
    Record,
    cluster=texts,
    system_identifier=texts,
    generation=numbers,
    term=numbers,
    phase=st.sampled_from(Phase),
    holder=members,
    voters=st.lists(members, max_size=3).map(tuple),
    k=numbers,
    mode=st.sampled_from(Mode),
    timelines=st.lists(st.builds(TimelineEntry, numbers, numbers, numbers, lsns, numbers), max_size=3).map(tuple),
    lease_counter=numbers,
    serving=st.booleans(),
    released=st.booleans(),
    handover=st.none() | st.builds(Handover, texts, positions),
    winner_position=st.none() | positions,
    holder_position=st.none() | positions,
    forced_terms=st.lists(numbers, max_size=2).map(tuple),
    members=st.lists(members, max_size=3).map(tuple),
    write_id=texts,
    lease=st.none() | st.builds(LeaseTimes, numbers, numbers, numbers, numbers),
)


@given(records)
def test_a_record_is_read_back_as_it_was_written(record: Record) -> None:
    assert read_record(write_record(record)) == record


def test_log_positions_are_written_as_postgresql_shows_them() -> None:
    entry = TimelineEntry(1, 1, 0, Lsn(0x16_B374D848))
    assert '"switch_lsn":"16/B374D848"' in write_record(a_record(timelines=(entry,)))


def test_a_map_entry_without_its_parent_s_term_is_read_too() -> None:
    document = json.loads(write_record(RECORD))
    for entry in document["timelines"]:
        del entry["parent_term"]
    assert read_record(json.dumps(document)) == RECORD


def test_a_record_from_before_the_lease_s_times_were_written_is_read_too() -> None:
    document = json.loads(write_record(RECORD))
    del document["lease"]
    assert read_record(json.dumps(document)) == a_record(lease=None)


@given(st.recursive(st.none() | st.integers() | texts, lambda inner: st.lists(inner) | st.dictionaries(texts, inner)))
def test_what_is_no_record_is_refused_with_one_exception(document: object) -> None:
    with pytest.raises(RecordUnreadable):
        read_record(json.dumps(document))


@given(st.text(max_size=20))
def test_text_that_is_no_json_record_is_refused(text: str) -> None:
    with pytest.raises(RecordUnreadable):
        read_record(text)


def test_a_record_of_another_format_says_so() -> None:
    document = json.loads(write_record(RECORD)) | {"format": 99}
    with pytest.raises(RecordUnreadable, match="another version"):
        read_record(json.dumps(document))


@pytest.mark.parametrize("key", sorted(json.loads(write_record(RECORD)).keys() - {"lease_counter", "write_id"}))
def test_a_record_with_a_damaged_part_is_refused_or_differs(key: str) -> None:
    document = json.loads(write_record(RECORD))
    document[key] = {"unexpected": 1}
    with contextlib.suppress(RecordUnreadable):
        assert read_record(json.dumps(document)) != RECORD


@pytest.mark.parametrize(
    "changed",
    [a_record(term=6), a_record(generation=2), a_record(holder=N2), a_record(voters=(N2,)), a_record(k=2)],
)
def test_the_basis_of_votes_is_term_generation_holder_voters_and_k(changed: Record) -> None:
    assert changed.basis != RECORD.basis


def test_the_lease_counter_is_no_part_of_the_basis() -> None:
    assert a_record(lease_counter=99, serving=False, write_id="x").basis == RECORD.basis


def test_a_new_disk_under_a_voter_s_name_is_no_voter() -> None:
    assert RECORD.voter(N2)
    assert not RECORD.voter(Member("n2", "a-new-disk"))


def test_of_two_promotions_to_one_number_the_newest_is_meant() -> None:
    again = TimelineEntry(2, 7, 1, Lsn(900))
    record = a_record(timelines=(FIRST, again, SECOND))
    assert record.entry(2) == again
    assert record.current_entry == again
    assert record.entry(9) is None
    assert a_record(timelines=()).current_entry is None


def test_a_lower_term_is_older_however_long_it_is_renewed() -> None:
    """An old copy that came back, whose holder goes on renewing it."""
    assert a_record(term=4, lease_counter=900).age < a_record(term=5, lease_counter=3).age
