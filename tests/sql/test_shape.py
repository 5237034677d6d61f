"""Do texts share a shape exactly when only their literals differ?"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from howdah.sql.classify import parse
from howdah.sql.shape import SHAPE_BYTES_MAX, shape_of
from tests.sql.corpus_reads import READS
from tests.sql.corpus_writes import WRITES
from tests.sql.schema import lines

SHAPES = (
    (b"SELECT * FROM t WHERE id = 42", b"SELECT * FROM t WHERE id = 0"),
    (b"SELECT 'it''s', 1.5e-3, t1.a_2 FROM t1", b"SELECT '', 0, t1.a_2 FROM t1"),
    (b"SELECT $1, $23, 4", b"SELECT $1, $23, 0"),
    (b"SELECT \"a 1 'x'\" FROM t", b"SELECT \"a 1 'x'\" FROM t"),
    (b"SELECT 1 -- 'it", b"SELECT 0 -- 'it"),
    (b"/* id 17 */ SELECT 'a'", b"/**/ SELECT ''"),
    (b"/* howdah: primary */ SELECT 9", b"/* howdah: primary */ SELECT 0"),
    (b"SELECT a-1, b--2\n, 3", b"SELECT a-0, b--2\n, 0"),
    (b"SELECT date '2026-01-01'", b"SELECT date ''"),
    (b"SELECT 0x1F, 12ab", b"SELECT 0x1F, 12ab"),
    ("SELECT 'ä' FROM straße2".encode(), "SELECT '' FROM straße2".encode()),
)


@pytest.mark.parametrize(("text", "shape"), SHAPES)
def test_literals_and_plain_comments_go_and_the_rest_stays(text: bytes, shape: bytes) -> None:
    assert shape_of(text) == shape


@pytest.mark.parametrize(
    "text",
    [
        b"SELECT E'a'",
        b"SELECT x'1f'",
        b"SELECT N'a'",
        b"SELECT 'a\\b'",
        b"SELECT $$a$$",
        b"SELECT $q$a$q$",
        b"SELECT 'open",
        b"/* open",
        b"/* a /* b */ c */ SELECT 1",
        b"SELECT 1\0",
        b"SELECT " + b"1" * SHAPE_BYTES_MAX,
    ],
)
def test_a_doubtful_text_has_no_shape(text: bytes) -> None:
    assert shape_of(text) is None


LITERALS = st.one_of(
    st.integers(0, 10**9).map(str),
    st.floats(0, 1e6, allow_nan=False).map(lambda number: f"{number:.3f}"),
    st.text(st.characters(codec="utf-8", exclude_characters="\\\0"), max_size=8).map(
        lambda text: "'" + text.replace("'", "''") + "'"
    ),
)
FRAMES = (
    "SELECT * FROM t WHERE a = {} AND b IN ({}, {})",
    "INSERT INTO t VALUES ({}, {}, {})",
    "UPDATE t SET a = {} WHERE f({}) < {}",
    "SELECT count(*) FROM a JOIN b ON a.x = {} LIMIT {} OFFSET {}",
    "SELECT nextval({}), {}, now() - interval {}",
)


@given(st.sampled_from(FRAMES), LITERALS, LITERALS, LITERALS, LITERALS)
def test_texts_of_one_shape_have_one_script(frame: str, a: str, b: str, c: str, d: str) -> None:
    one, other = frame.format(a, b, c), frame.format(b, c, d)
    if shape_of(one.encode()) == shape_of(other.encode()):
        first, second = parse(one), parse(other)
        if first.understood and second.understood and all(statement.any_literal for statement in first.statements):
            assert (first.statements, first.hint) == (second.statements, second.hint)


@pytest.mark.parametrize("sql", lines(READS) + lines(WRITES))
def test_a_shape_is_itself_a_text_of_the_same_script(sql: str) -> None:
    shape = shape_of(sql.encode())
    script = parse(sql)
    if shape is not None and script.understood and all(statement.any_literal for statement in script.statements):
        assert shape_of(shape) == shape
        assert parse(shape.decode()).statements == script.statements


TOKENS = """SELECT FROM t E U& date a1 $1 $$ ' " "q" -- /* */ /*7*/ - + . , ( ) :: WHERE IN nextval 7 7.5e3 'x' ''"""
SOUP = st.sampled_from(["\n", "/* howdah: primary */", '"a 1"', *TOKENS.split()])


@given(st.lists(st.one_of(SOUP, st.just(None)), max_size=14), st.lists(LITERALS, min_size=28, max_size=28), st.data())
def test_no_soup_of_tokens_fools_the_shape(soup: list[str | None], literals: list[str], data: st.DataObject) -> None:
    glue = [data.draw(st.sampled_from([" ", " ", ""])) for _ in soup]
    one, other = (
        "".join(space + (token or literal) for space, token, literal in zip(glue, soup, choice, strict=False))
        for choice in (literals[:14], literals[14:])
    )
    if shape_of(one.encode()) == shape_of(other.encode()) is not None:
        first, second = parse(one), parse(other)
        if first.understood and second.understood and all(statement.any_literal for statement in first.statements):
            assert (first.statements, first.hint) == (second.statements, second.hint)
