# ruff: noqa: INP001  # a script beside its sheets, not part of a package
"""The main job, end to end, on the embedded sandbox: `make demo`.

Starts a fake Commerce Layer with a quota of 100 requests in 2 seconds, applies both sheets of this folder to it, and
then asks the server's own ledger whether every row arrived as written, once, and without a refusal for pace.
"""

import argparse
import csv
import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, Final

HERE: Final = Path(os.path.relpath(Path(__file__).parent))
"""This folder, as the printed commands name it."""
ROWPATCH: Final = str(Path(sys.executable).with_name("rowpatch"))
WHOLE: Final = 1000
"""Rows of either sheet."""

QUICK: Final = 60
"""Rows of either sheet with `--quick`."""

_TRUE: Final = {"true": True, "false": False}


class DemoFailed(Exception):
    """The demo did not show what it promises; the message says what differs."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running sandbox: its origin, and the environment in which `rowpatch` finds it."""

    url: str
    environment: Mapping[str, str]

    def ledger(self) -> list[dict[str, Any]]:
        """Fetch every request that the server received."""
        with urllib.request.urlopen(f"{self.url}/_sandbox/ledger", timeout=30) as reply:  # noqa: S310  # loopback http
            entries: list[dict[str, Any]] = json.load(reply)["entries"]
            return entries


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet of the demo. `wanted` are the attributes of each row's update by id, in file order."""

    name: str
    type: str
    flags: tuple[str, ...]
    wanted: Mapping[str, Mapping[str, Any]]


def main() -> int:
    """Run the demo; return the exit status."""
    parser = argparse.ArgumentParser(description="Apply two sheets to an embedded fake Commerce Layer.")
    parser.add_argument("--quick", action="store_true", help=f"only the first {QUICK} rows of each sheet")
    rows = QUICK if parser.parse_args().quick else WHOLE
    home = Path("runs") / f"demo-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    try:
        _show(home, rows)
    except DemoFailed as error:
        _say(f"\nThe demo FAILED: {error}")
        return 1
    except KeyboardInterrupt:
        _say("\nInterrupted.")
        return 130
    return 0


def _show(home: Path, rows: int) -> None:
    sheets = (_payments(rows), _transactions(rows))
    _say("Starting a fake Commerce Layer on this machine: 100 requests in any 2 seconds, 25 in any third of a second.")
    with _sandbox(home / "state") as server:
        for sheet in sheets:
            _apply(sheet, server, home / Path(sheet.name).stem, rows)
        entries = server.ledger()
    for sheet in sheets:
        _judge(sheet, entries)
    refused = sum(entry["status"] == 429 for entry in entries)  # Too Many Requests
    if refused:
        raise DemoFailed(f"the server refused {refused} requests as too many")
    _say(
        f"\nThe server's ledger agrees: {2 * rows:,} rows arrived as written, each once; 0 were refused as too many.\n"
        f"Results: {home}/payments/results.csv and {home}/transactions/results.csv\n\n"
        "To try next, with a sandbox of your own in another terminal:\n"
        "  .venv/bin/rowpatch sandbox\n"
        "and then the first run of README.md."
    )


def _apply(sheet: Sheet, server: Server, run: Path, rows: int) -> None:
    """Run the program as a user would, its progress and summary in plain view."""
    command = [ROWPATCH, "apply", str(HERE / sheet.name), *sheet.flags, "--metadata", "replace", "--run-dir", str(run)]
    if rows < WHOLE:
        command += ["--limit", str(rows)]
    _say(f"\n$ rowpatch {' '.join(command[1:])}")
    status = subprocess.run(command, env=dict(server.environment), check=False).returncode  # noqa: S603  # our program
    if status:
        raise DemoFailed(f"{sheet.name}: rowpatch ended with exit status {status}")


def _judge(sheet: Sheet, entries: list[dict[str, Any]]) -> None:
    """Compare the server's ledger with the sheet, which is read here without any of rowpatch's own code.

    Raises:
        DemoFailed: a row is missing, came twice, or arrived as something else.
    """
    applied = [entry for entry in entries if entry["type"] == sheet.type and entry["applied"]]
    arrived = {entry["id"]: entry["body"]["data"]["attributes"] for entry in applied}
    if arrived != sheet.wanted:
        wrong = [key for key in {**arrived, **sheet.wanted} if arrived.get(key) != sheet.wanted.get(key)]
        raise DemoFailed(f"{sheet.name}: {len(wrong)} records are not as the sheet says, {wrong[0]} for one")
    if len(applied) != len(arrived):
        raise DemoFailed(f"{sheet.name}: {len(applied) - len(arrived)} updates were applied twice")


def _payments(rows: int) -> Sheet:
    with (HERE / "payments.csv").open(encoding="utf-8", newline="") as stream:
        wanted = {row.pop("id"): _tagged(row) for row in islice(csv.DictReader(stream), rows)}
    return Sheet("payments.csv", "stripe_payments", ("--type", "stripe_payments"), wanted)


def _tagged(row: dict[str, str]) -> dict[str, Any]:
    """Return the attributes that one row of `payments.csv` asks for; an empty cell asks for nothing."""
    reference, reviewed = row.pop("reference"), _TRUE[row.pop("metadata.reviewed:bool")]
    metadata: dict[str, Any] = {name.removeprefix("metadata."): cell for name, cell in row.items() if cell}
    return {"reference": reference, "metadata": {**metadata, "reviewed": reviewed}}


def _transactions(rows: int) -> Sheet:
    with (HERE / "transactions.ndjson").open(encoding="utf-8") as stream:
        lines = [json.loads(line) for line in islice(stream, rows)]
    wanted = {line["id"]: {"reference": line["reference"], "metadata": line["metadata"]} for line in lines}
    return Sheet("transactions.ndjson", "transactions", (), wanted)


@contextmanager
def _sandbox(state: Path) -> Iterator[Server]:
    """Run a sandbox until the block ends; the limits that rowpatch learns about it are stored in `state`."""
    command = [ROWPATCH, "sandbox", "--limit", "100/2s"]
    for type_name in ("stripe_payments", "transactions"):
        command += ["--seed", f"{type_name}={WHOLE}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603  # our own program
        try:
            announced = json.loads((process.stdout.readline() if process.stdout else "") or "{}")
            if "url" not in announced:
                raise DemoFailed("the sandbox did not start")
            yield Server(announced["url"], _environment(announced, state))
        finally:
            process.terminate()


def _environment(announced: Mapping[str, str], state: Path) -> dict[str, str]:
    """Return this process's environment without the user's settings, and with the sandbox's address and token."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("ROWPATCH_")}
    credential = {"ROWPATCH_URL": announced["url"], "ROWPATCH_TOKEN": announced["token"]}
    return {**own, **credential, "XDG_STATE_HOME": str(state)}


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
