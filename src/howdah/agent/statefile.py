"""Where does an agent keep what it must find again? One small JSON file, replaced as a whole and fsynced."""

import os
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from howdah.cluster.localstate import LocalState
from howdah.ports.disk import DiskFailure

_ADAPTER = TypeAdapter(LocalState)


class StateFile:
    """Implements `ports.disk.Disk` for one file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self) -> LocalState:
        """What was last saved. Raises DiskFailure if there is a file that cannot be read."""
        try:
            text = self._path.read_bytes()
        except FileNotFoundError:
            return LocalState()
        except OSError as error:
            raise DiskFailure(f"the agent's state cannot be read: {error}") from error
        try:
            return _ADAPTER.validate_json(text)
        except ValidationError as error:
            raise DiskFailure(
                f"{self._path} is damaged: its promise is unknown, so this node may not take part. If another copy of "
                f"the data exists, move {self._path.parent} away and start again: it is cloned anew. ({error})"
            ) from error

    def save(self, state: LocalState) -> None:
        """Write beside, fsync, rename, fsync the directory. Raises DiskFailure, and then the old state stands."""
        beside = self._path.with_suffix(".new")
        try:
            with beside.open("wb") as file:
                file.write(_ADAPTER.dump_json(state))
                file.flush()
                os.fsync(file.fileno())
            beside.replace(self._path)
            directory = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(directory)
            finally:
                os.close(directory)
        except OSError as error:
            raise DiskFailure(f"the agent's state cannot be made durable: {error}") from error
