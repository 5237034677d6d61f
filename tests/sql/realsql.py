"""How are a real server's answers and catalogs had, statement by statement?"""

from psycopg import pq

from howdah.sql.catalogqueries import FUNCTIONS, OPERATORS, RELATIONS, TYPES, function_facts, relation_names
from howdah.sql.volatility import FunctionCatalog, catalog_of
from tests.postgres.sqlserver import SqlServer
from tests.sql.schema import SCHEMA


def prepare(primary: SqlServer) -> None:
    """Make the database of `schema`."""
    with primary.connect() as connection:
        for statement in SCHEMA:
            connection.execute(statement.encode())


def catalog(server: SqlServer) -> FunctionCatalog:
    """The catalogs of a server, read as a router reads them."""
    with server.connect() as connection:
        functions = connection.execute(FUNCTIONS.encode()).fetchall()
        relations = connection.execute(RELATIONS.encode()).fetchall()
        operators = [row[0] for row in connection.execute(OPERATORS.encode())]
        types = [row[0] for row in connection.execute(TYPES.encode())]
    return catalog_of(
        function_facts([(row[0], row[1], row[2], row[3]) for row in functions]),
        relation_names([(row[0], row[1]) for row in relations]),
        operators,
        types,
    )


class Session:
    """One connection that runs whole texts by the simple protocol and tells how each ended."""

    def __init__(self, server: SqlServer) -> None:
        self._connection = pq.PGconn.connect(
            f"host={server.farm.root} port={server.port} user=postgres dbname=postgres".encode()
        )

    @property
    def major(self) -> int:
        """The server's major version."""
        return self._connection.server_version // 10_000

    def run(self, sql: str) -> str:
        """Empty, or SQLSTATE and message of the first error. COPY data is drained, and none is sent."""
        self._connection.send_query(sql.encode())
        failure = ""
        while (result := self._connection.get_result()) is not None:
            match pq.ExecStatus(result.status):
                case pq.ExecStatus.FATAL_ERROR:
                    state = (result.error_field(pq.DiagnosticField.SQLSTATE) or b"?").decode()
                    failure = failure or f"{state} {result.error_message.decode(errors='replace').strip()}"
                case pq.ExecStatus.COPY_OUT:
                    while self._connection.get_copy_data(0)[0] > 0:
                        pass
                case pq.ExecStatus.COPY_IN:
                    self._connection.put_copy_end(b"nothing to send")
                case _:
                    pass
        return failure

    def run_read_only(self, sql: str) -> str:
        """The same inside BEGIN READ ONLY, which is then rolled back and forgotten."""
        self.run("BEGIN READ ONLY")
        try:
            return self.run(sql)
        finally:
            self.run("ROLLBACK")
            self.run("ROLLBACK")  # a text may have begun another one
            self.run("DISCARD ALL")

    def close(self) -> None:
        """End the connection."""
        self._connection.finish()
