"""Can this machine make real network faults, and what is missing if not?"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

PROGRAMS = {
    "ip": "iproute2",
    "nft": "nftables",
    "nsenter": "util-linux",
    "unshare": "util-linux",
    "mount": "mount",
    "mkfs.ext4": "e2fsprogs",
}
"""Each with Debian's package of it."""
TUN = Path("/dev/net/tun")
LOOP = Path("/dev/loop-control")
OWN_MOUNTS = "HOWDAH_CHAOS_OWN_MOUNTS"
"""The process that has them: its number stays when it begins again."""


def missing(find: Callable[[str], str | None] = shutil.which, account: int | None = None) -> tuple[str, ...]:
    """What keeps this machine, or this account's number, from it, as sentences; empty if nothing does."""
    found = [
        f"the program {program} is not there: install Debian's package {package}"
        for program, package in PROGRAMS.items()
        if find(program) is None
    ]
    if (os.geteuid() if account is None else account) != 0:
        found.append("it needs root, for network namespaces, packet filters and small file systems")
    elif not found and subprocess.run(["unshare", "--net", "--mount", "true"], check=False).returncode != 0:
        found.append("this root may not make namespaces: give it CAP_SYS_ADMIN and CAP_NET_ADMIN")
    if not TUN.exists():
        found.append(f"{TUN} is not there, through which packets are delayed: load the kernel's module tun")
    if not LOOP.exists():
        found.append(f"{LOOP} is not there, through which files become disks: load the kernel's module loop")
    return tuple(found)


def with_own_mounts(module: str) -> None:
    """Begin this program again where nobody else sees the file systems that it mounts; return where that was done.

    Whatever makes a mount namespace meanwhile (a container is enough) would take a copy of each node's file system
    along, and keep it open: unmounted and mounted again it would be the one that was shut down, and not the disk. The
    nodes' own namespaces are made from this one, and follow it.
    """
    if os.environ.get(OWN_MOUNTS) == str(os.getpid()):
        subprocess.run(["mount", "--make-rshared", "/"], check=True)
        return
    own = ["unshare", "--mount", "--propagation", "slave", sys.executable, "-m", module, *sys.argv[1:]]
    os.execvpe(own[0], own, {**os.environ, OWN_MOUNTS: str(os.getpid())})
