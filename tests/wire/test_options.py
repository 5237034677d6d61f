"""Are the settings in `options` those that PostgreSQL finds, and is every other text a clean error?"""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from howdah.wire.options import parse_options, split_options
from howdah.wire.sqlstate import INVALID_NAME, INVALID_PARAMETER_VALUE, UNDEFINED_OBJECT
from howdah.wire.violation import ProtocolViolation
from tests.postgres.sqlserver import SqlServer
from tests.wire.wireclient import Refused, connected

letters = st.text(st.sampled_from("-c=aBe f\\\t\n'\"+%_.SOPt1-- "), max_size=40)


@given(letters)
def test_no_text_raises_anything_but_a_violation_or_takes_forever(text: str) -> None:
    try:
        found = parse_options(text)
    except ProtocolViolation as violation:
        assert violation.sqlstate in ("42601", "42704", "22023")
        return
    assert all(name for name, _ in found)
    assert len(found) <= len(text)


@given(st.lists(st.text(st.characters(exclude_characters="\0"), min_size=1, max_size=8), max_size=6))
def test_words_are_split_where_escaping_keeps_them_together(words: list[str]) -> None:
    escaped = " ".join("".join("\\" + letter for letter in word) for word in words)
    assert split_options(escaped) == tuple(words)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", ()),
        ("   \t\n ", ()),
        ("-c geqo=off", (("geqo", "off"),)),
        ("-cgeqo=off", (("geqo", "off"),)),
        ("--geqo=off", (("geqo", "off"),)),
        ("--statement-timeout=1s", (("statement_timeout", "1s"),)),
        ("-c statement-timeout=1s", (("statement_timeout", "1s"),)),
        (r"-c search_path=a,\ b", (("search_path", "a, b"),)),
        (r"-c a.b=c\\d", (("a.b", "c\\d"),)),
        ("-c a=b=c", (("a", "b=c"),)),
        ("-c a=", (("a", ""),)),
        ("-c a=1+2", (("a", "1+2"),)),
        ("-c a=%20", (("a", "%20"),)),
        ("-e", (("datestyle", "euro"),)),
        ("-fs -fm", (("enable_seqscan", "false"), ("enable_mergejoin", "false"))),
        ("-S 1000", (("work_mem", "1000"),)),
        ("-eS1000", (("datestyle", "euro"), ("work_mem", "1000"))),
        ("-tpl", (("log_planner_stats", "true"),)),
        ("-d 0", (("log_min_messages", "notice"),)),
        ("-c a=1 -c a=2", (("a", "1"), ("a", "2"))),
        ("-c a=1 --", (("a", "1"),)),
        ("-O -P", (("allow_system_table_mods", "true"), ("ignore_system_indexes", "true"))),
    ],
)
def test_each_form_is_read(text: str, found: tuple[tuple[str, str], ...]) -> None:
    assert parse_options(text) == found


@pytest.mark.parametrize(
    ("text", "sqlstate"),
    [
        ("-c=", "42704"),
        ("-c =", "42704"),
        ("-c =x", "42704"),
        ("--=x", "42704"),
        ("--=", "42704"),
        ("-c", "42601"),
        ("-c a", "42601"),
        ("--a", "42601"),
        ("--", None),
        ("-- a", "42601"),
        ("-", "42601"),
        ("a", "42601"),
        ("-c a=b c", "42601"),
        ("-Z", "42601"),
        ("-c+a=b", None),
        ("-fx", "22023"),
        ("-txx", "22023"),
        ("-d many", "22023"),
        ("\\", "42601"),
    ],
)
def test_traps_end_in_a_clean_error(text: str, sqlstate: str | None) -> None:
    if sqlstate is None:
        parse_options(text)
        return
    with pytest.raises(ProtocolViolation) as caught:
        parse_options(text)
    assert caught.value.sqlstate == sqlstate


words = st.sampled_from(
    (
        *(
            "-c",
            "-cgeqo=off",
            "geqo=on",
            "--geqo=off",
            "--work-mem=1MB",
            "-S",
            "2000",
            "-S3000",
            "-e",
            "-fs",
            "-f",
            "m",
        ),
        *("--", "-", "-c=", "--=", "x", "-c work_mem=512kB", "-eS4000", "\\", "-c\\ geqo=off", "-tpa", "--geqo"),
    )
)
ONLY_THE_SERVER_KNOWS = (INVALID_PARAMETER_VALUE, INVALID_NAME, UNDEFINED_OBJECT)
ASKED = ("geqo", "work_mem", "enable_seqscan", "enable_mergejoin", "log_parser_stats", "datestyle")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(words, max_size=5).map(" ".join))
def test_a_real_server_finds_the_same_settings(server: SqlServer, text: str) -> None:
    try:
        found = dict(parse_options(text))
        faulty = False
    except ProtocolViolation:
        found, faulty = {}, True
    with connected(server.port) as client:
        try:
            client.log_in((("user", "postgres"), ("database", "postgres"), ("options", text)))
        except Refused as refused:
            assert faulty or refused.report.sqlstate in ONLY_THE_SERVER_KNOWS
            return
        assert not faulty
        shown = {name: client.query(f"SHOW {name}") for name in ASKED}
    with connected(server.port) as client:
        client.log_in((("user", "postgres"), ("database", "postgres")))
        for name, value in found.items():
            client.query(f"SELECT set_config('{name}', '{value}', false)")
        assert shown == {name: client.query(f"SHOW {name}") for name in ASKED}
