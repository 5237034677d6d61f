"""Does a machine that cannot make faults hear what it lacks?"""

import subprocess
import sys

from tests.chaos.machine import missing
from tests.realcluster.node import HERE


def test_a_missing_program_is_named_with_its_package() -> None:
    said = missing(find=lambda program: None if program == "nft" else f"/usr/sbin/{program}")
    assert "the program nft is not there: install Debian's package nftables" in said


def test_without_root_it_says_so() -> None:
    assert "it needs root, for network namespaces, packet filters and small file systems" in missing(account=1000)


def test_make_chaos_refuses_a_machine_that_lacks_something() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.chaos"],
        cwd=HERE,
        env={"PATH": "/nowhere"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "install Debian's package nftables" in done.stderr
