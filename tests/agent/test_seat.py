"""Does an agent see that its directory is a copy, that another agent runs in it, or that another one has its name?"""

import asyncio
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from howdah.agent.addressbook import AddressBook, document_name, read_entry, write_entry
from howdah.agent.namesake import Claim, Entry, Free, Taken, Waits
from howdah.agent.seat import HOME, Seat, take_seat
from howdah.cluster.incarnation import same_seat
from howdah.ports.postgres import PostgresFailure
from howdah.stores.memory import MemoryStore
from howdah.values.address import Address
from tests.agent.playbook import RECOVERY, Play
from tests.cluster.builders import N2
from tests.postgres.handclock import HandClock

HERE, THERE = Address("n2", 8008), Address("elsewhere", 8008)
SILENCE_MS = 5000


def leave(seat: Seat) -> None:
    """The agent's process ends."""
    os.close(seat.lock)


def test_an_agent_that_is_started_again_has_another_incarnation_on_the_same_seat(tmp_path: Path) -> None:
    first = take_seat(tmp_path, "one")
    leave(first)
    again = take_seat(tmp_path, "two")
    leave(again)
    assert first.incarnation != again.incarnation
    assert same_seat(first.incarnation, again.incarnation)
    assert again.resumed
    assert again.continues(first.incarnation)
    assert not again.continues("a.stranger.xx")


def test_two_agents_do_not_run_in_one_directory(tmp_path: Path) -> None:
    first = take_seat(tmp_path, "one")
    with pytest.raises(PostgresFailure, match="another agent runs in"):
        take_seat(tmp_path, "two")
    leave(first)


def test_a_machine_s_own_name_decides_where_machine_ids_change_with_the_container(tmp_path: Path) -> None:
    first = take_seat(tmp_path, "one", machine="pg-0")
    leave(first)
    again = take_seat(tmp_path, "two", machine="pg-0")
    leave(again)
    assert same_seat(first.incarnation, again.incarnation)
    with pytest.raises(PostgresFailure, match="was copied or moved here"):
        take_seat(tmp_path, "three", machine="pg-1")


def test_a_copied_directory_is_seen_and_the_mend_is_named(tmp_path: Path) -> None:
    original, copy = tmp_path / "n2", tmp_path / "copy"
    original.mkdir()
    leave(take_seat(original, "one"))
    shutil.copytree(original, copy)
    with pytest.raises(PostgresFailure, match=r"was copied or moved here.*remove .*home\.json"):
        take_seat(copy, "two")
    (copy / HOME).unlink()
    leave(take_seat(copy, "two"))
    leave(take_seat(original, "three"))


def test_a_directory_that_was_renamed_is_still_itself(tmp_path: Path) -> None:
    (tmp_path / "n2").mkdir()
    leave(take_seat(tmp_path / "n2", "one"))
    (tmp_path / "n2").rename(tmp_path / "moved")
    leave(take_seat(tmp_path / "moved", "two"))


def test_after_a_restart_of_the_machine_nothing_proves_that_the_earlier_agent_is_dead(tmp_path: Path) -> None:
    leave(take_seat(tmp_path, "one"))
    document = json.loads((tmp_path / HOME).read_text())
    document["agents"] = [f"{document['home']}.another-boot.one"]
    (tmp_path / HOME).write_text(json.dumps(document))
    seat = take_seat(tmp_path, "two")
    leave(seat)
    assert not seat.resumed


# --- the name


class Rig:
    """An agent's claim; `alive` are the addresses where an agent of its name answers."""

    def __init__(self, *earlier: str) -> None:
        self.clock = HandClock(1_000_000)
        self.alive: set[Address] = set()
        seat = Seat("disk.boot2.me", earlier, Path("/n2/home.json"), -1)
        self.claim = Claim("n2", HERE, seat, self.clock, self._answers, SILENCE_MS)

    async def _answers(self, address: Address) -> bool:
        return address in self.alive

    def judge(self, entry: Entry | None) -> Free | Waits | Taken:
        return asyncio.run(self.claim.judge(entry, N2.id))


def an_entry(incarnation: str, api: Address = THERE, member_id: str = N2.id) -> Entry:
    return Entry(api, Address("n2", 5432), incarnation, member_id)


def test_a_name_that_nobody_has_or_that_this_seat_had_is_free() -> None:
    assert Rig().judge(None) == Free()
    assert Rig().judge(an_entry("disk.boot2.before")) == Free()


