"""What holds for any text at all?"""

from hypothesis import given
from hypothesis import strategies as st

from howdah.sql.classify import parse
from howdah.sql.statement import Reach
from tests.sql.corpus_reads import READS
from tests.sql.corpus_writes import WRITES
from tests.sql.schema import lines

STATEMENTS = [sql for sql in lines(READS) + lines(WRITES) if parse(sql).understood and parse(sql).statements]
WORDS = sorted({word for sql in STATEMENTS for word in sql.split()})
SPACE = st.sampled_from([" ", "\n", "\t", " /* x */ ", " -- x\n", "\r\n", " /* ' */ ", " /* /* ; */ */ "])


@given(st.text())
def test_no_text_raises(text: str) -> None:
    script = parse(text)
    assert script.understood or script.reach is Reach.WRITE


@given(st.lists(st.sampled_from([*WORDS, ";", "(", ")", "'", '"', "$$", "--", "/*", "*/", "\\"]), max_size=12))
def test_no_sequence_of_words_raises(words: list[str]) -> None:
    script = parse(" ".join(words))
    assert script.why
    assert script.understood or script.reach is Reach.WRITE


@given(st.sampled_from(STATEMENTS), SPACE, SPACE)
def test_space_and_comments_around_change_nothing(sql: str, before: str, after: str) -> None:
    plain, wrapped = parse(sql), parse(before + sql + "\n" + after)
    assert [(s.kind, s.reach, s.names, s.transaction) for s in plain.statements] == [
        (s.kind, s.reach, s.names, s.transaction) for s in wrapped.statements
    ]


@given(st.sampled_from(["SELECT a , f ( b ) FROM t WHERE c = 'x y'", "DELETE FROM t WHERE a = 1"]), st.data())
def test_space_and_comments_inside_change_nothing(sql: str, data: st.DataObject) -> None:
    tokens = sql.replace("'x y'", "'x_y'").split()
    spaced = tokens[0] + "".join(data.draw(SPACE) + token for token in tokens[1:])
    plain, other = parse(" ".join(tokens)), parse(spaced)
    assert (plain.statements, plain.why) == (other.statements, other.why)


@given(st.lists(st.sampled_from(STATEMENTS), min_size=1, max_size=4))
def test_a_text_writes_if_any_part_of_it_does(parts: list[str]) -> None:
    whole = parse("\n;".join(parts))
    assert whole.understood
    any_writes = any(parse(part).reach is Reach.WRITE for part in parts)
    assert (whole.reach is Reach.WRITE) == any_writes
    assert len(whole.statements) == sum(len(parse(part).statements) for part in parts)


@given(st.sampled_from(STATEMENTS))
def test_a_statement_inside_a_cte_or_subquery_keeps_its_reach(sql: str) -> None:
    inner = parse(sql)
    if len(inner.statements) == 1 and inner.statements[0].kind in ("SELECT", "VALUES"):
        nested = parse(f"SELECT * FROM ({sql.rstrip(' ;')}\n) AS s")
        if nested.understood and "INTO" not in sql:
            assert nested.reach is inner.reach
            assert set(inner.statements[0].functions) <= set(nested.statements[0].functions)
