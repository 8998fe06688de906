"""What a server says in whichever form and coding: its reason stands in the results, and no result is false."""

import csv
import gzip
import json
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from tests.system.e2e.scripted_server import JSON_API, Answer, Asked, Scripted, scripted_server
from tests.system.e2e.small_api import SmallApi
from worker.cli import run

TYPE = "skus"
JSON = {"Content-Type": "application/json"}
WHY = "name must not contain digits"
FLAGS = ["--type", TYPE, "--run-dir", "run", "--no-progress", "--canary", "0"]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Scripted]:
    monkeypatch.setenv("ROWPATCH_TOKEN", "opaque-token")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    with scripted_server(lambda _: Answer(500, b"", {})) as scripted:
        monkeypatch.setenv("ROWPATCH_URL", scripted.url)
        yield scripted


def results() -> list[dict[str, str]]:
    with Path("run/results.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def sheet_for(keys: Mapping[str, object]) -> SmallApi:
    """Write a sheet with a row for each key; the records that it is about."""
    Path("sheet.csv").write_text("id,name\n" + "".join(f"{key},n3w\n" for key in keys), encoding="utf-8")
    return SmallApi(TYPE, {key: {"name": "old"} for key in keys})


POINTED = {"title": "no digits", "detail": WHY, "source": {"pointer": "/data/attributes/name"}}

REFUSALS: dict[str, tuple[dict[str, str], bytes, str]] = {
    key: (headers, body if isinstance(body, bytes) else json.dumps(body).encode(), words)
    for key, headers, body, words in [
        ("problem", {"Content-Type": "application/problem+json"}, {"title": "Invalid", "detail": WHY}, WHY),
        ("message", JSON, {"message": WHY}, WHY),
        ("rails", JSON, {"errors": {"name": ["must not contain digits"]}}, "name: must not contain digits"),
        ("texts", JSON, {"errors": [WHY]}, WHY),
        ("plain", {"Content-Type": "text/plain"}, WHY.encode(), WHY),
        ("html", {"Content-Type": "text/html"}, b"<html><body>no</body></html>", "an HTML page"),
        ("textjson", {"Content-Type": "text/json"}, {"errors": [POINTED]}, f"name: {WHY}"),
        ("parameter", JSON_API, {"errors": [{"detail": WHY, "source": {"parameter": "name"}}]}, f"name: {WHY}"),
        ("pointer", JSON_API, {"errors": [POINTED]}, f"name: {WHY}"),
    ]
}


@pytest.mark.parametrize(("status", "reason"), [(422, "validation"), (400, "bad_request"), (413, "refused")])
def test_the_servers_reason_stands_in_the_results(server: Scripted, status: int, reason: str) -> None:
    records = sheet_for(REFUSALS)

    def script(asked: Asked) -> Answer:
        if asked.method == "GET":
            return records(asked)
        headers, body, _ = REFUSALS[asked.id]
        return Answer(status, body, headers)

    server.script = script
    assert run(["apply", "sheet.csv", *FLAGS]) == 1
    assert [(row["id"], row["__status"], row["__reason"], row["__message"]) for row in results()] == [
        (key, "rejected", reason, f"{status}: {words}") for key, (_, _, words) in REFUSALS.items()
    ]


def raw_deflate(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(body) + packer.flush()


Coding = Callable[[bytes], tuple[bytes, dict[str, str]]]

UNDERSTOOD: dict[str, Coding] = {
    "gzip": lambda body: (gzip.compress(body), {"Content-Encoding": "gzip"}),
    "members": lambda body: (gzip.compress(body[:9]) + gzip.compress(body[9:]), {"Content-Encoding": "gzip"}),
    "deflate": lambda body: (raw_deflate(body), {"Content-Encoding": "deflate"}),
    "identity": lambda body: (gzip.compress(body), {"Content-Encoding": "gzip, identity"}),
    "none": lambda body: (body, {"Content-Encoding": "none"}),
    "mark": lambda body: (b"\xef\xbb\xbf" + body, {}),
    "utf16": lambda body: (body.decode().encode("utf-16"), {"Content-Type": "application/json; charset=utf-16"}),
    "textjson": lambda body: (body, {"Content-Type": "text/json"}),
}
NOT_UNDERSTOOD: dict[str, tuple[Coding, str]] = {
    "br": (lambda _: (b"\x0b\x02\x80abc\x03", {"Content-Encoding": "br"}), "broke off"),
    "text": (lambda body: (body, {"Content-Type": "text/plain"}), "JSON that calls itself text/plain"),
    "xssi": (lambda body: (b")]}',\n" + body, {}), "no JSON"),
    "latin": (lambda body: (body.replace(b"n3w", b"n\xe9w"), {}), "no JSON (application/vnd.api+json, not in UTF-8)"),
    "junk": (lambda body: (body + b"\n<!-- cached -->", {}), "no JSON"),
}


@pytest.mark.parametrize("reads", [False, True])
def test_a_reply_is_understood_in_any_usual_coding_and_says_else_why_it_is_not(server: Scripted, reads: bool) -> None:
    """A row is `applied` exactly where the server has it, and says why it could not be read where it has not."""
    codings = {**UNDERSTOOD, **({} if reads else {key: coding for key, (coding, _) in NOT_UNDERSTOOD.items()})}
    records = sheet_for(codings)

    def script(asked: Asked) -> Answer:
        answer = records(asked)
        if asked.method == "GET" and not (reads and "?" not in asked.path):
            return answer
        body, headers = codings[asked.id](answer.body)
        return Answer(answer.status, body, {**answer.headers, **headers})

    server.script = script
    assert run(["apply", "sheet.csv", *FLAGS]) == 0
    assert {each["name"] for each in records.records.values()} == {"n3w"}
    for row in results():
        told = NOT_UNDERSTOOD[row["id"]][1] if row["id"] in NOT_UNDERSTOOD else ""
        assert row["__status"] == "applied"
        assert row["__reason"] == ("read_back" if told else "")
        assert told in row["__message"]
