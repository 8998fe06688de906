"""The gate itself: what passes is what was sent, counted, with a rival's write before the update and not elsewhere."""

import json
import threading
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.system.strangers.gate import Gate, Passed


class Echo(BaseHTTPRequestHandler):
    """Answers with what it was sent."""

    protocol_version = "HTTP/1.1"

    def do_PATCH(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        text = json.dumps({"path": self.path, "match": self.headers["If-Match"], "body": body.decode()}).encode()
        self.send_response(207)
        self.send_header("ETag", '"7"')
        self.send_header("Backoff", "2")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def gate() -> Iterator[Gate]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    with Gate(server.server_address[1]) as opened:
        yield opened
    server.shutdown()
    server.server_close()


def update(gate: Gate, path: str) -> dict[str, str]:
    request = urllib.request.Request(f"{gate.url}{path}", "ü".encode(), {"If-Match": '"1"'}, method="PATCH")
    with urllib.request.urlopen(request, timeout=5) as reply:
        assert (reply.status, reply.headers["ETag"]) == (207, '"7"')
        found: dict[str, str] = json.load(reply)
        return found


def test_a_request_passes_as_it_was_sent_and_is_counted(gate: Gate) -> None:
    assert update(gate, "/items/a%20b?x=%2F") == {"path": "/items/a%20b?x=%2F", "match": '"1"', "body": "ü"}
    assert gate.counted() == "1 requests: 1 x PATCH 207"
    assert gate.updates() == 1


def test_a_lost_update_is_done_and_not_answered(gate: Gate) -> None:
    gate.loses = 2
    update(gate, "/items/1")
    with pytest.raises(OSError, match="without response"):
        update(gate, "/items/2")
    update(gate, "/items/3")
    assert gate.updates() == 3


def test_a_rival_writes_once_before_the_update_of_its_record(gate: Gate) -> None:
    written: list[str] = []
    gate.before = {"a b/c": lambda: written.append("rival")}
    update(gate, "/items/other/")
    assert not written
    update(gate, "/items/a%20b%2Fc/")
    update(gate, "/items/a%20b%2Fc/")
    assert written == ["rival"]
    assert not gate.before


@pytest.mark.parametrize(("began", "hasty"), [(10.1, 0), (11.0, 1), (11.9, 0), (12.5, 0)])
def test_what_begins_while_a_backoff_lasts_is_hasty(began: float, hasty: int) -> None:
    gate = Gate(1, [Passed("GET", 200, 9.9, 10.0, backoff=2.0), Passed("PATCH", 200, began, began + 0.1)])
    assert gate.hasty() == hasty
