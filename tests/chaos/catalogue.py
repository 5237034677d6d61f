"""Every fault that is made one by one, and which of them random runs draw from."""

from tests.chaos.clientfaults import CLIENT_FAULTS
from tests.chaos.diskfaults import DISK_FAULTS
from tests.chaos.fault import Fault
from tests.chaos.networkfaults import NETWORK_FAULTS
from tests.chaos.orders import ORDER_FAULTS
from tests.chaos.phases import PHASE_FAULTS
from tests.chaos.processfaults import PROCESS_FAULTS
from tests.chaos.routerfaults import ROUTER_FAULTS
from tests.chaos.storefaults import STORE_FAULTS

CATALOGUE: tuple[Fault, ...] = (
    *PROCESS_FAULTS,
    *NETWORK_FAULTS,
    *STORE_FAULTS,
    *DISK_FAULTS,
    *CLIENT_FAULTS,
    *ORDER_FAULTS,
    *PHASE_FAULTS,
    *ROUTER_FAULTS,
)

RANDOM: tuple[Fault, ...] = tuple(fault for fault in CATALOGUE if not fault.alone)


def named(name: str) -> Fault:
    """The fault with this name."""
    return next(fault for fault in CATALOGUE if fault.name == name)


def numbers(fault: Fault) -> tuple[str, ...]:
    """The rows of the table of faults that it belongs to: "F30, F32" is two."""
    return tuple(fault.rows.replace(",", " ").split())
