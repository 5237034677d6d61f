"""Does the checker of the bank see money that appeared, vanished, or was taken twice?"""

from tests.chaos.bank import Look, wrong_with_bank

OPENED = {1: 50, 2: 50}


def test_moving_money_is_fine() -> None:
    assert wrong_with_bank([Look({1: 50, 2: 50}), Look({1: 20, 2: 80}), Look({1: 100, 2: 0})], OPENED) == ()


def test_half_a_transfer_changes_the_sum() -> None:
    found = wrong_with_bank([Look({1: 50, 2: 50}), Look({1: 20, 2: 50}, "n1")], OPENED)
    assert found == ("look 1 at n1: the sum is 70, not 100",)


def test_money_from_nowhere_changes_the_sum() -> None:
    assert wrong_with_bank([Look({1: 60, 2: 50})], OPENED)


def test_an_account_that_is_gone_or_new_is_told() -> None:
    assert "the accounts are [1]" in wrong_with_bank([Look({1: 100})], OPENED)[0]
    assert "the accounts are [1, 2, 3]" in wrong_with_bank([Look({1: 50, 2: 50, 3: 0})], OPENED)[0]


def test_a_lost_update_shows_as_a_balance_below_nothing() -> None:
    assert "accounts [1] are below nothing" in wrong_with_bank([Look({1: -10, 2: 110})], OPENED)[0]
