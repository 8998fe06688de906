"""The nightly example, night after night, as its operator sees it."""

import configparser
import json
import os
import subprocess
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.system.e2e.program import PATIENCE, ROWPATCH, Server, sandbox

EXAMPLE = Path(__file__).parents[3] / "examples" / "nightly-reconcile"
EXPORT = EXAMPLE / "export.ndjson"


@dataclass(frozen=True, slots=True)
class Job:
    """The script in a folder of its own."""

    folder: Path
    server: Server

    def night(self, export: Path = EXPORT, url: str = "") -> tuple[int, str, int]:
        """Exit status, the line, and how many PATCHes the server saw."""
        before = self.server.mark()
        environment = {
            **os.environ,
            "PATH": f"{ROWPATCH.parent}:{os.environ['PATH']}",
            "ROWPATCH_URL": url or self.server.url,
            "ROWPATCH_TOKEN": self.server.token,
            "XDG_STATE_HOME": str(self.folder / "state"),
        }
        command = [EXAMPLE / "nightly.sh", export]
        done = subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False, timeout=PATIENCE
        )
        assert done.stderr == ""
        return done.returncode, done.stdout, len(self.server.writes(before))


@pytest.fixture
def job(tmp_path: Path) -> Iterator[Job]:
    with sandbox("--seed", "stripe_payments=50") as server:
        yield Job(tmp_path, server)


def change_by_hand(server: Server, key: str) -> None:
    body = {"data": {"type": "stripe_payments", "id": key, "attributes": {"reference": "by hand"}}}
    headers = {"Content-Type": "application/vnd.api+json", "Accept": "application/vnd.api+json"}
    headers["Authorization"] = f"Bearer {server.token}"
    url = f"{server.url}/api/stripe_payments/{key}"
    request = urllib.request.Request(url, json.dumps(body).encode(), headers, method="PATCH")
    urllib.request.urlopen(request, timeout=PATIENCE).close()


def test_three_nights(job: Job) -> None:
    lines = [json.loads(line) for line in EXPORT.read_text().splitlines()]
    # the first night sends the differences: all, in a new shop
    assert job.night() == (0, "nightly-reconcile: ok: 40 rows: 40 applied.\n", 40)
    # the second night there are none
    assert job.night() == (0, "nightly-reconcile: ok: 40 rows: 40 unchanged.\n", 0)
    # the third repairs what somebody changed by hand
    change_by_hand(job.server, lines[7]["id"])
    assert job.night() == (0, "nightly-reconcile: ok: 40 rows: 1 applied, 39 unchanged.\n", 1)
    record = job.server.attributes()[lines[7]["id"]]
    assert record["reference"] == lines[7]["reference"]
    assert record["metadata"]["origin"] == "seed"  # what the export does not name is kept


def test_a_row_that_is_refused_needs_attention(job: Job, tmp_path: Path) -> None:
    export = tmp_path / "export.ndjson"
    export.write_text(EXPORT.read_text() + '{"id":"nOtThErEaA","type":"stripe_payments","reference":"x"}\n')
    status, line, _ = job.night(export)
    assert status == 1
    assert "needs attention: 41 rows: 40 applied, 1 rejected. See runs/nightly-" in line


def test_an_export_that_is_cut_off_is_refused(job: Job, tmp_path: Path) -> None:
    export = tmp_path / "export.txt"
    export.write_text("")
    status, line, sent = job.night(export)
    assert (status, sent) == (2, 0)
    assert line.startswith("nightly-reconcile: refused: Cannot tell the format")


def test_the_crontab_and_the_units_call_the_script() -> None:
    calls = "/opt/rowpatch/nightly.sh /srv/erp/export.ndjson"
    line = (EXAMPLE / "crontab").read_text().splitlines()[-1]
    assert line.endswith(calls)
    assert line.split()[:5] == ["30", "2", "*", "*", "*"]
    for name, section, key, value in (
        ("rowpatch-nightly.service", "Service", "ExecStart", calls),
        ("rowpatch-nightly.service", "Service", "Type", "oneshot"),
        ("rowpatch-nightly.timer", "Timer", "Persistent", "true"),
    ):
        unit = configparser.ConfigParser(interpolation=None)
        unit.read(EXAMPLE / name)
        assert unit[section][key] == value
