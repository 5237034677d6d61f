"""Every rule of the protocol has a test that fails when the rule is taken out of the source."""

import subprocess
import sys

from tests.cluster.mutations import REMOVALS, ROOT

NAMED = (
    "TERM OF THE WAL", "IDENTITY", "SETTLE", "NEVER EMPTY", "PREFIX", "ONE CONNECTION", "LIVE", "STARTUP PROOF",
    "NEVER WITHDRAWN", "HOLDER VOTES FOR ALL", "SAME RECORD", "A FAILED ELECTION", "FLOOR", "LAST COPY",
)  # fmt: skip


def test_each_named_rule_of_the_protocol_is_in_the_table() -> None:
    assert not [name for name in NAMED if not any(removal.rule.startswith(name) for removal in REMOVALS)]


def test_each_rule_that_is_taken_out_is_noticed() -> None:
    # In a process of its own: it forks, and this one may have threads.
    ran = subprocess.run(
        [sys.executable, "-m", "tests.cluster.mutations"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
