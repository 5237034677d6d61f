"""Which server may be written to, and which may be read from?"""

from dataclasses import replace

import pytest

from howdah.routing.clusterview import ClusterView, NodeView, Sample
from howdah.routing.fleet import (
    Change,
    Fleet,
    FleetLimits,
    NodeGone,
    Target,
)
from howdah.routing.freshness import NEVER

NODES = (NodeView("n1", "10.0.0.1", 5432), NodeView("n2", "10.0.0.2", 5432), NodeView("n3", "10.0.0.3", 5432))
LIMITS = FleetLimits(knowledge_ms=5000.0, max_lag_ms=10_000.0)
TERM_ONE = ClusterView((1, 1, 1), 1, "n1", "id-n1", serving=True, nodes=NODES, asked_ms=0.0, system_identifier="7")
TERM_TWO = replace(TERM_ONE, age=(1, 2, 9), term=2, holder="n2", holder_id="id-n2", asked_ms=2000.0)


def fleet_of(view: ClusterView = TERM_ONE, limits: FleetLimits = LIMITS) -> Fleet:
    fleet = Fleet(limits)
    fleet.learn(view, view.asked_ms or 0.0)
    return fleet


def words(changes: tuple[Change, ...]) -> list[str]:
    return [f"{type(change).__name__} {change.target.name}" for change in changes]


def say(
    fleet: Fleet, name: str, at_ms: float, lsn: int, *, term: int = 1, recovers: bool = True, latency_ms: float = 1.0
) -> list[str]:
    return words(fleet.sampled(fleet.targets[name], Sample(at_ms, recovers, term, lsn, latency_ms)))


def leads(fleet: Fleet, name: str, at_ms: float, lsn: int, *, term: int = 1) -> list[str]:
    return say(fleet, name, at_ms, lsn, term=term, recovers=False)


def name_of(target: Target | None) -> str:
    return target.name if target else "nobody"


def test_the_holder_that_serves_is_written_to() -> None:
    fleet = Fleet(LIMITS)
    assert fleet.writable(0.0) is None
    changes = words(fleet.learn(TERM_ONE, 1.0))
    assert changes == ["NodeChanged n1", "NodeChanged n2", "NodeChanged n3", "PrimaryServes n1"]
    assert name_of(fleet.writable(1.0)) == "n1"
    assert [t.name for t in fleet.targets.values() if t.writable] == ["n1"]


def test_a_holder_that_does_not_serve_yet_is_not() -> None:
    fleet = fleet_of(replace(TERM_ONE, serving=False))
    assert fleet.writable(0.0) is None
    assert words(fleet.learn(replace(TERM_ONE, asked_ms=10.0), 11.0)) == ["PrimaryServes n1"]


def test_a_holder_of_unknown_address_is_written_to_once_it_is_known() -> None:
    fleet = fleet_of(replace(TERM_ONE, nodes=NODES[1:]))
    assert fleet.writable(0.0) is None
    assert words(fleet.learn(TERM_ONE, 1.0)) == ["NodeChanged n1", "PrimaryServes n1"]


def test_knowledge_that_is_too_old_makes_nothing_writable_and_who_waits_is_told_when_it_is_fresh_again() -> None:
    fleet = fleet_of()
    assert name_of(fleet.writable(5000.0)) == "n1"
    assert fleet.writable(5000.1) is None
    assert words(fleet.learn(replace(TERM_ONE, age=(1, 1, 2), asked_ms=6000.0), 6001.0)) == ["PrimaryServes n1"]
    assert name_of(fleet.writable(6001.0)) == "n1"
    assert not fleet.learn(replace(TERM_ONE, age=(1, 1, 3), asked_ms=7000.0), 7001.0)


def test_the_primary_s_own_word_keeps_the_knowledge_fresh_while_the_store_is_away() -> None:
    fleet = fleet_of()
    leads(fleet, "n1", 4000.0, 100)
    assert name_of(fleet.writable(8999.0)) == "n1"
    assert fleet.writable(9001.0) is None


def test_a_switchover_pauses_loses_and_serves_elsewhere() -> None:
    fleet = fleet_of()
    draining = replace(TERM_ONE, age=(1, 1, 2), serving=False, asked_ms=1000.0)
    assert words(fleet.learn(draining, 1001.0)) == ["HandingOver n1"]
    assert fleet.writable(1001.0) is None
    assert not leads(fleet, "n1", 1100.0, 100)  # it still answers as a primary, and gets nothing new
    assert fleet.writable(1101.0) is None
    released = replace(draining, age=(1, 1, 3), released=True)
    assert words(fleet.learn(released, 1200.0)) == ["PrimaryLost n1"]
    assert words(fleet.learn(TERM_TWO, 2001.0)) == ["PrimaryServes n2"]
    assert name_of(fleet.writable(2001.0)) == "n2"
    assert not fleet.targets["n1"].writable


