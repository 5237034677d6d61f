"""Are hints found where they count, and only there?"""

import pytest

from howdah.sql.hints import leading_hint, without_leading_comments
from howdah.sql.statement import Hint

FORMS = (
    ("/* howdah: primary */ SELECT 1", Hint.PRIMARY),
    ("/*howdah:standby*/SELECT 1", Hint.STANDBY),
    ("  \n/* HOWDAH :  Standby */ SELECT 1", Hint.STANDBY),
    ("/*+ howdah: primary */ SELECT 1", Hint.PRIMARY),
    ("-- a line\n/* other */ ; /* howdah: primary */ SELECT 1", Hint.PRIMARY),
    ("/* a /* nested */ one */ /* howdah: standby */ SELECT 1", Hint.STANDBY),
    ("/* howdah: primary */ /* howdah: standby */ SELECT 1", Hint.PRIMARY),
    ("SELECT 1 /* howdah: primary */", None),
    ("SELECT '/* howdah: primary */'", None),
    ("-- /* howdah: primary */\nSELECT 1", None),
    ("/* howdah: nowhere */ SELECT 1", None),
    ("/* /* howdah: primary */ */ SELECT 1", None),
    ("/* howdah: primary", None),
    ("SELECT 1", None),
    ("", None),
)


@pytest.mark.parametrize(("sql", "hint"), FORMS)
def test_a_hint_counts_only_in_a_comment_in_front(sql: str, hint: Hint | None) -> None:
    assert leading_hint(sql) is hint


@pytest.mark.parametrize(
    ("sql", "rest"),
    [
        ("SELECT 1", "SELECT 1"),
        (" ; -- x\n/* y /* z */ */ SELECT 1", "SELECT 1"),
        ("/* open", ""),
        ("-- only", ""),
    ],
)
def test_comments_in_front_can_be_left_out(sql: str, rest: str) -> None:
    assert without_leading_comments(sql) == rest
