"""What lies on a simulated node's disk in PostgreSQL's data directory?"""

from dataclasses import dataclass, field

from howdah.cluster.serverfacts import DirectoryFacts, DirectoryState
from howdah.ports.postgres import ServerSettings
from howdah.simulation.wal import History, Log, next_timeline
from howdah.values.lsn import NO_LSN, Lsn

BLANK = ServerSettings(upstream=None, sync_names="", gate_open=False)


@dataclass(slots=True)
class Volume:
    """A data directory. `checkpoint` counts records up to and with the last checkpoint that pg_control knows."""

    present: bool = False
    identity: str = ""
    system_identifier: str = ""
    log: Log = field(default_factory=Log)
    histories: dict[int, History] = field(default_factory=dict)
    checkpoint: int = 0
    oldest: int = 0  # the LSN from which on there is WAL to be sent
    target: int = 0  # the timeline that recovery makes for: the newest with a history file (latest)
    clean: bool = True
    stopped_as_primary: bool = False
    settings: ServerSettings = BLANK
    slots: list[str] = field(default_factory=list)
    half_rewound: bool = False

    @property
    def checkpoint_timeline(self) -> int:
        """The timeline of pg_control's last checkpoint."""
        return self.log.records[self.checkpoint - 1].timeline if self.checkpoint else 1

    def history(self) -> History:
        """The ancestors of the timeline that the log ends on."""
        return self.histories.get(self.log.timeline, ())

    def aim(self) -> bool:
        """What the startup process does first: find the newest timeline. False: it is no child of this one (FATAL)."""
        own = self.log.timeline
        self.target = next_timeline(own, self.histories) - 1
        if self.target == own:
            return True
        left = next((s.end_lsn for s in self.histories[self.target] if s.timeline == own), None)
        return left is not None and self.log.end <= left

    def wanted_timeline(self) -> int:
        """On which timeline the next record is looked for."""
        own = self.log.timeline
        if self.target <= own:
            return own
        left = next((s.end_lsn for s in self.histories[self.target] if s.timeline == own), None)
        return self.target if left is not None and self.log.end >= left else own

    def facts(self) -> DirectoryFacts:
        """What an agent sees without starting it."""
        if not self.present:
            return DirectoryFacts(DirectoryState.EMPTY, explanation="it is empty")
        if self.half_rewound or not self.identity:
            why = "half rewound" if self.half_rewound else "not finished"
            return DirectoryFacts(
                DirectoryState.BROKEN, self.identity, self.system_identifier, 18, explanation=f"it is {why}"
            )
        end = self.log.end if self.clean and self.stopped_as_primary else NO_LSN
        return DirectoryFacts(
            DirectoryState.READY,
            self.identity,
            self.system_identifier,
            18,
            self.clean,
            self.checkpoint_timeline,
            Lsn(self.log.end_at(self.checkpoint)),
            Lsn(end),
        )
