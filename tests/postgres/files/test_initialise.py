"""What does a new cluster's first directory look like, and what does an interrupted one leave?"""

import stat
from dataclasses import replace

import psycopg
import pytest

from howdah.cluster.serverfacts import DirectoryState
from howdah.ports.postgres import PostgresFailure
from howdah.postgres import install
from howdah.postgres.directory import NodeDirectory
from howdah.postgres.initialise import locale_arguments
from tests.postgres.files.nodefarm import Farm, run


def test_a_new_cluster_has_checksums_scram_the_roles_and_the_term_table(nodes: Farm) -> None:
    node = nodes.first()

    async def story() -> None:
        await node.start()
        assert node.value("SHOW data_checksums") == "on"
        assert node.value("SHOW server_encoding") == "UTF8"
        assert node.value("SELECT datcollate FROM pg_database WHERE datname = 'postgres'") == "C"
        assert node.sql(
            "SELECT rolname, rolsuper, rolpassword ~ '^SCRAM-SHA-256' FROM pg_authid WHERE rolcanlogin"
        ) == [
            ("postgres", True, True),
            ("howdah", True, None),
            ("howdah_replication", False, True),
            ("howdah_router", False, True),
        ]
        assert node.value("SELECT rolreplication FROM pg_roles WHERE rolname = 'howdah_replication'")
        node.sql("INSERT INTO howdah.term (term, holder) VALUES (1, 'n1')")
        with pytest.raises(psycopg.errors.UniqueViolation):
            node.sql("INSERT INTO howdah.term (term, holder) VALUES (2, 'n2')")
        await node.stop()

    run(story())


def test_the_agent_s_own_statements_do_not_show_a_password(nodes: Farm) -> None:
    node = nodes.empty("n1")
    run(node.directory().initialise())
    told = "\n".join(node.lines)
    assert told
    assert node.site.secrets.superuser not in told
    assert node.site.secrets.replication not in told


def test_everything_belongs_to_the_account_and_to_nobody_else(nodes: Farm) -> None:
    node = nodes.first()
    account = node.site.account
    wanted = account.uid if account else node.layout.root.stat().st_uid
    assert stat.S_IMODE(node.data.stat().st_mode) == 0o700
    for path in (node.data, *node.data.iterdir()):
        assert path.stat().st_uid == wanted
        assert not stat.S_IMODE(path.stat().st_mode) & 0o077


def test_an_initialised_directory_is_unfinished_until_it_has_an_identity(nodes: Farm) -> None:
    node = nodes.empty("n1")
    directory = node.directory()
    assert directory.inspect().state is DirectoryState.EMPTY
    run(directory.initialise())
    made = directory.inspect()
    assert made.state is DirectoryState.BROKEN
    run(directory.initialise())  # its agent died, and goes on: nothing is made anew
    assert directory.inspect() == made
    directory.write_identity("id-1")
    facts = directory.inspect()
    assert (facts.state, facts.identity, facts.clean, facts.timeline) == (DirectoryState.READY, "id-1", True, 1)
    assert facts.major_version == node.site.installation.major
    assert facts.explanation == ""
    with pytest.raises(PostgresFailure, match="is not empty"):
        run(directory.initialise())


def test_a_directory_that_is_not_empty_is_not_initialised(nodes: Farm) -> None:
    node = nodes.empty("n1")
    node.data.mkdir()
    (node.data / "somebody's").write_text("data")
    with pytest.raises(PostgresFailure, match="is not empty"):
        run(node.directory().initialise())
    assert (node.data / "somebody's").read_text() == "data"


def test_an_interrupted_initialisation_leaves_the_place_empty_and_can_be_repeated(nodes: Farm) -> None:
    node = nodes.empty("n1")
    node.layout.clone.mkdir()
    (node.layout.clone / "PG_VERSION").write_text("18\n")
    assert node.directory().inspect().state is DirectoryState.EMPTY
    run(node.directory().initialise())
    assert not node.layout.clone.exists()
    assert not install.finished_file(node.layout).exists()
    assert (node.data / "global" / "pg_control").exists()


def test_a_failing_initdb_is_reported_with_its_words(nodes: Farm) -> None:
    node = nodes.empty("n1")
    directory = NodeDirectory(replace(node.site, locale="no_SUCH"))
    with pytest.raises(PostgresFailure, match=r"initdb failed.*no_SUCH"):
        run(directory.initialise())


@pytest.mark.parametrize("major", [14, 16, 17, 18])
def test_without_a_locale_the_sort_order_is_the_same_on_every_machine(major: int) -> None:
    arguments = locale_arguments(major, "")
    assert "--locale=C" in arguments
    assert ("--locale-provider=builtin" in arguments) == (major >= 17)


def test_a_named_locale_is_taken_and_messages_stay_english() -> None:
    assert locale_arguments(18, "de_DE.UTF-8") == ("--locale=de_DE.UTF-8", "--lc-messages=C")
