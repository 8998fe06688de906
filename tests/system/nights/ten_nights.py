"""Ten nights of a job with forty records: each with its trouble, and people who edit records by day."""

import asyncio
import json
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.system.nights.clockwork import DAY, Machine, loop, nights_loop
from tests.system.nights.job import HEADERS, Job, Night, next_day, toml
from tests.system.nights.worlds import World, world
from tests.system.simulation.run import SHELF

COUNT: Final = 40
REPORTS: Final = Path(__file__).with_name("reports")

RULES: Final = {
    "metadata.batch": f'{{ column = {toml(HEADERS["metadata.batch"])}, drift = "overwrite" }}',
    "metadata.note": f'{{ column = {toml(HEADERS["metadata.note"])}, drift = "keep" }}',
}
"""Reference and code report drift, the batch overwrites it, the note keeps it."""


@dataclass(slots=True)
class Tale:
    """The ten nights in one world.

    Attributes:
        sheet: what the export of tonight says, by key and field.
        hands: what people set, and what is to stay: by key and field.
        pages: the report of each night.
        wrong: what was not as it should be.
    """

    world: World
    job: Job
    sheet: dict[str, dict[str, str]] = field(default_factory=dict)
    hands: dict[tuple[str, str], Any] = field(default_factory=dict)
    pages: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    _lines: list[str] = field(default_factory=list)

    # ---- what happens by day and by night

    @property
    def keys(self) -> Sequence[str]:
        """The records, in their order."""
        return self.world.ids

    def says(self, name: str, value: str, *numbers: int) -> None:
        """Write a value into the sheet, for the records of those numbers, from 1."""
        for number in numbers:
            self.sheet[self.keys[number - 1]][name] = value

    def edits(self, number: int, name: str, value: Any, *, stays: bool = True) -> None:
        """Edit a record by hand; `stays`: no night may change it."""
        key = self.keys[number - 1]
        self.world.edit(key, name, value)
        self._lines.append(f"by day: {name} of no. {number} is set to {value!r} by hand")
        if stays:
            self.hands[key, name] = value

    def exports(self, numbers: Sequence[int] = range(1, COUNT + 1), *, age: float = 3600.0) -> None:
        """Write the export of tonight."""
        self.job.export([(self.keys[n - 1], self.sheet[self.keys[n - 1]]) for n in numbers], age=age)

    async def night(self, words: str, *exits: int | None, nothing_sent: bool = False, **options: Any) -> Night:
        """Run a night; `exits`: the exit statuses that are right, None for a process that is killed."""
        night = await self.job.night(**options)
        self.sees(words, night, exits, nothing_sent=nothing_sent)
        return night

    def sees(self, words: str, night: Night, exits: Sequence[int | None], *, nothing_sent: bool = False) -> None:
        """Write down how a night ended, and whether that is right."""
        self._lines += [
            *([""] if self._lines else []),
            f"{words}: exit status {night.exit_status}, {len(night.puts)} updates",
            *self._told(night),
        ]
        if night.exit_status not in exits:
            self.wrong.append(f"{words}: exit status {night.exit_status}, not {exits}")
        if nothing_sent and night.puts:
            self.wrong.append(f"{words}: {len(night.puts)} updates were sent")

    def expects(self, what: str, *, is_so: bool) -> None:
        """Note what is not as it should be."""
        if not is_so:
            self.wrong.append(what)

    async def over(self) -> None:
        """End the day: its page is written, and the next night begins."""
        self.pages.append("\n".join([f"Night {len(self.pages) + 1}", "", *self._lines, ""]))
        self._lines = []
        await next_day()

    # ---- what is written down

    def _told(self, night: Night) -> Iterator[str]:
        home = str(self.job.machine.home)
        hidden = {home: "HOME", getattr(self.world, "url", "") or "http://nowhere": "URL"}
        for number, key in enumerate(self.keys, 1):
            hidden[key] = f"no.{number}" if self.world.kind == "commercelayer" else key

        def shown(text: str) -> str:
            for secret, word in hidden.items():
                text = text.replace(secret, word)
            return re.sub(r"Process [0-9]+", "Process 4711", text)

        yield shown(f"  {night.told()}")
        if night.report is None:
            return
        document = night.report.document()
        for name in ("started_at", "elapsed_s", "quota_share"):
            del document[name]
        if document["longest_gap_s"] is not None:
            document["longest_gap_s"] = "<seconds>"
        document["counts"] = {name: count for name, count in night.report.document()["counts"].items() if count}  # type: ignore[attr-defined]
        yield shown(f"  {json.dumps({name: value for name, value in document.items() if value not in (0, '', [])})}")
        for row in self.job.results(night):
            if row["__status"] != "unchanged":
                yield shown(
                    f"    {row['Key']}: {row['__status']}({row['__reason']}) {row.get('__fields', '')}".rstrip()
                )

    def expected(self) -> dict[str, dict[str, Any]]:
        """Return what every record is to hold on the last morning, by the sheet and by what people set."""
        wanted = {}
        for key in self.keys:
            owned = {name: self.sheet[key].get(name, "") for name in self.world.owned}
            record = {**self._untouched[key], **{name: value for name, value in owned.items() if value}}
            if "code" in record:
                record["code"] = str(record["code"]).casefold()
            wanted[key] = record
        for (key, name), value in self.hands.items():
            wanted[key][name] = value
        return {
            key: {name: each for name, each in record.items() if each is not None} for key, record in wanted.items()
        }

    _untouched: dict[str, dict[str, Any]] = field(default_factory=dict)

    def begin(self) -> None:
        """Fill the first sheet, and write the recipe."""
        self._untouched = {key: self.world.record(key) for key in self.keys}
        for number, key in enumerate(self.keys, 1):
            cells = {
                "reference": f"R-{number:02}",
                "metadata.batch": "2026-11",
                "metadata.note": "",
                "code": "",
                "pin": "",
            }
            self.sheet[key] = cells
        self.says("code", "C-Blue", 1, 2, 3)
        self.says("pin", "0042", 4)
        self.says("metadata.note", "fragile", 5, 6)
        self.job.columns = RULES
        self.job.write_recipe()


