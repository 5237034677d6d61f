"""With which inputs does the fuzzer begin? The first byte chooses the target.

`corpus.txt` and `conversations.txt` are what earlier runs kept because it took new branches, one input a line in
hexadecimal.
"""

from pathlib import Path

from howdah.wire import requests, rows, startup
from howdah.wire.replies import READY_IDLE
from howdah.wire.scramclient import first_message
from tests.routing.playsession import EXECUTE, bind, parse

SEEDS = (
    b"\0\0\xff\xff" + requests.query(b"SELECT 1") + requests.SYNC,
    b"\0\2\1\x10" + rows.table([rows.Column("n")], [["1"], [None]], "SELECT") + READY_IDLE,
    b"\1QPBDES" + b"1\0\0\0\x042\0\0\0\4" + READY_IDLE,
    b"\2" + startup.startup_message((("user", "u"), ("options", "-c a=b --c-d=e"), ("_pq_.x", "1")), 9999),
    b"\2" + startup.cancel_request(1, b"k" * 32),
    b"\2" + startup.opening(startup.Opening.SSL),
    b"\3-c a=b --c-d=e -fs -eS1 \\ x",
    b"\4" + first_message(("SCRAM-SHA-256",), b"ours", False, None).message,
    b"\4c=biws,r=ourstheirs,p=" + b"A" * 43 + b"=",
    b"\4SCRAM-SHA-256$4096:AAAA$AAAA:AAAA",
)

BATCH = parse("s", "SELECT 1") + bind("s") + EXECUTE + requests.SYNC
CONVERSATIONS = (
    b"\xff\0\0\0" + requests.query(b"SELECT 1") + BATCH,
    b"\x07\0\1\2" + BATCH + requests.query(b"COPY t FROM STDIN") + requests.SYNC,
    b"\xff\0\0\0" + requests.query(b"BEGIN") + requests.query(b"SET x.y = 1") + requests.query(b"COMMIT"),
    b"\xff\0\0\0" + requests.query(b"DISCARD ALL") + requests.query(b"PREPARE s AS SELECT 1") + requests.FLUSH,
)
"""How it is cut, what the servers do, and what a client sends."""


def _kept(name: str) -> tuple[bytes, ...]:
    file = Path(__file__).with_name(name)
    return tuple(bytes.fromhex(line) for line in file.read_text("ascii").split())


CORPUS = _kept("corpus.txt")
CONVERSED = _kept("conversations.txt")
