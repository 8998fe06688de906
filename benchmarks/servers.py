"""Servers on loopback, in processes of their own: nginx if it is available, else the raw server."""

import json
import shutil
import socket
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.getting import unpacked
from benchmarks.rows import FILLING

ANSWER: Final = (
    '{"data":{"id":"$2","type":"$1","links":{"self":"https://example.com/api/$1/$2"},"attributes":{'
    + FILLING
    + ',"meta":{"mode":"test"}}}'
)
"""The reply of nginx to a PATCH: it cannot repeat what was sent."""

CONFIGURATION: Final = """
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log crit;
events {{ worker_connections 4096; }}
http {{
    access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
    uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
    keepalive_requests 1000000000; keepalive_timeout 600s; server_tokens off; tcp_nodelay on;
    ssl_certificate {folder}/server.pem; ssl_certificate_key {folder}/server.key; ssl_session_cache shared:a:1m;
    server {{
        listen 127.0.0.1:{plain} backlog=1024; listen 127.0.0.1:{secure} ssl backlog=1024;
        location = /_status {{ stub_status; }}
        location ~ ^/api/([a-z_]+)/([^/]+)$ {{
            default_type application/vnd.api+json;
            add_header Cache-Control "max-age=0, private, must-revalidate";
            add_header X-Request-Id $request_id;
            return 200 '{answer}';
        }}
    }}
}}
"""


@dataclass(frozen=True, slots=True)
class Server:
    """A running server. `ca` is the file of the authority that signed its certificate."""

    name: str
    origin: str
    ca: Path

    def seen(self) -> tuple[int, int | None]:
        """Return how many PATCHes arrived since the last call, and the checksum of their bodies, None if not known."""
        if self.name != "raw":
            return _requests_of(self), None
        found = json.loads(self._get("/_seen"))
        return found["patches"], found["checksum"]

    def _get(self, path: str) -> bytes:
        tls = ssl.create_default_context(cafile=str(self.ca)) if self.origin.startswith("https") else None
        with urllib.request.urlopen(self.origin + path, context=tls, timeout=30) as reply:
            content: bytes = reply.read()
            return content


_requests: Final[dict[str, int]] = {}


def _requests_of(server: Server) -> int:
    """Return the requests that nginx counted since the last call, without this one."""
    total = int(server._get("/_status").splitlines()[2].split()[2])  # noqa: SLF001  # same module
    before, _requests[server.name] = _requests.get(server.name, 0), total
    return total - before - 1


def nginx() -> str | None:
    """Return the path of the program, None if it is not available."""
    return shutil.which("nginx", path="/usr/sbin:/usr/bin:/sbin:/bin") or unpacked("nginx", "usr/sbin/nginx")


@contextmanager
def running(
    folder: Path, *, tls: bool, kind: str = "raw", latency: float = 0.0, jitter: float = 0.0
) -> Iterator[Server]:
    """Run a server until the block ends.

    Args:
        folder: for its files.
        tls: whether to speak https.
        kind: `nginx` or `raw`.
        latency: seconds before each reply, of the raw one.
        jitter: mean of what is added to that at random.
    """
    certify(folder)
    starter = _nginx(folder, tls=tls) if kind == "nginx" else _raw(folder, tls=tls, latency=latency, jitter=jitter)
    with starter as port:
        yield Server(kind, f"http{'s' if tls else ''}://127.0.0.1:{port}", folder / "ca.pem")


@contextmanager
def _raw(folder: Path, *, tls: bool, latency: float, jitter: float) -> Iterator[int]:
    command = [sys.executable, "-m", "benchmarks.raw_server", "--latency", str(latency), "--jitter", str(jitter)]
    if tls:
        command += ["--tls", str(folder / "server.pem"), str(folder / "server.key")]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield int(process.stdout.readline())
    finally:
        process.stdin.close()
        process.wait(10)
        process.stdout.close()


@contextmanager
def _nginx(folder: Path, *, tls: bool) -> Iterator[int]:
    program = nginx()
    assert program is not None
    plain, secure = _free_ports(2)
    text = CONFIGURATION.format(folder=folder, plain=plain, secure=secure, answer=ANSWER)
    (folder / "nginx.conf").write_text(text, encoding="utf-8")
    _requests.clear()
    command = [program, "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _until_open(plain)
        yield secure if tls else plain
    finally:
        process.terminate()
        process.wait(10)


def certify(folder: Path) -> None:
    """Make an authority and a certificate for 127.0.0.1 in this folder."""
    if (folder / "server.pem").exists():
        return
    authority = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    _openssl(folder, "req", "-x509", *authority, "-subj", "/CN=bench", "-keyout", "ca.key", "-out", "ca.pem",
             "-addext", "keyUsage=critical,keyCertSign")  # fmt: skip
    _openssl(folder, "req", *authority[:-2], "-subj", "/CN=127.0.0.1", "-keyout", "server.key", "-out", "server.csr")
    (folder / "san").write_text("subjectAltName=IP:127.0.0.1\n", encoding="ascii")
    _openssl(folder, "x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
             "-days", "2", "-extfile", "san", "-out", "server.pem")  # fmt: skip


def _openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def _until_open(port: int) -> None:
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError(f"nginx does not listen on {port}")
