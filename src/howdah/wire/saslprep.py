"""In which form does a password go into SCRAM?

RFC 4013, exactly as PostgreSQL applies it (pg_saslprep), since its verifiers were made so: what is not UTF-8, or holds
forbidden characters, is taken as it is instead of being refused, and the forbidden are looked for before normalizing.
"""

import stringprep
import unicodedata


def saslprep(password: bytes) -> bytes:
    """The password to derive keys from."""
    if password.isascii():
        return password
    try:
        text = password.decode("utf-8")
    except UnicodeDecodeError:
        return password
    mapped = "".join(
        " " if stringprep.in_table_c12(letter) else letter for letter in text if not stringprep.in_table_b1(letter)
    )
    if not mapped or any(_forbidden(letter) for letter in mapped) or _mixed_direction(mapped):
        return password
    return unicodedata.normalize("NFKC", mapped).encode("utf-8")


def _forbidden(letter: str) -> bool:
    """RFC 4013 sections 2.3 and 2.5: control, private, surrogate, tagging characters and the like, and unassigned."""
    return (
        stringprep.in_table_c21_c22(letter)
        or stringprep.in_table_c3(letter)
        or stringprep.in_table_c4(letter)
        or stringprep.in_table_c5(letter)
        or stringprep.in_table_c6(letter)
        or stringprep.in_table_c7(letter)
        or stringprep.in_table_c8(letter)
        or stringprep.in_table_c9(letter)
        or stringprep.in_table_a1(letter)
    )


def _mixed_direction(text: str) -> bool:
    """RFC 3454 section 6: text with a right-to-left letter begins and ends with one, and has no left-to-right one."""
    if not any(stringprep.in_table_d1(letter) for letter in text):
        return False
    if any(stringprep.in_table_d2(letter) for letter in text):
        return True
    return not (stringprep.in_table_d1(text[0]) and stringprep.in_table_d1(text[-1]))
