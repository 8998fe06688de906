"""`python -m tests.system.golden.make`: make the golden run directories, and what the present version does with each.

Only the version whose behaviour is to be kept may make them: a remade fixture proves nothing about older versions.
`--expected` keeps the run directories and remakes what is expected of them, for a change of behaviour that is meant.
"""

import argparse
import csv
import gzip
import json
import shutil
import signal
import sqlite3
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any, Final

import xlsxwriter

from tests.system.e2e.program import Desk, ended, until
from tests.system.e2e.sandbox_thread import Served, sandbox_in_thread, server_of
from tests.system.golden.replay import (
    EPOCH,
    EXPECTED,
    FIXTURES,
    JOURNAL,
    NO_URL,
    NOWHERE,
    STATE,
    move,
    replayed,
    state_of,
)
from tests.system.golden.stories import RUN, STORIES, UNDO
from worker.sandbox import LOCK_KEY, SandboxSettings, seeded_id

ORDERS: Final = [seeded_id("orders", index) for index in range(16)]
PAYMENTS: Final = [seeded_id("stripe_payments", index) for index in range(8)]
CAPTURES: Final = [seeded_id("captures", index) for index in range(4)]
LOCKED: Final = ORDERS[15]
NOBODY: Final = "NoSuchIdAB"

AGE: Final = 16.0
"""Seconds that a run has to rest before its journal is old: a younger one is read with reads that lag in mind."""

TRIES: Final = 20
"""Kills until one leaves every kind of doubt."""

ALONE: Final = ("--concurrency", "1", "--rate", "none", "--no-progress")
"""One request after the other, as fast as the server answers."""

RESERVED: Final = (
    "__status", "__reason", "__message", "__field", "__row", "__line", "__http", "__attempts", "__request_id", "__at",
)  # fmt: skip

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Bench:
    """A desk with a server of its own, on which a run is made."""

    desk: Desk
    served: Served

    def sheet(self, header: Sequence[str], *rows: Sequence[str], name: str = "sheet.csv", delimiter: str = ",") -> None:
        """Write the sheet; gzipped if its name says so."""
        text = StringIO()
        csv.writer(text, delimiter=delimiter).writerows([header, *rows])
        content = text.getvalue().encode()
        packed = gzip.compress(content, mtime=0) if name.endswith(".gz") else content
        (self.desk.folder / name).write_bytes(packed)

    def objects(self, *rows: Record | str, name: str = "sheet.ndjson") -> None:
        """Write NDJSON rows; a text stands for a line as it is."""
        lines = (row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows)
        (self.desk.folder / name).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")

    def run(self, status: int, *arguments: str) -> None:
        """Run a command to its end, which must be of that exit status."""
        ran = self.desk.rowpatch(*arguments, *ALONE)
        if ran.status != status:
            raise AssertionError(f"{arguments}: exit status {ran.status}, not {status}\n{ran.out}{ran.err}")

    def apply(self, status: int, *flags: str, name: str = "sheet.csv", kind: str = "orders") -> None:
        """Apply the sheet into the run directory."""
        self.run(status, "apply", name, "--type", kind, "--run-dir", RUN, *flags)

    def meddle(self, key: str, **attributes: object) -> None:
        """Change an order as somebody else would."""
        body = json.dumps({"data": {"type": "orders", "id": key, "attributes": attributes}}).encode()
        headers = {"Authorization": f"Bearer {self.served.token}", "Content-Type": "application/vnd.api+json"}
        request = urllib.request.Request(f"{self.served.url}/api/orders/{key}", body, headers, method="PATCH")
        with urllib.request.urlopen(request, timeout=10) as reply:
            assert reply.status == 200


# --- the runs


