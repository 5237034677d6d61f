"""Which documents may a store hold: how may one be called, and how big may it be?"""

import re

DOCUMENT_BYTES_MAX = 500_000
"""Counted in UTF-8. Below what every store takes in one write: etcd 1.5 MB, a Kubernetes object 1 MiB."""

NAME_CHARACTERS_MAX = 63
"""What Kubernetes allows for a name of this alphabet."""

_NAME = re.compile(r"[a-z][a-z0-9-]*")


def check_document_name(name: str) -> str:
    """Return the name, or raise ValueError that says what a document may be called."""
    if not _NAME.fullmatch(name) or len(name) > NAME_CHARACTERS_MAX:
        raise ValueError(
            f"{name!r} cannot name a document: a lower-case letter, then lower-case letters, digits or '-', "
            f"at most {NAME_CHARACTERS_MAX} in all"
        )
    return name


def encode_document(text: str) -> bytes:
    """The bytes that are stored. Raises ValueError for text that is too big or no Unicode."""
    content = text.encode()
    if len(content) > DOCUMENT_BYTES_MAX:
        raise ValueError(f"the document has {len(content)} bytes; a store takes at most {DOCUMENT_BYTES_MAX}")
    return content
