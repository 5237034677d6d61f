"""Does the parser end every text with a tree or a reason, and leave the process alive?"""

import subprocess
import sys

import pytest

from howdah.sql.parser import NotParsed, RawStatement, parse_tree
from howdah.sql.prefilter import TEXT_BYTES_MAX
from howdah.sql.survey import Survey
from howdah.sql.tree import boolean, constant, number, of_kind, qualified, tagged
from tests.sql.schema import lines


def test_each_statement_has_its_own_text() -> None:
    parsed = parse_tree("SELECT 'ä' ;  /* x */ DELETE FROM ö;")
    assert isinstance(parsed, tuple)
    assert [(raw.tag, raw.text) for raw in parsed] == [
        ("SelectStmt", "SELECT 'ä'"),
        ("DeleteStmt", "/* x */ DELETE FROM ö"),
    ]


@pytest.mark.parametrize("text", ["SELEC", "SELECT 1\0", "SELECT '\ud800'", "'", "$$", "\\", "SELECT 'é' x y z é"])
def test_a_text_that_is_no_sql_gives_a_reason(text: str) -> None:
    parsed = parse_tree(text)
    assert isinstance(parsed, NotParsed) and parsed.why


DEEP = """
({})
ARRAY[{}]
NOT {}
- {}
({} + 1)
(SELECT {})
CASE WHEN {} THEN 1 END
f({})
x.{}
{}::int
{} + 1
{} AND (1 = 1)
'a' ^ {}
{} UNION SELECT 1
ROW({})
({}).a
{}[1]
"""

PROBE = """
import sys, threading
from howdah.sql.classify import parse
def run():
    for frame in sys.argv[2].split(chr(10)):
        print(frame, flush=True)
        before, after = frame.split("{}")
        depth = int(sys.argv[1]) // (len(frame) - 2)
        text = "SELECT " + before * depth + "1" + after * depth
        parse(text)
        parse(text[: len(text) // 2])
run()
other = threading.Thread(target=run)
other.start()
other.join()
print("alive")
"""


def test_the_deepest_texts_that_are_parsed_at_all_do_not_end_the_process() -> None:
    command = [sys.executable, "-c", PROBE, str(TEXT_BYTES_MAX), "\n".join(lines(DEEP))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.endswith("alive\n"), f"ended by {done.stdout[-100:]}: {done.stderr[-500:]}"


def test_trees_of_another_form_than_expected_are_read_as_empty() -> None:
    assert tagged([]) == tagged({"a": 1}) == tagged({"a": {}, "b": {}}) == ("", {})
    assert list(of_kind([1, {"A": {}}, {"B": {"x": 1}}], "B")) == [{"x": 1}]
    assert qualified([]) == ("", "") and number({"a": "x"}, "a") == 0
    assert constant(None) is None and constant({"A_Const": {"isnull": True}}) is None
    assert (boolean("ON"), boolean("0"), boolean("x"), boolean(None)) == (True, False, None, None)
    survey = Survey()
    survey.walk([None, 1, {"SelectStmt": {"funcname": [], "args": "x"}}])
    assert survey.objection == ""
    assert RawStatement("x", {}, "") == RawStatement("x", {}, "")