def endings(bench: Bench) -> None:
    """Apply a CSV sheet with every ending that needs no bad luck."""
    header = (
        "id", "reference", "expires_at", "market", "expiration_info.a:int", "metadata.batch", "metadata.count:int",
        "metadata.note:json", "tags.add", "tags.remove", "_refresh",
    )  # fmt: skip

    def row(key: str, **cells: str) -> list[str]:
        names = {name.replace(".", "_").replace(":", "_"): name for name in header}
        by_name = {names[name]: cell for name, cell in cells.items()}
        return [key, *(by_name.get(name, "") for name in header[1:])]

    bench.sheet(
        header,
        row(ORDERS[0], reference="first", metadata_batch="b1", metadata_count_int="7"),
        row(ORDERS[1], reference="<clear>", metadata_batch="<clear>"),
        row(ORDERS[2], reference="r2", metadata_batch="b0"),
        row(ORDERS[3], tags_add="vip,sale", tags_remove="tag1"),
        row(ORDERS[4], reference="partly", tags_add="ghost"),
        row(ORDERS[5], reference="refreshed", _refresh="true"),
        row(NOBODY, reference="nobody"),
        row(ORDERS[6], metadata_count_int="seven"),
        row("# a remark", reference="for people"),
        row(""),
        row("", reference="whose?"),
        row(ORDERS[0], reference="second"),
        row(LOCKED, reference="locked"),
        row(ORDERS[7], expires_at="someday"),
        row(ORDERS[8], reference="=1+1", metadata_note_json='{"a": [1, 2.50, null], "b": "Zoë, \\"x\\""}'),
        row(ORDERS[9], expiration_info_a_int="2", market="mRkEtOnE"),
        row(ORDERS[10], expires_at="2026-05-06T07:08:09Z"),
        row(ORDERS[11], reference="will be meddled with"),
    )
    bench.apply(1, "--allow-trigger", "_refresh")
    bench.meddle(ORDERS[11], reference="theirs")


def limited(bench: Bench) -> None:
    """Apply the first rows of a TSV file."""
    rows = [(key, f"limited {n}", f"{n:03}") for n, key in enumerate(ORDERS[:10])]
    bench.sheet(("id", "reference", "metadata.code"), *rows, name="sheet.tsv", delimiter="\t")
    bench.apply(0, "--limit", "5", name="sheet.tsv")


def stopped(bench: Bench) -> None:
    """Give up a gzipped sheet with semicolons after two bad rows."""
    keys = [ORDERS[0], NOBODY, LOCKED, *ORDERS[1:5]]
    rows = [(key, f"stopped {n}") for n, key in enumerate(keys)]
    bench.sheet(("id", "reference"), *rows, name="sheet.csv.gz", delimiter=";")
    bench.apply(3, "--stop-after", "2", "--canary", "0", name="sheet.csv.gz")


def interrupted(bench: Bench) -> None:
    """Interrupt a run, which ends in an orderly way."""
    bench.sheet(("id", "reference", "metadata.batch"), *((key, "interrupted", "b2") for key in ORDERS[:12]))
    process = bench.desk.start("apply", "sheet.csv", "--type", "orders", "--run-dir", RUN, *ALONE)
    until(lambda: len(bench.desk.server.writes()) > 4, "the first updates")
    process.send_signal(signal.SIGINT)
    assert ended(process).status == 130


def killed(bench: Bench) -> None:
    """Kill a run while requests are on their way."""
    rows = [(key, f"killed {n}", f"k{n % 3}", "vip" if n % 2 else "") for n, key in enumerate(ORDERS[:12])]
    bench.sheet(("id", "reference", "metadata.batch", "tags.add"), *rows)
    flags = ("--concurrency", "6", "--canary", "0", "--rate", "none", "--no-progress")
    process = bench.desk.start("apply", "sheet.csv", "--type", "orders", "--run-dir", RUN, *flags)
    until(lambda: len(bench.desk.server.writes()) > 4, "updates")
    process.kill()
    ended(process)


def faulty(bench: Bench) -> None:
    """Try every row once on a bad server."""
    tags, triggers = ("", "", "sale"), ("", "", "", "true")
    rows = [(key, f"faulty {n}", tags[n % 3], triggers[n % 4]) for n, key in enumerate(ORDERS[:12])]
    bench.sheet(("id", "reference", "tags.add", "_archive"), *rows)
    bench.apply(1, "--max-attempts", "1", "--canary", "0", "--allow-trigger", "_archive")


