"""The program itself: several processes on one quota, judged by the sandbox's ledger."""

import json
import os
import signal
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.system.e2e.program import Desk, Process, ended, sandbox, until
from worker.sandbox import seeded_id

pytestmark = pytest.mark.alone

LIMIT, INTERVAL = 100, 2.0
PROCESSES = int(os.environ.get("PROCESSES", "2"))
WHOLE = 0.75
"""The share of the quota that counts as all of it: a busy machine stalls, while what one of two leaves unused is 0.5.

How exactly the quota is used up, the tests of the pace say in virtual time.
"""


@contextmanager
def desk(folder: Path, *flags: str) -> Iterator[Desk]:
    with sandbox(
        "--seed", "stripe_payments=1600", "--limit", f"{LIMIT}/{INTERVAL:g}s", "--latency", "5ms", *flags
    ) as server:
        yield Desk(folder, server)


def begin(at: Desk, number: int, rows: int) -> Process:
    """Apply a sheet of rows that are this process's alone."""
    sheet, first = at.folder / f"sheet{number}.csv", number * 400
    lines = [f"{seeded_id('stripe_payments', first + row)},P{number}" for row in range(rows)]
    sheet.write_text("\n".join(["id,reference", *lines, ""]))
    common = ("--type", "stripe_payments", "--headroom", "0", "--no-progress", "--blind", "--canary", "0")
    return at.start("apply", sheet, "--run-dir", at.folder / f"run{number}", *common)


def shares(entries: Sequence[dict[str, Any]]) -> Counter[str]:
    """Accepted PATCHes by process."""
    return Counter(entry["body"]["data"]["attributes"]["reference"] for entry in entries)


def used(entries: Sequence[dict[str, Any]], since: float, end: float) -> float:
    """Accepted PATCHes between two times as a share of the quota."""
    count = sum(since <= float(entry["at"]) < end for entry in entries)
    return count / (LIMIT * (end - since) / INTERVAL)


@pytest.mark.parametrize(("processes", "rows"), [(PROCESSES, 90 + 60 // PROCESSES)])
def test_several_processes_use_one_quota_to_the_full_and_get_no_refusal(
    tmp_path: Path, processes: int, rows: int
) -> None:
    with desk(tmp_path) as at:
        ran = [ended(process) for process in [begin(at, number, rows) for number in range(processes)]]
        writes = at.server.writes()
    assert [each.status for each in ran] == [0] * processes
    assert Counter(entry["status"] for entry in writes) == {200: processes * rows}
    began = writes[LIMIT]["at"]  # the quota was free until then
    elapsed = writes[-1]["at"] - began
    assert used(writes[LIMIT:], began, writes[-1]["at"]) > WHOLE
    assert elapsed >= INTERVAL
    begun = max(min(e["at"] for e in writes if shares([e])[f"P{number}"]) for number in range(processes))
    over = min(max(e["at"] for e in writes if shares([e])[f"P{number}"]) for number in range(processes))
    between = shares([entry for entry in writes if begun <= entry["at"] <= over])
    assert min(between.values()) >= 0.25 * between.total() / processes


def test_when_a_process_is_killed_the_other_has_the_whole_quota_within_a_window(tmp_path: Path) -> None:
    with desk(tmp_path) as at:
        stays, goes = begin(at, 0, 330), begin(at, 1, 330)
        until(lambda: min(shares(at.server.writes())[who] for who in ("P0", "P1")) >= 15, "both to be under way")
        os.kill(goes.pid, signal.SIGKILL)
        goes.communicate()
        killed = max(entry["at"] for entry in at.server.writes() if shares([entry])["P1"])
        assert ended(stays).status == 0
        writes = at.server.writes()
    assert {entry["status"] for entry in writes} == {200}
    last = max(entry["at"] for entry in writes)
    assert last - killed > 2 * INTERVAL
    assert used(writes, killed + INTERVAL, killed + 2 * INTERVAL) > WHOLE


def test_an_undo_and_a_retry_right_after_an_apply_know_the_window(tmp_path: Path) -> None:
    with desk(tmp_path) as at:
        at.write([(seeded_id("stripe_payments", row), "R") for row in range(60)])
        flags = ("--type", "stripe_payments", "--run-dir", at.run, "--headroom", "0", "--no-progress")
        assert at.rowpatch("apply", at.sheet, *flags).status == 0
        assert at.rowpatch("undo", at.run, "--run-dir", at.folder / "undone", "--no-progress", "--yes").status == 0
        assert at.rowpatch("retry", at.run, "--no-progress").status == 0
        assert {entry["status"] for entry in at.server.ledger()} == {200}


def test_the_state_directory_is_private_and_holds_no_secret(tmp_path: Path) -> None:
    with desk(tmp_path) as at:
        client = {"ROWPATCH_CLIENT_ID": at.server.client_id, "ROWPATCH_CLIENT_SECRET": at.server.client_secret}
        also = {**client, "ROWPATCH_AUTH_URL": at.server.url, "ROWPATCH_TOKEN": ""}
        at.write([(seeded_id("stripe_payments", 1), "R")])
        assert ended(at.start(*at.apply_arguments()[:-3], "--no-progress", umask=0, also=also)).status == 0
        state = at.folder / "state" / "rowpatch"
        files = list((state / "pace").iterdir())
        assert len(files) == 3  # PATCH, GET, and the token endpoint
        assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
        assert {path.stat().st_mode & 0o777 for path in (state, state / "pace")} == {0o700}
        secrets = (at.server.token, at.server.client_id, at.server.client_secret)
        held = b"".join(path.read_bytes() for path in files) + json.dumps([path.name for path in files]).encode()
        assert not [secret for secret in secrets if secret.encode() in held]
