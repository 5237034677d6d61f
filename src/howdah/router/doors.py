"""Where do clients come in? The ports, the Unix socket, and how they are left to the next process.

TCP ports are opened with SO_REUSEPORT: a new router opens them too before the old one closes its own, so that somebody
listens at every moment. Who waits in the queue of a socket that is being closed is let in first.
"""

import asyncio
import contextlib
import errno
import socket
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from howdah.configuration.router import ListenSettings
from howdah.router.socketfile import SocketFile, SocketTaken
from howdah.routing.route import Route

AT_ONCE = 64
"""So many are let in before other work gets its turn."""
FULL_S = 0.2
"""Without a free file number nobody can be let in; then it is tried again so much later."""
FULL = frozenset((errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM))

log = structlog.get_logger(__name__)


class CannotListen(Exception):
    """The sentence names the address and the mend."""


@dataclass(frozen=True, slots=True)
class Door:
    """A socket that listens. `place`: for people. `shared`: another process listens there too."""

    socket: socket.socket
    route: Route
    place: str
    shared: bool = False


def ports_of(listen: ListenSettings) -> dict[int, Route]:
    """Every port, and where statements go that come through it."""
    wanted = {
        listen.port: Route.AUTO,
        listen.read_write_port: Route.PRIMARY,
        listen.read_only_port: Route.STANDBY,
        listen.any_port: Route.ANY,
    }
    return {port: route for port, route in wanted.items() if port}


def open_doors(listen: ListenSettings, beside: bool = False) -> list[Door]:
    """One socket for each address and port; nobody can connect before `Porter.open`. `beside`: other workers of this
    router have theirs there already. Raises CannotListen."""
    doors: list[Door] = []
    try:
        for host in listen.listen:
            for port, route in ports_of(listen).items():
                doors += [Door(each, route, f"{host}:{port}", shared) for each, shared in _tcp(host, port, beside)]
    except BaseException:
        for door in doors:
            door.socket.close()
        raise
    return doors


def open_socket_files(listen: ListenSettings) -> list[tuple[Door, SocketFile]]:
    """The Unix sockets, one for each port; none without a directory. Raises CannotListen."""
    if listen.socket_directory is None:
        return []
    opened: list[tuple[Door, SocketFile]] = []
    try:
        for port, route in ports_of(listen).items():
            file = SocketFile(listen.socket_directory, port, int(listen.socket_mode, 8), listen.backlog)
            opened.append((Door(file.socket, route, str(file.path)), file))
            if file.replaced:
                log.info(f"takes {file.path} over from process {file.replaced}", part="router")
    except (SocketTaken, OSError) as error:
        for _, file in opened:
            file.socket.close()
            file.release()
        why = str(error) if isinstance(error, SocketTaken) else f"listen.socket_directory cannot be used: {error}"
        raise CannotListen(why) from error
    return opened


def _tcp(host: str, port: int, beside: bool) -> list[tuple[socket.socket, bool]]:
    found: list[tuple[socket.socket, bool]] = []
    try:
        addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, _, _, _, address in dict.fromkeys(addresses):
            shared = not beside and _is_shared(family, address)
            if shared:
                log.warning(
                    f"another process of this account listens on {host}:{port} too; new clients come to both of them "
                    "until one ends",
                    part="router",
                )
            found.append((_bound(family, address, shared=True), shared))
    except OSError as error:
        for each, _ in found:
            each.close()
        raise CannotListen(
            f"cannot listen on {host}:{port} ({error.strerror or error}): give another listen.port or listen.listen, "
            "or end what listens there"
        ) from error
    return found


def _bound(family: socket.AddressFamily, address: object, *, shared: bool) -> socket.socket:
    opened = socket.socket(family, socket.SOCK_STREAM)
    try:
        opened.setblocking(False)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        opened.bind(address)  # type: ignore[arg-type]  # what getaddrinfo gave goes back as it came
    except BaseException:
        opened.close()
        raise
    return opened


def _is_shared(family: socket.AddressFamily, address: object) -> bool:
    """Whether somebody is there already; then only who shares with us can be there when it is opened next."""
    try:
        _bound(family, address, shared=False).close()
    except OSError as error:
        return error.errno == errno.EADDRINUSE
    return False


class Porter:
    """Lets clients in through its doors. `let_in` gets the socket and the route."""

    def __init__(self, let_in: Callable[[socket.socket, Route], None]) -> None:
        self._let_in = let_in
        self._doors: list[Door] = []
        self._full = False

    def open(self, doors: list[Door], backlog: int) -> None:
        """Let them in from now on."""
        loop = asyncio.get_running_loop()
        self._doors += doors
        for door in doors:
            door.socket.listen(backlog)
            loop.add_reader(door.socket.fileno(), self._knock, door)

    def close(self) -> None:
        """Let in who has knocked already, and nobody after them."""
        loop = asyncio.get_running_loop()
        doors, self._doors = self._doors, []
        for door in doors:
            loop.remove_reader(door.socket.fileno())
            while self._accept(door):
                pass
            door.socket.close()

    def _knock(self, door: Door) -> None:
        for _ in range(AT_ONCE):
            if not self._accept(door):
                return

    def _accept(self, door: Door) -> bool:
        """One client. Returns whether there may be more."""
        try:
            client, _ = door.socket.accept()
        except (BlockingIOError, InterruptedError):
            return False
        except OSError as error:
            if error.errno in FULL:
                self._rest(door, error)
                return False
            return error.errno == errno.ECONNABORTED  # that client is gone again
        client.setblocking(False)
        if client.family != socket.AF_UNIX:
            with contextlib.suppress(OSError):
                client.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self._let_in(client, door.route)
        return True

    def _rest(self, door: Door, error: OSError) -> None:
        """Leave them waiting for a while."""
        if not self._full:
            self._full = True
            log.error(f"no client can be let in ({error.strerror}): raise the limit of open files", part="router")
        loop = asyncio.get_running_loop()
        loop.remove_reader(door.socket.fileno())
        loop.call_later(FULL_S, self._again, door)

    def _again(self, door: Door) -> None:
        self._full = False
        if door in self._doors:
            asyncio.get_running_loop().add_reader(door.socket.fileno(), self._knock, door)
