"""Timeline history files."""

import pytest

from howdah.cluster.serverfacts import HistoryStep
from howdah.postgres.history import history_file, parse_history
from howdah.values.lsn import Lsn


def test_each_line_is_an_ancestor_and_where_it_was_left() -> None:
    text = "1\t0/93BA68\tno recovery target specified\n\n2\t1/A0\tbefore 2026-01-01\n"
    assert parse_history(text) == (HistoryStep(1, Lsn(0x93BA68)), HistoryStep(2, Lsn((1 << 32) + 0xA0)))


def test_comments_and_blank_lines_say_nothing() -> None:
    assert parse_history("# a note\n\n  \n") == ()


@pytest.mark.parametrize("text", ["1\n", "one\t0/1\tx\n", "1\tnonsense\tx\n", "2\t0/1\tx\n1\t0/2\tx\n"])
def test_what_postgresql_would_refuse_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"history file|log position"):
        parse_history(text)


def test_the_file_is_named_in_hexadecimal() -> None:
    assert history_file(26) == "0000001A.history"
