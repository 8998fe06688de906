"""Secrets that were planted everywhere are found nowhere: in no file, on no stream, in no argument."""

import base64
import json
import os
import signal
import subprocess
import traceback
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest

from jobs.apis.meanings import Meaning
from jobs.model import NotSent
from tests.system.e2e.connect_proxy import connect_proxy
from tests.system.e2e.program import ROWPATCH, ended, until
from tests.system.e2e.scripted_server import JSON_API, Answer, Asked, Scripted, scripted_server
from tests.system.e2e.small_api import SmallApi
from worker.cli import run
from worker.clock import Moment
from worker.engine.senders import Senders
from worker.lane.exchange import Exchanged
from worker.policy.patience import Patience

TOKEN, GRANTED, CLIENT, SECRET, PROXY = (f"canary-{name}-5eCr3t" for name in ("token", "granted", "id", "secret", "pw"))
MARK = "5eCr3t"
"""In every secret, the server's own ones included."""

CELL = "user-cell-canary"
"""In the value of every row."""

SHOWN = {name: f"server-{name}-{MARK}" for name in ("client_secret", "publishable_key", "token", "other")}
FLAGS = ["--no-progress", "--max-attempts", "1", "--canary", "1"]
ROWS = ("A", "B", "rejected", "html", "redirected", "garbled", "cut", "forbidden", "expired", "odd", "escaped", "plain")
HEADERS = {**JSON_API, "Set-Cookie": f"session={MARK}", "X-Api-Key": MARK, "ETag": MARK}


class Leaky(SmallApi):
    """An API that puts secrets into everything that it says."""

    def __call__(self, asked: Asked) -> Answer:
        self.refuses = refusals(asked.headers.get("authorization", "").removeprefix("Bearer "))
        answer = super().__call__(asked)
        if asked.method == "POST":
            return Answer(body=answer.body.replace(b'"granted"', f'"{GRANTED}"'.encode()), headers=HEADERS)
        return replace(answer, headers={**HEADERS, **answer.headers})


def error(**members: object) -> bytes:
    meta = {"debug": MARK, "request": {"authorization": f"Bearer {MARK}"}}
    return json.dumps({"errors": [{"title": "no", "code": "X", "meta": meta, **members}], "meta": meta}).encode()


def spelled(document: bytes, token: str) -> bytes:
    """The document with the token in escapes of JSON, and in an unusual case of them."""
    escapes = "".join(f"\\u{ord(each):04X}" for each in token)
    return document.replace(token.encode(), escapes.encode())


def refusals(token: str) -> dict[str, Answer]:
    """What is said about some of the rows; several repeat what they were sent."""
    said = {"detail": f"the token {token} may not do that", "source": {"pointer": f"/data/attributes/{token}"}}
    return {
        "rejected": Answer(422, error(**said), {**HEADERS, "X-Request-Id": f"r-{token}"}),
        "html": Answer(500, f"<html>{MARK} {token}</html>".encode(), {"Content-Type": "text/html"}),
        "redirected": Answer(307, MARK.encode(), {"Location": f"http://127.0.0.1:9/?token={token}"}),
        "garbled": Answer(200, f"{{{MARK}".encode(), {**HEADERS, "Content-Length": "x"}),
        "cut": Answer(200, MARK.encode(), {**HEADERS, "Content-Encoding": "gzip"}),
        "forbidden": Answer(403, error(code=f"{token}"), HEADERS),
        "expired": Answer(401, error(code="INVALID_TOKEN", **said), HEADERS),
        "escaped": Answer(422, spelled(error(**said), token)),
        "plain": Answer(403, f"no: {token}".encode(), {"Content-Type": "text/plain"}),
        "odd": Answer(200, json.dumps({"data": {"id": MARK, "type": token}}).encode(), HEADERS),
    }


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Scripted]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    lines = [f"{name},{CELL}-{name},{CELL}-meta\n" for name in ROWS]
    Path("sheet.csv").write_text("id,reference,metadata.k\n" + "".join(lines))
    records = {name: {"reference": "0", "metadata": {}} for name in ROWS}
    with scripted_server(Leaky("stripe_payments", records, SHOWN)) as server:
        monkeypatch.setenv("ROWPATCH_URL", server.url)
        monkeypatch.setenv("ROWPATCH_AUTH_URL", server.url)
        monkeypatch.setenv("ROWPATCH_TYPE", "stripe_payments")
        monkeypatch.setenv("ROWPATCH_CLIENT_ID", CLIENT)
        monkeypatch.setenv("ROWPATCH_CLIENT_SECRET", SECRET)
        yield server