def objects(bench: Bench) -> None:
    """Apply NDJSON in its three shapes, of two types."""
    order, payment = {"type": "orders", "id": ORDERS[0]}, f"stripe_payments/{PAYMENTS[2]}"
    bench.objects(
        {"id": ORDERS[0], "type": "orders", "reference": "flat", "metadata.batch": None, "metadata.deep": {"a": [1.5]}},
        {"id": ORDERS[1], "attributes": {"reference": "resource", "metadata": {"batch": "b", "n": 7}}},
        {"data": {"id": ORDERS[2], "type": "orders", "attributes": {"reference": "document"}}},
        {"id": PAYMENTS[0], "type": "stripe_payments", "reference": "paid", "metadata": {"note": "Zoë\u2028"}},
        {"id": PAYMENTS[1], "type": "stripe_payments", "relationships": {"order": {"data": order}}},
        '{"id": "broken',
        {"id": ORDERS[3], "type": "orders", "reference": None, "expiration_info": {"whole": True}},
        {"id": ORDERS[4], "type": "order", "reference": "no such type"},
        {"id": ORDERS[5], "no_such_field": 1},
        {"id": NOBODY, "reference": "nobody"},
        {"id": ORDERS[2], "reference": "r2", "tags.add": ["sale", "tag2"], "payment_source": payment},
        {"id": ORDERS[6], "metadata.big:json": 12345678901234567890, "attributes.guest": "true"},
    )
    bench.apply(1, name="sheet.ndjson")


def workbook(bench: Bench) -> None:
    """A workbook with numbers, dates, an error, and what it hides."""
    book = xlsxwriter.Workbook(str(bench.desk.folder / "sheet.xlsx"))
    book.set_properties({"created": datetime(2026, 1, 1, tzinfo=UTC).replace(tzinfo=None)})
    sheet = book.add_worksheet("Changes")
    book.add_worksheet("Notes").write(0, 0, "not for the run")
    sheet.write_row(0, 0, ("id", "reference", "metadata.day", "metadata.count:int", "metadata.rate", "metadata.secret"))
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    for n, key in enumerate(ORDERS[:6], start=1):
        sheet.write_string(n, 0, key)
        sheet.write_string(n, 1, f"00{n}")
        sheet.write_number(n, 2, 46000 + n, day)
        sheet.write_number(n, 3, n)
        sheet.write_number(n, 4, n / 10)
        sheet.write_string(n, 5, "hidden")
    sheet.write_formula(4, 1, "=VLOOKUP(A5,B:C,2)", None, "#N/A")
    sheet.set_row(2, options={"hidden": True})
    sheet.set_column(5, 5, options={"hidden": True})
    book.close()
    bench.apply(1, "--visible-only", "--sheet", "Changes", name="sheet.xlsx")


def blind(bench: Bench) -> None:
    """A run that read nothing first."""
    keys = [ORDERS[0], ORDERS[1], NOBODY, ORDERS[2], LOCKED]
    rows = [(key, f"blind {n}", "b3", "someday" if n == 3 else "") for n, key in enumerate(keys)]
    bench.sheet(("id", "reference", "metadata.batch", "expires_at"), *rows)
    bench.apply(1, "--blind", "--metadata", "replace")


def fed_back(bench: Bench) -> None:
    """The results of an earlier run, applied again."""

    def row(status: str, reason: str, *cells: str) -> list[str]:
        return [status, reason, *("" for _ in RESERVED[2:]), *cells]

    bench.sheet(
        (*RESERVED, "id", "reference", "metadata.batch", "tags.add", "_refresh", "_archive"),
        row("applied", "", ORDERS[0], "done", "b4", "", "", ""),
        row("failed", "unreachable", ORDERS[1], "older", "", "", "", ""),
        row("failed", "unreachable", ORDERS[2], "older", "b4", "", "", ""),
        row("rejected", "locked", ORDERS[3], "older", "b4", "", "true", ""),
        row("unchanged", "as_wanted", ORDERS[1], "newer", "", "", "", ""),
        row("applied", "", ORDERS[2], "newer", "", "", "", ""),
        row("rejected", "locked", ORDERS[7], "older", "b4", "", "", "true"),
        row("applied", "", ORDERS[7], "newer", "", "", "", ""),
        row("applied", "", ORDERS[3], "newer", "", "", "", ""),
        row("unknown", "timed_out", ORDERS[4], "in doubt", "", "vip", "", ""),
        row("unknown", "timed_out", ORDERS[5], "in doubt", "", "", "", ""),
        row("rejected", "not_found", NOBODY, "'=nobody", "", "", "", ""),
        row("skipped", "already_done", ORDERS[6], "long ago", "", "", "", ""),
    )
    bench.apply(1, "--allow-trigger", "_refresh", "--allow-trigger", "_archive")


