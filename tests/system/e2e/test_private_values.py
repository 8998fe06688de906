"""A value of a private column is in no report, notification, log or memory: the life of a job, and then a search.

Four values of one column stand for four sides: what the sheet says, what was agreed on, what the records held before,
and what somebody wrote by hand. After every night and every follow-up command that there is, whatever they wrote or
said is searched for all four. The same story with a column that is not private shows that the search finds what there
is.
"""

import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest

from tests.system.e2e.program import Desk, Ran, Server, ended, until
from tests.system.e2e.scripted_server import JSON_API, Answer, Asked, Scripted, scripted_server
from tests.system.e2e.small_api import SmallApi

TYPE: Final = "stripe_payments"
ROWS: Final = 60

SHEET: Final = "zqsheet"
AGREED: Final = "zqagreed"
LIVE: Final = "zqlive"
HAND: Final = "zqhand"
SECRETS: Final = (SHEET, AGREED, LIVE, HAND)
"""How the values of each side begin. The sheet's own are agreed on by the next night."""

MEANT_TO_HOLD: Final = ("input.", "journal.sqlite3", "failed.")
"""How the names of files begin that hold the rows themselves: input, journal, and the sheet that is to be mended."""

RECIPE: Final = f"""\
source = "exports/art_*.csv"
type = "{TYPE}"
[columns]
id = "SHOP_ID"
reference = "REF"
"metadata.note" = {{ column = "NOTE", private = PRIVATE }}
"metadata.score:int" = {{ column = "SCORE", private = PRIVATE, decimal = "," }}
[rules]
missing = "clear"
[guards]
changed = "30%"
invalid = "off"
[[notify]]
command = ["/bin/sh", "-c", "cat >> told.txt; echo >> told.txt"]
[[notify]]
url_env = "TEST_HOOK"
[[notify]]
url_env = "TEST_HOOK"
style = "text"
"""


def key(row: int) -> str:
    return f"Rec{row:07}"


def refusal(status: int, detail: str, pointer: str = "") -> Answer:
    """A JSON:API error that quotes what it refuses."""
    source = {"source": {"pointer": pointer}} if pointer else {}
    error = {"title": f"bad: {detail}", "detail": detail, "code": "VALIDATION_ERROR", "status": str(status), **source}
    return Answer(status, json.dumps({"errors": [error]}).encode(), JSON_API)


@dataclass
class Shop:
    """The records, and how updates of them go wrong: each refusal quotes what was sent and what is there."""

    small: SmallApi = field(default_factory=lambda: SmallApi(TYPE))
    quoting: dict[str, tuple[int, str]] = field(default_factory=dict)
    slow: float = 0.0
    hooked: list[str] = field(default_factory=list)

    def __call__(self, asked: Asked) -> Answer:
        if asked.path == "/hook":
            self.hooked.append(asked.body.decode())
            return Answer()
        if asked.method == "PATCH":
            time.sleep(self.slow)
            if how := self.quoting.get(asked.data["id"]) or self.quoting.get(""):
                status, pointer = how
                held = self.small.records[asked.data["id"]]
                return refusal(status, f"cannot take {asked.body.decode()} over {json.dumps(held)}", pointer)
        return self.small(asked)

    def edit(self, row: int, **metadata: Any) -> None:
        self.small.records[key(row)]["metadata"] = metadata


@dataclass
class Story:
    """A job with all that it has said so far."""

    desk: Desk
    shop: Shop
    server: Scripted
    is_private: bool
    said: list[tuple[str, str]] = field(default_factory=list)
    runs: list[Path] = field(default_factory=list)

    @property
    def also(self) -> dict[str, str]:
        return {"TEST_HOOK": f"{self.server.url}/hook", "ROWPATCH_METRICS_DIR": str(self.desk.folder / "metrics")}

    def rowpatch(self, *arguments: str | Path) -> Ran:
        ran = self.desk.rowpatch(*arguments, also=self.also)
        self.heard(ran, *arguments)
        return ran

    def heard(self, ran: Ran, *arguments: str | Path) -> None:
        self.said.append((" ".join(map(str, arguments)), ran.out + ran.err))

    def night(self, *flags: str) -> dict[str, Any]:
        ran = self.rowpatch("reconcile", "prices.toml", "--json", "--no-progress", "--log-format", "json", *flags)
        report: dict[str, Any] = json.loads(ran.out)
        if report["run"]:
            self.runs.append(self.desk.folder / report["run"])
        return report

    def export(self, number: int, rows: list[str], header: str = "SHOP_ID,REF,NOTE,SCORE") -> None:
        folder = self.desk.folder / "exports"
        folder.mkdir(exist_ok=True)
        (folder / f"art_{number}.csv").write_text("\n".join([header, *rows]) + "\n")

    def sheet(self, name: str, rows: list[str]) -> Path:
        path = self.desk.folder / name
        path.write_text("\n".join(["SHOP_ID,REF,NOTE,SCORE", *rows]) + "\n")
        return path

    def results(self, run: str | Path) -> set[tuple[str, str]]:
        lines = (self.desk.folder / run / "results.ndjson").read_text().splitlines()
        return {(each["status"], each["reason"]) for each in map(json.loads, lines)}


