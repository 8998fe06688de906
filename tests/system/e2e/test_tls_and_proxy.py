"""Servers are believed by their certificates alone, and a proxy is used only when it was asked for."""

import base64
import csv
import json
import shutil
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs.model import NotSent, Reply, Request
from tests.system.e2e.connect_proxy import Proxy, connect_proxy
from tests.system.e2e.scripted_server import Answer, Asked, Scripted, confirmed, scripted_server
from worker.cli import run
from worker.lane.authority import Headers
from worker.lane.network import Route
from worker.lane.transport import Transport
from worker.policy.patience import Patience

TLS = Path(__file__).parents[2] / "samples" / "tls"
CA = TLS / "ca.pem"
BASIC = "Basic " + base64.b64encode(b"me:pr0xy-pw").decode()


@pytest.fixture(autouse=True)
def desk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    Path("sheet.csv").write_text("id,reference\nA,1\n")
    monkeypatch.setenv("ROWPATCH_TOKEN", "opaque-token")
    monkeypatch.setenv("ROWPATCH_BLIND", "true")  # these servers know PATCH only
    monkeypatch.setenv("ROWPATCH_CANARY", "0")
    monkeypatch.setenv("ROWPATCH_MAX_ATTEMPTS", "1")


@pytest.fixture
def secure() -> Iterator[Scripted]:
    with scripted_server(answers, TLS / "good.pem") as server:
        yield server


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    with connect_proxy() as running:
        yield running


def answers(asked: Asked) -> Answer:
    if asked.method == "POST":
        grant = {"access_token": "granted", "token_type": "Bearer", "expires_in": 7200}
        return Answer(body=json.dumps(grant).encode(), headers={"Content-Type": "application/json"})
    return confirmed(asked)


def apply(url: str, *flags: str | Path) -> int:
    common = ["apply", "sheet.csv", "--run-dir", "run", "--type", "orders", "--no-progress", "--yes", "--url", url]
    return run([*common, *map(str, flags)])


def shown(capfd: pytest.CaptureFixture[str]) -> str:
    """All that was printed, on one line."""
    out, err = capfd.readouterr()
    return " ".join((out + err).split())


def result() -> str:
    """Status, reason and message of the one row."""
    with Path("run/results.csv").open(encoding="utf-8-sig", newline="") as file:
        row = next(csv.DictReader(file))
    return ",".join([row["__status"], row["__reason"], row["__message"]])


# TLS ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("certificate", "trusted", "why"),
    [
        ("good", False, "unable to get local issuer certificate"),  # an authority that nobody knows
        ("self_signed", True, "self-signed certificate"),
        ("expired", True, "certificate has expired"),
        ("elsewhere", True, "Hostname mismatch"),
    ],
)
def test_a_server_that_cannot_prove_itself_is_sent_nothing(
    certificate: str, trusted: bool, why: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with scripted_server(answers, TLS / f"{certificate}.pem") as server:
        flags: list[str | Path] = ["--ca-file", CA] if trusted else []
        assert apply(server.url, *flags) == 1
        assert server.asked == []
    assert result().startswith("failed,unreachable,no trusted TLS connection to localhost: ")
    assert why.replace("-", " ") in result().replace("-", " ")  # OpenSSL wrote it with a blank before version 3
    assert "TLS" in shown(capfd)


def test_no_token_is_asked_of_an_endpoint_that_cannot_prove_itself(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], secure: Scripted
) -> None:
    monkeypatch.setattr("worker.lane.connect.TOKEN_PATIENCE", Patience(attempts=1))
    monkeypatch.delenv("ROWPATCH_TOKEN")
    monkeypatch.setenv("ROWPATCH_CLIENT_ID", "me")
    monkeypatch.setenv("ROWPATCH_CLIENT_SECRET", "s3cr3t")
    monkeypatch.setenv("ROWPATCH_AUTH_URL", secure.url)
    assert apply("http://127.0.0.1:9") == 3
    assert secure.asked == []
    assert "no trusted TLS connection" in shown(capfd)