def test_a_switchover_that_failed_goes_on_with_the_old_primary() -> None:
    fleet = fleet_of()
    fleet.learn(replace(TERM_ONE, age=(1, 1, 2), serving=False, asked_ms=1000.0), 1001.0)
    again = replace(TERM_ONE, age=(1, 1, 3), asked_ms=1500.0)
    assert words(fleet.learn(again, 1501.0)) == ["PrimaryServes n1"]


def test_a_hint_takes_the_primary_away_and_gives_none() -> None:
    fleet = fleet_of()
    assert words(fleet.learn(replace(TERM_TWO, asked_ms=None), 2000.0)) == ["PrimaryLost n1"]
    assert fleet.writable(2000.0) is None
    assert words(fleet.learn(TERM_TWO, 2001.0)) == ["PrimaryServes n2"]


def test_an_older_copy_of_the_record_is_not_believed() -> None:
    fleet = fleet_of(TERM_TWO)
    assert not fleet.learn(replace(TERM_ONE, age=(1, 1, 99), asked_ms=3000.0), 3001.0)
    assert name_of(fleet.writable(3001.0)) == "n2"
    assert "older copy" in fleet.trouble
    assert fleet.writable(2000.0 + 5001.0) is None  # it did not keep anything fresh


def test_a_lower_term_never_replaces_a_higher_one_unless_its_generation_is_higher() -> None:
    fleet = fleet_of(TERM_TWO)
    rebuilt = replace(TERM_ONE, age=(2, 3, 1), term=3, holder="n3", holder_id="id-n3", asked_ms=3000.0)
    assert words(fleet.learn(rebuilt, 3001.0)) == ["PrimaryLost n2", "PrimaryServes n3"]


def test_another_cluster_s_record_is_not_believed() -> None:
    fleet = fleet_of()
    assert not fleet.learn(replace(TERM_TWO, system_identifier="8"), 2001.0)
    assert name_of(fleet.writable(2001.0)) == "n1"
    assert "another cluster" in fleet.trouble


def test_a_term_raised_in_place_cuts_nobody() -> None:
    fleet = fleet_of()
    before = fleet.targets["n1"].term
    assert not fleet.learn(replace(TERM_ONE, age=(1, 2, 2), term=2, asked_ms=500.0), 501.0)
    assert fleet.targets["n1"].term == before
    assert name_of(fleet.writable(501.0)) == "n1"


def test_the_same_name_with_another_data_directory_is_another_primary() -> None:
    fleet = fleet_of()
    other = replace(TERM_ONE, age=(1, 2, 2), term=2, holder_id="id-new", asked_ms=500.0)
    assert words(fleet.learn(other, 501.0)) == ["PrimaryLost n1", "PrimaryServes n1"]
    assert fleet.targets["n1"].term == 2


def test_a_standby_that_shows_a_higher_term_stops_writes_until_the_record_says_who_leads() -> None:
    fleet = fleet_of()
    assert say(fleet, "n2", 100.0, 50, term=2) == ["HandingOver n1", "NodeChanged n2"]
    assert fleet.in_doubt
    assert fleet.writable(101.0) is None
    stale = replace(TERM_ONE, age=(1, 1, 2), asked_ms=90.0)  # asked before, and it still says n1
    assert not fleet.learn(stale, 102.0)
    assert fleet.writable(102.0) is None
    assert words(fleet.learn(TERM_TWO, 2001.0)) == ["PrimaryLost n1", "PrimaryServes n2"]
    assert not fleet.in_doubt


def test_a_primary_that_shows_the_higher_term_itself_goes_on() -> None:
    """It raised its term in place, and a standby replayed the new row before the record was read."""
    fleet = fleet_of()
    say(fleet, "n2", 100.0, 50, term=2)
    assert fleet.writable(101.0) is None
    assert leads(fleet, "n1", 110.0, 60, term=2) == ["PrimaryServes n1"]
    assert name_of(fleet.writable(111.0)) == "n1"


@pytest.mark.parametrize(("recovers", "term"), [(True, 1), (False, 0)])
def test_a_primary_that_contradicts_the_record_is_cut_until_it_agrees(recovers: bool, term: int) -> None:
    fleet = fleet_of(replace(TERM_ONE, asked_ms=10.0))
    assert say(fleet, "n1", 100.0, 60, term=term, recovers=recovers) == ["PrimaryLost n1"]
    assert fleet.writable(101.0) is None
    assert not fleet.learn(replace(TERM_ONE, age=(1, 1, 2), asked_ms=200.0), 201.0)
    assert fleet.writable(201.0) is None
    assert leads(fleet, "n1", 300.0, 70) == ["PrimaryServes n1"]


