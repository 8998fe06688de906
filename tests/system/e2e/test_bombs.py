"""Little that grows to much, in a reply or in the input, does not fill the memory. Judged by the kernel."""

import os
import subprocess
import sys
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, repeat
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import pytest

from tests.jobs.formats.workbooks import HEAD, parts
from tests.system.e2e.program import PATIENCE, ROWPATCH
from tests.system.e2e.scripted_server import JSON_API, Answer, Asked, Scripted, scripted_server
from tests.system.e2e.small_api import SmallApi

MEBIBYTE = 1 << 20
CEILING = 300
"""MiB that no run may need (guarantee G36); about 75 of them are the program itself."""


@dataclass(frozen=True)
class Ended:
    """How a process ended, what it printed, and the most memory it ever had, in MiB."""

    status: int
    said: str
    peak: float


@pytest.fixture
def server() -> Iterator[Scripted]:
    with scripted_server(SmallApi("stripe_payments", {"A": {"reference": "0"}})) as running:
        yield running


MEASURED = """
import resource, subprocess, sys
status = subprocess.run(sys.argv[2:], timeout=float(sys.argv[1])).returncode
print(status, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024, file=sys.stderr)
"""
"""Runs a command and says what it needed. A peak counts from before the `exec`, so a small process starts it."""


def rowpatch(folder: Path, url: str, *arguments: str, **environment: str) -> Ended:
    """Run the program to its end."""
    env = {"PATH": os.environ["PATH"], "HOME": str(folder), "ROWPATCH_URL": url, "ROWPATCH_TOKEN": "t", **environment}
    command: list[str | Path] = [sys.executable, "-S", "-c", MEASURED, str(PATIENCE), ROWPATCH, *arguments]
    ran = subprocess.run(command, capture_output=True, text=True, cwd=folder, env=env, check=True)
    *said, measured = ran.stderr.splitlines()
    status, peak = measured.split()
    return Ended(int(status), ran.stdout + "\n".join(said), float(peak))


def gzipped(pieces: Iterable[bytes]) -> bytes:
    squeeze = zlib.compressobj(9, wbits=31)
    return b"".join([*map(squeeze.compress, pieces), squeeze.flush()])


def spaces(mebibytes: int, before: bytes = b"", after: bytes = b"") -> bytes:
    """Much white space, squeezed: a thousandth of it."""
    return gzipped(chain([before], repeat(b" " * MEBIBYTE, mebibytes), [after]))


BOMB = spaces(512, b'{"data":{"id":"A","type":"stripe_payments"},"x":"', b'"}')


@pytest.mark.parametrize("method", ["PATCH", "GET", "POST"])
def test_a_reply_that_grows_a_thousandfold_is_cut_off(method: str, server: Scripted, tmp_path: Path) -> None:
    good = server.script

    def script(asked: Asked) -> Answer:
        bomb = Answer(401 if method == "POST" else 200, BOMB, {**JSON_API, "Content-Encoding": "gzip"})
        return bomb if asked.method == method else good(asked)

    server.script = script
    (tmp_path / "sheet.csv").write_text("id,reference\nA,1\n")
    secrets = {"ROWPATCH_CLIENT_ID": "me", "ROWPATCH_CLIENT_SECRET": "s", "ROWPATCH_AUTH_URL": server.url}
    flags = ["--type", "stripe_payments", "--max-attempts", "1", "--no-progress"]
    also = {**secrets, "ROWPATCH_TOKEN": ""} if method == "POST" else {}
    ran = rowpatch(tmp_path, server.url, "apply", "sheet.csv", *flags, **also)
    assert ran.status in {0, 1, 3}, ran.said
    assert any(asked.method == method for asked in server.asked), ran.said
    assert ran.peak < CEILING / 2, ran
    written = sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file())
    assert written < MEBIBYTE