def test_an_authority_of_ones_own_is_trusted_by_api_and_token_endpoint_and_by_a_resume(
    monkeypatch: pytest.MonkeyPatch, secure: Scripted, tmp_path_factory: pytest.TempPathFactory
) -> None:
    monkeypatch.delenv("ROWPATCH_TOKEN")
    monkeypatch.setenv("ROWPATCH_CLIENT_ID", "me")
    monkeypatch.setenv("ROWPATCH_CLIENT_SECRET", "s3cr3t")
    monkeypatch.setenv("ROWPATCH_AUTH_URL", secure.url)
    Path("sheet.csv").write_text("id,reference\nA,1\nB,2\n")
    shutil.copy(CA, "ours.pem")
    monkeypatch.setenv("ROWPATCH_CA_FILE", "ours.pem")  # a relative path
    assert apply(secure.url, "--limit", "1") == 0
    monkeypatch.delenv("ROWPATCH_CA_FILE")
    directory = Path("run").absolute()
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    assert run(["resume", str(directory), "--limit", "2", "--no-progress", "--yes"]) == 0
    assert [(each.method, each.headers.get("authorization")) for each in secure.asked] == [
        ("POST", None),
        ("PATCH", "Bearer granted"),
    ] * 2


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "No such file or directory"),
        ("", "no certificate in PEM form"),
        ("id,reference\nA,1\n", "no certificate in PEM form"),  # another file altogether
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "no certificate in PEM form"),
    ],
)
@pytest.mark.parametrize("command", ["apply", "resume", "retry", "verify"])
def test_a_ca_file_that_cannot_be_used_is_refused_before_anything_is_sent(
    content: str | None, why: str, command: str, capfd: pytest.CaptureFixture[str], secure: Scripted
) -> None:
    if command != "apply":
        assert apply(secure.url, "--ca-file", CA, "--limit", "0") == 0
        assert secure.asked == []
    if content is not None:
        Path("bad.pem").write_text(content)
    flags = ["--ca-file", "bad.pem"]
    status = apply(secure.url, *flags) if command == "apply" else run([command, "run", "--yes", *flags])
    assert (status, secure.asked) == (2, [])
    assert why in shown(capfd)
    assert Path("run").exists() == (command != "apply")


def test_there_is_no_switch_against_verification(capsys: pytest.CaptureFixture[str]) -> None:
    run(["apply", "--help"])
    assert not {"insecure", "verify", "skip-tls"} & set(capsys.readouterr().out.replace("--", " ").split())


# Proxies ------------------------------------------------------------------------------------------------------


def test_a_proxy_carries_everything_when_it_was_asked_for_and_only_sees_names(
    monkeypatch: pytest.MonkeyPatch, secure: Scripted, proxy: Proxy
) -> None:
    monkeypatch.delenv("ROWPATCH_TOKEN")
    monkeypatch.setenv("ROWPATCH_CLIENT_ID", "me")
    monkeypatch.setenv("ROWPATCH_CLIENT_SECRET", "s3cr3t")
    monkeypatch.setenv("ROWPATCH_AUTH_URL", secure.url)
    monkeypatch.setenv("ROWPATCH_PROXY", proxy.url)
    monkeypatch.setenv("ROWPATCH_PROXY_AUTH", "me:pr0xy-pw")
    monkeypatch.setenv("NO_PROXY", "localhost,127.0.0.1")  # not heeded: exactly what was asked for
    assert apply(secure.url, "--ca-file", CA) == 0
    assert [each.method for each in secure.asked] == ["POST", "PATCH"]
    assert all("proxy-authorization" not in each.headers for each in secure.asked)
    place = secure.url.removeprefix("https://")
    assert [head.splitlines()[0] for head in proxy.heads] == [f"CONNECT {place} HTTP/1.1"] * 2
    assert all(f"Proxy-Authorization: {BASIC}" in head for head in proxy.heads)
    assert not [head for head in proxy.heads if "Bearer" in head or "s3cr3t" in head]
    assert "pr0xy-pw" not in "".join(path.read_text("latin-1") for path in Path("run").iterdir())