def by_reference(bench: Bench) -> None:
    """A trial of rows that name their records by reference."""
    references = ("r0", "twice", "nobody has it", "r2", "r0", "r3", "r5", "r6")
    bench.sheet(("reference", "metadata.batch"), *((name, f"b{n}") for n, name in enumerate(references)))
    bench.apply(1, "--limit", "5")


def transactions(bench: Bench) -> None:
    """Records of an abstract type, which are updated by their concrete ones."""
    rows = [("transactions", key, f"abstract {n}") for n, key in enumerate(CAPTURES)]
    rows += [("captures", CAPTURES[0], "concrete"), ("transactions", NOBODY, "nobody")]
    bench.sheet(("type", "id", "reference"), *rows)
    bench.run(1, "apply", "sheet.csv", "--run-dir", RUN)


def planned(bench: Bench) -> None:
    """A plan; one of its records is no longer as it was."""
    rows = [
        (ORDERS[0], "planned", "b5", ""),
        (ORDERS[1], "<clear>", "<clear>", ""),
        (ORDERS[2], "r2", "", ""),
        (ORDERS[3], "planned", "", "vip"),
        (NOBODY, "nobody", "", ""),
        (ORDERS[0], "planned once more", "", ""),
        ("", "whose?", "", ""),
        (ORDERS[4], "planned, then meddled with", "b5", ""),
    ]
    bench.sheet(("id", "reference", "metadata.batch", "tags.add"), *rows)
    bench.run(1, "plan", "sheet.csv", "--type", "orders", "--run-dir", RUN, "--metadata", "replace")
    bench.meddle(ORDERS[4], reference="theirs")


def kept(bench: Bench) -> None:
    """A run that kept to its plan."""
    planned(bench)
    bench.run(1, "apply", "--plan", RUN)


def undone(bench: Bench) -> None:
    """A run, and a trial of its undo."""
    rows = [(key, f"to be undone {n}", "<clear>" if n % 2 else "b6", "vip") for n, key in enumerate(ORDERS[:6])]
    bench.sheet(("id", "reference", "metadata.batch", "tags.add"), *rows)
    bench.apply(0)
    bench.meddle(min(ORDERS[:6]), reference="theirs")
    bench.run(1, "undo", RUN, "--run-dir", UNDO, "--limit", "3")


def _always(_: Path) -> bool:
    return True


def _has_every_doubt(fixture: Path) -> bool:
    """Return whether intents are open of rows that are safe to repeat and of others; some of each landed, some not."""
    with closing(sqlite3.connect(fixture / RUN / JOURNAL)) as db:
        query = "SELECT row FROM attempt WHERE outcome IS NULL AND row NOT IN (SELECT row FROM result)"
        rows = [int(row) for (row,) in db.execute(query)]
    state = (fixture / STATE).read_text(encoding="utf-8")
    return len({(row % 2, f'"killed {row - 1}"' in state) for row in rows}) == 4


@dataclass(frozen=True, slots=True)
class Making:
    """How a run is made.

    Attributes:
        make: makes it.
        latency: median of the server, in seconds.
        faults: share of the requests that go wrong.
        fits: whether the fixture is what is wanted; if not, it is made again.
    """

    make: Callable[[Bench], None]
    latency: float = 0.002
    faults: float = 0.0
    fits: Callable[[Path], bool] = _always


