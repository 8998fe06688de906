"""Go on with a copy of a golden run directory, and describe all that comes of it as text files.

A fixture holds no path and no port of the machine that made it. Its journal names the sheet as `/golden/sheet.csv`, the
server as `http://127.0.0.1:9`; a copy names its own sheet and server in their place, as if it had been made there.
"""

import hashlib
import json
import os
import shutil
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from tests.system.e2e.program import Desk
from tests.system.e2e.sandbox_thread import sandbox_in_thread, server_of
from tests.system.golden.normal import Surroundings
from tests.system.golden.stories import Story
from worker.sandbox import Resource, SandboxSettings

FIXTURES: Final = Path(__file__).with_name("fixtures")
EXPECTED: Final = Path(__file__).with_name("expected")

STATE: Final = "state.ndjson"
"""The records of the server, one a line, without the attributes that are null: a seed of the sandbox."""

JOURNAL: Final = "journal.sqlite3"
SEAL: Final = f".{JOURNAL}.sha256"
"""As they were when the fixtures were made: whoever renames them must still read the old ones."""

PAGE: Final = "report.html"
"""Only its presence is compared: it draws times, which differ, and all else in it stands in the other files, too."""

NOWHERE: Final = Path("/golden")
NO_URL: Final = "http://127.0.0.1:9"

EPOCH: Final = 1_767_225_600.0
"""Seconds since 1970 at which the records were created."""

_STAMPS: Final = frozenset({"created_at", "updated_at"})

Files = dict[str, str]


def replayed(fixture: Path, story: Story, command: str, folder: Path) -> Files:
    """Run a command of the story on a copy of its fixture; return the texts that describe the outcome, by file name.

    Args:
        fixture: folder with the sheet, the run directories and the state of the server.
        story: what they are.
        command: name of one of its commands.
        folder: an empty one, for the copy.
    """
    settings = SandboxSettings(
        seed=(str(fixture / STATE),), abstract_transactions=story.abstract, random_seed=7, epoch=EPOCH
    )
    with sandbox_in_thread(settings) as served:
        desk = Desk(folder, server_of(served))
        unpack(fixture, folder, served.url)
        here = Surroundings(str(folder), served.url)
        before = Contents.of(folder, here)
        arguments = story.commands[command]
        flags = () if arguments[0] == "report" else ("--no-progress",)
        ran = desk.rowpatch(*arguments, *flags)
        requests = map(_request, desk.server.ledger())
        return {
            "status.txt": f"{ran.status}\n",
            "stdout.txt": here.normal(ran.out),
            "stderr.txt": here.normal(ran.err),
            "requests.txt": "".join(requests if story.ordered else sorted(requests)),
            **Contents.of(folder, here).since(before),
        }


_MADE_AT: Final = 1_800_000_000
"""One time stamp for all files of a run: a checkout gives each its own, by which one would count as edited since."""


def unpack(fixture: Path, folder: Path, url: str) -> None:
    """Copy a fixture's sheet and run directories into a folder, private again, as if they had been made there."""
    shutil.copytree(fixture, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns(STATE))
    for journal in folder.glob(f"*/{JOURNAL}"):
        move(journal, NOWHERE, folder, NO_URL, url)
        journal.parent.chmod(0o700)
        for path in journal.parent.iterdir():
            path.chmod(0o600)
            os.utime(path, (_MADE_AT, _MADE_AT))


def move(journal: Path, folder: Path, to: Path, url: str, to_url: str) -> None:
    """Put another folder and another server into a journal, and seal it anew if it was sealed."""
    seal = journal.with_name(SEAL)
    renamed = "UPDATE fact SET value = replace(value, ?, ?) WHERE name = ?"
    with closing(sqlite3.connect(journal)) as db:
        db.execute("PRAGMA synchronous = OFF")
        with db:
            db.execute(renamed, (f"{folder}/", f"{to}/", "source"))
            db.execute(renamed, (f'"{url}"', f'"{to_url}"', "settings"))
        db.execute("VACUUM")  # leaves no old path between the rows
    if seal.is_file() and seal.read_bytes():
        seal.write_text(hashlib.sha256(journal.read_bytes()).hexdigest(), encoding="ascii")


def state_of(resources: Mapping[str, Mapping[str, Resource]]) -> str:
    """Return the records of a sandbox as a seed: without what every sandbox has, and without null attributes."""
    return "".join(
        json.dumps(_seed_of(record)) + "\n"  # ASCII: the sandbox takes U+2028 for the end of a line
        for type_name, records in resources.items()
        for record in records.values()
        if type_name != "tags"
    )


