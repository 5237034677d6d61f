"""Are texts of other encodings read as their server reads them?"""

import pytest

from howdah.sql.encodings import CODECS, NOT_BY_BYTES, decoded


def test_every_codec_exists() -> None:
    for encoding in CODECS:
        assert decoded(b"SELECT 1", encoding) == "SELECT 1"


@pytest.mark.parametrize(
    ("text", "encoding", "expected"),
    [
        ("ä".encode(), "UTF8", "ä"),
        ("ä".encode("latin-1"), "LATIN1", "ä"),
        ("表".encode("shift_jis"), "SJIS", "表"),
        (b"\xff", "UTF8", None),
        (b"\xff", "MULE_INTERNAL", None),
        (b"SELECT", "EUC_TW", "SELECT"),
        (b"\xe4", "SQL_ASCII", "ä"),
    ],
)
def test_a_text_is_decoded_or_given_up(text: bytes, encoding: str, expected: str | None) -> None:
    assert decoded(text, encoding) == expected


def test_a_backslash_inside_a_character_is_no_backslash() -> None:
    text = "SELECT '表'".encode("shift_jis")
    assert b"\\" in text and "SJIS" in NOT_BY_BYTES
    assert "\\" not in (decoded(text, "SJIS") or "\\")
