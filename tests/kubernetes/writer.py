"""Writes numbers through the router for ever, in a pod of its own, and says of each what became of it.

Needs nothing but psycopg: it is put into the pod as a ConfigMap. A line is `NUMBER MILLISECONDS OUTCOME`: `ok`,
`unknown` (08007), or `error` with the SQLSTATE; milliseconds since 1970.
"""

import os
import sys
import time

import psycopg

EVERY_S = 0.02


def say(number: int, outcome: str) -> None:
    """One line, at once."""
    sys.stdout.write(f"{number} {time.time_ns() // 1_000_000} {outcome}\n")
    sys.stdout.flush()


def connected() -> psycopg.Connection:
    """A connection to the router, sooner or later."""
    while True:
        try:
            return psycopg.connect(os.environ["ADDRESS"], autocommit=True, connect_timeout=30)
        except psycopg.OperationalError as refused:
            say(0, f"refused {str(refused).splitlines()[0]}")
            time.sleep(0.1)


def main() -> None:
    """For ever."""
    connection = connected()
    connection.execute("CREATE TABLE IF NOT EXISTS written (number bigint PRIMARY KEY)")
    row = connection.execute("SELECT coalesce(max(number), 0) FROM written").fetchone()
    number = int(row[0]) if row else 0
    say(number, "begins")
    while True:
        number += 1
        try:
            connection.execute("INSERT INTO written VALUES (%s)", (number,))
            say(number, "ok")
        except psycopg.Error as error:
            say(number, "unknown" if error.sqlstate == "08007" else f"error {error.sqlstate} {error}".splitlines()[0])
            if connection.closed:
                connection = connected()
        time.sleep(EVERY_S)


if __name__ == "__main__":
    main()