def test_what_a_winner_said_before_it_served_does_not_count_against_it() -> None:
    fleet = fleet_of()
    fleet.learn(TERM_TWO, 2001.0)
    assert not say(fleet, "n2", 2000.5, 60, term=1)
    assert name_of(fleet.writable(2002.0)) == "n2"


def test_a_session_reads_its_write_from_the_primary_until_a_standby_has_replayed_a_later_sample() -> None:
    fleet = fleet_of()
    leads(fleet, "n1", 100.0, 1000)
    say(fleet, "n2", 101.0, 1000)
    assert name_of(fleet.readable(99.0, 110.0)) == "n2"
    assert name_of(fleet.readable(100.0, 110.0)) == "n1"  # the very moment of the question is not covered
    assert name_of(fleet.readable(105.0, 110.0)) == "n1"
    assert fleet.wanted_ms == 110.0
    leads(fleet, "n1", 120.0, 1100)
    say(fleet, "n2", 121.0, 1050)
    assert name_of(fleet.readable(105.0, 130.0)) == "n1"
    say(fleet, "n2", 131.0, 1100)
    assert name_of(fleet.readable(105.0, 140.0)) == "n2"


def test_a_session_stays_on_the_standby_that_it_read_from_until_another_has_replayed_what_was_there_by_then() -> None:
    fleet = fleet_of()
    leads(fleet, "n1", 100.0, 1000)
    say(fleet, "n2", 101.0, 1000)
    say(fleet, "n3", 102.0, 1000)
    n2 = fleet.targets["n2"]
    n2.busy = 9
    assert name_of(fleet.readable(NEVER, 110.0)) == "n3"
    assert name_of(fleet.readable(NEVER, 110.0, 105.0, n2)) == "n2"
    assert name_of(fleet.readable(NEVER, 110.0, 105.0, fleet.targets["n1"])) == "n1"  # what only the primary may show
    leads(fleet, "n1", 120.0, 1100)
    say(fleet, "n3", 121.0, 1100)
    assert name_of(fleet.readable(NEVER, 130.0, 105.0, n2)) == "n3"


def test_a_standby_counts_only_once_it_has_replayed_the_present_reign_s_row() -> None:
    fleet = fleet_of()
    leads(fleet, "n1", 100.0, 1000)
    say(fleet, "n3", 101.0, 1000)
    fleet.learn(TERM_TWO, 2001.0)
    assert fleet.targets["n3"].fresh_ms == NEVER
    leads(fleet, "n2", 2010.0, 900, term=2)
    say(fleet, "n3", 2011.0, 1000, term=1)  # further by number, and in another history
    assert name_of(fleet.readable(NEVER, 2012.0)) == "n2"
    say(fleet, "n3", 2013.0, 950, term=2)
    assert name_of(fleet.readable(2000.0, 2014.0)) == "n3"


def test_standbys_go_on_serving_reads_while_nobody_leads() -> None:
    fleet = fleet_of()
    leads(fleet, "n1", 100.0, 1000)
    say(fleet, "n2", 101.0, 1000)
    fleet.learn(replace(TERM_ONE, age=(1, 1, 2), released=True, serving=False, asked_ms=200.0), 201.0)
    assert name_of(fleet.readable(50.0, 210.0)) == "n2"
    assert fleet.readable(150.0, 210.0) is None
    assert fleet.readable(50.0, 100.0 + 10_001.0) is None


def test_a_standby_that_lags_too_far_gets_no_reads() -> None:
    fleet = fleet_of(limits=replace(LIMITS, max_lag_bytes=500))
    leads(fleet, "n1", 100.0, 1000)
    assert say(fleet, "n2", 101.0, 600) == ["NodeChanged n2"]
    leads(fleet, "n1", 200.0, 2000)
    assert say(fleet, "n2", 201.0, 1400) == ["NodeChanged n2"]
    assert not fleet.targets["n2"].readable
    assert "600 bytes behind" in fleet.targets["n2"].trouble
    assert name_of(fleet.readable(NEVER, 202.0)) == "n1"


def test_a_standby_that_does_not_answer_gets_no_reads_until_it_does() -> None:
    fleet = fleet_of()
    leads(fleet, "n1", 100.0, 1000)
    say(fleet, "n2", 101.0, 1000)
    assert words(fleet.unanswered(fleet.targets["n2"], "no answer within 1500 ms")) == ["NodeChanged n2"]
    assert name_of(fleet.readable(NEVER, 110.0)) == "n1"
    assert say(fleet, "n2", 120.0, 1000) == ["NodeChanged n2"]


