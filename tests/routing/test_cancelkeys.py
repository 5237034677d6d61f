"""Whose session does a cancel mean?"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from howdah.routing.cancelkeys import RANDOM_BYTES, SERIALS, WORKERS_MAX, CancelKeys, worker_of

SOME = bytes(range(RANDOM_BYTES))
OTHER = bytes(reversed(SOME))


def test_a_key_finds_its_session_until_it_is_withdrawn() -> None:
    keys: CancelKeys[str] = CancelKeys(0)
    first, second = keys.issue("first", SOME, 0), keys.issue("second", OTHER, 0)
    assert (keys.find(first.pid, first.secret), keys.find(second.pid, second.secret)) == ("first", "second")
    assert keys.find(first.pid, second.secret) is None
    keys.withdraw(first.pid)
    keys.withdraw(first.pid)
    assert keys.find(first.pid, first.secret) is None
    assert len(keys) == 1


def test_protocol_3_2_has_long_secrets_and_3_0_short_ones() -> None:
    keys: CancelKeys[str] = CancelKeys(0)
    assert len(keys.issue("old", SOME, 0).secret) == 4
    long = keys.issue("new", SOME, 2)
    assert 4 < len(long.secret) < 256  # other proxies may add bytes of theirs
    assert keys.find(long.pid, long.secret[:4]) is None


def test_a_serial_number_is_not_used_again_soon_and_never_twice_at_a_time() -> None:
    keys: CancelKeys[str] = CancelKeys(0)
    first = keys.issue("a", SOME, 0)
    keys.withdraw(first.pid)
    assert keys.issue("b", SOME, 0).pid != first.pid
    keys._serial = SERIALS - 2
    pids = {keys.issue(str(number), SOME, 0).pid for number in range(4)}
    assert len(pids) == 4 and 0 not in pids


@given(worker=st.integers(0, WORKERS_MAX - 1), clients=st.integers(1, 20), minor=st.sampled_from([0, 2]))
def test_the_process_number_names_the_worker_and_fits_into_a_signed_int(worker: int, clients: int, minor: int) -> None:
    keys: CancelKeys[int] = CancelKeys(worker)
    for client in range(clients):
        key = keys.issue(client, SOME, minor)
        assert worker_of(key.pid) == worker
        assert 0 < key.pid < 2**31
        assert keys.find(key.pid, key.secret) == client


@given(pid=st.integers(-(2**31), 2**31 - 1), secret=st.binary(max_size=256))
def test_a_made_up_key_finds_nobody(pid: int, secret: bytes) -> None:
    keys: CancelKeys[str] = CancelKeys(0)
    key = keys.issue("x", SOME, 2)
    assert keys.find(pid, secret) is None or (pid, secret) == (key.pid, key.secret)


def test_a_worker_s_number_and_the_randomness_are_checked() -> None:
    keys: CancelKeys[str] = CancelKeys(0)
    with pytest.raises(ValueError, match="at most"):
        CancelKeys(WORKERS_MAX)
    with pytest.raises(ValueError, match="random bytes"):
        keys.issue("x", b"short", 0)
