"""What do very many clients see that connect all at once, again and again? (`python -m tests.chaos.storm COUNT SECONDS
HOST PORT`, on the clients' host)

Each speaks just enough of the protocol to be a new session: it asks, and the server forks a process for it and looks up
its role. It does not log in, since a thousand proofs of a password would measure this machine's processor. One line of
JSON tells how often which answer came.
"""

import asyncio
import json
import random
import resource
import struct
import sys
import time
from collections import Counter

STARTUP = b"".join(
    part.encode() + b"\0" for part in ("user", "postgres", "database", "postgres", "application_name", "storm", "")
)
PACKET = struct.pack("!ii", len(STARTUP) + 8, 3 << 16) + STARTUP
ANSWER_LIMIT_S = 5.0
LOGIN_S = 0.02
"""How long a client that is let in takes until it leaves."""
PAUSE_S = (0.2, 1.0)


async def knock(host: str, port: int) -> str:
    """One attempt: "asked for the password", the SQLSTATE of a refusal, or how the network failed."""
    try:
        async with asyncio.timeout(ANSWER_LIMIT_S):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                writer.write(PACKET)
                kind = await reader.readexactly(1)
                if kind == b"R":
                    await asyncio.sleep(LOGIN_S)
                    return "asked for the password"
                rest = await reader.read(1024)
                return next((field[1:].decode() for field in rest[4:].split(b"\0") if field[:1] == b"C"), "no answer")
            finally:
                writer.transport.abort()
    except TimeoutError:
        return f"no answer within {ANSWER_LIMIT_S:g} s"
    except (OSError, EOFError) as error:
        return f"the connection ended ({type(error).__name__})"


async def storm(count: int, length_s: float, host: str, port: int) -> Counter[str]:
    """So many clients at once, for so long."""
    told: Counter[str] = Counter()
    until = time.monotonic() + length_s

    async def client() -> None:
        while time.monotonic() < until:
            told[await knock(host, port)] += 1
            await asyncio.sleep(random.uniform(*PAUSE_S))

    async with asyncio.TaskGroup() as group:
        for _ in range(count):
            group.create_task(client())
    return told


def main() -> None:
    """Until the time is over."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    count, length_s, host, port = int(sys.argv[1]), float(sys.argv[2]), sys.argv[3], int(sys.argv[4])
    sys.stdout.write(json.dumps(asyncio.run(storm(count, length_s, host, port))) + "\n")


if __name__ == "__main__":
    main()
