"""When does the holder give the lease up because it cannot lead?"""

from dataclasses import replace
from typing import Any

import pytest

from howdah.cluster.actions import Promote, Release, ResumeService, Serve, Wait
from howdah.cluster.decide import decide
from howdah.cluster.givingup import DEADMAN_PATIENCE_MS, FAILURES_MAX, give_up_crashing, give_up_leading
from howdah.cluster.localstate import Marker
from howdah.cluster.observation import Observation, ServerState
from howdah.cluster.peerstate import Tags
from howdah.cluster.record import Mode, TimelineEntry
from howdah.cluster.serverfacts import DirectoryFacts, DirectoryState
from tests.cluster.builders import (
    END,
    ENTRIES,
    INTENTS,
    N1,
    N2,
    N3,
    N4,
    a_local,
    a_peer,
    a_primary,
    a_record,
    a_server,
    a_standby,
    seen_store,
    some_facts,
)

BARE: dict[str, Any] = {"gate_open": False, "served_term": 0, "store": seen_store(a_record(serving=False))}


def not_serving(**changes: Any) -> Observation:
    """n1 runs as the primary of its term, and has not let clients in."""
    return a_primary(**{**BARE, **changes})


def down(**server: Any) -> Observation:
    return not_serving(server=a_server(N1, ServerState.GONE, **server))


# --- crashes


def test_the_second_crash_in_short_time_gives_the_lease_up() -> None:
    assert decide(down(crashes=1)).action == ResumeService(5)
    assert decide(down(crashes=2)).action == Release()


def test_a_server_that_cannot_start_or_has_no_directory_gives_the_lease_up() -> None:
    assert decide(down(failed_starts=1)).action == Release()
    assert decide(down(directory=DirectoryFacts(DirectoryState.BROKEN))).action == Release()


def test_the_lease_is_kept_when_nobody_else_could_lead_or_the_cluster_is_paused() -> None:
    crashed = down(crashes=2)
    assert give_up_crashing(replace(crashed, peers=())) is None
    assert give_up_crashing(replace(crashed, peers=(a_peer(N2, connected=False), a_peer(N4)))) is None
    assert give_up_crashing(replace(crashed, intents=replace(INTENTS, paused=True))) is None


def test_a_server_that_is_no_voter_can_lead_only_if_this_one_can_vote_for_all() -> None:
    only_n3: dict[str, Any] = {"peers": (a_peer(N2, connected=False), a_peer(N3))}
    store = seen_store(a_record(serving=False, voters=(N2,)))
    crashed = replace(down(crashes=2), store=store, **only_n3)
    assert give_up_crashing(crashed) is not None
    unable = replace(down(failed_starts=1), store=store, **only_n3)
    assert give_up_crashing(unable) is None


# --- leading in vain


def won(**changes: Any) -> Observation:
    """n1 won term 6 and has not promoted yet."""
    entries = (*ENTRIES, TimelineEntry(3, 6, 2, END, 5))
    record = a_record(term=6, timelines=entries, serving=False)
    base: dict[str, Any] = {
        "store": seen_store(record),
        "local": a_local(N1, promise=6),
        "server": a_server(
            N1, ServerState.RECOVERY, facts=some_facts(N1, True, upstream=None, upstream_name="", receiving=False)
        ),
    }
    return not_serving(**{**base, **changes})


def test_a_winner_that_cannot_promote_gives_the_lease_up() -> None:
    assert decide(won(lead_failures=FAILURES_MAX - 1)).action == Promote(6)
    assert decide(won(lead_failures=FAILURES_MAX)).action == Release()


def test_a_primary_that_cannot_serve_gives_the_lease_up() -> None:
    assert decide(not_serving(lead_failures=FAILURES_MAX - 1)).action == Serve(5)
    assert decide(not_serving(lead_failures=FAILURES_MAX)).action == Release()


def test_a_primary_whose_dead_man_does_not_start_gives_the_lease_up() -> None:
    waiting = not_serving(deadman_alive=False, deadman_gone_ms=DEADMAN_PATIENCE_MS - 1)
    assert decide(waiting).action == Wait()
    assert decide(replace(waiting, deadman_gone_ms=DEADMAN_PATIENCE_MS)).action == Release()


@pytest.mark.parametrize(
    "changes",
    [
        {"peers": ()},
        {"peers": (a_peer(N2, connected=False), a_peer(N3, connected=False))},
        {"peers": (a_peer(N2, tags=Tags(nofailover=True)), a_peer(N4))},
        {"intents": replace(INTENTS, paused=True)},
        {"store": seen_store(a_record(serving=False), reachable=False)},
        {"store": seen_store(a_record(serving=False, released=True))},
        {"served_term": 5},
        {"local": a_local(N1, marker=Marker.REWINDING)},
    ],
)
def test_it_keeps_the_lease_when_nobody_else_could_lead_or_it_serves(changes: dict[str, Any]) -> None:
    assert give_up_leading(not_serving(lead_failures=10**6, deadman_gone_ms=10**9)) is not None
    assert give_up_leading(not_serving(lead_failures=10**6, deadman_gone_ms=10**9, **changes)) is None


def test_a_server_that_is_no_voter_may_be_the_one_that_leads() -> None:
    """This one, started in recovery, counts as all votes."""
    store = seen_store(a_record(serving=False, voters=(N2,)))
    o = not_serving(lead_failures=FAILURES_MAX, store=store, peers=(a_peer(N2, connected=False), a_peer(N3)))
    assert give_up_leading(o) is not None
    half = (a_peer(N2, connected=False), a_peer(N3, may_vote_now=False))
    assert give_up_leading(replace(o, peers=half)) is None


def test_in_async_mode_any_server_that_may_be_primary_can_lead() -> None:
    store = seen_store(a_record(serving=False, mode=Mode.ASYNC, k=0, voters=()))
    o = not_serving(lead_failures=FAILURES_MAX, store=store, peers=(a_peer(N2),))
    assert give_up_leading(o) is not None
    assert give_up_leading(replace(o, peers=(a_peer(N2, may_vote_now=False),))) is None


def test_each_time_in_vain_doubles_the_patience_so_that_two_servers_do_not_hand_the_lease_to_and_fro() -> None:
    assert give_up_leading(not_serving(lead_failures=FAILURES_MAX, gave_up=1)) is None
    assert give_up_leading(not_serving(lead_failures=2 * FAILURES_MAX, gave_up=1)) is not None
    assert give_up_leading(not_serving(deadman_gone_ms=3 * DEADMAN_PATIENCE_MS, gave_up=2)) is None
    assert give_up_leading(not_serving(deadman_gone_ms=4 * DEADMAN_PATIENCE_MS, gave_up=2)) is not None
    assert give_up_leading(not_serving(lead_failures=64 * FAILURES_MAX, gave_up=1000)) is not None


def test_crashes_since_it_gave_up_count_as_leading_in_vain() -> None:
    assert give_up_crashing(replace(down(crashes=9, failed_starts=9), gave_up=1)) is None
    assert decide(replace(down(crashes=9), gave_up=1, lead_failures=2 * FAILURES_MAX)).action == Release()


def test_a_standby_gives_up_nothing() -> None:
    assert give_up_leading(a_standby(lead_failures=10**6)) is None
