"""Do several processes count together?"""

import os
import tempfile
from collections.abc import Iterator

import pytest

from howdah.router.post import Post, alone
from howdah.router.sharedtally import SharedTally, TallyMemory
from howdah.routing.tally import TAKEN, OwnTally


@pytest.fixture
def memory() -> Iterator[TallyMemory]:
    with tempfile.TemporaryFile() as lock:
        yield TallyMemory(3, lock.fileno())


def test_all_limits_have_room_or_nothing_is_counted_however_many_processes_count(memory: TallyMemory) -> None:
    for tally, other in ((OwnTally(),) * 2, (SharedTally(memory, 0), SharedTally(memory, 2))):
        assert tally.take(("all", 2), ("one", 1)) == TAKEN
        assert other.take(("all", 2), ("one", 1)) == 1
        assert other.take(("all", 2), ("other", 0)) == TAKEN
        assert tally.take(("all", 2), ("other", 0)) == 0
        tally.give("all", "one")
        assert other.take(("all", 2), ("one", 1)) == TAKEN
        tally.give("nobody has it")


def test_what_a_worker_that_died_had_is_free_again(memory: TallyMemory) -> None:
    dead, other = SharedTally(memory, 0), SharedTally(memory, 1)
    assert [dead.take(("all", 3)) for _ in range(2)] == [TAKEN] * 2
    assert other.take(("all", 3)) == TAKEN
    dead.press("all", 5)
    assert other.take(("all", 3)) == 0
    memory.clear(0)
    assert [other.take(("all", 3)) for _ in range(3)] == [TAKEN, TAKEN, 0]
    assert not other.owed("all")


def test_who_has_more_than_an_equal_share_owes_what_others_wait_for(memory: TallyMemory) -> None:
    rich, poor, away = (SharedTally(memory, number) for number in range(3))
    for _ in range(10):
        rich.take(("pool", 10))
    assert not rich.owed("pool")
    assert poor.take(("pool", 10)) == 0
    poor.press("pool", 3)
    assert (rich.owed("pool"), poor.owed("pool"), away.owed("pool")) == (3, 0, 0)
    poor.press("pool", 30)
    assert rich.owed("pool") == 5
    rich.give("pool")
    assert not rich.owed("pool"), "there is room that it can take"
    poor.take(("pool", 10))
    poor.press("pool", 0)
    assert not rich.owed("pool")


def test_rows_that_nobody_needs_are_used_again(memory: TallyMemory) -> None:
    memory = TallyMemory(2, memory.lock, rows=8)
    one, other = SharedTally(memory, 0), SharedTally(memory, 1)
    for number in range(50):
        assert one.take((f"user {number}", 1)) == TAKEN
        assert other.take((f"user {number}", 1)) == 0
        one.give(f"user {number}")
    for number in range(8):
        assert one.take((f"user {number}", 1)) == TAKEN
    assert one.take(("more", 1)) == TAKEN, "each worker counts for itself what has no room"
    assert (one.take(("more", 1)), other.take(("more", 1))) == (0, TAKEN)
    one.give("more")
    assert one.take(("more", 1)) == TAKEN


def test_processes_that_count_at_the_same_time_lose_nothing(memory: TallyMemory) -> None:
    workers = []
    for number in range(3):
        process = os.fork()
        if not process:
            tally = SharedTally(memory, number)
            for _ in range(2000):
                tally.take(("all", 0), (f"own {number}", 0))
            os._exit(0)
        workers.append(process)
    assert all(os.waitpid(process, 0)[1] == 0 for process in workers)
    assert SharedTally(memory, 0).take(("all", 6000)) == 0
    assert SharedTally(memory, 0).take(("all", 6001)) == TAKEN


def test_a_limit_that_is_not_counted_together_is_shared_out() -> None:
    posts = [Post(number, 3, None, OwnTally()) for number in range(3)]
    assert [post.part(8) for post in posts] == [3, 3, 2]
    assert [post.part(1) for post in posts] == [1, 1, 1]
    assert [post.part(0) for post in posts] == [0, 0, 0]
    assert alone().part(8) == 8
    assert [post.owner(post.serials + 7) for post in posts] == [0, 1, 2]
