"""Do builders and readers of a server's messages undo each other, and do reports say what they can?"""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from howdah.wire import authentication, codes, replies, rows
from howdah.wire.fields import message, value
from howdah.wire.replies import CommandTag, CopyFormat, Notification, Report, read_report
from howdah.wire.rows import Column
from howdah.wire.sqlstate import error, notice
from howdah.wire.violation import ProtocolViolation

raw_names = st.binary(max_size=20).map(lambda raw: raw.replace(b"\0", b""))
texts = st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=20)

Read = Callable[[bytes, int, int], object]
READERS: list[Read] = [
    replies.read_ready,
    replies.read_report,
    replies.read_parameter_status,
    replies.read_notification,
    replies.read_command_complete,
    replies.read_copy_response,
    rows.read_row_description,
    rows.read_data_row,
    authentication.read_authentication,
    authentication.read_password,
    authentication.read_sasl_initial_response,
    authentication.read_sasl_response,
]


def again(read: Callable[[bytes, int, int], object], raw: bytes) -> object:
    return read(b"before" + raw + b"after\0", 6, 6 + len(raw))


@given(st.binary(max_size=60))
def test_no_body_raises_anything_but_a_violation(body: bytes) -> None:
    for read in READERS:
        raw = message(codes.NOTICE, body)
        try:
            read(raw, 0, len(raw))
        except ProtocolViolation:
            continue


@pytest.mark.parametrize("status", list(b"ITE"))
def test_a_transaction_status_is_read_again(status: int) -> None:
    assert again(replies.read_ready, replies.ready_for_query(status)) == status


def test_another_transaction_status_is_refused() -> None:
    with pytest.raises(ProtocolViolation, match="transaction status"):
        again(replies.read_ready, replies.ready_for_query(ord("X")))


@given(texts, texts)
def test_a_parameter_is_read_again(name: str, setting: str) -> None:
    assert again(replies.read_parameter_status, replies.parameter_status(name, setting)) == (name, setting)


@given(st.integers(-(2**31), 2**31 - 1), raw_names, raw_names)
def test_a_notification_is_read_again(process: int, channel: bytes, payload: bytes) -> None:
    note = Notification(process, channel, payload)
    assert again(replies.read_notification, replies.notification(note)) == note


@pytest.mark.parametrize(
    ("tag", "words"),
    [
        (CommandTag("SELECT", 5), b"SELECT 5"),
        (CommandTag("INSERT", 1), b"INSERT 0 1"),
        (CommandTag("MERGE", 0), b"MERGE 0"),
        (CommandTag("BEGIN", None), b"BEGIN"),
        (CommandTag("CREATE TABLE", None), b"CREATE TABLE"),
        (CommandTag("COPY", 12), b"COPY 12"),
    ],
)
def test_a_tag_is_written_as_postgresql_does_and_read_again(tag: CommandTag, words: bytes) -> None:
    assert replies.command_complete(tag) == message(codes.COMMAND_COMPLETE, words + b"\0")
    assert again(replies.read_command_complete, replies.command_complete(tag)) == tag


@pytest.mark.parametrize("words", ["", "SELECT", "SELECT x", "SELECT 99999999999999999999999", "INSERT 0", "odd 1"])
def test_any_text_is_a_tag(words: str) -> None:
    assert again(replies.read_command_complete, message(codes.COMMAND_COMPLETE, words.encode() + b"\0"))


@given(st.sampled_from((codes.COPY_IN, codes.COPY_OUT, codes.COPY_BOTH)), st.booleans(), st.lists(st.integers(0, 1)))
def test_an_invitation_to_copy_is_read_again(kind: int, binary: bool, columns: list[int]) -> None:
    form = CopyFormat(binary, tuple(columns))
    assert again(replies.read_copy_response, replies.copy_response(kind, form)) == form


@given(texts, texts, texts, texts)
def test_an_error_carries_both_severities_and_every_text(state: str, sentence: str, detail: str, hint: str) -> None:
    for build, kind in ((error, codes.ERROR), (notice, codes.NOTICE)):
        raw = build("FATAL", state, sentence, detail, hint)
        assert raw[0] == kind
        report = read_report(raw, 0, len(raw))
        assert report.fields["S"] == report.fields["V"] == report.severity == "FATAL"
        assert (report.fields["C"], report.message) == (state, sentence)
        assert report.fields.get("D", "") == detail
        assert report.fields.get("H", "") == hint
        assert report.fatal


