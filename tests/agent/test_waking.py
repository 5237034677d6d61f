"""Does a waiting task go on when something happens, and at the limit otherwise?"""

import asyncio

from howdah.agent.waking import Bell, Wake


def test_what_happened_before_the_wait_is_not_missed() -> None:
    async def scene() -> bool:
        wake = Wake()
        wake.set()
        return await wake.wait(60_000)

    assert asyncio.run(scene())


def test_a_waiting_task_goes_on_when_it_happens() -> None:
    async def scene() -> bool:
        wake = Wake()
        asyncio.get_running_loop().call_soon(wake.set)
        return await wake.wait(60_000)

    assert asyncio.run(scene())


def test_nothing_happens_and_the_limit_ends_the_wait() -> None:
    assert not asyncio.run(Wake().wait(1))


def test_a_cleared_flag_is_waited_for_again() -> None:
    async def scene() -> bool:
        wake = Wake()
        wake.set()
        wake.clear()
        assert not wake.is_set()
        return await wake.wait(1)

    assert not asyncio.run(scene())


def test_a_wait_that_was_cancelled_leaves_nothing_behind() -> None:
    async def scene() -> bool:
        wake = Wake()
        task = asyncio.create_task(wake.wait(60_000))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait((task,))
        wake.set()
        return await wake.wait(60_000)

    assert asyncio.run(scene())


def test_a_bell_lets_everybody_go_on_who_waits() -> None:
    async def scene() -> int:
        bell = Bell()
        waiting = [asyncio.create_task(bell.wait(60_000)) for _ in range(2)]
        await asyncio.sleep(0)
        assert not any(task.done() for task in waiting)
        bell.ring()
        done, _ = await asyncio.wait(waiting)
        return len(done)

    assert asyncio.run(scene()) == 2


def test_a_bell_that_nobody_rings_is_waited_for_no_longer_than_the_limit() -> None:
    async def scene() -> None:
        bell = Bell()
        await bell.wait(1)
        bell.ring()

    asyncio.run(scene())
