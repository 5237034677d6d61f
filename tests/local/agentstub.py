"""A real HTTP server that answers as an agent would, for tests of what asks agents."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from howdah.local.remote import Agent
from howdah.local.sight import KnownNode


class Asked:
    """What was asked of it: (method, path, token header, body)."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, str, Any]] = []


@contextmanager
def answering(name: str, documents: Mapping[str, tuple[int, Any]]) -> Iterator[tuple[KnownNode, Asked]]:
    """An agent that answers these paths with (status, document), and 404 else."""
    asked = Asked()

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            asked.requests.append((self.command, self.path, self.headers.get("Authorization", ""), body))
            status, document = documents.get(self.path, (404, {"error": f"there is nothing at {self.path}"}))
            data = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def do_GET(self) -> None:
            self.answer()

        def do_POST(self) -> None:
            self.answer()

        def do_PATCH(self) -> None:
            self.answer()

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        port = server.server_address[1]
        yield KnownNode(name, "127.0.0.1", 5432, Agent(name, "127.0.0.1", port)), asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def cluster_document(**changes: Any) -> dict[str, Any]:
    """A healthy cluster of three as an agent tells it."""
    nodes = [
        {
            "name": name,
            "role": "primary" if name == "n1" else "standby",
            "state": "running" if name == "n1" else "streaming",
            "timeline": 1,
            "lsn": "0/5000000",
            "lag_bytes": 0,
            "lag_seconds": 0.0,
            "sync": name != "n1",
            "priority": 100,
            "host": "127.0.0.1",
            "port": 5432,
            "api": "127.0.0.1:8008",
        }
        for name in ("n1", "n2", "n3")
    ]
    return {
        "cluster": "main",
        "system_identifier": "7",
        "term": 3,
        "primary": "n1",
        "serving": True,
        "paused": False,
        "sync": {"mode": "quorum", "num_sync": 1, "voters": ["n2", "n3"]},
        "nodes": nodes,
        "routers": [],
    } | changes
