"""LIVE: a tightened setting is in force only once every process of the primary is seen to have it."""

from typing import Any

from howdah.cluster.live import missing_proof
from howdah.cluster.quorum import setting_for
from howdah.cluster.record import Mode
from tests.cluster.builders import N2, N3, a_walsender

WANTED = setting_for(5, ("n3",), 1, Mode.QUORUM)
RAISED = setting_for(5, ("n2", "n3"), 2, Mode.QUORUM)


def missing(**changes: Any) -> str:
    proof: dict[str, Any] = {
        "shown": str(WANTED), "wanted": WANTED, "walsenders": (a_walsender(N3),), "dropped": "n2.t5", "raised": False,
        "older_pids": frozenset(), "was_empty": False, "checkpointed": False,
    }  # fmt: skip
    return missing_proof(**{**proof, **changes})


def test_a_setting_that_everybody_has_is_live() -> None:
    assert missing() == ""


def test_a_new_connection_has_to_show_it() -> None:
    assert "new connection" in missing(shown='ANY 1 ("n2.t5","n3.t5")')


def test_the_dropped_voter_s_walsender_must_not_count_as_synchronous_any_more() -> None:
    assert "n2.t5" in missing(walsenders=(a_walsender(N2), a_walsender(N3)))
    assert missing(walsenders=(a_walsender(N2, sync_priority=0), a_walsender(N3))) == ""


def test_for_a_raised_k_every_walsender_older_than_the_reload_has_ended() -> None:
    old = a_walsender(N3)
    raised = {"wanted": RAISED, "shown": str(RAISED), "dropped": "", "raised": True, "walsenders": (old,)}
    assert "older than the reload" in missing(**raised, older_pids=frozenset((old.pid,)))
    assert missing(**raised, older_pids=frozenset((999,))) == ""


def test_from_an_empty_setting_a_later_checkpoint_has_to_complete() -> None:
    assert "checkpointer" in missing(was_empty=True)
    assert missing(was_empty=True, checkpointed=True) == ""