def places(folder: Path, needle: str) -> list[str]:
    """Files below that hold the text, in any case or coding of it."""
    spellings = [needle, quote(needle), base64.b64encode(needle.encode()).decode().rstrip("=")]
    spellings += [base64.b64encode(f"x:{needle}".encode()).decode().rstrip("=")]
    found = [path for path in folder.rglob("*") if path.is_file()]
    return sorted(
        path.relative_to(folder).as_posix()
        for path in found
        if any(each.encode() in path.read_bytes() for each in spellings)
    )


def printed(capfd: pytest.CaptureFixture[str]) -> str:
    return "".join(capfd.readouterr())


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_no_command_writes_or_says_a_secret(
    log_format: str, api: Scripted, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    flags = [*FLAGS, "--log-format", log_format]
    assert run(["plan", "sheet.csv", "--run-dir", "plan", *flags]) == 0
    assert MARK not in (shown := printed(capfd))
    assert CELL in shown  # a plan shows values: that is what it is for
    run(["apply", "sheet.csv", "--run-dir", "run", *flags, "--limit", "11"])
    run(["resume", "run", *flags, "--limit", "12"])
    run(["retry", "run", *flags])
    run(["report", "run"])
    run(["apply", "--plan", "plan", *flags])
    for name in ("A", "B"):
        api.script.records[name]["reference"] = "changed"  # type: ignore[attr-defined]  # it is ours
    assert run(["verify", "run", "--log-format", log_format]) == 1
    for name in ("A", "B"):
        api.script.records[name]["reference"] = f"{CELL}-{name}"  # type: ignore[attr-defined]  # it is ours
    run(["undo", "run", "--run-dir", "undo", *flags])
    said = printed(capfd)
    assert "applied" in said
    assert {asked.headers["authorization"] for asked in api.asked if asked.method == "PATCH"} == {f"Bearer {GRANTED}"}
    assert (MARK in said, CELL in said) == (False, False), said
    assert places(tmp_path, MARK) == []
    own = {"input.csv", "input.ndjson", "sheet.csv", "results.csv", "failed.csv", "failed.ndjson", "results.ndjson"}
    own |= {"plan.csv", "plan.ndjson", "verify.csv", "report.html"}
    elsewhere = {place for place in places(tmp_path, CELL) if Path(place).name not in own}
    assert {place for place in elsewhere if "journal.sqlite3" not in place} == set()


def test_the_results_of_a_row_hold_cells_in_the_users_own_columns_only(api: Scripted, tmp_path: Path) -> None:
    run(["apply", "sheet.csv", "--run-dir", "run", *FLAGS])
    for line in Path("run/results.ndjson").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        assert CELL in json.dumps(row.pop("input"))
        assert CELL not in json.dumps(row)
    assert CELL not in Path("run/summary.json").read_text(encoding="utf-8")
    assert api.asked


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TOKEN", f"Bearer {MARK}"),
        ("TOKEN", f"two words {MARK}"),
        ("TOKEN", f'"{MARK}"'),
        ("CLIENT_SECRET", f"{MARK}\x1b"),
        ("URL", f"https://me:{MARK}@acme.example"),
        ("URL", f"me:{MARK}@acme.example"),
        ("AUTH_URL", f"https://me:{MARK}@acme.example:99999"),
        ("AUTH_URL", f"https://acme.example/?secret={MARK}"),
        ("PROXY", f"http://me:{MARK}@proxy.example"),
        ("PROXY_AUTH", MARK),
        ("TOKEN_FILE", "/nowhere"),
        ("CLIENT_ID", ""),
    ],
)
def test_no_refused_configuration_is_repeated(
    name: str, value: str, api: Scripted, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(f"ROWPATCH_{name}", value)
    assert run(["apply", "sheet.csv", "--run-dir", "run", *FLAGS]) == 2
    assert MARK not in printed(capfd)
    assert api.asked == []


@pytest.mark.parametrize("status", [200, 302, 401, 403, 422])
def test_a_token_endpoint_that_refuses_is_quoted_without_the_clients_secret(
    status: int, api: Scripted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("worker.lane.connect.TOKEN_PATIENCE", Patience(attempts=1))
    place = {"Location": f"http://127.0.0.1:9/?{SECRET}"}
    api.script = lambda asked: Answer(status, error(detail=f"You sent {asked.body.decode()}"), {**HEADERS, **place})
    assert run(["apply", "sheet.csv", "--run-dir", "run", *FLAGS]) == 3
    said = printed(capfd)
    assert MARK not in said
    assert ("You sent" in said) is (status != 302)
    assert places(tmp_path, MARK) == []


def test_a_proxy_that_refuses_is_not_quoted(
    api: Scripted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ROWPATCH_TOKEN", TOKEN)
    monkeypatch.setenv("ROWPATCH_PROXY_AUTH", f"x:{PROXY}")
    with connect_proxy() as proxy:
        for url in ("https://localhost:9", api.url):
            proxy.answer = f"HTTP/1.1 407 {MARK}\r\nProxy-Authenticate: Basic realm={MARK}\r\n".encode()
            run(
                [
                    "apply",
                    "sheet.csv",
                    "--run-dir",
                    url[:5],
                    "--url",
                    url,
                    "--blind",
                    "--metadata",
                    "replace",
                    *FLAGS,
                    "--proxy",
                    proxy.url,
                ]
            )
        assert PROXY in base64.b64decode(proxy.heads[0].split("Proxy-Authorization: Basic ")[1].split()[0]).decode()
    assert MARK not in printed(capfd)
    assert places(tmp_path, MARK) == []


def test_a_bug_shows_no_secret_in_its_traceback(
    api: Scripted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    async def broken(self: Senders, _concurrency: int) -> None:
        exchange = self.attempts.exchange
        headers = await exchange.authorise()
        assert headers is not None
        asked = Exchanged(NotSent("x"), Meaning.UNSENT, Moment(0.0, 0.0), headers, 0.0)
        everything = (self, self.attempts, exchange, exchange.authority, exchange.transport, self.reading.lookup, asked)
        del headers
        raise RuntimeError(repr(everything))

    monkeypatch.setattr(Senders, "run", broken)
    with pytest.raises(BaseExceptionGroup) as bug:
        run(["apply", "sheet.csv", "--run-dir", "run", *FLAGS])
    inner = bug.value.with_traceback(bug.value.__traceback__.tb_next if bug.value.__traceback__ else None)
    shown = "".join(traceback.TracebackException.from_exception(inner, capture_locals=True).format())
    assert "Credential(<secret>)" in shown
    assert MARK not in shown + printed(capfd)
    assert places(tmp_path, MARK) == []


def test_a_damaged_run_and_an_unusable_state_directory_show_no_secret(
    api: Scripted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "state").write_text("a file stands in the way")
    run(["apply", "sheet.csv", "--run-dir", "run", *FLAGS])
    with Path("run/journal.sqlite3").open("r+b") as file:
        file.seek(5000)
        file.write(b"\xa5" * 3000)
    for command in ("resume", "retry", "report", "verify", "undo"):
        assert run([command, "run"]) in {2, 3}
    assert MARK not in printed(capfd)
    assert places(tmp_path, MARK) == []


@pytest.mark.parametrize("ending", ["broken pipe", "interrupted", "interrupted twice", "aborted"])
def test_a_process_that_ends_badly_shows_no_secret_and_never_has_one_among_its_arguments(
    ending: str, api: Scripted, tmp_path: Path
) -> None:
    calm = api.script
    over: list[bool] = []

    def script(asked: Asked) -> Answer:
        until(lambda: ending == "broken pipe" or over, "the end")
        return calm(asked)

    api.script = script
    files = {}
    for name, secret in (("CLIENT_ID", CLIENT), ("CLIENT_SECRET", SECRET), ("TOKEN", TOKEN)):
        path = tmp_path.parent / f"{tmp_path.name}-{name}"
        path.write_text(secret)
        files[f"ROWPATCH_{name}_FILE"] = str(path)
    keep = {name: value for name, value in os.environ.items() if not name.startswith("ROWPATCH_CLIENT")}
    process = subprocess.Popen(
        [ROWPATCH, "apply", "sheet.csv", "--run-dir", "run", *FLAGS],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path,
        env={**keep, **files, "PYTHONFAULTHANDLER": "1"},
    )  # fmt: skip
    until(lambda: api.asked or process.poll() is not None, "a request")
    seen = Path(f"/proc/{process.pid}/cmdline").read_bytes() + Path(f"/proc/{process.pid}/environ").read_bytes()
    if ending == "broken pipe":
        assert process.stdout is not None
        process.stdout.close()
        process.stdout = None
    elif ending == "aborted":
        process.send_signal(signal.SIGABRT)
        process.wait()
    else:
        process.send_signal(signal.SIGINT)
        if ending == "interrupted twice":
            until(lambda: b"stopping" in os.read(process.stderr.fileno(), 4096), "the log")  # type: ignore[union-attr]  # a pipe
            process.send_signal(signal.SIGINT)
            process.wait()
    over.append(True)
    ran = ended(process)
    assert MARK.encode() not in seen
    assert MARK not in (ran.out or "") + ran.err
    assert "apply" in seen.decode()
    assert (ending == "aborted") == ("Fatal Python error" in ran.err)
    assert places(tmp_path, MARK) == []
