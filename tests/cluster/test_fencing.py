"""When must a server stop, whatever else is going on?"""

from dataclasses import replace
from typing import Any

from howdah.cluster.actions import Clone, CloseGate, Initialise, KillServer, Leaving, StopServer, Switchover, Wait
from howdah.cluster.decide import decide
from howdah.cluster.fencing import (
    PRIMARY_FIRST_MS,
    deadman_gone,
    foreign_directory,
    lease_deadline,
    leaving,
    released_primary,
    silent_server,
    unexpected_primary,
)
from howdah.cluster.lease import Deadlines
from howdah.cluster.localstate import LocalState, Marker
from howdah.cluster.observation import Observation, ServerState
from howdah.cluster.record import Phase, Record
from howdah.cluster.serverfacts import DirectoryFacts, DirectoryState
from howdah.values.member import Member
from tests.cluster.builders import (
    INTENTS,
    N1,
    N2,
    N3,
    a_directory,
    a_local,
    a_peer,
    a_primary,
    a_record,
    a_server,
    a_standby,
    seen_store,
    some_facts,
)

DEADLINES = Deadlines(gate_ms=1000, kill_ms=1400, deadman_ms=1800)


def held_by(record: Record, **changes: Any) -> Observation:
    return a_primary(store=seen_store(record), **changes)


OTHER = a_record(system_identifier="8", term=6, holder=N1, serving=True)


def overtaken(**changes: Any) -> Observation:
    """n2 began the first start in term 5; n1 took it over, and its cluster is another one."""
    first = a_record(phase=Phase.INITIALISING, voters=(), k=0, serving=False, holder=N2)
    base: dict[str, Any] = {
        "store": seen_store(OTHER), "local": a_local(N2, record=first), "server": a_server(N2, ServerState.GONE),
        "peers": (a_peer(N1, promoted_term=6), a_peer(N3)),
    }  # fmt: skip
    return a_standby(N2, **{**base, **changes})


def test_what_is_left_of_a_first_start_that_was_taken_over_is_put_aside_and_cloned_anew() -> None:
    assert decide(overtaken()).action == Clone("n1", None, keep_aside=True)
    assert decide(overtaken(server=a_server(N2, ServerState.RECOVERY))).action == KillServer()
    assert decide(overtaken(peers=(a_peer(N3),))).action == Wait()


def test_what_served_once_or_is_of_a_later_term_is_never_taken_for_left_over() -> None:
    assert decide(overtaken(local=a_local(N2))).action == Wait()
    later = a_record(phase=Phase.INITIALISING, holder=N2, serving=False, term=7)
    assert decide(overtaken(local=a_local(N2, record=later))).action == Wait()


def test_an_adoption_that_was_interrupted_in_place_goes_on_and_nobody_else_s_data_is_touched() -> None:
    first = a_record(phase=Phase.INITIALISING, voters=(), k=0, serving=False, timelines=(), system_identifier="")
    foreign = a_server(N1, ServerState.GONE, directory=DirectoryFacts(DirectoryState.FOREIGN))
    begun = LocalState(member_id="id1", marker=Marker.INITIALISING)
    base = a_primary(store=seen_store(first), local=begun, server=foreign, gate_open=False, served_term=0, peers=())
    assert decide(base).action == Initialise()
    assert decide(replace(base, local=replace(begun, marker=Marker.NONE))).action == Wait()
    assert decide(replace(base, store=seen_store(replace(first, holder=N3)))).action == Wait()


def test_a_primary_in_good_order_is_left_alone() -> None:
    o = a_primary()
    rules = (foreign_directory, unexpected_primary, released_primary, lease_deadline, deadman_gone, silent_server)
    assert [rule(o) for rule in rules] == [None] * len(rules)


def test_a_primary_that_sees_another_holder_is_killed_first() -> None:
    o = held_by(a_record(term=6, holder=N2, voters=(N1,), lease_counter=11))
    assert decide(o).action == KillServer()
    assert decide(o).rule == "HIGHER TERM"


def test_a_new_disk_under_the_holder_s_name_is_not_the_holder() -> None:
    o = held_by(a_record(term=6, holder=Member("n1", "the-old-disk"), lease_counter=11))
    assert decide(o).action == KillServer()


def test_a_standby_that_somebody_else_promoted_is_killed() -> None:
    o = a_standby(server=a_server(N2, ServerState.PRIMARY))
    assert decide(o).action == KillServer()


def test_an_old_copy_of_the_record_deposes_nobody_but_the_deadline_counts_on() -> None:
    old = a_record(term=4, holder=N2, lease_counter=3)
    assert unexpected_primary(held_by(old)) is None
    assert decide(held_by(old, deadlines=Deadlines(0, 0, 0))).action == KillServer()


def test_whoever_gave_the_lease_up_does_not_run_as_a_primary() -> None:
    assert decide(held_by(a_record(released=True))).action == KillServer()


