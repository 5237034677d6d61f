"""Does the router hold what clients throw at it that have logged in?"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from howdah.wire import codes, requests
from tests.fuzz.conversation import conversing
from tests.fuzz.seeds import CONVERSATIONS, CONVERSED
from tests.routing.playsession import EXECUTE, bind, message, parse, query

TEXTS = (
    "SELECT 1", "INSERT INTO t VALUES (1)", "BEGIN", "COMMIT", "ROLLBACK", "SET x.y = 1", "COPY t FROM STDIN", "",
    "LISTEN a", "DISCARD ALL", "DEALLOCATE ALL", "SELECT nextval('s')", "SHOW howdah.route", "nonsense", "SAVEPOINT a",
    "SET howdah.route = standby", "PREPARE s AS SELECT 1", "CREATE TEMP TABLE x (a int)",
)  # fmt: skip
NAMES = st.sampled_from(("", "s", "t"))
PIECES = st.one_of(
    st.sampled_from(TEXTS).map(query),
    st.tuples(NAMES, st.sampled_from(TEXTS)).map(lambda pair: parse(*pair)),
    NAMES.map(bind),
    st.sampled_from((EXECUTE, requests.SYNC, requests.FLUSH, requests.COPY_DONE)),
    st.sampled_from((codes.DESCRIBE, codes.CLOSE)).flatmap(
        lambda kind: NAMES.map(lambda name: message(bytes((kind,)), b"S" + name.encode() + b"\0"))
    ),
    st.sampled_from((message(b"d", b"1\n"), message(b"f", b"why\0"), message(b"F", b"\0" * 10), message(b"X", b""))),
    st.binary(max_size=12),
)


@pytest.mark.parametrize("seed", CONVERSATIONS)
def test_the_seeds_find_no_fault(seed: bytes) -> None:
    conversing(seed)


def test_what_earlier_runs_kept_finds_no_fault() -> None:
    for kept in CONVERSED:
        conversing(kept)


@settings(max_examples=400, deadline=None)
@given(st.integers(0, 255), st.binary(min_size=3, max_size=3), st.lists(PIECES, max_size=14))
def test_no_conversation_reaches_another_client(cut: int, fates: bytes, pieces: list[bytes]) -> None:
    conversing(bytes((cut,)) + fates + b"".join(pieces))