def test_a_name_under_which_another_agent_answers_is_taken() -> None:
    rig = Rig()
    rig.alive.add(THERE)
    for incarnation in ("", "other.boot1.xx"):
        found = rig.judge(an_entry(incarnation))
        assert isinstance(found, Taken)
        assert "is called n2 already" in found.why


def test_where_the_other_one_is_silent_its_name_is_free_after_a_whole_lease() -> None:
    rig = Rig("other.boot1.xx")
    entry = an_entry("other.boot1.xx")
    assert isinstance(rig.judge(entry), Waits)
    rig.clock.now_ms += SILENCE_MS - 1
    assert isinstance(rig.judge(entry), Waits)
    rig.clock.now_ms += 1
    assert rig.judge(entry) == Free()


def test_an_agent_that_came_to_life_meanwhile_begins_the_silence_anew() -> None:
    rig = Rig()
    rig.judge(an_entry("other.boot1.xx"))
    rig.clock.now_ms += SILENCE_MS
    assert isinstance(rig.judge(an_entry("other.boot1.yy")), Waits)


def test_a_directory_whose_copy_went_on_is_left_out_however_silent_the_copy_is() -> None:
    rig = Rig("disk.boot1.before")
    rig.clock.now_ms += 10 * SILENCE_MS
    found = rig.judge(an_entry("other.boot1.xx"))
    assert isinstance(found, Taken)
    assert "another copy of n2's directory has been in use since" in found.why
    assert rig.judge(an_entry("other.boot1.xx", member_id="another")) != found  # a name, and no copy


def test_an_agent_that_has_its_name_loses_it_to_whoever_takes_it() -> None:
    rig = Rig()
    rig.claim.held = True
    assert isinstance(rig.judge(an_entry("other.boot1.xx")), Taken)


def test_at_its_own_address_an_agent_that_listens_hears_only_itself() -> None:
    rig = Rig("disk.boot1.before")
    rig.alive.add(HERE)
    assert isinstance(rig.judge(an_entry("disk.boot1.before", HERE)), Taken)
    rig.claim.listens = True
    assert isinstance(rig.judge(an_entry("disk.boot1.before", HERE)), Waits)


def test_the_book_writes_the_claim_and_sees_when_it_is_gone() -> None:
    async def story() -> None:
        rig, play = Rig(), Play(N2, RECOVERY)
        documents = play.documents
        book = AddressBook(MemoryStore(documents), play.clock, play.situation, rig.claim, lambda _: None, tuple)
        assert await book.claim()
        found = documents.current(document_name("n2"))
        assert found is not None
        entry = read_entry(found.text)
        assert entry is not None
        assert (entry.incarnation, entry.member_id) == ("disk.boot2.me", N2.id)
        documents.swap(document_name("n2"), found.version, write_entry(an_entry("other.boot1.xx")))
        assert not await book.claim()
        assert "another agent took the name n2" in play.situation.twin

    asyncio.run(story())


def test_the_book_looks_soon_for_an_agent_that_is_not_heard_and_seldom_for_others() -> None:
    """A pod that was made anew has another address."""

    def found_after_ms(*heard: str) -> int:
        async def story() -> int:
            rig, play = Rig(), Play(N2, RECOVERY)
            documents, changes = play.documents, asyncio.Queue[dict[str, Address]]()

            def take(addresses: Mapping[str, Address]) -> None:
                changes.put_nowait(dict(addresses))

            for name in ("n1", "n3"):
                documents.swap(document_name(name), None, write_entry(an_entry("", Address(name, 8008))))
            book = AddressBook(MemoryStore(documents), play.clock, play.situation, rig.claim, take, lambda: heard)
            following = asyncio.create_task(book.follow())
            assert set(await changes.get()) == {"n1", "n3"}
            before, found = play.clock.now_ms, documents.current(document_name("n3"))
            assert found is not None
            documents.swap(document_name("n3"), found.version, write_entry(an_entry("", Address("new", 8008))))
            assert (await changes.get())["n3"] == Address("new", 8008)
            following.cancel()
            return play.clock.now_ms - before

        return asyncio.run(story())

    assert found_after_ms("n1") <= 2_000
    assert found_after_ms("n1", "n3") >= 5_000


def test_an_address_of_an_earlier_version_is_read_too() -> None:
    assert read_entry('{"api": ["n2", 8008], "postgres": ["n2", 5432]}') == Entry(HERE, Address("n2", 5432))
