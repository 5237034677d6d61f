"""Who answers behind the primary's Service? Asks for ever over new connections, in a pod of its own.

A line is `MILLISECONDS ADDRESS ROLE`, or `MILLISECONDS -` when nobody did; milliseconds since 1970 of the answer.
"""

import os
import sys
import time

import psycopg

EVERY_S = 0.05


def main() -> None:
    """For ever."""
    while True:
        try:
            with psycopg.connect(os.environ["ADDRESS"], connect_timeout=2) as connection:
                row = connection.execute("SELECT host(inet_server_addr()), pg_is_in_recovery()").fetchone()
            answer = "-" if row is None else f"{row[0]} {'standby' if row[1] else 'primary'}"
        except psycopg.Error:
            answer = "-"
        sys.stdout.write(f"{time.time_ns() // 1_000_000} {answer}\n")
        sys.stdout.flush()
        time.sleep(EVERY_S)


if __name__ == "__main__":
    main()
