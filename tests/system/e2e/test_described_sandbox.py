"""`rowpatch sandbox --api`: what a newcomer types for five APIs, from the template to the undo."""

import csv
import json
import os
import re
import subprocess
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.system.e2e.program import PATIENCE, ROWPATCH, Ran


@dataclass(frozen=True, slots=True)
class Story:
    """A sheet for an API.

    Attributes:
        key: the column that names a record.
        columns: that are filled in, of those of the template.
        rows: their cells, a row for each of the records that are announced for example.
        like: what columns are renamed that the template calls an example.
        more: columns that the template does not have.
    """

    api: str
    type: str
    key: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    like: Mapping[str, str] = field(default_factory=dict)
    more: tuple[str, ...] = ()


STORIES = [
    Story(
        "github", "issues", "number", ("title", "state", "labels.add", "labels.remove", "milestone"),
        (
            ("Zoë's, new", "open", "urgent", "red", ""),
            ("", "", "urgent", "", "<clear>"),
            ("007", "closed", "", "", "42"),
        ),
    ),
    Story(
        "zendesk", "tickets", "id", ("subject", "priority", "tags.add", "custom_fields.101", "due_at"),
        (
            ("New one", "urgent", "vip", "x", ""),
            ("", "", "vip", "007", "2027-01-31T09:00:00Z"),
            ("<clear>", "", "", "", ""),
        ),
        {"custom_fields.1": "custom_fields.101"},
    ),
    Story(
        "stripe", "customers", "id", ("metadata.batch", "name", "balance", "metadata.origin"),
        (("007", "Zoë", "700", ""), ("008", "<clear>", "", "<clear>"), ("", "one & two", "", "")),
        {"metadata.example": "metadata.batch"}, ("metadata.origin",),
    ),
    Story(
        "kinto", "records", "id", ("title", "details.colour", "details.size:int", "extra.deep:json"),
        (("New one", "green", "", '{"a": [1, 2]}'), ("<clear>", "", "77", ""), ("", "<clear>", "", "")),
        {}, ("title", "details.colour", "details.size:int", "extra.deep:json"),
    ),
    Story(
        "kubernetes", "custom_resources", "name",
        ("metadata.labels.tier", "spec.size", "spec.replicas:int", "metadata.labels.origin"),
        (("silver", "large", "3", ""), ("", "small", "", "<clear>"), ("gold", "", "1", "")),
        {"metadata.labels.example": "metadata.labels.tier"},
        ("spec.size", "spec.replicas:int", "metadata.labels.origin"),
    ),
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Bench:
    """A folder, and the environment that the announcement of a sandbox says to have."""

    folder: Path
    announced: Mapping[str, Any]
    trial: str

    def environment(self, api: str) -> dict[str, str]:
        named = {key: value for key, value in self.announced.items() if isinstance(value, str)}
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "XDG_STATE_HOME": str(self.folder / "state"),
            "ROWPATCH_API": api,
            **{f"ROWPATCH_{key.upper()}": value for key, value in named.items()},
            **{f"ROWPATCH_SET_{key.upper()}": value for key, value in self.announced["variables"].items()},
        }

    def rowpatch(self, api: str, *arguments: str) -> Ran:
        ran = subprocess.run(
            [ROWPATCH, *arguments], cwd=self.folder, env=self.environment(api), stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=PATIENCE, check=False,
        )  # fmt: skip
        return Ran(ran.returncode, ran.stdout, ran.stderr)

    def look(self, what: str) -> Any:
        origin = "/".join(self.announced["url"].split("/")[:3])
        with urllib.request.urlopen(f"{origin}/_sandbox/{what}", timeout=PATIENCE) as reply:
            return json.load(reply)

    def documents(self, type_name: str) -> dict[str, Any]:
        return {each["id"]: each["document"] for each in self.look(f"resources?type={type_name}")["resources"]}

    def writes(self) -> int:
        return sum(entry["applied"] for entry in self.look("ledger")["entries"])

    def results(self, run: str) -> list[dict[str, str]]:
        with (self.folder / run / "results.csv").open(encoding="utf-8-sig", newline="") as file:
            return list(csv.DictReader(file))