async def _nights(tale: Tale) -> None:
    for each in (_first, _people, _half, _poison, _outage, _kill, _token, _overlap, _lost, _calm):
        await each(tale)
        await tale.over()


async def _first(tale: Tale) -> None:
    tale.exports()
    await tale.night("no memory, and nobody said --first", 2, nothing_sent=True)
    await tale.night("with --first", 0, first=True)
    await tale.night("the same again", 0, nothing_sent=True)


async def _people(tale: Tale) -> None:
    tale.edits(1, "reference", "by hand", stays=False)  # reported; the lost memory of night 9 forgets it
    tale.edits(2, "reference", "both", stays=False)
    tale.edits(3, "metadata.batch", "mine", stays=False)
    tale.edits(5, "metadata.note", "very fragile")
    tale.edits(7, "reference_origin", "the other system")
    tale.edits(8, "metadata.theirs", "kept")
    tale.says("reference", "R-02b", 2)
    tale.says("reference", "R-10b", 10)
    tale.says("metadata.batch", "2026-12", 8, 9)
    tale.exports()
    night = await tale.night("people have edited: drift, a conflict, an overwritten and a kept field", 1)
    report = night.report
    seen = report and (report.drifted, report.conflicts, report.overwritten, report.kept)
    tale.expects(f"night 2 tells {seen}", is_so=seen == (1, 1, 1, 1))


