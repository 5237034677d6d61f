"""Which process speaks for a member, and may it go on for an earlier one?

An incarnation is written `home.boot.token`: the node directory as it lies on its file system (a copied directory has
another home), the boot of the machine, and a random token of the process. Two of one home and boot are of one *seat*:
each held the lock of that very directory, so the later one proves by its own life that the earlier one is dead. Of any
other two both may be alive. "" is not known: of an earlier version, or of no agent.
"""


def same_seat(one: str, other: str) -> bool:
    """Whether the later of the two may go on at once as what the earlier one was."""
    return not one or not other or _seat(one) == _seat(other)


def differ(one: str, other: str) -> bool:
    """Whether two processes are known to speak for one member."""
    return bool(one) and bool(other) and one != other


def _seat(incarnation: str) -> str:
    return incarnation.rpartition(".")[0]