@contextmanager
def sandbox(folder: Path, *flags: str) -> Iterator[Bench]:
    with (folder / "trial.txt").open("w") as err:
        process = subprocess.Popen([ROWPATCH, "sandbox", *flags], stdout=subprocess.PIPE, stderr=err, text=True)
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            trial = (folder / "trial.txt").read_text(encoding="utf-8")
            assert line, trial
            yield Bench(folder, json.loads(line), trial)
        finally:
            process.kill()
            process.communicate()


def filled(template: Path, story: Story, keys: Sequence[str]) -> None:
    """Fill rows in below the comment of a template; columns that are not needed are removed."""
    with template.open(encoding="utf-8-sig", newline="") as file:
        header, comment = list(csv.reader(file))[:2]
    header = [story.like.get(name, name) for name in header]
    kept = [name for name in header if name == story.key or name in story.columns]
    assert set(story.columns) - set(kept) <= set(story.more)
    columns = [
        story.key,
        *(name for name in kept if name != story.key),
        *(each for each in story.columns if each not in kept),
    ]
    rows = [
        dict(zip(story.columns, cells, strict=True), **{story.key: key})
        for cells, key in zip(story.rows, keys, strict=True)
    ]
    with template.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerow([comment[0] if comment[0].startswith("#") else "#", *[""] * (len(columns) - 1)])
        writer.writerows([row[name] for name in columns] for row in rows)


def lasting(value: Any) -> Any:
    """Return what an undo can restore: no stamps and versions, and nothing that is as good as absent."""
    if isinstance(value, list):
        return [each for each in value if not (isinstance(each, dict) and each.get("value", "") is None)]
    if not isinstance(value, dict):
        return value
    found = {name: lasting(each) for name, each in value.items() if not OWN.search(name)}
    return {name: each for name, each in found.items() if each not in (None, {}, [])}


OWN = re.compile("updated|modified|resourceVersion|modstamp", re.IGNORECASE)
"""Names of what a server sets by itself."""


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.api)
def test_a_newcomer_gets_from_the_template_to_the_undo(story: Story, tmp_path: Path) -> None:
    with sandbox(tmp_path, "--api", story.api, "--seed", f"{story.type}=20", "--latency", "1ms") as bench:
        assert f"rowpatch template {story.type} --output {story.type}.csv" in bench.trial
        before = bench.documents(story.type)
        made = bench.rowpatch(story.api, "template", story.type, "--output", "sheet.csv")
        assert made.status == 0, made
        filled(tmp_path / "sheet.csv", story, bench.announced["examples"][story.type])
        arguments = ("apply", "sheet.csv", "--type", story.type, "--run-dir")
        first = bench.rowpatch(story.api, *arguments, "first")
        assert first.status == 0, (first, bench.results("first"), bench.look("ledger"))
        assert [row["__status"] for row in bench.results("first")] == ["skipped", "applied", "applied", "applied"]
        assert bench.writes() == 3
        changed = bench.documents(story.type)
        assert sum(lasting(changed[key]) != lasting(before[key]) for key in before) == 3
        again = bench.rowpatch(story.api, *arguments, "second", "--log-format", "json")
        assert again.status == 0, again
        said = [json.loads(line) for line in again.err.splitlines()]
        assert {"note", "working"} <= {each["event"] for each in said}  # which API this is, and its traps
        assert bench.writes() == 3
        verified = bench.rowpatch(story.api, "verify", "first")
        assert verified.status == 0, verified
        undone = bench.rowpatch(story.api, "undo", "first", "--run-dir", "undone")
        assert undone.status == 0, (undone, bench.results("undone"))
        after = bench.documents(story.type)
        assert {key: lasting(each) for key, each in after.items()} == {
            key: lasting(each) for key, each in before.items()
        }


@pytest.mark.parametrize(
    ("flags", "why"),
    [
        (("--state", "x"), "does not take --state"),
        (("--mode", "live", "--canonical"), "does not take --mode, strange habits"),
        (("--limit-share", "0"), "--limit none enforces no limit"),
        (("--seed", "tickets=3"), "no such type of records; there are issues, pulls"),
        (("--set", "ower=x"), "did you mean owner?"),
    ],
)
def test_what_a_described_sandbox_does_not_take_is_refused(flags: Sequence[str], why: str, tmp_path: Path) -> None:
    bench = Bench(tmp_path, {"variables": {}}, "")
    ran = bench.rowpatch("", "sandbox", "--api", "github", *flags)
    assert (ran.status, ran.out) == (2, "")
    assert why in " ".join(ran.err.split())
