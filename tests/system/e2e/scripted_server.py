"""A server on a thread that answers each request as the test says, and remembers what it was asked."""

import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

JSON_API = {"Content-Type": "application/vnd.api+json"}


@dataclass(frozen=True)
class Asked:
    """One request; `data` is the body's `data` member where it is JSON, `headers` have names in lower case."""

    method: str
    path: str
    data: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def id(self) -> str:
        return self.path.split("?")[0].rsplit("/", 1)[1]


@dataclass(frozen=True)
class Answer:
    """One reply."""

    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=lambda: dict(JSON_API))


def confirmed(asked: Asked, **echo: object) -> Answer:
    """A success about the record that was meant."""
    attributes = {**asked.data.get("attributes", {}), **echo}
    data = {"id": asked.data["id"], "type": asked.data["type"], "attributes": attributes}
    return Answer(body=json.dumps({"data": data}).encode())


def refused(status: int, code: str = "X") -> Answer:
    """A JSON:API error."""
    return Answer(status, json.dumps({"errors": [{"title": "no", "code": code, "status": str(status)}]}).encode())


def nothing_there(asked: Asked) -> Answer:
    """No record at all: an empty list, and a 404 for each by itself."""
    single = asked.path.split("?")[0].count("/") == 3
    return Answer(404, b'{"errors": [{"code": "RECORD_NOT_FOUND"}]}') if single else Answer(body=b'{"data": []}')


Script = Callable[[Asked], Answer]


@dataclass
class Scripted:
    """A running server; `script` may be replaced between two runs. `reads`, if given, answers GETs in its place."""

    url: str
    script: Script
    reads: Script | None = None
    asked: list[Asked] = field(default_factory=list)

    def patches(self) -> list[tuple[str, Any]]:
        """Id and attributes of every PATCH."""
        return [(each.id, each.data.get("attributes")) for each in self.asked if each.method == "PATCH"]


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away, or does not trust us, is the test's business."""


@contextmanager
def scripted_server(script: Script, certificate: Path | None = None) -> Iterator[Scripted]:
    """Serve until the block ends; by TLS, on the name `localhost`, with a `certificate`."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # head and body leave apart: 40 ms a reply otherwise

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            data = json.loads(body).get("data", {}) if body.startswith(b"{") else {}
            headers = {name.lower(): value for name, value in self.headers.items()}
            asked = Asked(self.command, self.path, data, headers, body)
            scripted.asked.append(asked)
            script = scripted.reads if scripted.reads and asked.method == "GET" else scripted.script
            answer = script(asked)
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        do_PATCH = do_GET = do_POST = _answer  # noqa: N815  # the names that http.server looks for

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class's name
            pass

    server = _Server(("127.0.0.1", 0), Handler)
    port = server.server_address[1]
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        # The handshake is the business of the connection's own thread.
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    scripted = Scripted(f"https://localhost:{port}" if certificate else f"http://127.0.0.1:{port}", script)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield scripted
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
