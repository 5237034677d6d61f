"""What does a router process do with its ports, its settings and its end?"""

import select
import signal
import stat
import threading
import time
from pathlib import Path
from typing import Any

import psycopg
import pytest

from howdah.configuration.faults import checked
from howdah.configuration.router import RouterSettings
from howdah.router.reload import renewed
from howdah.router.socketfile import SocketFile, SocketTaken
from tests.certificates import Authority
from tests.ports import free_port
from tests.realcluster.processes import eventually
from tests.router.lonerouter import Lone, router_of


def test_clients_come_in_by_every_address_and_port_and_by_the_socket(lone: Lone, sockets: Path) -> None:
    listen = {
        "listen": "127.0.0.1, 127.0.0.2",
        "read_write_port": free_port(),
        "read_only_port": free_port(),
        "any_port": free_port(),
        "socket_directory": str(sockets),
        "socket_mode": "0770",
    }
    with router_of(lone, listen=listen) as router:
        for host in ("127.0.0.1", "127.0.0.2"):
            for port in (router.port, listen["read_write_port"], listen["read_only_port"], listen["any_port"]):
                with router.connect(host=host, port=port) as client:
                    assert client.execute("SELECT 1").fetchone() == (1,)
        path = sockets / f".s.PGSQL.{router.port}"
        assert stat.S_IMODE(path.stat().st_mode) == 0o770
        lock = (sockets / f".s.PGSQL.{router.port}.lock").read_text().splitlines()
        assert router.process is not None
        assert (int(lock[0]), lock[3], lock[4]) == (router.process.pid, str(router.port), str(sockets))
        assert 'Peer authentication failed for user "anna"' in str(router.refusal("anna", host=str(sockets)))
        router.signal(signal.SIGTERM)
        assert router.end() == 0
        assert not list(sockets.iterdir())


def test_a_socket_is_taken_from_the_dead_and_from_a_router_and_from_nobody_else(tmp_path: Path) -> None:
    lock = tmp_path / ".s.PGSQL.7000.lock"
    lock.write_text(f"{2**22 - 1}\n/some/data\n")  # there is no such process
    (tmp_path / ".s.PGSQL.7000").touch()
    mine = SocketFile(tmp_path, 7000, 0o700, 5)
    assert not mine.replaced
    mine.socket.close()
    mine.release()
    assert not list(tmp_path.iterdir())
    lock.write_text("1\n/some/data\n")
    with pytest.raises(SocketTaken, match="belongs to process 1"):
        SocketFile(tmp_path, 7000, 0o700, 5)
    lock.write_text("1\nhowdah router\n")
    theirs = SocketFile(tmp_path, 7000, 0o700, 5)
    assert theirs.replaced == 1
    theirs.socket.close()
    lock.write_text("1\nhowdah router\n")  # somebody took it over in turn
    theirs.release()
    assert (tmp_path / ".s.PGSQL.7000").exists() and lock.exists()


def test_a_port_that_is_taken_by_another_program_is_named(lone: Lone) -> None:
    with router_of(lone, listen={"read_write_port": lone.server.port}) as router:
        assert router.end() == 1
        assert f"cannot listen on 127.0.0.1:{lone.server.port} (Address already in use): give another" in router.log


def test_settings_are_taken_up_by_a_running_router_or_named(lone: Lone) -> None:
    with router_of(lone) as router, router.connect() as client:
        client.execute("SELECT 1")
        router.write(pools={"size": 0})
        router.signal(signal.SIGHUP)
        router.until_logged("pools.size is 0")
        router.until_logged("the old ones stay")
        router.write(
            pools={"size": 1},
            limits={"clients_per_user": 1, "transaction_idle_timeout": "100ms"},
            login={"hba": ["host all trusted all trust"]},
            log={"level": "debug"},
            listen={"port": router.port, "backlog": 7},
        )
        router.signal(signal.SIGHUP)
        router.until_logged("listen.backlog was changed, which takes effect when the router is started again")

        assert "pools.size was changed" not in router.log
        assert 'too many connections for role "trusted"' in str(router.refusal())
        assert "no access rule of the router is for" in str(router.refusal("anna"))
        client.execute("BEGIN")
        assert select.select([client.fileno()], [], [], 60)[0]
        with pytest.raises(psycopg.errors.IdleInTransactionSessionTimeout):
            client.execute("SELECT 1")


