"""What becomes of a client whose server is gone?"""

from dataclasses import replace

import pytest

from howdah.routing.aborted import IGNORED, Aborted
from howdah.routing.lost import Fate, Situation, fate, told
from howdah.routing.plan import Ends, Plan
from howdah.wire import codes

QUIET = Situation(0, False, True, Ends.NOTHING, False, False, "")
COMMIT = Plan(False, True, "", Ends.COMMITS)
ROLLBACK = Plan(False, True, "", Ends.ROLLS_BACK)
OTHER = Plan(True, True, "")


@pytest.mark.parametrize(
    ("now", "became"),
    [
        (QUIET, Fate.UNTOUCHED),
        (replace(QUIET, in_transaction=True), Fate.TRANSACTION),
        (replace(QUIET, owed=1), Fate.AGAIN),
        (replace(QUIET, owed=1, answering=True), Fate.TRANSACTION),
        (replace(QUIET, owed=1, read=False), Fate.UNKNOWN),
        (replace(QUIET, owed=1, read=False, in_transaction=True), Fate.TRANSACTION),
        (replace(QUIET, owed=1, read=False, in_transaction=True, ends=Ends.COMMITS), Fate.UNKNOWN),
        (replace(QUIET, owed=1, answering=True, in_message=True), Fate.BROKEN),
        (replace(QUIET, pinned="LISTEN news"), Fate.STATE),
    ],
)
def test_nothing_runs_twice_that_may_have_had_an_effect(now: Situation, became: Fate) -> None:
    assert fate(now) is became


def test_each_loss_is_told_in_its_own_sqlstate() -> None:
    assert b"40001" in told(Fate.TRANSACTION, "")
    assert b"08007" in told(Fate.UNKNOWN, "")
    assert b"LISTEN news" in told(Fate.STATE, "LISTEN news")
    assert told(Fate.AGAIN, "") == told(Fate.UNTOUCHED, "") == b""


def test_the_first_statement_after_a_loss_is_told_of_it_and_later_ones_that_they_are_ignored() -> None:
    lost = Aborted(told(Fate.TRANSACTION, ""))
    assert b"40001" in lost.query(OTHER)
    assert b"25P02" in lost.query(OTHER)
    assert b"ROLLBACK" in lost.query(ROLLBACK)
    assert lost.over


def test_a_commit_is_never_answered_as_if_it_had_worked() -> None:
    lost = Aborted(told(Fate.TRANSACTION, ""))
    assert b"40001" in lost.query(COMMIT)
    assert lost.over
    lost = Aborted(IGNORED)
    assert b"ROLLBACK" in lost.query(COMMIT)


def test_extended_messages_are_ignored_up_to_the_sync_after_the_error() -> None:
    lost = Aborted(told(Fate.TRANSACTION, ""))
    assert b"40001" in lost.extended(codes.PARSE, OTHER, True)
    assert lost.extended(codes.BIND, OTHER, True) == lost.extended(codes.EXECUTE, None, False) == b""
    assert lost.extended(codes.SYNC, None, False).endswith(b"E")
    assert lost.extended(codes.PARSE, ROLLBACK, True)[:1] == b"1"
    assert lost.extended(codes.BIND, ROLLBACK, True)[:1] == b"2"
    assert b"ROLLBACK" in lost.extended(codes.EXECUTE, None, False)
    assert lost.extended(codes.SYNC, None, False).endswith(b"I")