def test_a_resume_goes_by_the_proxy_of_the_run_unless_told_otherwise(secure: Scripted, proxy: Proxy) -> None:
    Path("sheet.csv").write_text("id,reference\nA,1\nB,2\nC,3\n")
    assert apply(secure.url, "--ca-file", CA, "--proxy", proxy.url, "--limit", "1") == 0
    assert run(["resume", "run", "--limit", "2", "--no-progress", "--yes"]) == 0
    assert len(proxy.heads) == 2
    assert run(["resume", "run", "--limit", "3", "--no-progress", "--yes", "--proxy", "none"]) == 0
    assert (len(proxy.heads), len(secure.patches())) == (2, 3)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_of_the_environment_gets_nothing(scheme: str, monkeypatch: pytest.MonkeyPatch, proxy: Proxy) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, proxy.url)
        monkeypatch.setenv(name.upper(), proxy.url)
    with scripted_server(answers, TLS / "good.pem" if scheme == "https" else None) as server:
        assert apply(server.url, "--ca-file", CA) == 0
        assert len(server.patches()) == 1
    assert proxy.heads == []


def test_a_proxy_that_is_itself_reached_by_tls_has_to_prove_itself(secure: Scripted) -> None:
    with connect_proxy(TLS / "good.pem") as proxy:
        assert apply(secure.url, "--ca-file", CA, "--proxy", proxy.url) == 0
        assert len(proxy.heads) == len(secure.patches()) == 1
    with connect_proxy(TLS / "self_signed.pem") as proxy:
        shutil.rmtree("run")
        assert apply(secure.url, "--ca-file", CA, "--proxy", proxy.url) == 1
        assert (len(proxy.heads), len(secure.patches())) == (0, 1)
    assert "failed,unreachable," in result()


def test_a_server_behind_a_proxy_has_to_prove_itself(proxy: Proxy) -> None:
    with scripted_server(answers, TLS / "expired.pem") as server:
        assert apply(server.url, "--ca-file", CA, "--proxy", proxy.url) == 1
        assert server.asked == []
    assert result().startswith("failed,unreachable,no trusted TLS connection to localhost: certificate has expired")


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (b"HTTP/1.1 407 Proxy Authentication Required\r\n", "it answered 407: set ROWPATCH_PROXY_AUTH"),
        (b"HTTP/1.1 403 s3cr3t-words\r\n", "it answered 403"),
        (b"HTTP/1.1 502 Bad Gateway\r\n", "it answered 502"),
        (b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\n", "it answered 302"),
        (b"garbage\r\n", "the connection broke before the request left"),
    ],
)
def test_what_a_proxy_refuses_was_not_sent(answer: bytes, says: str, secure: Scripted, proxy: Proxy) -> None:
    proxy.answer = answer
    assert apply(secure.url, "--ca-file", CA, "--proxy", proxy.url) == 1
    assert secure.asked == []
    assert result().startswith("failed,unreachable,")
    assert says in result()
    assert "s3cr3t-words" not in "".join(path.read_text("latin-1") for path in Path("run").iterdir())


async def test_a_read_that_a_proxy_refuses_was_not_sent_either(proxy: Proxy) -> None:
    proxy.answer = b"HTTP/1.1 403 Forbidden\r\n"
    async with Transport("https://localhost:9", timeout=5, connections=1, route=Route(proxy=proxy.url)) as transport:
        outcome = await transport.send(Request("GET", "/api/orders/A"), Headers(()))
    assert outcome == NotSent("the proxy made no connection, it answered 403")


async def test_a_proxy_sees_no_header_of_a_request_and_the_server_sees_each_once(
    secure: Scripted, proxy: Proxy
) -> None:
    request = Request(
        "PATCH", "/api/orders/A", b'{"data": {"id": "A", "type": "orders"}}', {"content-type": "a/b", "If-Match": "7"}
    )
    headers = Headers((("Content-Type", "application/json"), ("Authorization", "Bearer t0k3n")))
    route = Route(tls=ssl.create_default_context(cafile=CA), proxy=proxy.url)
    async with Transport(secure.url, timeout=5, connections=1, route=route) as transport:
        assert isinstance(await transport.send(request, headers), Reply)
    sent = secure.asked[0].headers
    assert (sent["content-type"], sent["if-match"], sent["authorization"]) == ("a/b", "7", "Bearer t0k3n")
    assert not {"if-match", "authorization", "content-type"} & {
        line.partition(":")[0].lower() for line in proxy.heads[0].splitlines()
    }