async def _half(tale: Tale) -> None:
    tale.edits(3, "metadata.batch", "mine", stays=False)
    tale.exports(range(1, COUNT // 2 + 1))
    night = await tale.night("half of the export is missing", 3, nothing_sent=True)
    tale.expects("night 3 is no guard's", is_so=night.report is not None and night.report.outcome == "guard")


async def _poison(tale: Tale) -> None:
    tale.edits(3, "metadata.batch", "mine", stays=False)
    tale.world.poison(tale.keys[19])
    tale.says("reference", "R-20b", 20)
    tale.says("reference", "R-02c", 2)
    tale.world.edit(tale.keys[1], "reference", "R-02c")  # the conflict is settled by agreement
    tale.exports()
    await tale.night("no. 20 is refused", 1)


async def _outage(tale: Tale) -> None:
    tale.says("metadata.batch", "2026-12", *range(12, 18))
    tale.exports()
    loop().dusk(2 * DAY)
    await asyncio.sleep(3600 - 0.2)  # 03:00, all but a moment
    loop().call_later(0.2, tale.world.fail, 4 * 3600.0)
    night = await tale.night("an outage at 03:00", 3)
    tale.expects("night 5 did not stop", is_so=night.report is not None and night.report.state == "stopped")
    loop().dusk(2 * DAY)
    await asyncio.sleep(5 * 3600)


async def _kill(tale: Tale) -> None:
    tale.edits(3, "metadata.batch", "mine", stays=False)
    tale.says("reference", "new", 30, 31)
    tale.exports()
    await tale.night("killed in the middle", None, kill_at=5, kill_on="PATCH")
    await tale.night("started again", 1)


async def _token(tale: Tale) -> None:
    tale.edits(3, "metadata.batch", "mine", stays=False)
    tale.says("metadata.batch", "2026-12", 21, 22)
    tale.exports()
    tale.world.expire()
    if tale.world.kind == "commercelayer":
        await tale.night("the token is taken back, and another is granted", 1)
        return
    await tale.night("the token has expired", 2, 3, nothing_sent=True)
    tale.world.renew()
    await tale.night("with a new token", 1)


async def _overlap(tale: Tale) -> None:
    tale.job.headers = {**HEADERS, "reference": "Reff"}
    tale.exports(age=7200)
    refused = await tale.night("a column is renamed", 2, nothing_sent=True)
    tale.expects("the refusal does not name the column", is_so="Reff" in refused.told() and "Ref" in refused.told())
    tale.job.headers = dict(HEADERS)
    tale.says("metadata.batch", "2026-12", 23, 24)
    tale.exports()
    tale.world.puts()
    one, other = await asyncio.gather(*(tale.job.machine.process(tale.job.call) for _ in range(2)))
    nights = [tale.job.ended(one), tale.job.ended(other)]
    for words, night in zip(("the first of two", "the second of two"), nights, strict=True):
        tale.sees(words, night, (0, 1, 75))
    statuses = sorted(night.exit_status or 0 for night in nights)
    tale.expects(f"two overlapping nights end with {statuses}", is_so=statuses[1] == 75 and statuses[0] in {0, 1})


async def _lost(tale: Tale) -> None:
    shutil.rmtree(tale.job.machine.home / "items.state")
    tale.exports()
    await tale.night("the memory is lost", 2, nothing_sent=True)
    await tale.night("with --first", 1, first=True)


async def _calm(tale: Tale) -> None:
    tale.world.heal(tale.keys[19])
    tale.edits(4, "reference", "by hand again")
    tale.edits(6, "metadata.note", "robust")
    tale.exports()
    night = await tale.night("no. 20 is healed", 0)
    tale.expects("nothing is told as recovered", is_so=night.report is not None and night.report.recovered == 1)
    await tale.night("the same again", 0, nothing_sent=True)


def happen(kind: str) -> Tale:
    """Let the ten nights happen in a world of a kind."""
    with tempfile.TemporaryDirectory(dir=SHELF) as folder, nights_loop() as runner:
        return runner.run(_happen(kind, Path(folder)))


async def _happen(kind: str, folder: Path) -> Tale:
    home = folder / "home"
    home.mkdir()
    async with world(kind, COUNT) as there:
        tale = Tale(there, Job(there, Machine(home), "ten nights"))
        tale.begin()
        await _nights(tale)
        expected, found = tale.expected(), {key: there.record(key) for key in there.ids}
        tale.wrong += [
            f"{key} is {found[key]}, not {expected[key]}" for key in there.ids if found[key] != expected[key]
        ]
        loop().set_exception_handler(lambda *_: None)  # what the server's tasks say of its end is not the program's
        return tale
