"""Does another agent of this cluster have this node's name already?

Two agents of one name would promise, stream and hold slots under it in turn, and each would take the other's directory
for its own that was replaced. So the second one does not start.
"""

import ssl

import httpx

from howdah.agent.addressbook import document_name, read_entry
from howdah.ports.store import Store, StoreUnavailable
from howdah.values.address import Address

LIMIT_S = 2.0


async def namesake(store: Store, cluster: str, name: str, own_api: Address, tls: ssl.SSLContext | None = None) -> str:
    """Who has the name, as a sentence with the mend; "" if nobody answers under it elsewhere, or the store is away."""
    try:
        found = await store.read(document_name(name))
    except StoreUnavailable:
        return ""
    entry = read_entry(found.text) if found else None
    if entry is None or entry.api == own_api or not await _answers(entry.api, cluster, name, tls):
        return ""
    return (
        f"another agent of cluster {cluster} is called {name} already, and answers at {entry.api}. "
        f"Give this one another node.name, or stop that one if this is to take its place"
    )


async def _answers(api: Address, cluster: str, name: str, tls: ssl.SSLContext | None) -> bool:
    try:
        async with httpx.AsyncClient(timeout=LIMIT_S, trust_env=False, verify=tls or True) as client:
            document = (await client.get(f"{'https' if tls else 'http'}://{api}/health")).json()
    except (httpx.HTTPError, ValueError):
        return False
    return isinstance(document, dict) and (document.get("cluster"), document.get("name")) == (cluster, name)
