"""Is each message taken, ignored or refused where PostgreSQL does so?"""

import pytest

from howdah.wire import codes
from howdah.wire.legal import RULES, State, Verdict, refusal, verdict

ALL = bytes(range(256))


@pytest.mark.parametrize("state", list(State))
def test_every_kind_has_a_verdict_in_every_state(state: State) -> None:
    assert not set(RULES[state].take) & set(RULES[state].ignore)
    assert {verdict(state, kind) for kind in ALL} <= set(Verdict)


@pytest.mark.parametrize("state", list(State))
def test_a_kind_that_no_client_has_is_refused_everywhere(state: State) -> None:
    for kind in set(ALL) - set(b"QPBDECHSFXdcfp"):
        assert verdict(state, kind) is Verdict.REFUSE
        assert refusal(state, kind)


def test_only_a_password_counts_while_logging_in() -> None:
    assert [kind for kind in ALL if verdict(State.AUTHENTICATING, kind) is Verdict.TAKE] == [codes.PASSWORD]
    assert refusal(State.AUTHENTICATING, codes.QUERY) == "expected password response, got message type 81"


def test_a_password_after_the_login_is_refused() -> None:
    assert verdict(State.IDLE, codes.PASSWORD) is Verdict.REFUSE
    assert refusal(State.IDLE, codes.PASSWORD) == 'message of type "p" while idle'


def test_the_rest_of_rows_after_a_copy_failed_is_ignored() -> None:
    for kind in b"dcf":
        assert verdict(State.IDLE, kind) is Verdict.IGNORE
        assert verdict(State.SKIPPING, kind) is Verdict.IGNORE


def test_while_skipping_only_sync_and_terminate_count() -> None:
    taken = [kind for kind in ALL if verdict(State.SKIPPING, kind) is Verdict.TAKE]
    assert taken == [codes.SYNC, codes.TERMINATE]
    assert verdict(State.SKIPPING, codes.QUERY) is Verdict.IGNORE


def test_sync_and_flush_are_ignored_among_rows_and_a_query_is_refused() -> None:
    assert verdict(State.COPY_IN, codes.SYNC) is Verdict.IGNORE
    assert verdict(State.COPY_IN, codes.FLUSH) is Verdict.IGNORE
    assert verdict(State.COPY_IN, codes.QUERY) is Verdict.REFUSE
    assert refusal(State.COPY_IN, codes.QUERY) == "unexpected message type 0x51 during COPY from stdin"


def test_a_standby_sends_rows_only() -> None:
    assert verdict(State.COPY_BOTH, codes.COPY_DATA) is Verdict.TAKE
    assert verdict(State.COPY_BOTH, codes.SYNC) is Verdict.REFUSE
    assert refusal(State.COPY_BOTH, codes.SYNC) == 'invalid standby message type "S"'


def test_nothing_follows_terminate() -> None:
    assert all(verdict(State.TERMINATED, kind) is Verdict.REFUSE for kind in ALL)
