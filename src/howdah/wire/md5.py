"""How does a login by md5 go? For roles whose password is still kept that way; PostgreSQL 18 warns of them."""

import hashlib
import hmac
from typing import Final

PREFIX: Final = "md5"


def md5_verifier(password: bytes, user: str) -> str:
    """What pg_authid keeps: whoever knows it can log in, so it is as secret as the password."""
    return PREFIX + _hex(password + user.encode("utf-8", "surrogateescape"))


def is_md5_verifier(text: str) -> bool:
    """Whether pg_authid's text is such a one."""
    return len(text) == 35 and text.startswith(PREFIX) and all(letter in "0123456789abcdef" for letter in text[3:])


def md5_response(verifier: str, salt: bytes) -> bytes:
    """What a client sends for this salt; from a password by way of `md5_verifier`."""
    return (PREFIX + _hex(verifier[len(PREFIX) :].encode("ascii", "replace") + salt)).encode("ascii")


def md5_matches(response: bytes, verifier: str, salt: bytes) -> bool:
    """Whether a client's response is right."""
    return is_md5_verifier(verifier) and hmac.compare_digest(response, md5_response(verifier, salt))


def _hex(raw: bytes) -> str:
    return hashlib.md5(raw, usedforsecurity=False).hexdigest()
