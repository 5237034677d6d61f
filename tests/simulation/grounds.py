"""In which worlds does a missing guard show soon?"""

from dataclasses import replace
from typing import Any

from howdah.simulation.options import Options, draw

STILL_WRITING = ("usurp", "usurp", "usurp", "cut peer", "kill node")
"""Faults that leave an old primary writing while the others elect."""

THREE: dict[str, Any] = {"nodes": 3, "k": 0, "rates": ()}
THREE_K2: dict[str, Any] = {"nodes": 3, "k": 2, "rates": ()}
FOUR: dict[str, Any] = {"nodes": 4, "k": 1, "rates": ()}
ASYNC: dict[str, Any] = {
    "faults_ms": 40_000,
    "mode": "async",
    "kind": "async",
    "k": 0,
    "faults": ("cut off all",),
    "slow_share": 0.01,
}
STORE: dict[str, Any] = {"kind": "store", "nodes": 3, "k": 0, "rates": ()}
SHORT: dict[str, Any] = {"faults_ms": 40_000}
CALM: dict[str, Any] = {"calm_ms": 60_000, "faults_ms": 40_000}
"""Long enough to become whole again: for guards without which a cluster is stuck."""

GROUNDS: dict[str, dict[str, Any]] = {
    "no STARTUP PROOF, and the startup process's wait is not looked at": {
        **THREE, "faults": ("flaky usurp",), "slow_share": 0.3,
    },
    "the receiver is not waited for": {**THREE, "faults": ("flaky usurp",), "slow_share": 0.3},
    "a voter goes back to the old primary after its vote": {**THREE, "faults": ("deaf usurp",)},
    "no PREFIX": {**THREE, "faults": ("long tail",)},
    "no FLOOR": {
        "faults": ("lonely tail",), "nodes": 4, "k": 2, "rates": (), "fault_interval_ms": 25_000,
    },
    "the dead voter's flush is not waited for": {
        **THREE, "faults": ("lagging rest",), "slow_share": 0.3, "fault_interval_ms": 20_000,
    },
    "not proved LIVE": {**SHORT, **THREE, "faults": ("unfit voter",), "slow_share": 0.3, "fault_interval_ms": 5_000},
    "votes are compared by LSN alone": {**THREE, "faults": ("tail votes",), "fault_interval_ms": 30_000},
    "TERM OF THE WAL: the report says the record's term": {
        **THREE, "faults": ("tail votes",), "fault_interval_ms": 30_000,
    },
    "HOLDER VOTES FOR ALL, whatever it has": {**THREE, "faults": ("holder yields",), "fault_interval_ms": 30_000},
    "V after the swap lacks the old primary": {**THREE, "faults": ("ambush",)},
    "no ONE CONNECTION": {"faults": ("lost power",), "nodes": 4, "k": 2, "rates": ()},
    "no SAME RECORD": {**SHORT, **FOUR, "faults": ("late winner",), "fault_interval_ms": 45_000},
    "IDENTITY: a voter is known by its name": {
        **SHORT, **THREE, "faults": ("late winner, lost disk",), "fault_interval_ms": 45_000,
    },
    "the lead is taken back without a new generation": {
        **SHORT, **THREE, "faults": ("late target",), "fault_interval_ms": 25_000,
    },
    "loosened in PostgreSQL first": {**SHORT, **THREE_K2, "faults": ("k and back",), "slow_share": 0.3},
    "loosened in PostgreSQL first, and a voter's name taken before it is one": {
        **SHORT, **THREE, "faults": ("unfit voter", "store slow"), "slow_share": 0.3, "fault_interval_ms": 5_000,
    },
    "no LAST COPY": {**SHORT, **THREE, "faults": ("lost in return",), "fault_interval_ms": 90_000},
    "LAST COPY: several are rewound at once": {
        **SHORT, **THREE_K2, "faults": ("lost in return",), "fault_interval_ms": 90_000,
    },
    "names do not carry the term": {**SHORT, **THREE, "faults": ("wrong server",), "fault_interval_ms": 20_000},
    "no NEVER EMPTY": {"slow_share": 0.3, "faults": ("kill node", "switchover")},
    "no checkpoint after an empty setting": {"slow_share": 0.3, "faults": ("kill node", "switchover")},
    "SETTLE: what timed out did not happen": {
        **SHORT, **THREE, "slow_share": 0.3, "faults": ("late drop",), "fault_interval_ms": 15_000,
    },
    "revocation 1: the blank setting is not waited for": {**THREE, "faults": ("flaky usurp",), "slow_share": 0.3},
    "revocation 4: replay is not waited for, nor that the startup process has nothing to do": {
        **SHORT, **THREE, "faults": ("slow vote",), "fault_interval_ms": 45_000,
    },
    "equal timeline numbers count as one": {
        **SHORT, **THREE, "faults": ("same number",), "fault_interval_ms": 60_000,
    },
    "a store that went back is believed": {
        **SHORT, **STORE, "faults": ("old copy",), "fault_interval_ms": 60_000,
    },
    "a lost record is rebuilt by any one server": {
        **SHORT, **STORE, "faults": ("wiped and alone",), "fault_interval_ms": 60_000,
    },
    "async: a third of a lease is enough": {**ASYNC, "faults": ("kill agent",), "faults_ms": 90_000},
    "async: the voters' word prolongs serving": ASYNC,
    "async: no deadline, and no dead-man": ASYNC,
    "async: no deadline": ASYNC,
    "async: no dead-man": {**ASYNC, "faults": ("freeze agent",), "faults_ms": 90_000},
    "HIGHER TERM, and no deadline: a deposed primary is not killed": {
        **THREE, **CALM, "faults": ("usurp",), "fault_interval_ms": 60_000,
    },
    "a failed election leaves the term as it is": {
        **THREE, **CALM, "faults": ("forgetful target",), "fault_interval_ms": 60_000,
    },
    "the holder does not resume": {"calm_ms": 60_000, "faults": ("outage", "kill node")},
    "loosening only after the barrier": {**THREE, **CALM, "faults": ("kill node",)},
}  # fmt: skip
"""Where the general hunting ground is too kind for a guard: what is different."""

STUCK = frozenset((
    "the holder does not resume",
    "HIGHER TERM, and no deadline: a deposed primary is not killed",
    "a failed election leaves the term as it is",
    "loosening only after the barrier",
))  # fmt: skip
"""Without these no promise is broken, but the cluster does not become whole again."""


def hunting(seed: int, canary: str = "") -> Options:
    """A world in which a missing guard shows soon: much is written, many processes are late, old primaries live on."""
    general = replace(
        draw(seed),
        kind="plain",
        mode="quorum",
        slow_share=(0.05, 0.15, 0.3)[seed % 3],
        commit_interval_ms=8.0,
        clients=3,
        fault_interval_ms=13_000,
        faults_ms=90_000,
        faults=STILL_WRITING,
        calm_ms=0,
        quiet=1.0,
        early_ms=0.0,
    )
    return replace(general, **GROUNDS.get(canary, {}))
