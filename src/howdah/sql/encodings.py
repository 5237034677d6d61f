"""How does a text in the client's encoding become one that the parser can read?

The parser reads UTF-8. In some encodings that only clients may use (SJIS, BIG5, GBK...) the second byte of a character
can be a backslash or a letter, so their bytes must never be looked at one by one.
"""

CODECS = {
    "BIG5": "big5",
    "EUC_CN": "gb2312",
    "EUC_JIS_2004": "euc_jis_2004",
    "EUC_JP": "euc_jp",
    "EUC_KR": "euc_kr",
    "GB18030": "gb18030",
    "GBK": "gbk",
    "ISO_8859_5": "iso8859_5",
    "ISO_8859_6": "iso8859_6",
    "ISO_8859_7": "iso8859_7",
    "ISO_8859_8": "iso8859_8",
    "JOHAB": "johab",
    "KOI8R": "koi8_r",
    "KOI8U": "koi8_u",
    "LATIN1": "latin_1",
    "LATIN10": "iso8859_16",
    "LATIN2": "iso8859_2",
    "LATIN3": "iso8859_3",
    "LATIN4": "iso8859_4",
    "LATIN5": "iso8859_9",
    "LATIN6": "iso8859_10",
    "LATIN7": "iso8859_13",
    "LATIN8": "iso8859_14",
    "LATIN9": "iso8859_15",
    "SHIFT_JIS_2004": "shift_jis_2004",
    "SJIS": "cp932",
    "SQL_ASCII": "latin_1",
    "UHC": "cp949",
    "UTF8": "utf_8",
    "WIN1250": "cp1250",
    "WIN1251": "cp1251",
    "WIN1252": "cp1252",
    "WIN1253": "cp1253",
    "WIN1254": "cp1254",
    "WIN1255": "cp1255",
    "WIN1256": "cp1256",
    "WIN1257": "cp1257",
    "WIN1258": "cp1258",
    "WIN866": "cp866",
    "WIN874": "cp874",
}
"""Python's codecs by the names that PostgreSQL reports in client_encoding. Those without one (EUC_TW, MULE_INTERNAL)
are left out: nothing but ASCII is understood in them. SQL_ASCII says nothing about higher bytes; as Latin-1 each is a
letter, which is what the server's lexer takes it for."""

NOT_BY_BYTES = frozenset(("BIG5", "GB18030", "GBK", "JOHAB", "SHIFT_JIS_2004", "SJIS", "UHC"))
"""Encodings in which an ASCII byte may be a part of another character."""


def decoded(text: bytes, client_encoding: str) -> str | None:
    """The text; None if it is not valid in the encoding, or the encoding is not known here."""
    if text.isascii() and client_encoding not in NOT_BY_BYTES:
        return text.decode("ascii")
    codec = CODECS.get(client_encoding)
    if codec is None:
        return None
    try:
        return text.decode(codec)
    except UnicodeDecodeError:
        return None
