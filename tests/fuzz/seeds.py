"""With which inputs does the fuzzer begin? The first byte chooses the target.

`corpus.txt` is what earlier runs kept because it took new branches, one input a line in hexadecimal.
"""

from pathlib import Path

from howdah.wire import requests, rows, startup
from howdah.wire.replies import READY_IDLE
from howdah.wire.scramclient import first_message

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

CORPUS = tuple(bytes.fromhex(line) for line in Path(__file__).with_name("corpus.txt").read_text("ascii").split())
