"""Tokens that end as other APIs let them end: no row is lost, whatever form the refusal has."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.system.e2e.scripted_server import Answer, Asked, Scripted, scripted_server
from tests.system.e2e.small_api import SmallApi
from worker.cli import run

INVALID = {"WWW-Authenticate": 'Bearer realm="api", error="invalid_token", error_description="expired"'}
FLAGS = ["--type", "stripe_payments", "--run-dir", "run", "--no-progress", "--max-attempts", "1"]


@dataclass
class Ending(SmallApi):
    """Hands out tokens, and takes each for so many requests."""

    uses: int = 10**9
    refusal: Answer = field(default_factory=lambda: Answer(401, b"expired", {"Content-Type": "text/plain", **INVALID}))
    life: object = 7200
    seen: Counter[str] = field(default_factory=Counter)

    def __call__(self, asked: Asked) -> Answer:
        if asked.method == "POST":
            grant = {"access_token": f"tk{len(self.seen)}", "token_type": "Bearer", "expires_in": self.life}
            return Answer(body=json.dumps(grant).encode(), headers={"Content-Type": "application/json"})
        bearer = asked.headers["authorization"]
        self.seen[bearer] += 1
        dead = bearer == "Bearer old" or self.seen[bearer] > self.uses
        return self.refusal if dead else super().__call__(asked)


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Scripted]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    Path("sheet.csv").write_text("id,reference\n" + "".join(f"R{n},new\n" for n in range(30)))
    with scripted_server(Ending("stripe_payments", {f"R{n}": {"reference": "old"} for n in range(30)})) as server:
        for name, value in {
            "URL": server.url, "AUTH_URL": server.url, "CLIENT_ID": "id", "CLIENT_SECRET": "se", "TOKEN": "old",
        }.items():  # fmt: skip
            monkeypatch.setenv(f"ROWPATCH_{name}", value)
        yield server


def applied() -> int:
    lines = Path("run/results.ndjson").read_text(encoding="utf-8").splitlines()
    return sum(json.loads(line)["status"] == "applied" for line in lines)


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (INVALID, b"<html>"),
        ({"WWW-Authenticate": "bearer"}, b'{"message": "The incoming token has expired"}'),
        ({"Content-Type": "application/json"}, b'{"errors": [{"code": "invalid_token"}]}'),
        ({"Content-Type": "application/json"}, b'{"error": "invalid_token", "error_description": "expired"}'),
    ],
)
@pytest.mark.parametrize("life", [None, "7200", "soon"])
def test_a_token_that_reads_and_updates_are_refused_with_is_renewed(
    headers: dict[str, str], body: bytes, life: object, api: Scripted
) -> None:
    api.script.refusal, api.script.life = Answer(401, body, headers), life  # type: ignore[attr-defined]  # it is ours
    assert run(["apply", "sheet.csv", *FLAGS]) == 0
    assert applied() == 30


def test_tokens_that_end_over_and_over_cost_no_row(api: Scripted) -> None:
    api.script.uses = 25  # type: ignore[attr-defined]  # it is ours
    assert run(["apply", "sheet.csv", *FLAGS]) == 0
    assert applied() == 30


def test_a_fixed_token_that_is_refused_stops_the_run_at_once_and_says_so(
    api: Scripted, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("ROWPATCH_CLIENT_ID")
    monkeypatch.delenv("ROWPATCH_CLIENT_SECRET")
    assert run(["apply", "sheet.csv", *FLAGS]) == 3
    assert "authorisation_lost: the API no longer accepts the token" in " ".join(capfd.readouterr().out.split())
    assert len(api.asked) <= 4