def test_what_cannot_change_is_named_as_it_is_written() -> None:
    before = {"secrets": {"router": "secret"}, "agents": {"addresses": "one:1"}}
    old = checked(RouterSettings, before)
    new = checked(
        RouterSettings,
        {**before, "knowledge": {"store_timeout": "1s"}, "hold": {"timeout": "1s"}, "secrets": {"router": "other"}},
    )
    taken, kept = renewed(old, new)
    assert kept == ("knowledge.store_timeout", "secrets.router")
    assert taken.hold.timeout_ms == 1000
    assert taken.knowledge.store_timeout_ms == 2000
    assert renewed(old, old) == (old, ())


def test_a_renewed_certificate_is_for_new_connections(lone: Lone, authority: Authority, tmp_path: Path) -> None:
    first, second = authority.issue("router-one"), authority.issue("router-two")
    certificate, key = tmp_path / "router.pem", tmp_path / "router.key"
    certificate.write_bytes(first.certificate.read_bytes())
    key.write_bytes(first.key.read_bytes())
    tls = {
        "clients": {"mode": "require", "cert_file": str(certificate), "key_file": str(key)},
        "servers": {"mode": "disable"},
        "reload_interval": "50ms",
    }
    with router_of(lone, tls=tls) as router:
        trusts = {"sslmode": "verify-ca", "sslrootcert": str(authority.file)}
        with router.connect(**trusts) as old:
            certificate.write_bytes(second.certificate.read_bytes())
            key.write_bytes(second.key.read_bytes())
            router.until_logged("the certificate for clients was renewed")
            with router.connect(**trusts) as new:
                assert new.execute("SELECT 1").fetchone() == (1,)
            assert old.execute("SELECT 1").fetchone() == (1,)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_router_that_is_replaced_under_load_refuses_nobody_and_breaks_no_transaction(
    lone: Lone, sockets: Path, workers: int
) -> None:
    settings: dict[str, Any] = {
        "workers": workers,
        "listen": {"socket_directory": str(sockets)},
        "pools": {"size": 8},
        "login": {"hba": ["local all all trust", "host all all all trust"]},
    }
    lone.sql("CREATE TABLE IF NOT EXISTS passed (number int)")
    lone.sql("GRANT ALL ON passed TO trusted")
    done, failures, stop = [0] * 6, [], threading.Event()
    with router_of(lone, **settings) as old:

        def work(place: int) -> None:
            where = {"host": str(sockets)} if place % 2 else {}
            while not stop.is_set():
                try:
                    with old.connect(**where) as client, client.transaction():
                        client.execute("INSERT INTO passed VALUES (1)")
                        time.sleep(0.01)
                        client.execute("INSERT INTO passed VALUES (1)")
                    done[place] += 1
                except psycopg.Error as error:
                    failures.append(f"{time.time()} {place} {error}")

        threads = [threading.Thread(target=work, args=(place,)) for place in range(len(done))]
        for thread in threads:
            thread.start()
        try:
            eventually(lambda: min(done) > 5, "everybody gets in")
            with old.connect() as slow:
                slow.execute("BEGIN")
                slow.execute("INSERT INTO passed VALUES (1)")
                with router_of(lone, port=old.port, **settings) as new:
                    old.signal(signal.SIGTERM)
                    old.until_logged("stops")
                    before = list(done)
                    eventually(lambda: all(a > b + 5 for a, b in zip(done, before, strict=True)), "they go on")
                    slow.execute("INSERT INTO passed VALUES (1)")
                    slow.execute("COMMIT")
                    assert old.end() == 0
                    before = list(done)
                    eventually(lambda: all(a > b + 5 for a, b in zip(done, before, strict=True)), "they go on")
                    stop.set()
                    for thread in threads:
                        thread.join()
                    assert "another process of this account listens" in new.log
        finally:
            stop.set()
            for thread in threads:
                thread.join()
    assert not failures, (len(failures), failures[0], failures[-1])
    assert not list(sockets.iterdir())
    lone.sql("DROP TABLE passed")
