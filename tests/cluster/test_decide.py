"""What holds of every decision, whatever is observed?"""

from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from howdah.cluster.actions import (
    Action,
    ApplySetting,
    BeginFirstStart,
    Campaign,
    CatchUp,
    ChangeVoters,
    Clone,
    CloseGate,
    DropRequest,
    Follow,
    ForcePromotion,
    KeepHouse,
    KillServer,
    Promote,
    RaiseTerm,
    RebuildRecord,
    Release,
    ResumeService,
    Revoke,
    Rewind,
    Serve,
    StartInRecovery,
    Switchover,
    TakeBack,
    TakeOverFirstStart,
    Wait,
)
from howdah.cluster.decide import decide
from howdah.cluster.decision import Decision, Proposal, Rule
from howdah.cluster.history import Link
from howdah.cluster.intents import SwitchoverRequest
from howdah.cluster.lease import Deadlines
from howdah.cluster.localstate import LocalState, Marker
from howdah.cluster.observation import Observation, ServerState, ServerView, StoreView
from howdah.cluster.peerstate import Tags
from howdah.cluster.record import Handover, Mode, Phase, TimelineEntry
from howdah.cluster.rules import RULES
from howdah.cluster.serverfacts import DirectoryFacts, DirectoryState
from howdah.cluster.suspicion import Sight
from howdah.values.lsn import Lsn
from howdah.values.member import Member
from tests.cluster.builders import (
    CHAIN,
    ENTRIES,
    INTENTS,
    N1,
    N2,
    N3,
    RECORD,
    SYSTEM,
    a_local,
    a_peer,
    a_primary,
    a_record,
    a_report,
    a_server,
    a_standby,
    at,
    seen_store,
    some_facts,
)

ONLY_THE_HOLDER = (
    Serve, ResumeService, Promote, ChangeVoters, RaiseTerm, Release, TakeBack, KeepHouse, Switchover, DropRequest,
)  # fmt: skip
LEADS = (*ONLY_THE_HOLDER, Campaign, ForcePromotion, TakeOverFirstStart, BeginFirstStart, RebuildRecord)

THIRD = TimelineEntry(3, 6, 2, Lsn(2000), 5)
DIVERGED = (CHAIN[0], Link(2, 5, Lsn(9000)))
STRAY = (CHAIN[0], Link(2, 4, Lsn(1500)))

members = st.sampled_from((N1, N2, N3, Member("n2", "a-new-disk"), Member("n1", "")))
bits = st.booleans()
ages = st.sampled_from((0, 10, 5000, 1 << 30))
deadlines = st.sampled_from((Deadlines(0, 0, 0), Deadlines(900, 1100, 1200), Deadlines(10**9, 10**9, 10**9)))


@st.composite
def some_record(draw: Any) -> Any:
    """A record that could stand in the store, at one of several moments."""
    holder = draw(st.sampled_from((N1, N2, N3)))
    voters = tuple(m for m in (N1, N2, N3) if m != holder and draw(bits))
    mode = draw(st.sampled_from(Mode))
    released = draw(bits)
    return a_record(
        term=draw(st.integers(4, 7)),
        generation=draw(st.integers(0, 2)),
        holder=holder,
        voters=voters,
        k=0 if mode is Mode.ASYNC else draw(st.integers(0, len(voters))),
        mode=mode,
        phase=draw(st.sampled_from(Phase)),
        timelines=draw(st.sampled_from((ENTRIES, (*ENTRIES, THIRD), ()))),
        serving=draw(bits),
        released=released,
        handover=Handover(draw(st.sampled_from(("n2", ""))), at(5, 2000)) if released and draw(bits) else None,
        forced_terms=draw(st.sampled_from(((), (6,)))),
    )


records = some_record()


@st.composite
def some_view(draw: Any, me: Member) -> Any:
    """A local server in any state, with any directory."""
    state = draw(st.sampled_from(ServerState))
    directory = DirectoryFacts(
        draw(st.sampled_from(DirectoryState)),
        identity=draw(st.sampled_from((me.id, me.id, me.id, "elsewhere"))),
        system_identifier=draw(st.sampled_from((SYSTEM, SYSTEM, SYSTEM, "8"))),
        timeline=2,
    )
    facts = some_facts(
        me, state is not ServerState.PRIMARY, receiving=draw(bits), slots=draw(st.sampled_from(((), ("x",))))
    )
    known = facts if state is not ServerState.GONE and draw(bits) else None
    chain = draw(st.sampled_from((CHAIN, DIVERGED, STRAY, None))) if known else None
    count = st.integers(0, 4)
    return ServerView(state, directory, known, chain, draw(count), draw(count), draw(count), draw(bits))


