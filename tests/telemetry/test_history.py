"""Do several nodes' accounts of the role changes make one table?"""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from howdah.telemetry.history import HistoryFile, RoleChange, merge, read_change, read_history, write_change
from howdah.values.lsn import Lsn

WON = RoleChange(4, "n2", "the holder did not renew", 1000, 5, Lsn(77), None, "n2")


@given(st.builds(RoleChange, switch_lsn=st.integers(0, 2**64 - 1).map(Lsn)))
def test_a_change_is_read_as_it_was_written(change: RoleChange) -> None:
    assert read_change(write_change(change)) == change


def test_the_winner_s_account_counts_and_the_others_fill_what_it_does_not_know() -> None:
    seen = RoleChange(4, "n2", "n2 leads now", 1500, 5, Lsn(77), 620, "n3")
    assert merge([seen, WON]) == merge([WON, seen])
    (row,) = merge([seen, WON])
    assert (row.cause, row.at_wall_ms, row.away_ms, row.told_by) == ("the holder did not renew", 1000, 620, "n2")


def test_rows_stand_in_the_order_of_terms_and_one_node_may_be_the_only_witness() -> None:
    first = RoleChange(1, "n1", "first start", 10, told_by="n1")
    assert [row.term for row in merge([WON, first])] == [1, 4]
    assert merge([]) == ()


def test_a_change_written_again_once_writes_are_back_is_one_row(tmp_path: Path) -> None:
    history = HistoryFile(tmp_path)
    history.append(WON)
    history.append(RoleChange(4, "n2", "the holder did not renew", 1000, 5, Lsn(77), 480, "n2"))
    history.close()
    (row,) = read_history(tmp_path)
    assert row.away_ms == 480
    assert history.rows() == HistoryFile(tmp_path).rows() == (row,)


def test_a_restart_in_the_same_term_does_not_change_when_and_why_it_was_won() -> None:
    won = RoleChange(4, "n2", "the holder did not renew", 1000, 5, Lsn(77), 480, "n2")
    restarted = RoleChange(4, "n2", "this server holds term 4 and is not running", 9000, 5, Lsn(77), 2100, "n2")
    assert merge([won, restarted]) == (won,)


def test_a_damaged_line_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "history.jsonl").write_text(f"3\nnonsense\n{write_change(WON)}\n")
    assert read_history(tmp_path) == (WON,)
