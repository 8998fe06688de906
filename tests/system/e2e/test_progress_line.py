"""The progress line on a real terminal: however narrow it is, how much time is left stands at its end."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.e2e.program import PATIENCE, Desk, Server, sandbox
from tests.system.e2e.terminal import terminal
from worker.sandbox import seeded_id

ROWS = 400


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with sandbox("--seed", f"stripe_payments={ROWS}", "--limit", "200/2s") as server:
        yield server


@pytest.mark.parametrize("columns", [60, 80, 200])
def test_the_time_left_is_never_cut(tmp_path: Path, server: Server, columns: int) -> None:
    desk = Desk(tmp_path, server)
    desk.write((seeded_id("stripe_payments", row), f"{columns} {row}") for row in range(ROWS))
    arguments = ["apply", "sheet.csv", "--type", "stripe_payments", "--run-dir", "run"]
    with terminal(arguments, tmp_path, desk.environment, columns) as shown:
        shown.read()
        assert shown.process.wait(PATIENCE) == 0, shown.shown
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.shown)
    lines = [line for line in re.split(r"[\r\n]+", text) if re.match(r"[0-9,]+/400 rows", line)]
    assert len(lines) > 3
    assert max(map(len, lines)) <= columns
    told = [line for line in lines if not line.startswith(("0/", "400/"))]
    assert told
    assert [line for line in told if not re.search(r" \| [0-9.]+ (s|min) left$", line.rstrip())] == []
