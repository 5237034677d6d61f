"""When does the store of a local cluster answer?"""

import asyncio
import subprocess
import time

from howdah.local.launch import last_words, store_log
from howdah.local.place import Place
from howdah.local.plan import Plan
from howdah.local.refused import Refused
from howdah.ports.store import StoreUnavailable
from howdah.stores.etcd.server import reserve_ports
from howdah.stores.open import open_store
from howdah.stores.settings import EtcdSettings, SqliteSettings, StoreSettings

STORE_LIMIT_S = 20.0
REQUEST_MS = 1_000
POLL_S = 0.03


def store_settings(place: Place, plan: Plan) -> StoreSettings:
    """How the cluster's store is reached."""
    match plan.store:
        case "sqlite":
            return SqliteSettings(place.store, request_timeout_ms=REQUEST_MS)
        case "etcd":
            endpoint = reserve_ports(place.store).endpoint
            return EtcdSettings((endpoint,), plan.cluster, request_timeout_ms=REQUEST_MS)


def wait_for_store(place: Place, plan: Plan, started: subprocess.Popen[bytes] | None) -> None:
    """Wait until it answers a read. Raises Refused."""
    asyncio.run(_wait(place, plan, started))


async def _wait(place: Place, plan: Plan, started: subprocess.Popen[bytes] | None) -> None:
    store = open_store(store_settings(place, plan))
    deadline = time.monotonic() + STORE_LIMIT_S
    try:
        while True:
            ended = started is not None and started.poll() is not None
            if ended:
                raise Refused(f"the store ended; {last_words(store_log(place))}")
            try:
                await store.read("record")
                return
            except StoreUnavailable as silence:
                if time.monotonic() >= deadline:
                    end = last_words(store_log(place))
                    raise Refused(f"the store does not answer after {STORE_LIMIT_S:g} s: {silence}; {end}") from silence
            await asyncio.sleep(POLL_S)
    finally:
        await store.close()
