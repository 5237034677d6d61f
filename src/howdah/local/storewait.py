"""When does the store of a local cluster answer, and which nodes does it say were taken out?"""

import asyncio
import subprocess
import time

from howdah.agent.intentions import CONFIG
from howdah.configuration.faults import SettingsRefused
from howdah.configuration.intents import read_intents
from howdah.local.launch import last_words, store_log
from howdah.local.place import Place
from howdah.local.plan import Plan
from howdah.local.refused import Refused
from howdah.ports.store import StoreUnavailable, Versioned
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


def wait_for_store(place: Place, plan: Plan, started: subprocess.Popen[bytes] | None) -> tuple[str, ...]:
    """Wait until it answers a read; the nodes that were taken out of the cluster's settings. Raises Refused."""
    return asyncio.run(_wait(place, plan, started))


def _removed(found: Versioned | None) -> tuple[str, ...]:
    """Settings that cannot be read take nobody out: the agents say what is wrong with them."""
    try:
        return read_intents(found.text).removed if found else ()
    except SettingsRefused:
        return ()


async def _wait(place: Place, plan: Plan, started: subprocess.Popen[bytes] | None) -> tuple[str, ...]:
    store = open_store(store_settings(place, plan))
    deadline = time.monotonic() + STORE_LIMIT_S
    try:
        while True:
            ended = started is not None and started.poll() is not None
            if ended:
                raise Refused(f"the store ended; {last_words(store_log(place))}")
            try:
                return _removed(await store.read(CONFIG))
            except StoreUnavailable as silence:
                if time.monotonic() >= deadline:
                    end = last_words(store_log(place))
                    raise Refused(f"the store does not answer after {STORE_LIMIT_S:g} s: {silence}; {end}") from silence
            await asyncio.sleep(POLL_S)
    finally:
        await store.close()