def rows(mark: str, numbers: range | list[int] = range(ROWS), ref: str = "a") -> list[str]:
    return [f"{key(row)},{ref}-{row},{mark}-{row},{row}" for row in numbers]


def with_row(lines: list[str], row: int, line: str) -> list[str]:
    return [line if each.startswith(key(row)) else each for each in lines]


def nights(story: Story) -> None:
    """Nights with all that can become of a row: first ones, refusals, drift, conflicts, faults of cells."""
    shop = story.shop
    shop.quoting = {
        key(7): (422, "/data/attributes/metadata/note"),
        key(8): (422, ""),
        key(9): (422, "/data/attributes/reference"),
        key(10): (500, ""),
    }
    lines = rows(AGREED)
    lines = with_row(lines, 11, f"{key(11)},a-11,{AGREED}-11,{AGREED}-bad")
    lines = with_row(lines, 12, f"{key(12)},a-12,{AGREED}-12")
    story.export(1, lines)
    first = story.night("--first")
    assert first["outcome"] == "partial", first
    del shop.quoting[key(10)]  # a row in doubt takes ten seconds
    shop.edit(1, note=f"{HAND}-1", score=1)
    shop.edit(2, note=f"{HAND}-2", score=2)
    shop.edit(20, note=f"{HAND}-20", score=20)
    lines = with_row(rows(AGREED, range(ROWS - 2)), 2, f"{key(2)},a-2,{SHEET}-2,2")  # both sides; two are gone
    lines = with_row(lines, 3, f"{key(3)},a-3,{SHEET}-3,3")
    lines = with_row(lines, 21, f"{key(21)},a-21,<clear>,21")
    story.export(2, lines)
    second = story.night()
    assert (second["drifted"], second["conflicts"]) == (2, 1), second
    story.rowpatch("runs", "prices.toml")
    story.rowpatch("report", story.runs[1])


def guards(story: Story) -> None:
    """A night that a guard stops, approved while half of the world has changed; and one that fails for everybody."""
    story.shop.edit(30, note=f"{HAND}-30", score=30)
    story.export(3, rows(SHEET, range(ROWS - 2)))
    tripped = story.night()
    assert tripped["outcome"] == "guard", tripped
    story.shop.edit(31, note=f"{HAND}-31", score=31)
    story.rowpatch("report", story.runs[-1])
    done = story.rowpatch("apply", "--plan", story.runs[-1], "--no-progress")
    assert done.status == 1, done
    story.shop.quoting[""] = (403, "")
    story.export(4, rows(f"{SHEET}-again", range(ROWS - 2)))
    (story.desk.folder / "prices.toml").write_text(
        (story.desk.folder / "prices.toml").read_text().replace('"30%"', '"off"')
    )
    stopped = story.night()
    assert stopped["outcome"] == "stopped", stopped
    del story.shop.quoting[""]
    resumed = story.night()
    assert resumed["exit_status"] == 1, resumed


def follow_ups(story: Story) -> None:
    """Commands that look at a night, or take it back."""
    story.shop.edit(3, note=f"{HAND}-3", score=3)
    story.shop.edit(40, note=f"{HAND}-40", other=f"{HAND}")
    del story.shop.small.records[key(41)]
    assert story.rowpatch("verify", story.runs[1]).status == 1
    story.rowpatch("undo", story.runs[1], "--run-dir", "shown", "--plan-only", "--no-progress")
    undone = story.rowpatch("undo", story.runs[-1], "--run-dir", "undone", "--no-progress")
    assert ("conflict", "changed_since_plan") in story.results("undone"), undone
    story.rowpatch("verify", "undone")
    story.rowpatch("report", "undone")
    story.rowpatch("retry", "undone", "--no-progress")
    story.rowpatch("undo", "undone", "--run-dir", "undone-again", "--no-progress")
    story.rowpatch("runs")