@st.composite
def some_peer(draw: Any, member: Member) -> Any:
    return a_peer(
        member,
        connected=draw(bits),
        record=draw(st.none() | records),
        promise=draw(st.integers(0, 8)),
        promoted_term=draw(st.sampled_from((0, 5, 6))),
        serving_term=draw(st.sampled_from((0, 5))),
        prefix_term=draw(st.sampled_from((0, 5, 6))),
        suspects_term=draw(st.sampled_from((0, 5))),
        rewind_ready=draw(bits),
        may_vote_now=draw(bits),
        lost_slots=draw(st.sampled_from(((), ("n1", "n2")))),
        tags=draw(st.sampled_from((Tags(), Tags(priority=0), Tags(replicate_from="n2")))),
        position=draw(st.none() | st.just(at(5, 2000))),
    )


@st.composite
def some_local(draw: Any, me: Member) -> Any:
    return LocalState(
        "c", me.id, SYSTEM,
        promise=draw(st.integers(0, 8)),
        won_term=draw(st.sampled_from((0, 5, 6))),
        entries=ENTRIES,
        floor=draw(st.none() | st.just(at(5, 2500))),
        marker=draw(st.sampled_from((Marker.NONE, Marker.NONE, *Marker))),
        record=draw(st.none() | records),
    )  # fmt: skip


@st.composite
def observations(draw: Any) -> Any:
    """Anything an agent could find itself in, likely or not."""
    me = draw(members)
    request = SwitchoverRequest("1", draw(st.sampled_from(("", "n2", "n9"))))
    report = draw(
        st.none() | st.builds(lambda term, r: a_report(me, term=term, basis=r.basis), st.integers(5, 8), records)
    )
    return Observation(
        me=me,
        tags=draw(st.sampled_from((Tags(), Tags(), Tags(nofailover=True), Tags(replicate_from="n3")))),
        local=draw(some_local(me)),
        store=seen_store(
            draw(st.none() | records),
            known=draw(bits),
            reachable=draw(bits),
            expired=draw(bits),
            unchanged_ms=draw(ages),
        ),
        server=draw(some_view(me)),
        intents=replace(INTENTS, paused=draw(bits), switchover=draw(st.none() | st.just(request))),
        peers=tuple(draw(some_peer(m)) for m in (N1, N2, N3) if m.name != me.name and draw(bits)),
        deadlines=draw(deadlines),
        now_boot_ms=1000,
        now_wall_ms=draw(st.sampled_from((1, 10**6))),
        uptime_ms=draw(ages),
        asked=draw(st.sampled_from((0, 5, 6, 7, 8))),
        report=report,
        prefix_term=draw(st.sampled_from((0, 5))),
        sight=draw(st.builds(Sight, bits, bits, bits)),
        streaming_absent_ms=draw(st.sampled_from(((), (("n2", 0), ("n3", 9000)), (("n1", 0), ("n2", 0), ("n3", 0))))),
        gate_open=draw(bits),
        served_term=draw(st.sampled_from((0, 5, 6))),
        deadman_alive=draw(bits),
        initial=draw(bits),
        yielded_ms=draw(ages),
        outvoted=draw(st.none() | st.just((N3, at(5, 2500)))),
        confirmations=draw(st.integers(0, 2)),
        door=draw(st.none() | st.just(("n1",))),
    )


def the_same_observation_gives_the_same_decision_with_a_rule_and_a_reason(o: Observation, action: Action) -> None:
    decision = decide(o)
    assert decision.action == action
    assert decision.rule
    assert decision.why


def only_the_holder_does_what_the_holder_does(o: Observation, action: Action) -> None:
    if not o.is_holder:
        assert not isinstance(action, ONLY_THE_HOLDER)


def an_unexpected_primary_is_killed_whatever_else_is_seen(o: Observation, action: Action) -> None:
    deposed = o.server.state is ServerState.PRIMARY and o.store.record and not o.is_holder and not o.went_back
    if deposed and (o.gate_open or o.server.directory.state is not DirectoryState.FOREIGN):
        assert action == KillServer()


def whoever_passed_its_deadline_is_shut_and_killed_whatever_else_is_seen(o: Observation, action: Action) -> None:
    if o.server.state is not ServerState.PRIMARY or not o.gate_open:
        return
    if o.now_boot_ms >= o.deadlines.kill_ms:
        assert action == KillServer()
    elif o.now_boot_ms >= o.deadlines.gate_ms:
        assert isinstance(action, KillServer | CloseGate)


def nobody_begins_to_serve_without_dead_man_or_store_or_with_a_release_or_an_older_term(
    o: Observation, action: Action
) -> None:
    if isinstance(action, Serve):
        record = o.store.record
        assert record is not None
        assert o.deadman_alive
        assert o.store.reachable
        assert not record.released
        assert action.term == record.term
        assert o.local.promise <= record.term
        assert o.local.marker is Marker.NONE
        assert o.server.state is ServerState.PRIMARY


