"""Names survive a power cut, as far as that can be seen without one: `make hunt NAME=powerloss` does the rest."""

import os
from pathlib import Path

import pytest

from tests.system.e2e.scripted_server import Answer, Asked, confirmed, scripted_server
from worker.cli import run


def test_a_run_and_all_above_it_are_synced_before_anything_is_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Renames are atomic, and durable only once their directory is synced; so is the directory's own name."""
    synced: set[int] = set()
    before_sending: list[set[int]] = []
    sync = os.fsync

    def watched(descriptor: int) -> None:
        sync(descriptor)
        synced.add(os.fstat(descriptor).st_ino)

    def script(asked: Asked) -> Answer:
        before_sending.append(set(synced))
        return confirmed(asked)

    monkeypatch.setattr(os, "fsync", watched)
    monkeypatch.setenv("ROWPATCH_TOKEN", "opaque-token")
    monkeypatch.chdir(tmp_path)
    Path("sheet.csv").write_text("id,reference\nA,1\n", encoding="utf-8")
    with scripted_server(script) as server:
        flags = ["--blind", "--canary", "0", "--type", "stripe_payments", "--no-progress", "--url", server.url]
        assert run(["apply", "sheet.csv", "--run-dir", "runs/one", *flags]) == 0
    assert {path.stat().st_ino for path in (Path("runs/one"), Path("runs"), tmp_path)} <= before_sending[0]
    reports = [
        Path("runs/one", name)
        for name in ("results.csv", "failed.csv", "results.ndjson", "report.html", "summary.json")
    ]
    assert {path.stat().st_ino for path in reports} <= synced, "a name that is new must not stand on an empty file"