@pytest.mark.parametrize(
    ("name", "pieces", "says"),
    [
        ("line.csv.gz", [b"id,reference\nA,", *[b" " * MEBIBYTE] * 240], "longer than 16 MiB"),  # one endless line
        (
            "line.tsv.gz",
            [b"id\treference\nA\t", *["\U0001f600".encode() * (MEBIBYTE // 4)] * 80],
            "longer than 16 MiB",
        ),
        ("quoted.csv.gz", [b'id,reference\nA,"', *[b"x\n" * (MEBIBYTE // 2)] * 20], "longer than 16 MiB"),
        ("header.csv.gz", [b"id,", *[b"x" * MEBIBYTE] * 20], "longer than 1 MiB"),
        ("columns.csv.gz", [b"id", *[b",%d" % n for n in range(150_000)], b"\nA\n"], "150,001 columns"),
        ("rows.csv.gz", [b"id,reference\n", *[b"A,1\n" * 262_144] * 3, b'A,"\n'], "closing quote"),  # 0.8 million
        ("nul.csv.gz", [b"\0" * MEBIBYTE] * 20, "longer than 1 MiB"),
        ("empty.ndjson.gz", [b"\n" * MEBIBYTE] * 2, "has no rows"),
    ],
    ids=lambda value: value if isinstance(value, str) and value.endswith(".gz") else "",
)
def test_a_sheet_that_grows_a_thousandfold_is_refused_in_little_memory(
    name: str, pieces: list[bytes], says: str, server: Scripted, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(gzipped(pieces))
    ran = rowpatch(tmp_path, server.url, "apply", name, "--type", "stripe_payments", "--run-dir", "run")
    assert ran.status == 2
    assert says in ran.said
    assert "Traceback" not in ran.said
    assert len(ran.said) < 1000
    assert ran.peak < CEILING, ran
    assert not (tmp_path / "run").exists()
    assert server.asked == []


SHEET = "xl/worksheets/sheet1.xml"


@pytest.mark.parametrize(
    ("begin", "piece", "says"),
    [
        ('<row r="2"><c t="str"><v>', b"x", "row 2 of sheet `S` is longer than 16 MiB"),  # one cell without end
        ('<row r="', b"1", "a tag or a comment of more than 1 MiB"),  # one tag without end
        ('<row r="2">', b"<c/>", "more than 16,384 columns"),
        ("", b"<a>", "more than 64 deep"),
        ('</sheetData><m a="', b"y", "a tag or a comment of more than 1 MiB"),  # behind the rows
    ],
)
def test_a_workbook_that_grows_a_hundredfold_is_refused_in_little_memory(
    begin: str, piece: bytes, says: str, server: Scripted, tmp_path: Path
) -> None:
    made = parts(HEAD.replace(">a<", ">reference<"))
    before, _, after = made.pop(SHEET).partition("</sheetData>")
    with ZipFile(tmp_path / "bomb.xlsx", "w", ZIP_DEFLATED, compresslevel=1) as package:
        for name, text in made.items():
            package.writestr(name, text)
        with package.open(SHEET, "w", force_zip64=True) as sheet:
            sheet.write((before + begin).encode())
            for _ in range(200):
                sheet.write(piece * (MEBIBYTE // len(piece)))
            sheet.write(after.encode())
    ran = rowpatch(tmp_path, server.url, "apply", "bomb.xlsx", "--type", "stripe_payments", "--run-dir", "run")
    assert (ran.status, server.asked) == (2, [])
    assert says in ran.said
    assert "Traceback" not in ran.said
    assert ran.peak < CEILING / 2, ran
    assert not (tmp_path / "run").exists()


def test_objects_that_all_have_different_names_need_little_memory(server: Scripted, tmp_path: Path) -> None:
    with (tmp_path / "names.ndjson").open("w") as sheet:
        for row in range(1_000):
            members = ",".join(f'"metadata.{row}-{number}":"7"' for number in range(500))
            sheet.write(f'{{"id":"A",{members}}}\n')
        members = ",".join(f'"metadata.{number}":"7"' for number in range(200_000))
        sheet.write(f'{{"id":"A",{members}}}\n')
    ran = rowpatch(tmp_path, server.url, "check", "names.ndjson", "--type", "stripe_payments")
    assert ran.status == 2
    assert "200,001 members; 16,384 are taken at most" in " ".join(ran.said.split())
    assert ran.peak < CEILING, ran
