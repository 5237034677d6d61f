"""How does a test wait for what other processes, libraries and clocks do, which set no event?"""

import asyncio
from collections.abc import Callable

WAIT_LIMIT_S = 60
"""Only a broken system takes so long."""


async def until(holds: Callable[[], bool], pause_s: float = 0.005) -> None:
    """Wait until the condition holds. Raises TimeoutError after WAIT_LIMIT_S."""
    async with asyncio.timeout(WAIT_LIMIT_S):
        while True:
            if holds():
                return
            await asyncio.sleep(pause_s)