def _seed_of(record: Resource) -> Mapping[str, Any]:
    attributes = {name: value for name, value in record.attributes.items() if value is not None and name not in _STAMPS}
    links = {name: {"data": data} for name, data in record.relationships.items()}
    return {"type": record.type, "id": record.id, "attributes": attributes, "relationships": links}


@dataclass(frozen=True, slots=True)
class Contents:
    """What lies in a folder.

    Attributes:
        modes: permission bits of every file and folder, by path.
        files: bytes of every file but the journals and their seals, by path.
        journals: lines of the journals, one a row of a table, by path.
        seals: whether a journal's seal fits, by path of the seal.
        here: how to normalise them.
    """

    modes: Mapping[str, int]
    files: Mapping[str, bytes]
    journals: Mapping[str, Sequence[str]]
    seals: Mapping[str, str]
    here: Surroundings

    @classmethod
    def of(cls, folder: Path, here: Surroundings) -> Self:
        """Read all of a folder, but for the program's memory of limits."""
        paths = [path for path in sorted(folder.rglob("*")) if folder / "state" not in (path, *path.parents)]
        names = {path.relative_to(folder).as_posix(): path for path in paths}
        journals = {name: path for name, path in names.items() if path.name == JOURNAL}
        seals = {name: path for name, path in names.items() if path.name == SEAL}
        files = {name: path for name, path in names.items() if path.is_file() and name not in {*journals, *seals}}
        return cls(
            {name: path.stat().st_mode & 0o777 for name, path in names.items()},
            {name: path.read_bytes() for name, path in files.items()},
            {name: _rows(path, here) for name, path in journals.items()},
            {name: _seal(path) for name, path in seals.items()},
            here,
        )

    def since(self, before: "Contents") -> Files:
        """Return the list of all files, the files that are new or changed, and the changes of the journals."""
        changed = {
            name: content
            for name, content in self.files.items()
            if before.files.get(name) != content and Path(name).name != PAGE
        }
        journals = {
            name: "".join(_difference(before.journals.get(name, ()), rows)) for name, rows in self.journals.items()
        }
        listed = "".join(f"{mode:04o} {name}{self._remark(name, before)}\n" for name, mode in self.modes.items())
        gone = "".join(f"gone {name}\n" for name in before.modes.keys() - self.modes.keys())
        return {
            "directory.txt": listed + gone,
            **{name: self.here.normal(content.decode()) for name, content in changed.items()},
            **{f"{name.removesuffix('.sqlite3')}.txt": rows for name, rows in journals.items() if rows},
        }

    def _remark(self, name: str, before: "Contents") -> str:
        if name in self.seals:
            return f" {self.seals[name]}"
        if name not in before.modes:
            return " new"
        return " changed" if self.files.get(name) != before.files.get(name) else ""


def _request(entry: Mapping[str, Any]) -> str:
    """Return a request of the ledger as a line, and as a second one its body, whose bytes the hash vouches for."""
    line = f"{entry['method']} {entry['path']} -> {entry['status']}\n"
    if entry["body"] is None:
        return line
    return f"{line}  {json.dumps(entry['body'], ensure_ascii=False)}\n  sha256 {entry['body_sha256']}\n"


def _rows(journal: Path, here: Surroundings) -> list[str]:
    """Return all tables of a journal, sorted: the columns of each, and its rows."""
    lines = []
    with closing(sqlite3.connect(journal)) as db:
        for (table,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").fetchall():
            cursor = db.execute(f"SELECT * FROM {table}")
            columns = [column for column, *_ in cursor.description]
            lines.append(f"{table} ({', '.join(columns)})\n")
            rows = (here.normal_row(table, columns, row) for row in cursor)
            lines += sorted(f"{table} {json.dumps(row, ensure_ascii=False)}\n" for row in rows)
    return lines


def _seal(path: Path) -> str:
    sealed = path.read_text(encoding="ascii")
    if not sealed:
        return "broken"
    return "fits" if sealed == hashlib.sha256(path.with_name(JOURNAL).read_bytes()).hexdigest() else "does not fit"


def _difference(before: Sequence[str], after: Sequence[str]) -> Iterator[str]:
    """Return the rows that are gone, and those that are new."""
    gone, new = set(before) - set(after), set(after) - set(before)
    return (f"{'-' if line in gone else '+'} {line}" for line in sorted(gone | new))