def test_a_text_cannot_end_its_field_early() -> None:
    raw = error("ERROR", "XX000", "one\0Cfaked")
    assert read_report(raw, 0, len(raw)).fields == {"S": "ERROR", "V": "ERROR", "C": "XX000", "M": "oneCfaked"}


def test_an_error_without_a_state_is_an_internal_one() -> None:
    raw = message(codes.ERROR, b"SFEHLER\0Mkaputt\0\0")
    report = read_report(raw, 0, len(raw))
    assert (report.sqlstate, report.severity, report.message) == ("XX000", "FEHLER", "kaputt")
    assert not report.fatal


@pytest.mark.parametrize("body", [b"", b"\0", b"S", b"SERROR", b"SERROR\0C", b"VPANIC\0\0", b"C1\0"])
def test_a_report_that_is_cut_off_says_what_it_can(body: bytes) -> None:
    raw = message(codes.ERROR, body)
    report = read_report(raw, 0, len(raw))
    assert len(report.sqlstate) == 5
    assert report.severity
    assert isinstance(report.message, str)


def test_a_report_of_nothing_is_an_error() -> None:
    assert Report({}).severity == "ERROR"


def test_the_severity_that_is_never_translated_counts() -> None:
    raw = message(codes.ERROR, b"SFATAL \xc3\xbcbersetzt\0VFATAL\0\0")
    assert read_report(raw, 0, len(raw)).fatal


def test_replies_without_a_body_are_those_of_the_protocol() -> None:
    for raw, kind in (
        (replies.PARSE_COMPLETE, codes.PARSE_COMPLETE),
        (replies.BIND_COMPLETE, codes.BIND_COMPLETE),
        (replies.CLOSE_COMPLETE, codes.CLOSE_COMPLETE),
        (replies.NO_DATA, codes.NO_DATA),
        (replies.EMPTY_QUERY, codes.EMPTY_QUERY),
        (replies.PORTAL_SUSPENDED, codes.PORTAL_SUSPENDED),
    ):
        assert raw == message(kind, b"")
    assert replies.ready_for_query(codes.IDLE) == replies.READY_IDLE
    assert replies.function_result(value(None)) == b"V\0\0\0\x08\xff\xff\xff\xff"


def test_a_violation_is_told_as_a_fatal_error() -> None:
    raw = ProtocolViolation("no", detail="because", hint="do not").report()
    report = read_report(raw, 0, len(raw))
    assert report.fatal
    assert (report.sqlstate, report.message, report.fields["H"]) == ("08P01", "no", "do not")


columns = st.lists(st.builds(Column, texts, st.sampled_from((16, 20, 25, 701, 1700)), st.booleans()), max_size=4)


@given(columns)
def test_columns_are_read_again(described: list[Column]) -> None:
    assert again(rows.read_row_description, rows.row_description(described)) == tuple(described)


@given(st.lists(st.one_of(st.none(), st.binary(max_size=20)), max_size=5))
def test_a_row_is_read_again(values: list[bytes | None]) -> None:
    assert again(rows.read_data_row, rows.data_row(values)) == tuple(values)


def test_no_columns_are_not_no_data() -> None:
    assert rows.row_description(()) == b"T\0\0\0\6\0\0"
    assert rows.statement_description(None).endswith(replies.NO_DATA)
    assert rows.statement_description(()).endswith(rows.row_description(()))


def test_values_are_written_as_postgresql_writes_them() -> None:
    assert [rows.text_value(item) for item in (None, True, False, 5, 1.5, "ä")] == [
        None,
        b"t",
        b"f",
        b"5",
        b"1.5",
        "ä".encode(),
    ]


def test_an_answer_of_the_admin_database_ends_with_the_count_of_its_rows() -> None:
    raw = rows.table([Column("name"), Column("n", rows.BIGINT_OID)], [("a", 1), (None, 2)], "SHOW")
    assert raw.startswith(rows.row_description([Column("name"), Column("n", rows.BIGINT_OID)]))
    assert rows.data_row((None, b"2")) in raw
    assert raw.endswith(replies.command_complete(CommandTag("SHOW", 2)))
