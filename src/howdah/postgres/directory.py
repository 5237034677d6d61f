"""What does the agent do with its server's files? (`ports.postgres.DataDirectory`)"""

import asyncio
import contextlib
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from howdah.cluster.serverfacts import DirectoryFacts, DirectoryState
from howdah.ports.postgres import PostgresFailure, ServerSettings
from howdah.postgres import install
from howdah.postgres.adopt import Adoption, adopt, plan_adoption
from howdah.postgres.autoconf import FILE_NAME as AUTO_CONF
from howdah.postgres.clone import clone
from howdah.postgres.configure import auto_conf_faults, write_configuration
from howdah.postgres.conninfo import resolve
from howdah.postgres.durable import write_durably
from howdah.postgres.facts import IDENTITY_FILE, inspect_directory
from howdah.postgres.initialise import initialise
from howdah.postgres.rewind import rewind
from howdah.postgres.site import Site
from howdah.values.address import Address

WAL_SEGMENT_BYTES = 16 * 1024 * 1024
"""What PostgreSQL wants at once when its log grows; the size unless initdb was told another one."""


def is_full(root: Path) -> bool:
    """Whether the file system has no room for another segment of WAL."""
    try:
        return shutil.disk_usage(root).free < WAL_SEGMENT_BYTES
    except OSError:
        return False


class NodeDirectory:
    """One node's data directory. Methods raise PostgresFailure; only `inspect` tells everything in its answer.

    One long operation at a time: a clone, a rewind or the like waits for the one before.
    """

    def __init__(self, site: Site, adopt_from: Path | None = None) -> None:
        """Completes an install that an earlier agent was interrupted in. `adopt_from`: an existing data directory that
        becomes the first one instead of a new one. Raises PostgresFailure."""
        self._site = site
        self._adopt_from = adopt_from
        self._one_at_a_time = asyncio.Lock()
        self._rewinding: asyncio.Task[None] | None = None
        self._auto_conf_seen: tuple[object, ...] = ()
        install.settle(site.layout)

    def inspect(self) -> DirectoryFacts:
        """What lies there now. Runs pg_controldata: some 5 ms. Never writes, never raises."""
        layout = self._site.layout
        facts = inspect_directory(self._site.installation, self._site.account, layout.data)
        facts = replace(facts, full=is_full(layout.root))
        if facts.state is DirectoryState.READY and install.rewinding_file(layout).exists():
            return DirectoryFacts(
                DirectoryState.BROKEN,
                system_identifier=facts.system_identifier,
                major_version=facts.major_version,
                explanation=f"{layout.data} is half rewound: a rewind did not end. Clone it again.",
            )
        return facts

    def configure(self, settings: ServerSettings) -> None:
        """Write configuration and access files; takes effect at the next start or reload."""
        write_configuration(self._site, self._site.layout.data, settings)

    def overrides(self, settings: ServerSettings) -> tuple[str, ...]:
        """What somebody set by ALTER SYSTEM and must not, as sentences; `configure` and a reload undo it.

        None if the file cannot be read now. Cheap: it is read only when it changed."""
        with contextlib.suppress(OSError, PostgresFailure):
            facts = (self._site.layout.data / AUTO_CONF).stat()
            seen = (facts.st_ino, facts.st_mtime_ns, facts.st_size, *sorted(settings.parameters))
            if seen != self._auto_conf_seen:
                faults = auto_conf_faults(self._site.layout.data, settings.parameters)
                if faults:
                    return tuple(f"{fault.name} = {fault.value!r}. {fault.reason}" for fault in faults)
                self._auto_conf_seen = seen
        return ()

    async def initialise(self) -> Mapping[str, str]:
        """Make a new cluster's first directory, which must be EMPTY or made so before, or adopt the existing one;
        without an identity yet. The parameters that an adopted one had set and that may go on as the cluster's."""
        async with self._one_at_a_time:
            if self._adopt_from is not None:
                adoption = await adopt(self._site, self._adopt_from)
                for sentence in adoption.changes:
                    self._site.log(f"adopted {self._adopt_from}: {sentence}")
                for sentence in adoption.refused:
                    self._site.log(f"adopted {self._adopt_from}: a setting is left out: {sentence}")
                return adoption.parameters
            await initialise(self._site)
            return {}

    def plan_adoption(self, existing: Path) -> Adoption:
        """What `adopt` would change; writes nothing."""
        return plan_adoption(self._site, existing)

    async def adopt(self, existing: Path) -> Adoption:
        """Take an existing directory as this node's data, without an identity yet; what was changed."""
        async with self._one_at_a_time:
            return await adopt(self._site, existing)

    async def clone(self, source: Address) -> None:
        """Copy that server into the directory beside. When cancelled, nothing of it is left."""
        async with self._one_at_a_time:
            await clone(self._site, source)

    def install_clone(self, keep_aside: bool = False) -> None:
        """Put the finished clone in the old directory's place; the old one is kept until `discard_old`, or for ever."""
        self._refuse_meanwhile()
        install.install(self._site.layout, keep_aside)

    async def discard_old(self) -> None:
        """Delete replaced directories and unfinished clones, in a thread: a large one takes minutes. The caller knows
        that they are not the last copy."""
        self._refuse_meanwhile()
        await asyncio.to_thread(install.discard_old, self._site.layout)

    async def rewind(self, source: Address) -> None:
        """pg_rewind against that server. A caller that is cancelled leaves it running to its end: the next call of a
        long operation waits for it. Raises RewindRefused when nothing was touched."""
        address = await asyncio.to_thread(resolve, source)
        self._rewinding = asyncio.create_task(self._rewind_alone(address), name="pg_rewind")
        self._rewinding.add_done_callback(_mark_seen)
        await asyncio.shield(self._rewinding)

    async def abandon_rewind(self) -> None:
        """Kill a rewind that hangs on a dead source; the directory is then half rewound and must be cloned."""
        if self._rewinding is None or self._rewinding.done():
            return
        self._rewinding.cancel()
        await asyncio.wait((self._rewinding,))

    def write_identity(self, identity: str) -> None:
        """Write the member id into the directory, durably: the last step of making one."""
        self._refuse_meanwhile()
        if install.rewinding_file(self._site.layout).exists():
            raise PostgresFailure(f"{self._site.layout.data} is half rewound and gets no identity. Clone it.")
        write_durably(self._site.layout.data / IDENTITY_FILE, identity + "\n", self._site.account)

    async def _rewind_alone(self, source: Address) -> None:
        async with self._one_at_a_time:
            await rewind(self._site, source)

    def _refuse_meanwhile(self) -> None:
        if self._one_at_a_time.locked():
            raise PostgresFailure(f"{self._site.layout.root} is being cloned, rewound or initialised just now")


def _mark_seen(task: "asyncio.Task[None]") -> None:
    """A failure whose caller was cancelled is in the log and in `data.rewinding`: asyncio need not report it."""
    if not task.cancelled():
        task.exception()
