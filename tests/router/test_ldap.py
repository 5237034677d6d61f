"""Do passwords of a real LDAP directory let clients in?"""

import contextlib
import shutil
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from howdah.router.directory import is_there
from tests.certificates import Authority
from tests.ports import free_port
from tests.realcluster.processes import eventually
from tests.router.lonerouter import Lone, LoneRouter, router_of

SLAPD = shutil.which("slapd", path="/usr/sbin:/usr/lib/openldap:/usr/libexec:/usr/bin")
SCHEMAS = Path("/etc/ldap/schema")
pytestmark = pytest.mark.skipif(
    SLAPD is None or not is_there(),
    reason="needs a directory server and python-ldap: apt install slapd libldap2-dev libsasl2-dev, pip install "
    "'.[ldap]'",
)
PEOPLE = """
dn: dc=example
objectClass: domain
dc: example

dn: ou=people,dc=example
objectClass: organizationalUnit
ou: people

dn: uid=anna,ou=people,dc=example
objectClass: inetOrgPerson
uid: anna
cn: Anna
sn: A
mail: twin@example
userPassword: secret

dn: uid=trusted,ou=people,dc=example
objectClass: inetOrgPerson
uid: trusted
cn: Bert
sn: B
mail: twin@example
userPassword: other

dn: cn=searcher,dc=example
objectClass: person
cn: searcher
sn: S
userPassword: searches
"""


@dataclass(frozen=True)
class Directory:
    """A slapd."""

    port: int


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[Directory]:
    """With two people in it, and somebody who may search."""
    assert SLAPD is not None
    root = tmp_path_factory.mktemp("slapd")
    (root / "data").mkdir()
    pair = authority.issue("directory")
    config = root / "slapd.conf"
    config.write_text(
        "".join(f"include {SCHEMAS}/{name}.schema\n" for name in ("core", "cosine", "inetorgperson"))
        + "modulepath /usr/lib/ldap\nmoduleload back_mdb\n"
        + f"pidfile {root}/pid\nTLSCertificateFile {pair.certificate}\nTLSCertificateKeyFile {pair.key}\n"
        + f'database mdb\nsuffix "dc=example"\nrootdn "cn=admin,dc=example"\nrootpw admin\ndirectory {root}/data\n'
        + 'access to attrs=userPassword by anonymous auth by * none\naccess to * by dn="cn=searcher,dc=example" read '
        + "by * none\n"
    )
    people = root / "people.ldif"
    people.write_text(PEOPLE)
    subprocess.run([SLAPD, "-Tadd", "-f", config, "-l", people], check=True, capture_output=True)
    port = free_port()
    process = subprocess.Popen(
        [SLAPD, "-f", config, "-h", f"ldap://127.0.0.1:{port}", "-d", "0"], stderr=subprocess.DEVNULL
    )
    try:
        eventually(lambda: _listens(port), "slapd listens")
        yield Directory(port)
    finally:
        process.terminate()
        process.wait()


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
        return True
    return False


@contextlib.contextmanager
def asking(lone: Lone, sockets: Path, options: str) -> Iterator[LoneRouter]:
    """A router whose clients of the Unix socket have to be in a directory."""
    rules = [f"local all all ldap {options}", "host all trusted all trust"]
    with router_of(lone, listen={"socket_directory": str(sockets)}, login={"hba": rules}) as router:
        yield router


def gets_in(router: LoneRouter, sockets: Path, user: str, password: str) -> str:
    """Why not; "" if it does."""
    try:
        with router.connect(user, host=str(sockets), password=password) as client:
            row = client.execute("SELECT current_user").fetchone()
            assert row == (user,)
        return ""
    except psycopg.OperationalError as error:
        return str(error)


def test_a_name_and_its_password_are_bound(lone: Lone, directory: Directory, sockets: Path) -> None:
    options = f'ldapserver=127.0.0.1 ldapport={directory.port} ldapprefix="uid=" ldapsuffix=",ou=people,dc=example"'
    with asking(lone, sockets, options) as router:
        assert gets_in(router, sockets, "anna", "secret") == ""
        for user, password in (("anna", "other"), ("anna", ""), ("nobody", "secret"), ("trusted", "secret")):
            assert f'LDAP authentication failed for user "{user}"' in gets_in(router, sockets, user, password) or (
                password == "" and "no password supplied" in gets_in(router, sockets, user, password)
            )
        router.until_logged("the password is wrong, or that there is no uid=nobody,ou=people,dc=example")
        assert "secret" not in router.log


def test_a_name_is_searched_for_by_who_may_search(lone: Lone, directory: Directory, sockets: Path) -> None:
    base = f'ldapserver=127.0.0.1 ldapport={directory.port} ldapbasedn="dc=example"'
    searcher = 'ldapbinddn="cn=searcher,dc=example" ldapbindpasswd=searches'
    with asking(lone, sockets, f"{base} {searcher}") as router:
        assert gets_in(router, sockets, "anna", "secret") == ""
        assert "LDAP authentication failed" in gets_in(router, sockets, "anna", "wrong")
        assert "LDAP authentication failed" in gets_in(router, sockets, "an*", "secret")
    with asking(lone, sockets, f'{base} {searcher} ldapsearchfilter="(|(uid=$username)(mail=twin@example))"') as router:
        assert "LDAP authentication failed" in gets_in(router, sockets, "anna", "secret")
        router.until_logged("there is not exactly one entry for 'anna' below dc=example")
    with asking(lone, sockets, base) as router:  # nobody may search
        assert "LDAP authentication failed" in gets_in(router, sockets, "anna", "secret")
    url = f'ldapurl="ldap://127.0.0.1:{directory.port}/dc=example?uid?sub" {searcher}'
    with asking(lone, sockets, url) as router:
        assert gets_in(router, sockets, "anna", "secret") == ""


def test_tls_is_begun_and_the_directory_has_to_show_who_it_is(
    lone: Lone, directory: Directory, sockets: Path, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    bind = 'ldapprefix="uid=" ldapsuffix=",ou=people,dc=example"'
    options = f"ldapserver=127.0.0.1 ldapport={directory.port} ldaptls=1 {bind}"
    with asking(lone, sockets, options) as router:
        assert "LDAP authentication failed" in gets_in(router, sockets, "anna", "secret"), "nobody vouches for it"
    monkeypatch.setenv("LDAPTLS_CACERT", str(authority.file))
    with asking(lone, sockets, options) as router:
        assert gets_in(router, sockets, "anna", "secret") == "", router.log[-1500:]


def test_a_directory_that_is_away_is_passed_over_and_disturbs_nobody_else(
    lone: Lone, directory: Directory, sockets: Path
) -> None:
    gone = free_port()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        bind = 'ldapprefix="uid=" ldapsuffix=",ou=people,dc=example"'
        options = f'ldapserver="127.0.0.1" ldapport={gone} {bind}'
        with asking(lone, sockets, options) as router:
            assert "LDAP authentication failed" in gets_in(router, sockets, "anna", "secret")
            router.until_logged("does not answer")
            assert router.answers()
        options = f'ldapserver="127.0.0.1" ldapport={silent.getsockname()[1]} {bind}'
        with asking(lone, sockets, options) as router:
            waits = psycopg.conninfo.make_conninfo(router.conninfo("anna"), host=str(sockets), connect_timeout="2")
            with pytest.raises(psycopg.OperationalError):
                psycopg.connect(waits)
            assert router.answers(), "a login that hangs is the only one that does"
    assert directory.port