def test_a_server_out_of_recovery_that_nobody_named_is_neither_written_to_nor_read_from() -> None:
    fleet = fleet_of()
    leads(fleet, "n1", 100.0, 1000)
    leads(fleet, "n2", 101.0, 1000)
    assert not fleet.targets["n2"].usable
    assert name_of(fleet.readable(NEVER, 102.0)) == "n1"


def test_reads_go_where_load_times_latency_over_weight_is_least() -> None:
    fleet = fleet_of(limits=replace(LIMITS, weights={"n2": 1.0, "n3": 2.0}))
    leads(fleet, "n1", 100.0, 1000)
    say(fleet, "n2", 101.0, 1000)
    say(fleet, "n3", 101.0, 1000)
    assert name_of(fleet.readable(NEVER, 110.0)) == "n3"
    fleet.targets["n3"].busy = 2
    assert name_of(fleet.readable(NEVER, 110.0)) == "n2"
    for _ in range(30):
        say(fleet, "n2", 120.0, 1000, latency_ms=20.0)
    assert name_of(fleet.readable(NEVER, 130.0)) == "n3"


def test_a_weight_of_nothing_is_better_than_no_standby() -> None:
    fleet = fleet_of(limits=replace(LIMITS, weights={"n2": 0.0}))
    leads(fleet, "n1", 100.0, 1000)
    say(fleet, "n2", 101.0, 1000)
    assert name_of(fleet.readable(NEVER, 110.0)) == "n2"
    say(fleet, "n3", 111.0, 1000)
    fleet.targets["n3"].busy = 50
    assert name_of(fleet.readable(NEVER, 112.0)) == "n3"


def test_the_primary_takes_its_share_of_reads_where_it_has_a_weight() -> None:
    fleet = fleet_of(limits=replace(LIMITS, primary_weight=1.0))
    leads(fleet, "n1", 100.0, 1000)
    say(fleet, "n2", 101.0, 1000)
    fleet.targets["n2"].busy = 3
    assert name_of(fleet.readable(NEVER, 110.0)) == "n1"
    fleet.targets["n1"].busy = 9
    assert name_of(fleet.readable(NEVER, 110.0)) == "n2"


def test_weights_and_limits_change_while_it_runs() -> None:
    fleet = fleet_of()
    leads(fleet, "n1", 100.0, 1000)
    say(fleet, "n2", 101.0, 900)
    assert words(fleet.adjust(replace(LIMITS, max_lag_bytes=50))) == ["NodeChanged n2"]
    assert words(fleet.adjust(replace(LIMITS, max_lag_bytes=200))) == ["NodeChanged n2"]


def test_a_node_that_moved_is_another_target_and_one_that_left_is_gone() -> None:
    fleet = fleet_of()
    old = fleet.targets["n2"]
    moved = (NODES[0], NodeView("n2", "10.0.0.22", 5432))
    changes = fleet.learn(replace(TERM_ONE, age=(1, 1, 2), nodes=moved, asked_ms=100.0), 101.0)
    assert words(changes) == ["NodeGone n2", "NodeGone n3", "NodeChanged n2"]
    assert isinstance(changes[0], NodeGone)
    assert changes[0].target is old
    assert not fleet.sampled(old, Sample(102.0, True, 1, 1000, 1.0))


def test_a_primary_that_moved_is_lost_and_serves_at_its_new_address() -> None:
    fleet = fleet_of()
    moved = (NodeView("n1", "10.0.0.11", 5432), *NODES[1:])
    changes = fleet.learn(replace(TERM_ONE, age=(1, 1, 2), nodes=moved, asked_ms=100.0), 101.0)
    assert words(changes) == ["PrimaryLost n1", "NodeGone n1", "NodeChanged n1", "PrimaryServes n1"]
    assert fleet.primary is fleet.targets["n1"]


def test_what_is_not_heard_of_nodes_makes_none_go() -> None:
    fleet = fleet_of()
    assert not fleet.learn(replace(TERM_ONE, age=(1, 1, 2), nodes=None, asked_ms=100.0), 101.0)
    assert len(fleet.targets) == 3


def test_agents_that_know_a_higher_term_and_not_its_primary_stop_writes() -> None:
    fleet = fleet_of()
    nobody = ClusterView((1, 2, 0), 2, "", "", serving=False, asked_ms=1000.0)
    assert words(fleet.learn(nobody, 1001.0)) == ["HandingOver n1"]
    assert words(fleet.learn(TERM_TWO, 2001.0)) == ["PrimaryLost n1", "PrimaryServes n2"]


def test_agents_that_do_not_answer_change_nothing() -> None:
    fleet = fleet_of()
    nobody = ClusterView((1, 1, 1), 1, "", "", serving=False, asked_ms=1000.0)
    assert not fleet.learn(nobody, 1001.0)
    assert name_of(fleet.writable(1001.0)) == "n1"
