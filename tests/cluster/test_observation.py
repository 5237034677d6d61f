"""What follows at once from what an agent knows?"""

from howdah.cluster.observation import ServerState
from howdah.values.member import Member
from tests.cluster.builders import N1, N2, a_local, a_peer, a_primary, a_record, a_server, a_standby, at, seen_store


def test_the_holder_is_a_data_directory_not_a_name() -> None:
    assert a_primary().is_holder
    assert not a_primary(me=Member("n1", "a-new-disk")).is_holder
    assert not a_primary(store=seen_store(None)).is_holder


def test_peers_are_found_by_name() -> None:
    assert a_standby().peer("n1") == a_peer(N1)
    assert a_standby().peer("n9") is None


def test_a_position_is_known_while_the_server_runs_and_its_timelines_have_entries() -> None:
    assert a_server(N2, ServerState.RECOVERY).position == at(5, 2000)
    assert a_server(N2, ServerState.RECOVERY, chain=None).position is None
    assert a_server(N2, ServerState.GONE).position is None


def test_the_store_went_back_if_it_says_less_than_this_server_knows() -> None:
    assert not a_standby().went_back
    assert not a_standby(store=seen_store(None)).went_back
    assert not a_standby(local=a_local(N2, record=None)).went_back
    assert not a_standby(store=seen_store(a_record(term=6, lease_counter=11, holder=N2))).went_back
    assert a_standby(store=seen_store(a_record(term=4, lease_counter=11))).went_back
    assert a_standby(store=seen_store(a_record(lease_counter=9))).went_back
    assert a_standby(store=seen_store(a_record(holder=N2, voters=(), k=0))).went_back
    assert a_standby(local=a_local(N2, won_term=6)).went_back
