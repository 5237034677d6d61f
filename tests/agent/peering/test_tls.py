"""Do agents speak TLS with each other, and with nobody who cannot prove himself?"""

import asyncio
import http.client
import os
import ssl
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from structlog.testing import capture_logs

from howdah.agent.pem import TlsUnusable
from howdah.agent.tls import Tls, client_context, load_tls
from howdah.cluster.peerstate import Confirmation
from howdah.configuration.schema import ApiSettings
from howdah.local.remote import Agent as Remote
from howdah.local.remote import Answer, Silent, ask
from howdah.ports.peers import PeerUnreachable
from tests.agent.peering.rig import LOCALHOST, an_agent, state_of
from tests.agent.peering.test_peers import connected
from tests.certificates import Authority, Pair
from tests.waiting import until

LONG_MS = 30_000


def settings(pair: Pair, authority: Authority) -> ApiSettings:
    """The agent's settings with these files."""
    return ApiSettings(port=8008, cert_file=pair.certificate, key_file=pair.key, ca_file=authority.file)


def tls(pair: Pair, authority: Authority) -> Tls:
    """What they load as."""
    loaded = load_tls(settings(pair, authority))
    assert loaded is not None
    return loaded


def test_agents_with_good_certificates_hear_and_ask_each_other(tmp_path: Path) -> None:
    authority = Authority(tmp_path)

    async def story() -> None:
        first, second = (tls(authority.issue(name), authority) for name in ("n1", "n2"))
        async with an_agent("n1", tls=first) as n1, an_agent("n2", tls=second) as n2:
            n2.peers.publish(state_of("n2"))
            n1.peers.set_peers({"n2": n2.server.address})
            await until(lambda: connected(n1, "n2"))
            assert isinstance(await n1.peers.confirm("n2", 3, LONG_MS), Confirmation)

    asyncio.run(story())


Files = Callable[[Path, Authority], Pair]

BAD: dict[str, tuple[Files, str]] = {
    "of another authority": (lambda path, _: Authority(path, "other").issue("n2"), "self-signed|unable to get"),
    "expired": (lambda _, authority: authority.issue("n2", expired=True), "expired"),
    "for another host": (lambda _, authority: authority.issue("n2", host="db.example"), "mismatch|not valid for"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_peer_whose_certificate_is_bad_is_not_heard_and_gets_no_token(case: str, tmp_path: Path) -> None:
    make, told = BAD[case]
    authority = Authority(tmp_path)

    async def story() -> None:
        good, bad = tls(authority.issue("n1"), authority), tls(make(tmp_path, authority), authority)
        async with an_agent("n1", tls=good) as n1, an_agent("n2", tls=bad) as n2:
            n2.peers.publish(state_of("n2"))
            with capture_logs() as logs:
                n1.peers.set_peers({"n2": n2.server.address})
                await until(lambda: bool(logs))
            assert "api.ca_file signs" in logs[0]["event"]
            with pytest.raises(PeerUnreachable, match=told):
                await n1.peers.confirm("n2", 3, LONG_MS)
            assert not connected(n1, "n2")
            assert n2.service.asked == []

    asyncio.run(story())


def test_a_peer_without_tls_is_told_once_with_the_mend(tmp_path: Path) -> None:
    authority = Authority(tmp_path)

    async def story() -> None:
        good = tls(authority.issue("n1"), authority)
        async with an_agent("n1", tls=good) as n1, an_agent("n2") as n2:
            n2.peers.publish(state_of("n2"))
            with capture_logs() as logs:
                n1.peers.set_peers({"n2": n2.server.address})
                await until(lambda: bool(logs))
                await asyncio.sleep(0.3)
            assert len(logs) == 1
            assert "set api.cert_file on every node, or on none" in logs[0]["event"]
            n2.peers.set_peers({"n1": n1.server.address})
            with pytest.raises(PeerUnreachable):
                await n2.peers.confirm("n1", 3, 2000)

    asyncio.run(story())


def test_commands_check_the_agent_too(tmp_path: Path) -> None:
    authority, other = Authority(tmp_path), Authority(tmp_path, "other")
    own = settings(authority.issue("n1"), authority)

    async def story() -> None:
        async with an_agent("n1", tls=load_tls(own)) as n1:
            port = n1.server.address.port
            answers = {
                name: await asyncio.to_thread(ask, Remote("n1", LOCALHOST, port, context), "/peer/stream")
                for name, context in {
                    "good": client_context(own),
                    "other": ssl.create_default_context(cafile=other.file),
                    "plain": None,
                }.items()
            }
            good, stranger = answers["good"], answers["other"]
            assert isinstance(good, Answer)
            assert good.status == http.client.UNAUTHORIZED
            assert isinstance(stranger, Silent)
            assert "its certificate is not accepted" in stranger.reason
            assert isinstance(answers["plain"], Silent)

    asyncio.run(story())


def test_a_renewed_certificate_is_taken_up_and_a_broken_one_is_told_and_left(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    pair = authority.issue("n1", expired=True)

    async def story() -> None:
        loaded = tls(pair, authority)
        async with an_agent("n1", tls=loaded) as n1, httpx.AsyncClient(verify=loaded.client, trust_env=False) as client:
            url = f"https://{LOCALHOST}:{n1.server.address.port}/"
            with pytest.raises(httpx.ConnectError, match="expired"):
                await client.get(url)
            authority.issue("n1")
            seen = loaded.renew((0, 0))
            assert (await client.get(url)).status_code == http.client.NOT_FOUND
            pair.certificate.write_text("rubbish")
            os.utime(pair.certificate, ns=(1, 1))
            with capture_logs() as logs:
                loaded.renew(seen)
            assert "cannot be used" in logs[0]["event"]
            async with httpx.AsyncClient(verify=loaded.client, trust_env=False) as another:
                assert (await another.get(url)).status_code == http.client.NOT_FOUND

    asyncio.run(story())


def test_files_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    one, two = authority.issue("one"), authority.issue("two")
    gone = Pair(tmp_path / "gone.pem", one.key)
    with pytest.raises(TlsUnusable, match=r"gone\.pem cannot be read \(No such file or directory\)"):
        load_tls(settings(gone, authority))
    with pytest.raises(TlsUnusable, match=r"one\.pem and key .*two\.key do not work together"):
        load_tls(settings(Pair(one.certificate, two.key), authority))
    authority.file.write_text("rubbish")
    with pytest.raises(TlsUnusable, match=r"api\.ca_file .* holds no certificate"):
        load_tls(settings(one, authority))
    assert load_tls(ApiSettings(port=8008)) is None
