"""Is a text read once, and is what was said of it kept in bounded memory?"""

import gc
import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from howdah.sql.cache import Verdicts, weight_bytes
from howdah.sql.classify import parse
from howdah.sql.prefilter import TEXT_BYTES_MAX
from howdah.sql.volatility import EMPTY_CATALOG, FunctionFact, Volatility, catalog_of, judge

CATALOG = catalog_of([FunctionFact("public", "f", Volatility.STABLE)])
MEGABYTE = 1_000_000


def test_the_second_look_parses_nothing() -> None:
    verdicts = Verdicts(MEGABYTE, CATALOG)
    first = verdicts.look(b"SELECT f() FROM t")
    assert verdicts.look(b"SELECT f() FROM t") is first and first.read
    assert (verdicts.parsed, verdicts.hits, verdicts.shape_hits) == (1, 1, 0)


def test_another_literal_is_known_by_its_shape() -> None:
    verdicts = Verdicts(MEGABYTE, CATALOG)
    first = verdicts.look(b"SELECT * FROM t WHERE id = 1")
    assert verdicts.look(b"SELECT * FROM t WHERE id = 2") is first
    assert (verdicts.parsed, verdicts.shape_hits) == (1, 1)


def test_settings_are_never_known_by_their_shape() -> None:
    verdicts = Verdicts(MEGABYTE, CATALOG)
    one, other = verdicts.look(b"SET app.a = '1'"), verdicts.look(b"SET app.a = '2'")
    assert one.script != other.script and verdicts.shape_hits == 0


def test_a_hint_is_not_lost_in_a_shape() -> None:
    verdicts = Verdicts(MEGABYTE, CATALOG)
    assert verdicts.look(b"/* a */ SELECT 1").read
    assert not verdicts.look(b"/* howdah: primary */ SELECT 1").read
    assert verdicts.look(b"/* b */ SELECT 2").read


def test_new_catalogs_judge_known_texts_anew_without_parsing() -> None:
    verdicts = Verdicts(MEGABYTE, EMPTY_CATALOG)
    assert not verdicts.look(b"SELECT f()").read
    verdicts.renew(CATALOG)
    assert verdicts.look(b"SELECT f()").read and verdicts.parsed == 1
    verdicts.renew(catalog_of([FunctionFact("public", "f", Volatility.VOLATILE)]))
    assert not verdicts.look(b"SELECT f()").read and verdicts.parsed == 1


def test_a_text_in_use_survives_a_flood_of_others() -> None:
    verdicts = Verdicts(50_000, CATALOG)
    for number in range(500):
        verdicts.look(b"SELECT * FROM favourite")
        verdicts.look(b"SELECT * FROM t%d" % number)
    assert verdicts.parsed == 501
    assert verdicts.entries() < 100


def test_the_estimate_of_memory_is_not_too_low() -> None:
    texts = [
        b"SELECT a, f(b), g(c) FROM table_%d JOIN other_%d ON x = y WHERE z > 1 AND q LIKE 'abc'" % (number, number)
        for number in range(300)
    ]
    texts += [b"SET app.tenant_%d = 'some value or other'" % number for number in range(300)]
    verdicts = Verdicts(100 * MEGABYTE, CATALOG)
    verdicts.look(b"SELECT warm FROM up")
    gc.collect()
    tracemalloc.start()
    for text in texts:
        verdicts.look(bytes(bytearray(text)))
    gc.collect()
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    estimated = sum(weight_bytes(text, verdicts.look(text).script) for text in texts)
    assert held <= estimated + sum(weight_bytes(text, verdicts.look(text).script) for text in texts[:300])


def test_bytes_that_are_no_text_go_to_the_primary() -> None:
    verdicts = Verdicts(MEGABYTE, CATALOG)
    verdict = verdicts.look(b"SELECT '\xff'")
    assert not verdict.read and "UTF8" in verdict.judgement.why
    assert Verdicts(MEGABYTE, CATALOG, "LATIN1").look(b"SELECT '\xff'").read
    japanese = Verdicts(MEGABYTE, CATALOG, "SJIS")
    assert japanese.look("SELECT '表'".encode("shift_jis")).read and japanese.shape_hits == 0


@given(
    st.lists(st.sampled_from([b"SELECT 1", b"SELECT 2", b"SELECT f()", b"DELETE FROM t", b"SELECT 'a'", b"", b"\xff"]))
)
def test_the_cache_says_what_parsing_says(texts: list[bytes]) -> None:
    verdicts = Verdicts(5_000, CATALOG)
    for text in texts:
        script = parse(text.decode("latin-1"))
        assert verdicts.look(text).read == judge(script, CATALOG).read


def test_a_text_too_long_to_be_parsed_is_not_kept() -> None:
    verdicts = Verdicts(MEGABYTE, CATALOG)
    long = b"INSERT INTO t VALUES " + b"(1)," * TEXT_BYTES_MAX
    assert not verdicts.look(long).read and verdicts.entries() == 0