def test_a_proxy_that_nobody_runs_was_sent_nothing(secure: Scripted) -> None:
    with connect_proxy() as proxy:
        pass
    assert apply(secure.url, "--ca-file", CA, "--proxy", proxy.url) == 1
    assert result().startswith("failed,unreachable,cannot connect to the proxy: ")


def test_a_tunnel_is_kept_for_the_next_request(monkeypatch: pytest.MonkeyPatch, secure: Scripted, proxy: Proxy) -> None:
    monkeypatch.setenv("ROWPATCH_PROXY_AUTH", "me:pr0xy-pw")
    Path("sheet.csv").write_text("id,reference\nA,1\nB,2\nC,3\n")
    assert apply(secure.url, "--ca-file", CA, "--proxy", proxy.url, "--concurrency", "1") == 0
    assert (len(proxy.heads), len(secure.patches())) == (1, 3)


def test_plain_http_goes_through_a_proxy_on_this_machine_and_its_5xx_may_have_been_applied(
    monkeypatch: pytest.MonkeyPatch, proxy: Proxy
) -> None:
    monkeypatch.setenv("ROWPATCH_PROXY_AUTH", "me:pr0xy-pw")
    with scripted_server(answers) as server:
        assert apply(server.url, "--proxy", proxy.url) == 0
        assert len(server.patches()) == len(proxy.heads) == 1
        assert f"Proxy-Authorization: {BASIC}" in proxy.heads[0]
        proxy.answer = b"HTTP/1.1 502 Bad Gateway\r\n"
        shutil.rmtree("run")
        assert apply(server.url, "--proxy", proxy.url) == 1
    assert result().startswith("unknown,server_error,")


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (["--proxy", "http://me:pr0xy-pw@127.0.0.1:3128"], "ROWPATCH_PROXY_AUTH"),
        (["--proxy", "me:pr0xy-pw@proxy"], "ROWPATCH_PROXY_AUTH"),
        (["--proxy", "socks5://127.0.0.1:1"], "not an origin"),
        (["--proxy", "127.0.0.1:3128"], "not an origin"),
        (["--proxy", "http://127.0.0.1:99999"], "no valid port"),
        (["--proxy", "http://127.0.0.1:3128/path"], "bare origin"),
        (["--proxy", "http://proxy.example:3128"], "travel in the clear"),  # the target is plain http
        (["--proxy", "https://proxy.example:3128"], "travel in the clear"),  # from there on it would
    ],
)
def test_a_proxy_that_would_give_secrets_away_is_refused(
    flags: list[str], says: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with scripted_server(answers) as server:
        assert apply(server.url, *flags) == 2
        assert server.asked == []
    said = shown(capfd)
    assert says in said
    assert "pr0xy-pw" not in said
    assert not Path("run").exists()


def test_a_plain_token_endpoint_is_not_asked_through_a_proxy_elsewhere(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ROWPATCH_CLIENT_ID", "me")
    monkeypatch.setenv("ROWPATCH_CLIENT_SECRET", "s3cr3t")
    monkeypatch.setenv("ROWPATCH_AUTH_URL", "http://127.0.0.1:9")
    assert apply("https://acme.example", "--proxy", "http://proxy.example:3128") == 2
    assert "travel in the clear" in shown(capfd)


@pytest.mark.parametrize("pair", ["me", "me:", ":pw"])
def test_half_a_pair_for_the_proxy_is_refused(
    pair: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ROWPATCH_PROXY_AUTH", pair)
    assert apply("https://acme.example", "--proxy", "http://127.0.0.1:9") == 2
    assert "ROWPATCH_PROXY_AUTH: write it as user:password" in shown(capfd)
