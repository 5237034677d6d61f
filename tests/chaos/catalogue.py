"""Every fault that is made one by one, and which of them random runs draw from."""

from tests.chaos.fault import Fault
from tests.chaos.networkfaults import NETWORK_FAULTS
from tests.chaos.orders import ORDER_FAULTS
from tests.chaos.processfaults import PROCESS_FAULTS
from tests.chaos.storefaults import DISK_AND_CLOCK_FAULTS, STORE_FAULTS

CATALOGUE: tuple[Fault, ...] = (
    *PROCESS_FAULTS,
    *NETWORK_FAULTS,
    *STORE_FAULTS,
    *DISK_AND_CLOCK_FAULTS,
    *ORDER_FAULTS,
)
SEQUENCES = ("three primaries are lost in a row", "every node is restarted in turn")
"""They wait for a healthy cluster on their way, which other faults would not let them see."""

RANDOM: tuple[Fault, ...] = tuple(fault for fault in CATALOGUE if fault.name not in SEQUENCES)


def named(name: str) -> Fault:
    """The fault with this name."""
    return next(fault for fault in CATALOGUE if fault.name == name)
