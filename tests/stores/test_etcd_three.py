"""What does a client of three etcd members see, over TLS, when members die, hang or lose their quorum?"""

import asyncio
import shutil
import signal
import tempfile
from collections.abc import AsyncGenerator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from howdah.ports.store import Conflict, StoreUnavailable, Swapped, Unknown
from howdah.stores.etcd.client import EtcdStore
from howdah.stores.settings import EtcdTls
from tests.certificates import Authority
from tests.stores.contract import StoreContract, StoreRig, closing, hint, swap
from tests.stores.etcdtrio import NAMES, EtcdTrio

SHORT_TIMEOUT_MS = 1_500


class TrioRig(StoreRig):
    """The store contract's view of it."""

    def __init__(self, trio: EtcdTrio) -> None:
        self._trio = trio

    def client(self) -> EtcdStore:
        return EtcdStore(self._trio.settings())


@pytest.fixture(scope="module")
def started() -> Iterator[EtcdTrio]:
    directory = Path(tempfile.mkdtemp(prefix="howdah-", dir="/tmp"))
    trio = EtcdTrio(directory / "etcd")
    try:
        trio.start()
        yield trio
    finally:
        trio.close()
        shutil.rmtree(directory)


@pytest.fixture
def trio(started: EtcdTrio) -> Iterator[EtcdTrio]:
    """Every member runs, before and after."""
    yield started
    for member in started.members.values():
        if member.pid is None:
            member.start()
    asyncio.run(started.answers())


@pytest.fixture
def rig(started: EtcdTrio) -> TrioRig:
    return TrioRig(started)


class TestContract(StoreContract):
    """All of it, over TLS with client certificates."""


@pytest.mark.parametrize("which", range(3))
def test_a_member_that_died_is_passed_by_whichever_it_is(trio: EtcdTrio, which: int) -> None:
    """The leader is among the three; while another one is elected, an outcome may be unknown, and is settled."""

    async def scenario() -> None:
        name = f"passed-by-{which}"
        async with closing(EtcdStore(trio.settings())) as store:
            version = await swap(store, name, None, "0")
            trio.members[NAMES[which]].kill()
            for number in range(1, 6):
                version = await settled(store, name, version, str(number))
            found = await store.read(name)
            assert found is not None
            assert (found.text, found.version) == ("5", version)

    asyncio.run(scenario())


def test_the_leader_dies_and_no_swap_says_that_it_succeeded_without_having(trio: EtcdTrio) -> None:
    async def scenario() -> None:
        async with closing(EtcdStore(trio.settings(timeout_ms=SHORT_TIMEOUT_MS))) as store:
            version = await swap(store, "leader", None, "0")
            trio.members[await trio.leader()].kill()
            for number in range(1, 20):
                version = await settled(store, "leader", version, str(number))
        async with closing(EtcdStore(trio.settings())) as another:
            found = await another.read("leader")
            assert found is not None
            assert (found.text, found.version) == ("19", version)

    asyncio.run(scenario())


def test_without_a_quorum_nothing_succeeds_and_what_was_sent_is_unknown(trio: EtcdTrio) -> None:
    """Two of three hang. The one that is left is asked in vain, reads too: they are linearizable."""

    async def scenario() -> None:
        async with closing(EtcdStore(trio.settings(timeout_ms=SHORT_TIMEOUT_MS))) as store:
            version = await swap(store, "quorum", None, "before")
            hung = [name for name in NAMES if name != "e2"]
            for name in hung:
                trio.send(name, signal.SIGSTOP)
            try:
                with pytest.raises(StoreUnavailable):
                    await store.read("quorum")
                outcomes = [await attempt(store, "quorum", version, f"during {number}") for number in range(3)]
                assert all(isinstance(outcome, Unknown | StoreUnavailable) for outcome in outcomes), outcomes
            finally:
                for name in hung:
                    trio.send(name, signal.SIGCONT)
            await trio.answers()
            found = await store.read("quorum")
            assert found is not None
            assert found.text in ("before", "during 0", "during 1", "during 2")
            await settled(store, "quorum", found.version, "after")

    asyncio.run(scenario())


def test_with_two_members_dead_nothing_succeeds_until_one_is_back(trio: EtcdTrio) -> None:
    async def scenario() -> None:
        async with closing(EtcdStore(trio.settings(timeout_ms=SHORT_TIMEOUT_MS))) as store:
            version = await swap(store, "two-dead", None, "before")
            trio.members["e1"].kill()
            trio.members["e3"].kill()
            with pytest.raises(StoreUnavailable):
                await store.read("two-dead")
            assert not isinstance(await attempt(store, "two-dead", version, "during"), Swapped | Conflict)
            trio.members["e3"].start()
            await trio.answers()
            found = await store.read("two-dead")
            assert found is not None
            await settled(store, "two-dead", found.version, "after")

    asyncio.run(scenario())


def test_a_watch_at_a_member_that_died_breaks_and_the_next_one_is_at_another(trio: EtcdTrio) -> None:
    async def scenario() -> None:
        async with closing(EtcdStore(trio.settings())) as store, closing(EtcdStore(trio.settings())) as writer:
            version = await swap(writer, "watched", None, "one")
            watch = store.watch("watched")
            await hint(watch, "one")
            trio.members["e1"].kill()
            with pytest.raises(StoreUnavailable):
                await hint(watch, "never")
            again = store.watch("watched")
            await hint(again, "one")
            await settled(writer, "watched", version, "two")
            await hint(again, "two")
            assert isinstance(again, AsyncGenerator)
            await again.aclose()

    asyncio.run(scenario())


def test_who_has_no_certificate_or_one_of_another_authority_gets_nothing(trio: EtcdTrio, tmp_path: Path) -> None:
    stranger = Authority(tmp_path, "stranger")
    foreign = stranger.issue("foreign")
    late = trio.authority.issue("late", expired=True)
    good = trio.settings(timeout_ms=SHORT_TIMEOUT_MS)
    files = {
        "no certificate": EtcdTls(trio.authority.file),
        "of another authority": EtcdTls(trio.authority.file, foreign.certificate, foreign.key),
        "expired": EtcdTls(trio.authority.file, late.certificate, late.key),
        "the server's authority is not known": EtcdTls(stranger.file, trio.client.certificate, trio.client.key),
    }

    async def scenario() -> None:
        async with closing(EtcdStore(good)) as store:
            await swap(store, "secret", None, "mine")
        for case, tls in files.items():
            async with closing(EtcdStore(replace(good, tls=tls))) as refused:
                with pytest.raises(StoreUnavailable):
                    await refused.read("secret")
                outcome = await attempt(refused, "secret", None, case)
                assert not isinstance(outcome, Swapped | Conflict), case

    asyncio.run(scenario())


async def attempt(store: EtcdStore, name: str, version: int | None, text: str) -> object:
    """The outcome of one swap, an exception's too."""
    try:
        return await store.compare_and_swap(name, version, text)
    except StoreUnavailable as error:
        return error


async def settled(store: EtcdStore, name: str, version: int, text: str) -> int:
    """Swap for sure, as the agent does: the same text at the same version until it is known. The new version."""
    async with asyncio.timeout(30):
        while True:
            outcome = await attempt(store, name, version, text)
            if isinstance(outcome, Swapped):
                return outcome.version
            if isinstance(outcome, Conflict):
                found = await store.read(name)
                assert found is not None
                assert found.text == text
                return found.version
            await asyncio.sleep(0.1)