def sheets(story: Story) -> None:
    """Partial sheets by the recipe: checked, planned, applied by the plan, retried, killed and resumed."""
    story.shop.small.records[key(41)] = {"reference": "new", "metadata": {"note": f"{LIVE}-41"}}
    lines = [*rows(SHEET, list(range(5, 40)), "p"), f"{key(50)},p,{SHEET},{SHEET}-bad", f"{key(51)},p,{SHEET}, 1 "]
    path = story.sheet("some.csv", [*lines, f"{key(6)},p,{SHEET}x,7", f"{key(52)},p,{SHEET}\u00a0Ã¼ \ufffd,7"])
    story.rowpatch("check", path, "--recipe", "prices.toml")
    story.rowpatch("check", path, "--recipe", "prices.toml", "--all")
    story.rowpatch("check", path, "--recipe", "prices.toml", "--json")
    story.rowpatch("plan", path, "--recipe", "prices.toml", "--run-dir", "planned", "--no-progress")
    story.shop.edit(13, note=f"{HAND}-13", score=13)
    story.rowpatch("apply", "--plan", "planned", "--no-progress")
    assert ("conflict", "changed_since_plan") in story.results("planned")
    story.shop.edit(14, note=f"{HAND}-14", score=14)
    path = story.sheet("more.csv", rows(f"{SHEET}-more", list(range(5, 40)), "q"))
    story.rowpatch("apply", path, "--recipe", "prices.toml", "--run-dir", "applied", "--no-progress")
    story.rowpatch("retry", "applied", "--no-progress")
    story.rowpatch("apply", "applied/failed.csv", "--recipe", "prices.toml", "--run-dir", "mended", "--no-progress")
    path = story.sheet("last.csv", rows(f"{SHEET}-last", list(range(15, 50)), "r"))
    story.shop.slow = 0.05
    before = len(story.server.patches())
    killed = story.desk.start(
        "apply", path, "--recipe", "prices.toml", "--run-dir", "killed", "--no-progress", "--concurrency", "2"
    )
    until(lambda: len(story.server.patches()) > before + 5, "updates")
    os.kill(killed.pid, signal.SIGKILL)
    story.heard(ended(killed), "killed")
    story.shop.slow = 0.0
    story.rowpatch("report", "killed")
    story.rowpatch("resume", "killed", "--no-progress")
    story.shop.edit(16, note=f"{HAND}-16", score=16)
    story.rowpatch("undo", "killed", "--run-dir", "killed-undone", "--no-progress")


def refused_nights(story: Story) -> None:
    """Nights whose sheet has lost its header: its first row stands for one."""
    lines = rows(SHEET)
    story.export(5, lines[1:], lines[0])
    assert story.night()["outcome"] == "refused"
    story.export(6, lines, f"SHOP_ID,REF,NOTES,{SHEET}")
    assert story.night()["outcome"] == "refused"
    story.export(7, lines, f"SHOP_ID,REF,NOTE,SCORE,{SHEET},{SHEET}")
    assert story.night()["outcome"] == "refused"
    story.export(8, lines, f"{SHEET};SHOP_ID;REF;NOTE")
    assert story.night()["outcome"] == "refused"


@pytest.fixture(scope="module", params=[True, False], ids=["private", "shown"])
def story(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    folder = tmp_path_factory.mktemp("job")
    (folder / "metrics").mkdir()
    (folder / "prices.toml").write_text(RECIPE.replace("PRIVATE", str(request.param).lower()))
    with ExitStack() as stack:
        shop = Shop()
        shop.small.records = {
            key(row): {"reference": "old", "metadata": {"note": f"{LIVE}-{row}"}} for row in range(ROWS)
        }
        server = stack.enter_context(scripted_server(shop))
        found = Story(Desk(folder, Server(server.url, "opaque-token", "", "")), shop, server, request.param)
        for chapter in (nights, guards, follow_ups, sheets, refused_nights):
            chapter(found)
        yield found


def holding(story: Story) -> set[str]:
    """Names of the files that hold a secret, and what told one: a command, a notice or the log."""
    found = {
        f"{path.parent.name}/{path.name}"
        for path in story.desk.folder.rglob("*")
        if path.is_file()
        and path.parent.name != "exports"
        and path.name not in {"some.csv", "more.csv", "last.csv"}
        and not path.name.startswith(MEANT_TO_HOLD)
        and any(each.encode() in path.read_bytes() for each in SECRETS)
    }
    found |= {what for what, text in story.said if any(each in text for each in SECRETS)}
    return found | {f"hook {each}" for each in story.shop.hooked if any(secret in each for secret in SECRETS)}


def test_a_private_value_is_nowhere_but_in_the_rows_and_the_journal(story: Story) -> None:
    found = holding(story)
    if story.is_private:
        assert found == set()
        return
    names = {each.rpartition("/")[2] for each in found}
    assert names >= {
        "results.csv",
        "results.ndjson",
        "report.html",
        "verify.csv",
        "plan.csv",
        "plan.ndjson",
        "told.txt",
    }
    assert {each.split()[0] for each in found} >= {"hook", "reconcile", "check", "plan", "undo", "retry"}