def test_a_primary_that_cannot_renew_shuts_clients_out_first_and_is_then_killed() -> None:
    late = {"deadlines": DEADLINES}
    assert lease_deadline(a_primary(**late, now_boot_ms=999)) is None
    at_gate = lease_deadline(a_primary(**late, now_boot_ms=1000))
    assert at_gate is not None
    assert at_gate.action == CloseGate()
    assert lease_deadline(a_primary(**late, now_boot_ms=1399, gate_open=False)) is None
    assert decide(a_primary(**late, now_boot_ms=1400, gate_open=False)).action == KillServer()


def test_a_silent_primary_is_killed_at_the_deadline_whether_it_still_serves_or_not() -> None:
    silent = a_server(N1, ServerState.SILENT, facts=some_facts(N1, in_recovery=False))
    for served_term in (5, 0):
        o = a_primary(server=silent, deadlines=DEADLINES, now_boot_ms=1400, served_term=served_term)
        assert decide(o).action == KillServer()


def test_a_silent_standby_has_no_deadline() -> None:
    silent = a_server(N2, ServerState.SILENT, facts=some_facts(N2, in_recovery=True))
    assert lease_deadline(a_standby(server=silent, deadlines=DEADLINES)) is None


def test_without_a_live_dead_man_no_client_is_served() -> None:
    assert decide(a_primary(deadman_alive=False)).action == CloseGate()
    shut = decide(a_primary(deadman_alive=False, gate_open=False, served_term=0))
    assert shut.action == Wait()


def test_a_server_whose_new_connections_hang_is_killed_after_several_tries() -> None:
    limit = INTENTS.policy.probe_failures_max
    for member, state in ((N1, a_primary()), (N2, a_standby())):
        silent = a_server(member, ServerState.SILENT, probe_failures=limit - 1)
        assert silent_server(replace(state, server=silent)) is None
        assert decide(replace(state, server=replace(silent, probe_failures=limit))).action == KillServer(crash=True)


def test_a_foreign_directory_is_never_started_and_never_touched() -> None:
    foreign = a_server(N2, ServerState.GONE, directory=DirectoryFacts(DirectoryState.FOREIGN, explanation="no data"))
    decision = decide(a_standby(server=foreign))
    assert (decision.rule, decision.action) == ("IDENTITY", Wait())


def test_a_directory_with_another_identity_was_put_there_from_elsewhere() -> None:
    copied = a_directory(N2, identity="id1")
    assert decide(a_standby(server=a_server(N2, ServerState.GONE, directory=copied))).action == Wait()
    assert decide(a_standby(server=a_server(N2, ServerState.RECOVERY, directory=copied))).action == KillServer()


def test_a_directory_of_another_cluster_is_not_used() -> None:
    other = a_directory(N2, system_identifier="8")
    assert decide(a_standby(server=a_server(N2, ServerState.GONE, directory=other))).action == Wait()
    assert decide(a_standby(server=a_server(N2, ServerState.RECOVERY, directory=other))).action == KillServer()


def test_a_half_made_directory_may_have_any_identity_it_is_made_anew() -> None:
    copied = a_directory(N2, identity="id1")
    o = a_standby(server=a_server(N2, ServerState.GONE, directory=copied), local=a_local(N2, marker=Marker.REWINDING))
    assert foreign_directory(o) is None


def test_an_agent_that_leaves_alone_hands_over_first() -> None:
    proposal = leaving(a_primary(leaving=Leaving.NODE))
    assert proposal is not None
    assert isinstance(proposal.action, Switchover)
    assert proposal.action.to == "n2"


def test_an_agent_that_cannot_hand_over_just_stops() -> None:
    nobody = a_primary(leaving=Leaving.NODE, peers=())
    assert decide(nobody).action == StopServer()
    failed = leaving(a_primary(leaving=Leaving.NODE))
    assert failed is not None
    assert decide(a_primary(leaving=Leaving.NODE, failed=failed.action)).action == StopServer()


def test_when_the_whole_cluster_stops_the_primary_goes_first() -> None:
    assert decide(a_primary(leaving=Leaving.CLUSTER)).action == StopServer()
    assert decide(a_standby(leaving=Leaving.CLUSTER)).action == Wait()
    assert decide(a_standby(leaving=Leaving.CLUSTER, leaving_ms=PRIMARY_FIRST_MS)).action == StopServer()
    gone = a_peer(N1, connected=False)
    assert decide(a_standby(leaving=Leaving.CLUSTER, peers=(gone,))).action == StopServer()


def test_a_leaving_primary_that_lost_its_lease_is_killed_not_stopped_slowly() -> None:
    o = a_primary(leaving=Leaving.CLUSTER, deadlines=DEADLINES)
    assert decide(o).action == KillServer()
