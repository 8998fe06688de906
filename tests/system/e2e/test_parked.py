"""A run that the server keeps waiting for too long ends by itself, and says how to go on."""

import json
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.system.e2e.scripted_server import JSON_API, Answer, Asked, Scripted, confirmed, scripted_server
from worker.cli import run


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Scripted]:
    monkeypatch.setenv("ROWPATCH_TOKEN", "opaque-token")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    with scripted_server(confirmed) as scripted:
        monkeypatch.setenv("ROWPATCH_URL", scripted.url)
        yield scripted


def sending(status: int, **headers: str) -> Callable[[Asked], Answer]:
    """Answers that carry those headers."""
    told = {name.replace("_", "-"): value for name, value in headers.items()}

    def answer(asked: Asked) -> Answer:
        body = confirmed(asked).body if status == 200 else b'{"errors": []}'
        return Answer(status, body, {**JSON_API, **told})

    return answer


@pytest.mark.parametrize(
    ("script", "pause"),
    [
        (sending(429, Retry_After="100000000"), "100000000 s"),
        (sending(429, RateLimit='"daily";r=0;t=36000'), "3600"),  # 36001 s, and what the clock has gone on by
        (sending(200, RateLimit='"daily";r=0;t=36000'), "3600"),  # the last one that is left
        (sending(200, Sforce_Limit_Info="api-usage=5000/5000"), "8640"),
        (sending(200, Backoff="3600"), "3600 s"),
    ],
)
def test_a_parked_run_says_how_to_go_on_and_goes_on(
    server: Scripted,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    script: Callable[[Asked], Answer],
    pause: str,
) -> None:
    Path("sheet.csv").write_text("id,reference\n" + "".join(f"A{n},{n}\n" for n in range(20)), encoding="utf-8")
    server.script = script
    flags = ["--type", "stripe_payments", "--blind", "--canary", "0", "--no-progress"]
    assert run(["apply", "sheet.csv", "--run-dir", "my run", *flags]) == 3
    said = capfd.readouterr().out
    assert f"parked: the server asks for a pause of {pause}" in " ".join(said.split())
    assert len(server.asked) <= 4  # those in flight together
    command = next(line for line in said.splitlines() if "rowpatch resume" in line).partition("rowpatch ")[2]
    assert json.loads(Path("my run", "summary.json").read_text(encoding="utf-8"))["exit_status"] == 3

    server.script = confirmed
    monkeypatch.setenv("XDG_STATE_HOME", "later")  # as if the pause were over
    assert run([*shlex.split(command), "--no-progress"]) == 0
    assert {asked.id for asked in server.asked} == {f"A{n}" for n in range(20)}


@pytest.mark.parametrize(
    "script", [sending(429, Retry_After="1000"), sending(503, Retry_After="1000"), sending(200, Backoff="3600")]
)
def test_nothing_is_sent_into_a_pause_that_was_asked_for_by_whichever_process(
    server: Scripted, script: Callable[[Asked], Answer]
) -> None:
    """Also where no limit is told: a penalty box begins anew with each request."""
    Path("sheet.csv").write_text("id,reference\n" + "".join(f"A{n},{n}\n" for n in range(20)), encoding="utf-8")
    server.script = script
    begin = ["apply", "sheet.csv", "--type", "stripe_payments", "--blind", "--no-progress"]
    assert run([*begin, "--run-dir", "run"]) == 3
    server.script, server.asked = confirmed, []
    for command in (
        ["resume", "run", "--no-progress"],
        ["resume", "run", "--no-progress"],
        [*begin, "--run-dir", "r2"],
    ):
        assert run(command) == 3
    assert server.asked == []
