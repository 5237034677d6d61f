"""What does the operator want?"""

from dataclasses import replace

from howdah.cluster.intents import Intents
from howdah.cluster.record import Mode

THREE = ("n1", "n2", "n3")


def test_three_or_more_configured_nodes_mean_quorum_fewer_async() -> None:
    assert Intents(nodes=THREE).effective_mode is Mode.QUORUM
    assert Intents(nodes=THREE[:2]).effective_mode is Mode.ASYNC


def test_the_operator_s_word_on_the_mode_counts_first() -> None:
    assert Intents(nodes=THREE, mode=Mode.ASYNC).effective_mode is Mode.ASYNC
    assert Intents(nodes=THREE[:1], mode=Mode.QUORUM).effective_mode is Mode.QUORUM


def test_k_is_half_the_configured_nodes_rounded_down_and_at_least_1_in_quorum_mode() -> None:
    assert [Intents(nodes=THREE + extra).effective_k(()) for extra in ((), ("n4",), ("n4", "n5"))] == [1, 2, 2]
    assert Intents(nodes=THREE[:1], mode=Mode.QUORUM).effective_k(()) == 1
    assert Intents(nodes=THREE, k_target=2).effective_k(()) == 2


def test_nodes_that_never_vote_do_not_count_for_k_and_do_for_the_mode() -> None:
    five = Intents(nodes=(*THREE, "n4", "n5"))
    assert [five.effective_k(who) for who in (("n5",), ("n4", "n5"), THREE, five.nodes, ("n9",))] == [2, 1, 1, 1, 2]
    assert replace(five, k_target=2).effective_k(("n4", "n5")) == 2
    assert five.effective_mode is Mode.QUORUM


def test_in_async_mode_k_is_0_whatever_was_set() -> None:
    assert Intents(nodes=THREE, mode=Mode.ASYNC, k_target=2).effective_k(()) == 0
