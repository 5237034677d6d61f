"""Is what is known without a parser just what the parser would have said?"""

import pytest

from howdah.sql.classify import SEARCHED_MAX, parse
from howdah.sql.prefilter import KNOWN, PROBES, TEXT_BYTES_MAX, without_parser
from howdah.sql.sessioneffect import Unknown
from howdah.sql.statement import Hint, Reach


@pytest.mark.parametrize("text", sorted(KNOWN))
def test_a_known_text_means_what_parsing_says(text: bytes) -> None:
    assert without_parser(text) == parse(text.decode())


def test_other_texts_are_left_to_the_parser() -> None:
    assert without_parser(b"SELECT 2") is None
    assert without_parser(b"x" * TEXT_BYTES_MAX) is None


def test_a_long_text_goes_to_the_primary_unparsed() -> None:
    script = without_parser(b"INSERT INTO t VALUES " + b"(1)," * TEXT_BYTES_MAX)
    assert script is not None and not script.understood and script.reach is Reach.WRITE
    (statement,) = script.statements
    assert (statement.kind, statement.session) == ("INSERT", ())


def test_a_long_text_that_may_change_its_session_says_so() -> None:
    script = without_parser(b"/* howdah: primary */ SELECT 1;" + b" " * TEXT_BYTES_MAX + b"Set work_mem = 1")
    assert script is not None and script.hint is Hint.PRIMARY
    (statement,) = script.statements
    assert [type(effect) for effect in statement.session] == [Unknown]


def test_probes_are_empty_or_read_a_constant() -> None:
    for text in PROBES:
        script = parse(text.decode())
        assert script.empty or (script.reach is Reach.READ and not script.statements[0].names.relations)


def test_a_text_too_long_to_be_looked_through_may_have_changed_its_session() -> None:
    script = without_parser(b"INSERT INTO t VALUES " + b"(1)," * SEARCHED_MAX)
    assert script is not None and [type(effect) for effect in script.statements[0].session] == [Unknown]