MAKINGS: Final[Mapping[str, Making]] = {
    "endings": Making(endings),
    "limited": Making(limited),
    "stopped": Making(stopped),
    "interrupted": Making(interrupted, latency=0.03),
    "killed": Making(killed, latency=0.3, fits=_has_every_doubt),
    "faulty": Making(faulty, faults=0.5),
    "objects": Making(objects),
    "workbook": Making(workbook),
    "blind": Making(blind),
    "fed-back": Making(fed_back),
    "by-reference": Making(by_reference),
    "transactions": Making(transactions),
    "planned": Making(planned),
    "kept": Making(kept),
    "undone": Making(undone),
}


def made(name: str, fixture: Path) -> None:
    """Make one golden run directory."""
    making = MAKINGS[name]
    for random_seed in range(TRIES):
        shutil.rmtree(fixture, ignore_errors=True)
        _make(name, random_seed, fixture)
        if making.fits(fixture):
            return
    raise AssertionError(f"{name}: no run of {TRIES} was what is wanted")


def _make(name: str, random_seed: int, fixture: Path) -> None:
    making = MAKINGS[name]
    with tempfile.TemporaryDirectory() as temporary:
        seed = Path(temporary) / STATE
        seed.write_text("".join(f"{json.dumps(record)}\n" for record in _records()), encoding="utf-8")
        settings = SandboxSettings(
            seed=(str(seed),),
            latency=making.latency,
            faults=making.faults,
            random_seed=random_seed,
            abstract_transactions=STORIES[name].abstract,
            epoch=EPOCH,
        )
        folder = Path(temporary).resolve() / "desk"
        folder.mkdir()
        with sandbox_in_thread(settings) as served:
            making.make(Bench(Desk(folder, server_of(served)), served))
            state = state_of(served.resources)  # at once: of a run that was killed, requests are still on their way
        shutil.copytree(folder, fixture, ignore=shutil.ignore_patterns("state"))
        for journal in fixture.glob(f"*/{JOURNAL}"):
            move(journal, folder, NOWHERE, served.url, NO_URL)
        (fixture / STATE).write_text(state, encoding="utf-8")


def expect(name: str) -> None:
    """Write down what each command of a story does with a copy of its run directory."""
    shutil.rmtree(EXPECTED / name, ignore_errors=True)
    for command in STORIES[name].commands:
        with tempfile.TemporaryDirectory() as folder:
            texts = replayed(FIXTURES / name, STORIES[name], command, Path(folder).resolve())
        for file, text in texts.items():
            path = EXPECTED / name / command / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode())


def _records() -> Iterator[Record]:
    """Yield what the server holds: orders, most with a reference, payments, and captures."""
    for n, key in enumerate(ORDERS):
        attributes: Record = {"reference": f"r{n}", "metadata": {"batch": "b0", "keep": n}}
        if n in {1, 3}:
            attributes |= {"metadata": {}, "reference": "twice" if n == 1 else "r3"}
        if n in {9, 12}:
            attributes |= {"expiration_info": {"a": 1, "b": "two"}}
        if n == 13:
            attributes["reference"] = "twice"
        if key == LOCKED:
            attributes["metadata"] = {LOCK_KEY: True}
        tags = [{"type": "tags", "id": seeded_id("tags", index)} for index in (0, 2)] if n in {3, 4} else []
        yield {"type": "orders", "id": key, "attributes": attributes, "relationships": {"tags": {"data": tags}}}
    for key in PAYMENTS:
        yield {"type": "stripe_payments", "id": key, "attributes": {"reference": None}}
    for n, key in enumerate(CAPTURES):
        yield {"type": "captures", "id": key, "attributes": {"reference": f"c{n}", "amount_cents": 100 + n}}


def main() -> None:
    """Make all stories, or those that are named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", choices=[[], *STORIES], help="stories; all by default")
    parser.add_argument("--expected", action="store_true", help="keep the run directories")
    asked = parser.parse_args()
    names = asked.names or list(STORIES)
    if not asked.expected:
        for name in names:
            made(name, FIXTURES / name)
        time.sleep(AGE)
    for name in names:
        expect(name)


if __name__ == "__main__":
    main()