def a_server_never_goes_below_its_promise(o: Observation, action: Action) -> None:
    match action:
        case Follow(term=term) | Promote(term=term) | ResumeService(term=term) | Revoke(term=term):
            assert term >= o.local.promise
        case Campaign(term=term):
            assert term >= o.local.promise
            assert o.store.record is not None
            assert term > o.store.record.term
        case RebuildRecord(term=term):
            assert term >= o.local.promise
            assert o.local.record is None or term > o.local.record.term


def only_a_complete_server_in_recovery_that_may_lead_campaigns(o: Observation, action: Action) -> None:
    if isinstance(action, Campaign):
        assert o.server.state is ServerState.RECOVERY
        assert o.server.chain is not None
        assert o.local.marker is Marker.NONE
        assert o.tags.may_be_primary
        assert not o.intents.paused


def the_holder_never_gives_its_own_data_up(o: Observation, action: Action) -> None:
    if o.is_holder:
        assert not isinstance(action, Follow | Rewind | Clone | Campaign | CatchUp)


def a_store_that_went_back_promotes_nobody_by_itself(o: Observation, action: Action) -> None:
    if o.went_back and o.door is None:
        assert not isinstance(action, LEADS)


def a_directory_that_is_not_this_node_s_is_never_started(o: Observation, action: Action) -> None:
    if isinstance(action, StartInRecovery | ResumeService):
        assert o.server.directory.state is DirectoryState.READY
        assert o.server.directory.identity == o.me.id
        assert o.local.marker is Marker.NONE


def a_cluster_begins_only_where_nobody_has_a_past(o: Observation, action: Action) -> None:
    if isinstance(action, BeginFirstStart):
        assert o.store.record is None
        copies = (o.local.record, *(p.published.record for p in o.peers))
        assert not any(copy is not None and copy.phase is Phase.ESTABLISHED for copy in copies)


PROPERTIES = (
    the_same_observation_gives_the_same_decision_with_a_rule_and_a_reason,
    only_the_holder_does_what_the_holder_does,
    an_unexpected_primary_is_killed_whatever_else_is_seen,
    whoever_passed_its_deadline_is_shut_and_killed_whatever_else_is_seen,
    nobody_begins_to_serve_without_dead_man_or_store_or_with_a_release_or_an_older_term,
    a_server_never_goes_below_its_promise,
    only_a_complete_server_in_recovery_that_may_lead_campaigns,
    the_holder_never_gives_its_own_data_up,
    a_store_that_went_back_promotes_nobody_by_itself,
    a_directory_that_is_not_this_node_s_is_never_started,
    a_cluster_begins_only_where_nobody_has_a_past,
)


def test_a_directory_whose_first_start_was_left_half_is_not_started_once_the_cluster_is_established() -> None:
    """Also by the holder itself, and also when the record is lost: what is half is never started."""
    gone = a_server(N1, ServerState.GONE)
    half = a_local(N1, marker=Marker.INITIALISING, record=RECORD)
    assert isinstance(decide(a_primary(server=gone, local=half)).action, Wait)
    lost = StoreView(known=True, reachable=True)
    for marker in (Marker.INITIALISING, Marker.CLONING, Marker.REWINDING):
        alone = a_primary(server=gone, local=a_local(N1, marker=marker, record=RECORD), store=lost, served_term=0)
        assert not isinstance(decide(alone).action, StartInRecovery)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(observations())
def test_whatever_is_observed_every_property_holds(o: Observation) -> None:
    action = decide(o).action
    for holds in PROPERTIES:
        holds(o, action)


def test_what_failed_rests_before_the_next_try() -> None:
    o = a_standby(asked=6, failed=Revoke(6), backoff_ms=1)
    assert decide(o).action == Wait()
    assert "rests" in decide(o).why
    assert decide(replace(o, backoff_ms=0)).action == Revoke(6)
    assert decide(replace(o, failed=Revoke(5))).action == Revoke(6)


def test_every_rule_has_a_name_of_its_own_and_a_reason() -> None:
    assert len({rule.name for rule in RULES}) == len(RULES)
    for rule in RULES:
        assert rule.reason.endswith("."), rule.name


def test_a_rule_s_reason_is_the_first_paragraph_of_its_docstring() -> None:
    def rule(o: Observation) -> Proposal | None:
        """Because it is so.

        And more."""
        return Proposal(o.me.name, Wait())

    assert Rule("X", rule).reason == "Because it is so."


def test_nothing_is_known_before_the_store_has_answered() -> None:
    o = a_standby(store=replace(seen_store(None), known=False, reachable=False))
    assert isinstance(decide(o), Decision)
    assert decide(o).action == Wait()


def test_settings_are_brought_back_before_clients_are_let_in() -> None:
    wrong = replace(a_primary().server, settings_current=False)
    actions: list[Action] = [decide(a_primary(server=wrong, gate_open=False, served_term=0)).action]
    assert actions == [ApplySetting()]
